"""The command, run as a person runs it: in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

FAR_TOO_LONG: Final = 600  # seconds: on an idle machine everything takes a few


def ran(
    folder: Path, *arguments: object, stdin: bytes | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command in ``folder``; return how it ended and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *map(str, arguments)],
        cwd=folder,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        timeout=FAR_TOO_LONG,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def partywall(folder: Path, *arguments: object, stdin: bytes | None = None) -> str:
    """Run the command in ``folder``, which must end well; return what it printed."""
    done = ran(folder, *arguments, stdin=stdin)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
