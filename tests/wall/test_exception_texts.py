"""Each stage is made to fail on a line that names somebody; what it says of that names nobody.

Either a library's error that quotes the value is raised inside the stage, or the stage is fed
damaged bytes with the value in them. What then reaches standard error is searched.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import orjson
import polars as pl
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from pipeline import envelope, events, logs, policy, rows, sealed
from pipeline.apps import stage
from pipeline.clickhouse.loader import Loader
from pipeline.demo.plants import Plant
from pipeline.demo.search import Blob, search
from pipeline.errors import CRASH_EXIT, IntegrityError, PartywallError, UnavailableError
from pipeline.events import DIMENSION_PURPOSES, EventsHeader
from pipeline.kafka import worker
from pipeline.purposes import Refusals
from pipeline.release.ingests import Terms
from pipeline.release.partition import Partition
from pipeline.restricted import formats, seal
from pipeline.restricted.scrub import Scrubber
from pipeline.rollups.rollup import Rollup
from pipeline.rollups.runs import decode_run
from pipeline.rows import CellsHeader, RollupsHeader
from pipeline.settings import Settings
from pipeline.vault.writer import SegmentWriter
from tests.support import door
from tests.support.heard import heard
from tests.support.messages import encode_cells

CANARY = "Bel.Quilvantor@example.org"
ADDRESS = "198.19.77.201"
PLANTS = (Plant("e-mail", CANARY), Plant("address", ADDRESS))
LINE = (
    f'{ADDRESS} - {CANARY} [14/Jan/2027:10:05:03 +0000] "GET /reset/{CANARY} HTTP/1.1" 200 7 '
    f'"https://mail.example/?u={CANARY}" "Mozilla/5.0 ({CANARY})"'
).encode()


class PanicException(BaseException):
    """What Rust panics become is no Exception."""


def polars_error() -> Exception:
    try:
        pl.Series([LINE.decode()]).cast(pl.Int64)
    except pl.exceptions.PolarsError as error:
        return error
    raise AssertionError


def grouped_error() -> BaseException:
    error = ExceptionGroup(f"tasks of {CANARY}", [polars_error(), ValueError(CANARY)])
    error.__cause__ = ValueError(LINE)
    return error


ERRORS: list[Callable[[], BaseException]] = [
    polars_error,
    grouped_error,
    lambda: orjson.JSONDecodeError(f"unexpected {CANARY}", LINE.decode(), 3),
    lambda: UnicodeDecodeError("utf-8", LINE, 0, 9, CANARY),
    lambda: DatabaseError(f"Cannot parse {LINE!r}"),
    lambda: PanicException(f"called unwrap on {LINE!r}"),
]


def names_nobody(text: str) -> None:
    findings = search([Blob("standard error", text.encode())], PLANTS)
    assert findings.clean, findings.hits
    assert "quilvantor" not in text.lower()


class Ended(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The exit codes a worker ends with, instead of ending the tests."""
    codes: list[int] = []

    def end(code: int) -> NoReturn:
        codes.append(code)
        raise Ended

    monkeypatch.setattr(os, "_exit", end)
    return codes


def stage_fails(act: Callable[[], object]) -> str:
    """Let a stage fail in ``act`` as split does, in a thread of its own; return what it says."""

    async def begin(
        _: str, __: Settings, tasks: list[asyncio.Task[object]], *___: object, sealing: bool
    ) -> None:
        del sealing
        tasks.append(asyncio.create_task(asyncio.to_thread(act)))

    with heard() as said, pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "_start", begin)
        patch.setattr(sys, "stdout", type("Nowhere", (), {"buffer": _Sink(), "flush": int})())
        code = asyncio.run(stage._main(["split"], Settings(), sealing=True))
    assert code == CRASH_EXIT
    text = said.getvalue()
    assert "the stage stops" in text
    return text


class _Sink:
    def write(self, _: bytes) -> None:
        return


def raising(error: BaseException) -> Callable[..., NoReturn]:
    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    return fail


