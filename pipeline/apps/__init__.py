"""Wiring: one file a process. What a file here does, it does by calling another room."""

from typing import Final

STAGES: Final = ("keys", "split", "vault", "rollup", "release", "load")
"""Every stage there is, in the order of the data's way; the key service stands before it."""
