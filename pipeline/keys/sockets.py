"""The service's Unix socket, as its own process and its clients look at it."""

from __future__ import annotations

import socket
from pathlib import Path


def listens(path: str | Path) -> bool:
    """Tell whether somebody listens at a Unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
