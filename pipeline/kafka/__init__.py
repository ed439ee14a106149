"""Topics, clients, logs of runs and workers: everything that knows the broker."""
