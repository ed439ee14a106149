"""Windows: events in, the cells of closed hours out."""
