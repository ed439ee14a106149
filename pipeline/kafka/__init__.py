"""Topics, clients, tables of runs and workers: everything that knows the broker."""
