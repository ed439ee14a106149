"""What our logs say never quotes what went through the hands of the code that speaks."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import textwrap
import threading
import warnings
from collections.abc import Callable

import orjson
import polars as pl
import pytest

from pipeline import logs
from tests.support.heard import heard

CANARY = "alice.quilvantor@example.org"


class Panic(BaseException):
    """Polars' PanicException is no Exception either."""


def fail(error: BaseException | None = None) -> None:
    raise error or ValueError(CANARY)


def polars_error() -> BaseException:
    with pytest.raises(pl.exceptions.PolarsError, match=CANARY) as caught:
        pl.Series([CANARY]).cast(pl.Int64)
    return caught.value


def chained_error() -> BaseException:
    error = RuntimeError(f"while at {CANARY}")
    error.add_note(CANARY)
    error.__cause__ = ValueError(CANARY)
    with pytest.raises(RuntimeError) as caught:
        fail(error)
    return caught.value


def json_error() -> BaseException:
    with pytest.raises(orjson.JSONDecodeError) as caught:
        orjson.loads(f'{{"user": {CANARY}')
    assert CANARY in caught.value.doc
    return caught.value


ERRORS: list[Callable[[], BaseException]] = [
    polars_error,
    chained_error,
    json_error,
    lambda: UnicodeDecodeError("utf-8", CANARY.encode(), 0, 1, CANARY),
    lambda: KeyError(CANARY),
    lambda: OSError(5, CANARY, CANARY),
    lambda: Panic(CANARY),
    lambda: ExceptionGroup(CANARY, [ExceptionGroup(CANARY, [ValueError(CANARY)])]),
]


@pytest.mark.parametrize("make", ERRORS)
@pytest.mark.parametrize("json_lines", [True, False])
def test_an_error_is_its_type_and_place(
    make: Callable[[], BaseException], json_lines: bool
) -> None:
    """Under whatever name it is given, and with ``exc_info`` too."""
    error = make()
    with heard(json_lines=json_lines) as said:
        log = logs.get("split")
        log.error("it broke", error=error, reason=error)
        try:
            fail(error)
        except BaseException:
            log.exception("it broke again")
    text = said.getvalue()
    assert text.count("it broke") == 2
    assert CANARY not in text
    assert "quilvantor" not in text
    leaf = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
    name = "ValueError" if leaf is not error else type(error).__name__
    assert f"{name} at" in text


def test_the_place_is_in_our_code_and_where_it_was_raised() -> None:
    from pipeline import events  # noqa: PLC0415

    with pytest.raises(Exception, match="not an event batch") as caught:
        events.decode(b"{}\nx")
    assert logs.describe(caught.value).startswith("IntegrityError at ")
    assert "events.py:" in logs.describe(caught.value)
    assert logs.describe(ValueError(CANARY)) == "ValueError at ?"


@pytest.mark.parametrize(
    "name", ["faust.app", "aiokafka.consumer", "asyncio", "some.library", None]
)
@pytest.mark.parametrize("level", ["debug", "info"])
def test_a_foreign_record_loses_its_words(name: str | None, level: str) -> None:
    with heard(level) as said:
        foreign = logging.getLogger(name)
        foreign.warning("got %s", CANARY)
        foreign.error(f"got {CANARY}")
        foreign.debug("got %r", CANARY)
        try:
            fail()
        except ValueError:
            foreign.critical("got %s", CANARY, exc_info=True, stack_info=True, extra={"x": CANARY})
    text = said.getvalue()
    assert CANARY not in text
    assert "a library reports" in text
    assert "ValueError at test_logs.py" in text
    assert "got" not in text


def test_levels() -> None:
    with heard("warning") as said:
        logs.get("split").info("not said")
        logs.get("split").warning("said")
    assert "said" in said.getvalue()
    assert "not said" not in said.getvalue()


def test_json_lines_are_one_object_each() -> None:
    with heard("info", json_lines=True) as said:
        logs.get("split").info("a batch is through", lines=7)
        logging.getLogger("x").error("no")
    first, second = map(json.loads, said.getvalue().splitlines())
    assert (first["event"], first["lines"], first["room"]) == ("a batch is through", 7, "split")
    assert (second["room"], second["logger"]) == ("library", "x")


def test_warnings_lose_their_words() -> None:
    with warnings.catch_warnings(), heard() as said:
        warnings.simplefilter("always")
        warnings.warn(f"strange value {CANARY}", UserWarning, stacklevel=1)
    assert "py.warnings" in said.getvalue()
    assert CANARY not in said.getvalue()


def test_nobody_caught_it() -> None:
    """In a thread, in a destructor, in a task that nobody awaits, at the end of the process."""

    class Dying:
        def __del__(self) -> None:
            raise ValueError(CANARY)

    async def task() -> None:
        asyncio.get_running_loop().call_soon(fail)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    with heard() as said:
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        Dying()
        asyncio.run(task())
        sys.excepthook(Panic, Panic(CANARY), None)
    text = said.getvalue()
    assert CANARY not in text
    for where in ("thread", "destructor", "process"):
        assert f"where={where}" in text
    assert "[asyncio]" in text


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), CANARY],
        capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "RUST_BACKTRACE": "1"},
    )  # fmt: skip


def test_what_native_code_writes_to_standard_error_goes_nowhere() -> None:
    done = run("""
        import os, subprocess, sys
        from pipeline import logs
        logs.own_stderr()
        logs.setup("debug", json_lines=False)
        os.write(2, sys.argv[1].encode())
        subprocess.run(["sh", "-c", f"echo {sys.argv[1]} >&2"])
        logs.get("split").info("we are still heard")
        sys.stderr.write("we too\\n")
        raise ValueError(sys.argv[1])
    """)
    assert CANARY not in done.stdout + done.stderr
    assert "we are still heard" in done.stderr
    assert "we too" in done.stderr
    assert "ValueError at <string>" in done.stderr
    assert done.returncode == 1


def test_without_our_hooks_the_process_would_tell() -> None:
    """The control: the same failure, said by Python itself."""
    assert CANARY in run("import sys; raise ValueError(sys.argv[1])").stderr
