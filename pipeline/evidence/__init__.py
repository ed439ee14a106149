"""The evidence that an investigation hands out: one signed file, verified with nothing else."""
