"""What else the same lines could be given to, measured in the same run on the same machine.

Each returns lines a second, or None where the program is not installed. None of them seals,
scrubs or releases anything; they say what reading the lines costs at least, or what is usual.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from pipeline.clock import Stopwatch, stopwatch
from pipeline.errors import UnavailableError

PATTERN: Final = (
    r"^(?P<address>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] "
    r'"(?P<method>\S+) (?P<target>\S+) [^"]*" (?P<status>\d{3}) (?P<bytes>\S+) '
    r'"(?P<referrer>[^"]*)" "(?P<agent>[^"]*)"$'
)
"""The combined format with a named group per field."""

_MMANON: Final = """
module(load="imfile" mode="inotify")
module(load="mmanon")
template(name="raw" type="string" string="%msg%\\n")
global(workDirectory="{folder}")
input(type="imfile" file="{lines}" tag="bench" ruleset="anonymise")
ruleset(name="anonymise" queue.type="LinkedList" queue.size="200000"
        queue.dequeueBatchSize="1024") {{
  action(type="mmanon" ipv4.bits="8" ipv4.mode="zero")
  action(type="omfile" file="{out}" template="raw" ioBufferSize="256k")
}}
"""
_POLL: Final = 0.02
_QUIET: Final = 2.0
"""Seconds without growth after which the daemon's output is looked at."""
_LONGEST: Final = 600.0


def polars_parse(lines: pl.Series, clock: Stopwatch = stopwatch) -> float:
    """Parse ``lines`` (String) with nothing but ``str.extract_groups``."""
    began = clock()
    parsed = lines.str.extract_groups(PATTERN).struct.unnest()
    seconds = clock() - began
    if parsed["address"].null_count():
        raise ValueError("a line of the benchmark is not in the combined format")
    return len(lines) / seconds


def faust_per_event(
    broker: str, lines: Sequence[bytes], *, topic: str = "bench-counting", timeout: float = 120
) -> float:
    """Count ``lines`` with a Faust agent, one message a line, from ``broker`` (host:port).

    The topic is made and filled first; time runs from the first event to the last. Raises
    UnavailableError where the agent is not done within ``timeout`` seconds.
    """
    asyncio.run(_preload(broker, topic, lines))
    command = [sys.executable, "-m", "pipeline.bench.counting", broker, topic, str(len(lines))]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=True)  # noqa: S603 - ourselves
        return len(lines) / float(done.stdout.split()[-1])
    except (subprocess.SubprocessError, ValueError, IndexError) as error:
        raise UnavailableError("the counting Faust agent did not finish") from error


async def _preload(broker: str, topic: str, lines: Sequence[bytes]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=broker, linger_ms=5, max_batch_size=1 << 18)
    await producer.start()
    try:
        for first in range(0, len(lines), 1_000):
            sent = [await producer.send(topic, line) for line in lines[first : first + 1_000]]
            await asyncio.gather(*sent)
    finally:
        await producer.stop()


def goaccess(path: Path, lines: int, clock: Stopwatch = stopwatch) -> float | None:
    """Let GoAccess report on the file at ``path``, as JSON."""
    program = shutil.which("goaccess")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [program, str(path), "--no-global-config", "--log-format=COMBINED"]
        began = clock()
        subprocess.run(  # noqa: S603 - a program found on the path, by its full name
            [*command, "--no-progress", "-o", str(report)],
            check=True, capture_output=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return lines / (clock() - began)


def rsyslog_mmanon(path: Path, lines: int, clock: Stopwatch = stopwatch) -> float | None:
    """Let rsyslog zero an octet of each address in the file at ``path``, without parsing it.

    Time runs from the daemon's start until its output has every line.
    """
    program = shutil.which("rsyslogd", path="/usr/sbin:/usr/bin:/sbin:/usr/local/sbin")
    if program is None or not any(Path("/usr").glob("lib*/**/rsyslog/mmanon.so")):
        return None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out, config = folder / "out.log", folder / "rsyslog.conf"
        config.write_text(_MMANON.format(folder=folder, lines=path.resolve(), out=out))
        began = clock()
        daemon = subprocess.Popen(  # noqa: S603 - a program found on the path, by its full name
            [program, "-n", "-f", str(config), "-i", str(folder / "pid")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            seconds = _until_written(daemon, out, lines, began, clock)
        finally:
            daemon.terminate()
            daemon.wait(timeout=30)
        return lines / seconds


def _until_written(
    daemon: subprocess.Popen[bytes], out: Path, lines: int, began: float, clock: Stopwatch
) -> float:
    """Return the seconds until the output last grew, once it has all lines."""
    size, grown = -1, began
    while daemon.poll() is None and clock() - began < _LONGEST:
        now = clock()
        latest = out.stat().st_size if out.exists() else -1
        if latest != size:
            size, grown = latest, now
        elif now - grown > _QUIET and size >= 0:
            with out.open("rb") as file:
                if (
                    sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
                    >= lines
                ):
                    return grown - began
        with contextlib.suppress(subprocess.TimeoutExpired):
            daemon.wait(_POLL)
    raise UnavailableError("rsyslog ended, or did not write every line; see its own log")
