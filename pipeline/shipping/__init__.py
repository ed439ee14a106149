"""Bytes into ``logs.*``: files, pipes and archives, each line once."""
