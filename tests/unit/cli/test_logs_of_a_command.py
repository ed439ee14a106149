"""A command of its own process repeats nothing that libraries say; called, it is a guest."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from pipeline.cli.main import app

SECRET = "192.0.2.77 asked for /private"
RUN = f"""
import logging, sys, threading, warnings
from pipeline.cli import main

def fail():
    raise ValueError({SECRET!r})

def verb():
    logging.getLogger("polars").error({SECRET!r})
    warnings.warn({SECRET!r})
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()

from pipeline.cli import topics
topics.topics.command("noise")(verb)
sys.argv = ["partywall", "topics", "noise"]
main.main()
"""


def test_what_libraries_say_is_reduced_from_the_first_verb_on(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", RUN], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == ""
    assert "192.0.2.77" not in run.stderr
    assert "ValueError" in run.stderr, "that something happened is told"


def test_a_command_that_is_called_leaves_its_caller_s_logs_alone() -> None:
    root = logging.getLogger()
    before = root.handlers[:], sys.excepthook
    assert CliRunner().invoke(app, ["topics", "list"]).exit_code == 0
    assert (root.handlers[:], sys.excepthook) == before
