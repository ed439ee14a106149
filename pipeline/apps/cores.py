"""No core files: a dump of a process holds every line it was at, and keys besides."""

from __future__ import annotations

import resource


def forbid() -> None:
    """Let neither this process nor any it starts from now on leave a core file; see core(5).

    Handlers that the kernel pipes cores to (systemd-coredump, apport) honour the same limit.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
