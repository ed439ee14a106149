"""What a bundle holds, and its manifest: the list of everything else, which is what is signed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

import orjson
import polars as pl

from pipeline.errors import IntegrityError
from pipeline.evidence.archive import MOST_BYTES
from pipeline.evidence.records import KINDS, Column

VERSION: Final = 1
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
RECORDS: Final = "records.jsonl"
TABLE: Final = "records.csv"
CUSTODY: Final = "custody.json"
POLICY: Final = "policy.yaml"
SCOPE: Final = "scope.json"
AUDIT: Final = "audit.json"
README: Final = "README.txt"
LISTED: Final = (RECORDS, TABLE, CUSTODY, POLICY, SCOPE, AUDIT, README)
"""What the manifest lists, in the archive's order, behind manifest.json and manifest.sig."""
MOST_SMALL_BYTES: Final = 16 << 20
"""Files that are read whole, hence all but the records, have at most this many bytes."""

_SHA256: Final = re.compile(r"[0-9a-f]{64}")

Fact = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Custody:
    """A link in the chain of custody: who did what with the records, and when (aware, UTC)."""

    time: dt.datetime
    actor: str
    act: str
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into a bundle.

    ``records`` has the columns that the scope allows: String, integers or Boolean; times are
    seconds since 1970 UTC. ``scope`` is the scope's JSON and ``scope_sha256`` its digest as the
    case knows it (hex). ``policy`` is the policy file in force when the records were collected,
    ``policy_versions`` the versions of it that apply to them. ``audit`` is the log's proof that the
    export was written down, as JSON values. ``made`` is aware, UTC.
    """

    case: str
    requester: str
    reason: str
    made: dt.datetime
    records: pl.DataFrame = field(repr=False)
    scope: bytes = field(repr=False)
    scope_sha256: str
    policy: bytes = field(repr=False)
    policy_versions: tuple[int, ...]
    custody: tuple[Custody, ...] = field(repr=False)
    audit: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class File:
    """A listed file: its size and SHA-256 (hex), unpacked and as it lies in the archive."""

    name: str
    bytes: int
    sha256: str
    packed: int
    packed_sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What ``manifest.json`` says. ``made`` is RFC 3339 in UTC."""

    case: str
    requester: str
    reason: str
    made: str
    records: int
    custody: int
    columns: tuple[Column, ...]
    scope_sha256: str
    policy_versions: tuple[int, ...]
    files: tuple[File, ...]


def is_name(case: object) -> bool:
    """Tell whether a case's id can stand in a line of the signed note."""
    return isinstance(case, str) and bool(case) and case.isprintable()


def canonical(value: object) -> bytes:
    """Return JSON with sorted keys and no blanks, in UTF-8, ended by a newline."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def moment(time: dt.datetime) -> str:
    """Return an aware time as RFC 3339 in UTC; ValueError for one that is not aware."""
    if time.tzinfo is None:
        raise ValueError("a time without a zone")
    return time.astimezone(dt.UTC).replace(tzinfo=None).isoformat() + "Z"


def custody_json(links: Sequence[Custody]) -> bytes:
    """Return ``custody.json``: a list of objects with time, actor, act and facts."""
    return canonical(
        [
            {"time": moment(x.time), "actor": x.actor, "act": x.act, "facts": dict(x.facts)}
            for x in links
        ]
    )


def decode_custody(data: bytes) -> tuple[Custody, ...]:
    """Take ``custody.json`` apart; IntegrityError unless ``custody_json`` writes the same."""
    try:
        links = tuple(
            Custody(dt.datetime.fromisoformat(x["time"]), x["actor"], x["act"], x["facts"])
            for x in orjson.loads(data)
        )
        valid = custody_json(links) == data and all(
            isinstance(text, str) for x in links for text in (x.actor, x.act, *x.facts)
        )
    except (ValueError, TypeError, KeyError, OverflowError):
        valid = False
        links = ()
    if not valid:
        raise IntegrityError("is not written as a chain of custody is")
    return links


def encode(manifest: Manifest) -> bytes:
    """Return ``manifest.json``."""
    return canonical({"version": VERSION, **asdict(manifest)})


def decode(data: bytes) -> Manifest:
    """Take ``manifest.json`` apart; raises IntegrityError unless ``encode`` writes the same."""
    try:
        values = orjson.loads(data)
        version = values.pop("version")
        if version != VERSION and type(version) is int:
            raise IntegrityError(f"is of version {version}; this command knows version {VERSION}")
        values["columns"] = tuple(Column(**column) for column in values["columns"])
        values["files"] = tuple(File(**file) for file in values["files"])
        values["policy_versions"] = tuple(values["policy_versions"])
        manifest = Manifest(**values)
        valid = encode(manifest) == data and _sound(manifest)
    except (ValueError, TypeError, KeyError, AttributeError):
        valid = False
        manifest = None
    if not valid or manifest is None:
        raise IntegrityError("is not written as a bundle's manifest is")
    return manifest


def _sound(manifest: Manifest) -> bool:
    """Tell whether what a manifest says is of the right types and may be said at all."""
    files = manifest.files
    names: list[object] = [column.name for column in manifest.columns]
    texts: list[object] = [manifest.requester, manifest.reason, manifest.made, *names]
    hashes: list[object] = [h for f in files for h in (f.sha256, f.packed_sha256)]
    sizes: list[object] = [size for f in files for size in (f.bytes, f.packed)]
    counts: list[object] = [manifest.records, manifest.custody, *manifest.policy_versions]
    return (
        is_name(manifest.case)
        and all(isinstance(text, str) for text in texts)
        and all(
            isinstance(h, str) and _SHA256.fullmatch(h) for h in (manifest.scope_sha256, *hashes)
        )
        and all(type(number) is int and number >= 0 for number in (*sizes, *counts))
        and all(column.kind in KINDS for column in manifest.columns)
        and len(set(names)) == len(names) > 0
        and tuple(f.name for f in files) == LISTED
        and fits(files)
    )


def fits(files: Sequence[File]) -> bool:
    """Tell whether files are of sizes that a bundle may have."""
    small = (f.bytes for f in files if f.name not in {RECORDS, TABLE})
    return (
        all(size <= MOST_SMALL_BYTES for size in small)
        and all(f.bytes <= MOST_BYTES for f in files)
        and sum(f.packed for f in files) <= MOST_BYTES - 4 * MOST_SMALL_BYTES
    )
