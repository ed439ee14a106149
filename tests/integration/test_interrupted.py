"""Somebody who changes his mind is let go at once, and nobody takes nothing for a report."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

LINE = (
    '192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 7 "-" "Mozilla/5.0 (X11; '
    'Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0"\n'
)
PATIENCE = 60.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM])
def test_a_report_that_is_ended_from_outside_leaves_nothing(
    number: signal.Signals, tmp_path: Path
) -> None:
    """While its stages start: they end too, the keys are gone, and the exit code is no success."""
    (tmp_path / "access.log").write_text(LINE * 50)
    # Not below pytest's own folder: a socket's path may have 107 bytes at most.
    with (
        tempfile.TemporaryDirectory(prefix="pw-") as places,
        subprocess.Popen(
            [sys.executable, "-m", "pipeline", "report", "--json", str(tmp_path / "access.log")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "TMPDIR": places},
        ) as process,
    ):
        deadline = time.monotonic() + PATIENCE
        while not list(Path(places).glob("partywall-*/log/split.log")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        out, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 130
        assert out == b""
        assert b"Traceback" not in said
        assert list(Path(places).iterdir()) == []