@pytest.mark.parametrize("make", ERRORS)
@pytest.mark.parametrize("where", ["parse_and_tell", "many", "seal", "pack"])
def test_split_fails(
    make: Callable[[], BaseException], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At reading a line, describing it, sealing it, or encoding its event."""
    holder = {"parse_and_tell": formats, "many": Scrubber, "seal": seal, "pack": events}[where]
    splitter = door.splitter()
    monkeypatch.setattr(holder, where, raising(make()))
    batch = door.messages([LINE, b"\xff" + LINE])
    names_nobody(stage_fails(lambda: door.carry(splitter, batch)))


def agent_fails(handle: Callable[[Any], Awaitable[None]], ending: list[int]) -> str:
    """Let the body of a Faust agent fail; return what the worker says as it ends."""
    with heard() as said, pytest.raises(Ended):
        asyncio.run(worker.guard(handle)(None))  # type: ignore[arg-type]
    assert ending == [CRASH_EXIT]
    text = said.getvalue()
    assert "the worker stops" in text
    return text


@pytest.mark.parametrize("make", ERRORS)
def test_an_agent_fails(make: Callable[[], BaseException], ending: list[int]) -> None:
    async def handle(_: object) -> None:
        await asyncio.to_thread(raising(make()))

    names_nobody(agent_fails(handle, ending))


def damaged() -> Iterator[bytes]:
    """Messages that are none, all with somebody's name in them."""
    header = EventsHeader(CANARY, 1, CANARY, None)
    whole = events.encode(header, events.EMPTY)
    yield LINE
    yield LINE + b"\n" + LINE
    yield orjson.dumps({CANARY: LINE.decode()}) + b"\n" + LINE
    yield orjson.dumps([CANARY]) + b"\n"
    yield orjson.dumps(CANARY) + b"\n" + events.to_ipc(events.EMPTY)
    yield whole[: len(whole) // 2]
    yield whole.partition(b"\n")[0] + b"\n" + events.to_ipc(pl.DataFrame({"page": [CANARY]}))
    yield whole.partition(b"\n")[0] + b"\n" + events.to_ipc(pl.DataFrame({CANARY: [CANARY]}))
    cells = encode_cells(CellsHeader(0, 0, 0, CANARY, None), pl.DataFrame(schema=rows.CELLS))
    yield cells[: len(cells) // 2] + LINE
    strange = events.to_ipc(pl.DataFrame({CANARY: [CANARY]}))
    yield cells.partition(b"\n")[0] + b"\n" + strange
    yield b'{"table":"traffic_daily","ingest":"live","origin":0}\n' + strange
    yield b'{"table":"%s","ingest":"live","origin":0}\n' % CANARY.encode() + strange
    yield envelope.MAGIC + LINE
    yield b""


def terms() -> Partition:
    return Partition(Terms(10, 7200, 72_000), 0, 4)


def rollup() -> Rollup:
    return Rollup((door.SOURCE,), 7200, Refusals(policy.load(), DIMENSION_PURPOSES))


TAKERS: dict[str, Callable[[bytes], object]] = {
    "rollup": lambda message: rollup().apply(0, message),
    "rollup's state": decode_run,
    "release": lambda message: terms().apply(0, message),
    "release's state": lambda message: terms().restore([(0, message)]),
    "load": rows.decode_rollups,
    "vault writer": lambda message: SegmentWriter("memory://x", 0).add(0, message),
    "vault reader": sealed.decode,
}


@pytest.mark.parametrize("taker", TAKERS)
@pytest.mark.parametrize("number", range(len(list(damaged()))))
def test_a_damaged_message(taker: str, number: int, ending: list[int]) -> None:
    """What a stage raises of its own may be shown; of the rest only its type and place."""
    message = list(damaged())[number]
    act = TAKERS[taker]
    try:
        act(message)
    except PartywallError as error:
        names_nobody(str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, it ends the worker
        names_nobody(logs.describe(error))

    async def handle(_: object) -> None:
        act(message)
        raise IntegrityError("not every message is damaged for every stage")

    names_nobody(agent_fails(handle, ending))


@pytest.mark.parametrize("make", ERRORS)
def test_the_engine_fails(make: Callable[[], BaseException], ending: list[int]) -> None:
    class Client:
        raw_insert = staticmethod(raising(make()))

    cell = pl.DataFrame(
        [["shop", 1_800_000_000, "page", f"/reset/{CANARY}", 7, 7, 1]],
        schema={**rows.BREAKDOWN, "revision": pl.UInt64()},
        orient="row",
    )
    loader = Loader(Client())  # type: ignore[arg-type]

    async def handle(_: object) -> None:
        try:
            loader.load([(RollupsHeader("breakdown_hourly", "live", 0), cell)])
        except UnavailableError as error:
            logs.get("worker").warning("waiting", reason=str(error))
            raise

    names_nobody(agent_fails(handle, ending))


def partywall(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=60, env={**os.environ, **variables},
    )  # fmt: skip


def says_one_line(done: subprocess.CompletedProcess[str], code: int) -> None:
    names_nobody(done.stdout + done.stderr)
    assert done.stderr.startswith("partywall: ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.returncode == code, done.stderr


@pytest.mark.parametrize(
    "content",
    [
        b"\n".join([b"not a log line of " + LINE] * 30),
        b"\x00\x01\x02" + LINE * 20,
        gzip.compress(LINE * 2000)[:-20],
    ],
    ids=["unknown format", "binary", "truncated"],
)
def test_the_command_line_refuses_a_file(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / ("access.log.gz" if content[:2] == b"\x1f\x8b" else "access.log")
    file.write_bytes(content)
    says_one_line(partywall("report", file, "--json"), 2)


def test_the_command_line_fails_on_a_line(tmp_path: Path) -> None:
    """A fault of ours while it looks into a file: the parser raises with the line in its text."""
    file = tmp_path / "access.log"
    file.write_bytes(LINE + b"\n")
    code = (
        "import sys\n"
        "from pipeline.restricted.formats import combined, detect\n"
        "from pipeline.restricted import formats\n"
        "def fail(lines, *_, **__): raise ValueError(lines.to_list())\n"
        "formats.detect_among = lambda forms, sample, *_: fail(sample)\n"
        "from pipeline.cli.main import main\n"
        "sys.argv[0] = 'partywall'\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "report", file, "--json"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    says_one_line(done, 70)
    assert "ValueError at" in done.stderr


def test_a_stage_process_panics(tmp_path: Path) -> None:
    """The whole process: a panic of native code writes to standard error, and is no Exception."""
    code = (
        "import os, sys\n"
        "from pipeline.apps import stage\n"
        "class PanicException(BaseException): pass\n"
        "async def begin(*_, **__):\n"
        "    os.write(2, f'thread panicked at {sys.argv[1]}'.encode())\n"
        "    raise PanicException(sys.argv[1])\n"
        "stage._start = begin\n"
        "from pipeline.settings import Settings\n"
        "sys.exit(stage.main(['split'], Settings()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, CANARY],
        capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path,
    )  # fmt: skip
    names_nobody(done.stdout + done.stderr)
    assert "PanicException at stage.py" in done.stderr
    assert done.returncode == CRASH_EXIT
