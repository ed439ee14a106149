"""Processes that end with this one: started, watched, waited for and ended by name."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path
from typing import Any, Final

import orjson

from pipeline.apps import tied
from pipeline.errors import UnavailableError

_START_SECONDS: Final = 60.0
_END_SECONDS: Final = 8.0


class Processes:
    """``failed`` is set when one ends that was not told to, and ``reason`` says which it was."""

    def __init__(self, logs: Path) -> None:
        """Let each write its log in the folder ``logs``, which is there when the first starts."""
        self.failed = asyncio.Event()
        self.reason = ""
        self._logs = logs
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._watch: list[asyncio.Task[None]] = []

    def pids(self) -> dict[str, int]:
        """Return the process id of each by its name."""
        return {name: process.pid for name, process in self._running.items()}

    def outputs(self) -> dict[str, asyncio.StreamReader]:
        """Return the standard output of each that has one of its own, by its name."""
        streams = {name: process.stdout for name, process in self._running.items()}
        return {name: stream for name, stream in streams.items() if stream is not None}

    async def start(self, name: str, command: list[str], *, tells: bool) -> None:
        """Start a command; ``tells``: it will say a line of JSON when it is ready."""
        path = self._logs / f"{name}.log"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
            os.fchmod(log.fileno(), 0o600)
            process = await asyncio.create_subprocess_exec(
                *[sys.executable, "-I", "-S", tied.__file__, str(os.getpid()), *command],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if tells else log,
                stderr=log,
                env=_environment(name),
                umask=0o077,  # the engine and others take what they are given
            )
        self._running[name] = process
        self._watch.append(asyncio.create_task(self._watching(name, process)))

    async def ready(self, name: str) -> dict[str, Any]:
        """Return what a process that tells says when it is ready.

        Raises UnavailableError where any of them ends before, or it takes longer than a minute.
        """
        reading = asyncio.create_task(self.outputs()[name].readline())
        failing = asyncio.create_task(self.failed.wait())
        done, _ = await asyncio.wait(
            {reading, failing}, timeout=_START_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        failing.cancel()
        line = reading.result() if reading in done else b""
        if not line:
            reading.cancel()
            raise UnavailableError(self.reason or f"{name} did not start in time")
        told: dict[str, Any] = orjson.loads(line)
        return told

    async def stop(self) -> None:
        """End all, last started first; kill what does not go."""
        for task in self._watch:
            task.cancel()
        for process in reversed(self._running.values()):
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
        await asyncio.gather(*(_ended(process) for process in self._running.values()))
        self._running.clear()

    async def _watching(self, name: str, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        self.reason = self.reason or (f"{name} ended with code {code}: see {self._logs / name}.log")
        self.failed.set()


async def _ended(process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(_END_SECONDS):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _environment(name: str) -> dict[str, str]:
    """Return what a process may know of ours: no setting, those it reads from the group's file."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PARTYWALL_")}
    if name != "split":
        # Each has a core's worth of work at most: more threads cost more than they bring.
        kept.setdefault("POLARS_MAX_THREADS", "1")
    return kept
