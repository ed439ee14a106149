"""What a group starts dies with the group's owner, however that ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.apps import tied

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has prctl")
TIED = [sys.executable, "-I", "-S", tied.__file__]


@linux
def test_a_command_is_killed_with_its_owner() -> None:
    """The grandchild holds the pipe: its end is read when both are gone."""
    owner = (
        "import os, subprocess, sys, signal\n"
        f"subprocess.Popen([*{TIED!r}, str(os.getpid()), '/bin/sh', '-c', "
        "'echo up; exec sleep 600'])\n"
        "signal.pause()\n"
    )
    with subprocess.Popen([sys.executable, "-c", owner], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.kill()
        assert process.stdout.read() == b""


@linux
def test_a_command_does_not_start_for_an_owner_that_is_gone() -> None:
    run = subprocess.run(
        [*TIED, str(os.getpid() + 1), "/bin/echo", "started"], capture_output=True, check=False
    )
    assert (run.returncode, run.stdout) == (1, b"")


def test_a_command_gets_its_arguments_and_its_code(tmp_path: Path) -> None:
    run = subprocess.run(
        [*TIED, str(os.getpid()), "/bin/sh", "-c", 'echo "$1"; exit 7', "sh", str(tmp_path)],
        capture_output=True,
        check=False,
    )
    assert (run.returncode, run.stdout.decode()) == (7, f"{tmp_path}\n")
