"""``partywall keys``: which keys live and until when, and what was destroyed."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from pipeline import settings as tree
from pipeline.apps.folder import settings_of
from pipeline.audit.signing import Verifier, read_vkey
from pipeline.cli import cases_told as told
from pipeline.cli.at_desk import DEFAULT, As, at_cases
from pipeline.cli.options import Config, Json
from pipeline.clock import system_clock
from pipeline.errors import IntegrityError, SettingsError, UsageError
from pipeline.keys import receipts as signed
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.keys.release_client import ReleaseClient

keys = typer.Typer(help="Keys: what lives until when, and receipts of what does not.",
                   no_args_is_help=True)  # fmt: skip

Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="the folder of `up` or `report --data`")
]
_DAY: Final = 86_400
_HOUR: Final = 3_600
_HAVE: Final = "destructions have receipts"


@keys.callback()
def root() -> None:
    """Look at the key service's keys; no secret is ever shown."""


@keys.command()
def status(data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """List the keys that live; exit code 1 where one should be gone."""
    with _client(_settings(data, config), own=data is not None) as client:
        found = client.status()
    now = int(found["now"])
    rows = [_row(one, now) for one in found["keys"]]
    said = {
        "keys": rows,
        "overdue": found["overdue"],
        "receipts": found["receipts"],
        "policy": found["policy"],
    }
    if as_json:
        told.as_json(said)
    else:
        told.table(rows, ["kind", "day", "ingest", "hold", "case", "until", "left"])
        count = told.counted(int(found["receipts"]), "destruction has a receipt", _HAVE)
        print(f"{count}: `partywall keys receipts`")
        if found["overdue"]:
            print(
                f"ALARM: {told.counted(int(found['overdue']), 'key or its', 'keys or their')} "
                "traces should be gone: run `partywall keys expire`, and see what keeps the key "
                "service from it"
            )
    if found["overdue"]:
        raise typer.Exit(1)


@keys.command()
def receipts(data: Data = None, config: Config = None, as_json: Json = False) -> None:
    """List what was destroyed, each receipt checked; exit code 1 where one is not as signed."""
    settings = _settings(data, config)
    with _client(settings, own=data is not None) as client:
        found = client.receipts()
    own = settings.keys
    verifier = read_vkey(own.verifier or own.signing_key.with_suffix(".vkey"))
    for one in found:
        one["wrong"] = _wrong(verifier, one)
    if as_json:
        told.as_json(found)
    else:
        for one in found:
            print(_line(one))
    if any(one["wrong"] for one in found):
        raise typer.Exit(1)


@keys.command()
def expire(data: Data = None, config: Config = None) -> None:
    """Destroy what is due, now, and say what that was."""
    began = int(system_clock().timestamp())
    with _client(_settings(data, config), own=data is not None) as client:
        # Where none runs, one starts for us, and begins with what is due: to the second.
        before = {r["digest"] for r in client.receipts() if r["wiped"] and r["wiped"] < began}
        client.expire()
        done = [r for r in client.receipts() if r["wiped"] and r["digest"] not in before]
    for one in done:
        print(_line(one))
    print(f"{told.counted(sum(len(one['keys']) for one in done), 'key')} destroyed")


@keys.command()
def destroy(
    day: Annotated[str, typer.Argument(metavar="DAY", help="of sealing, as in 2026-11-29")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="for the order")] = "",
    data: Annotated[Path, typer.Option("--data", metavar="DIR")] = DEFAULT,
    name: As = None,
) -> None:
    """Destroy a day's keys before its time: a privacy officer orders it, an approver agrees."""
    from pipeline.cases import orders  # noqa: PLC0415 -- as the desk
    from pipeline.investigations import days  # noqa: PLC0415

    number = _number(day)
    with at_cases(data, name) as (room, person):
        gate = room.desk.cases.gate
        with gate.store.reading() as store:
            given = store.ordered(number)
        if given is None or given.by == person.name:
            if not reason.strip():
                raise UsageError("--reason: say why the day is to be destroyed")
            orders.order(gate, person, number, reason, lambda one: days.why_not(room.desk, one))
            print(f"{day}: ordered; a second person agrees with `partywall keys destroy {day}`")
            return
        given = orders.agree(gate, person, number, lambda one: days.in_use(room.desk, one))
        count = room.desk.destroy_day(number, given.by, person.name)
        orders.carried_out(gate, number)
        gone = told.counted(count, "sealing key")
        print(f"{day}: {gone} destroyed; what was sealed is unreadable everywhere")


def _wrong(verifier: Verifier, receipt: dict[str, Any]) -> str | None:
    """Return why a receipt is none of the service's, None where it is."""
    try:
        signed.read(verifier, str(receipt["note"]).encode())
    except IntegrityError as error:
        return str(error)
    return None


def _line(receipt: dict[str, Any]) -> str:
    """Return what a receipt says; where it is not as signed, that alone."""
    if wrong := receipt.get("wrong"):
        return f"receipt {told.plain(str(receipt['digest']))}: {told.plain(wrong)}"
    days = sorted({_date(int(key["day"])) for key in receipt["keys"]})
    kinds = ", ".join(sorted({str(key["kind"]) for key in receipt["keys"]}))
    count = told.counted(len(receipt["keys"]), "key")
    return (
        f"{told.moment(int(receipt['at']))}  {receipt['why']}: {count} "
        f"({kinds}) of {days[0]} to {days[-1]}, policy {receipt['policy']}: "
        f"{'gone' if receipt['wiped'] else 'not finished'}"
    )


def _settings(data: Path | None, config: Path | None) -> Settings:
    return tree.load(config) if data is None else settings_of(data)


@contextmanager
def _client(settings: Settings, *, own: bool) -> Iterator[ReleaseClient]:
    """Ask the key service that runs; ``own``: or one that is started here for that.

    Only a data folder has one of its own. Elsewhere the answer of an empty store that was made a
    moment ago would pass for that of a service that is away. Raises SettingsError and
    UnavailableError.
    """
    from pipeline.apps.key_service import key_service_of  # noqa: PLC0415 -- databases and HTTP
    from pipeline.keys.release_client import ReleaseClient  # noqa: PLC0415

    with contextlib.ExitStack() as stack:
        at = settings.keys
        url = stack.enter_context(key_service_of(settings)) if own else at.url
        try:
            token = at.investigations_token_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(
                f"setting keys.investigations_token_file: {error.strerror}"
            ) from None
        yield stack.enter_context(ReleaseClient(url, token))


def _row(key: dict[str, Any], now: int) -> dict[str, Any]:
    until = key["until"]
    return {
        "kind": key["kind"],
        "day": _date(int(key["day"])),
        "ingest": key.get("ingest"),
        "hold": key.get("hold"),
        "case": key.get("case"),
        "made": told.moment(key.get("made")),
        "until": "its hold is released" if until is None else told.moment(int(until)),
        "left": None if until is None else _left(max(int(until) - now, 0)),
    }


def _left(seconds: int) -> str:
    """Return how long a key has, in days once that reads better: ``30.5 h``, ``89 d 14 h``."""
    if seconds < 2 * _DAY:
        return f"{seconds / _HOUR:.1f} h"
    return f"{seconds // _DAY:,} d {seconds % _DAY // _HOUR} h"


def _date(day: int) -> str:
    return dt.datetime.fromtimestamp(day * _DAY, dt.UTC).date().isoformat()


def _number(day: str) -> int:
    try:
        return (dt.date.fromisoformat(day) - dt.date(1970, 1, 1)).days
    except ValueError:
        raise UsageError("a day is written as 2026-11-29") from None
