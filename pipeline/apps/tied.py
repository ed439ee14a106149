"""Run a command that dies with the process that started it: ``tied.py PARENT COMMAND…``.

A group whose owner is killed cannot end its processes any more, and what would be left behind is an
open broker full of raw lines and a key service that lends its keys. So the kernel is asked to kill
them (``PR_SET_PDEATHSIG`` in prctl(2)), which stays in force through execve(2). It is set here and
not between fork and exec of the owner: the owner has threads, and only little may be done there.
Where there is no prctl (macOS) the command runs untied.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Tie this process to its parent, of that id, and become the command."""
    parent, *command = arguments
    prctl = getattr(ctypes.CDLL(None, use_errno=True), "prctl", None)
    if prctl is not None:
        if prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0) != 0:
            sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
        if os.getppid() != int(parent):
            sys.exit("the process that started this one has ended")
    os.execv(command[0], command)  # noqa: S606 -- no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
