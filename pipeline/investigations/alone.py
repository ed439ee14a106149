"""One change to the vault's past at a time: holds and erasures take turns on a machine."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import UnavailableError


@contextmanager
def alone(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold a folder, made if need be, against every other process of this machine.

    The lock is on the folder itself: nothing is left of it when a process dies. Without ``wait``
    it raises UnavailableError where another holds it.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnavailableError(
                "an export, a hold or an erasure is under way: what waits for it is done at the "
                "next try"
            ) from None
        yield
    finally:
        os.close(descriptor)
