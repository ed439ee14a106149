"""``partywall audit``: is the log as it was signed, what does it say; a witness to take away."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer

from pipeline.audit.entry import Entry
from pipeline.audit.findings import Finding, Kind, Verdict
from pipeline.audit.names import printable
from pipeline.audit.places import Places
from pipeline.audit.reading import Reader
from pipeline.audit.seal import open_sealed, read_auditor
from pipeline.audit.signing import read_vkey
from pipeline.audit.verify import verify as verify_log
from pipeline.audit.witness import export as add_to
from pipeline.cli.options import Json
from pipeline.errors import UsageError

audit = typer.Typer(help="The record of who did what.", no_args_is_help=True)

_OF_RECORDS: Final = frozenset({"case.read", "case.reveal"})
"""Acts whose sealed part is the records' digests end to end."""
_RECORD_BYTES: Final = 16

Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="the data folder of an embedded group")
]
Log = Annotated[Path | None, typer.Option("--log", metavar="FOLDER", help="the log's folder")]
Vkey = Annotated[
    Path | None, typer.Option("--vkey", metavar="FILE", help="the log's public key, as a vkey")
]


@audit.callback()
def root() -> None:
    """Read and verify the audit log; nothing here writes to it."""


@audit.command()
def verify(
    data: Data = None,
    log: Log = None,
    vkey: Vkey = None,
    witness: Annotated[
        list[Path] | None,
        typer.Option("--witness", metavar="FILE", help="checkpoints kept elsewhere; repeatable"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check every byte of the log, offline: exit 0 where it is as signed, 1 and what is not."""
    folder, key, own = _where(data, log, vkey)
    if data is not None and not key.exists():
        gone = Finding(Kind.REMOVED, str(key), "the log's public key is gone; put it back")
        tell(Verdict((gone,), None, None), as_json=as_json)
    expected = [] if data is None else _remembered(data)
    tell(look(folder, key, [*own, *(witness or [])], expected), as_json=as_json)


def _remembered(data: Path) -> list[tuple[int, str]]:
    """Return the entries that the folder's case store says were written: index and leaf hash."""
    path = data / "cases" / "cases.sqlite"
    if not path.exists():
        return []
    from pipeline.cases.reading import remembered  # noqa: PLC0415 -- only here
    from pipeline.database import Database  # noqa: PLC0415

    database = Database(path, "case store")
    try:
        return remembered(database)
    finally:
        database.close()


def look(
    folder: Path,
    vkey: Path,
    witnesses: Sequence[Path],
    expected: Iterable[tuple[int, str]] = (),
) -> Verdict:
    """Verify a log with the vkey in a file; ``expected`` as in ``pipeline.audit.verify``."""
    return verify_log(folder, read_vkey(vkey), witnesses=witnesses, expected=expected)


def tell(verdict: Verdict, *, as_json: bool) -> None:
    """Print a verdict and end with its exit code."""
    if as_json:
        found = [{"kind": f.kind, "where": f.where, "text": f.text} for f in verdict.findings]
        said = {
            "ok": verdict.ok,
            "size": verdict.size,
            "root": verdict.root,
            "witnessed": verdict.witnessed,
            "findings": found,
        }
        sys.stdout.buffer.write(orjson.dumps(said) + b"\n")
    elif verdict.ok:
        print(
            f"{verdict.size:,} entries as signed, root {verdict.root}; "
            f"{verdict.witnessed:,} checkpoints of witnesses agree"
        )
    else:
        for finding in verdict.findings:
            print(printable(str(finding)))
    raise typer.Exit(0 if verdict.ok else 1)


@audit.command()
def show(
    data: Data = None,
    log: Log = None,
    vkey: Vkey = None,
    case: Annotated[str | None, typer.Option("--case", help="of this case alone")] = None,
    act: Annotated[
        str | None, typer.Option("--act", help="of this act, or of those that begin with it")
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option("--open", metavar="KEYFILE", help="open sealed parts with the auditors' key"),
    ] = None,
    as_json: Json = False,
) -> None:
    """List entries; what is sealed for auditors stays so without their key."""
    folder, public, _ = _where(data, log, vkey)
    private = None if key is None else read_auditor(key)
    reader = Reader(folder, read_vkey(public))
    found = (
        (index, entry)
        for index, entry in reader.entries()
        if case in {None, entry.case} and (act is None or f"{entry.act}.".startswith(f"{act}."))
    )
    if as_json:
        for index, entry in found:
            sys.stdout.buffer.write(orjson.dumps(_row(index, entry, private)) + b"\n")
        return
    for index, entry in found:
        row = _row(index, entry, private)
        facts = [f"{name}={_plain(fact)}" for name, fact in sorted(row["facts"].items())]
        sealed = [] if row["sealed"] is None else [f"sealed={_plain(row['sealed'])}"]
        case_of = [] if entry.case is None else [f"case={entry.case}"]
        moment = entry.time.strftime("%Y-%m-%d %H:%M:%S UTC")
        said = [f"{index:>6}", moment, entry.actor, entry.act, entry.outcome]
        print(printable("  ".join([*said, *case_of, *facts, *sealed])))


@audit.command()
def export(
    dest: Annotated[Path, typer.Argument(help="a witness file: the checkpoint is added to it")],
    data: Data = None,
    log: Log = None,
    vkey: Vkey = None,
) -> None:
    """Add the latest checkpoint to a witness file elsewhere, unless that one contradicts it."""
    folder, key, _ = _where(data, log, vkey)
    print(f"{dest}: {add_to(folder, read_vkey(key), dest)}")


def _where(data: Path | None, log: Path | None, vkey: Path | None) -> tuple[Path, Path, list[Path]]:
    """Return the log's folder, its vkey and its witnesses; raises UsageError for half an answer."""
    if data is not None and log is None and vkey is None:
        places = Places.under(data)
        if not places.said_to_be():
            raise UsageError(
                f"there is no audit log in {data}, and no sign of one: name the folder of "
                "`partywall up` with --data"
            )
        return places.folder, places.vkey, places.witnesses()
    if data is None and log is not None and vkey is not None:
        return log, vkey, []
    raise UsageError("say either --data DIR, or --log FOLDER and --vkey FILE")


def _row(index: int, entry: Entry, private: bytes | None) -> dict[str, Any]:
    return {
        "entry": index,
        "time": entry.time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "actor": entry.actor,
        "act": entry.act,
        "outcome": entry.outcome,
        "case": entry.case,
        "facts": dict(entry.facts),
        "sealed": _opened(entry, private),
    }


def _opened(entry: Entry, private: bytes | None) -> Any:  # noqa: ANN401 -- whatever JSON was sealed
    if entry.sealed is None:
        return None
    if private is None:
        return f"({len(entry.sealed)} bytes, sealed)"
    text = open_sealed(private, entry.sealed)
    if entry.act in _OF_RECORDS:
        return [text[at : at + _RECORD_BYTES].hex() for at in range(0, len(text), _RECORD_BYTES)]
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text.decode("utf-8", "backslashreplace")


def _plain(value: object) -> str:
    return (
        "" if value is None else value if isinstance(value, str) else orjson.dumps(value).decode()
    )
