"""Wiring: one file a process. What a file here does, it does by calling another room."""
