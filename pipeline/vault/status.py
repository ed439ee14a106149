"""What the vault holds, told from its manifest alone: no key, no segment opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from pipeline.errors import UnavailableError
from pipeline.vault.erasures import Erasures
from pipeline.vault.manifest import HOLD, SEALED, Count, Entry, folders, held_folders
from pipeline.vault.standing import Standing, standing
from pipeline.vault.storage import Storage, is_there, storage_at

_NUMBERS: Final = ("segments", "batches", "frames", "records", "bytes", "missing", "orphans")
_GONE: Final = ("erased", "expired")
_Group = tuple[str, str, str, str, str | None]
"""Site, label, ingest, outcome and reason."""


def require(url: str) -> None:
    """Raise UnavailableError where a vault's URL names a folder that is not there.

    A vault nobody has written to yet looks like one that is not mounted here: neither has zero
    records to tell of.
    """
    if not is_there(url):
        raise UnavailableError(
            f"vault: there is no folder {url} here: nothing was sealed yet, or vault.url is of "
            "another machine or container"
        )


def vault_status(vault: Storage | str) -> dict[str, object]:
    """Return counts over all partitions of a vault; ``vault`` is its storage or URL.

    ``segments``, ``batches``, ``frames``, ``records``, ``bytes`` (ciphertext); ``partitions``:
    partition (``log-partition`` where the log has a name) → last sealed offset held; ``spans``:
    site → [first, last] hour, seconds since 1970 UTC; ``keys``: sealing key → records;
    ``outcomes``: rows of site, source, ingest, outcome, reason, records; ``missing`` and
    ``orphans``: files that are named and not there, and there and not named. ``erased`` counts the
    records that were erased, which are in no other number, and ``erasures`` gives them like
    ``outcomes``; ``expired`` counts those whose files went after the time of their keys, which are
    in ``outcomes`` still, since they were lines, and in no other number; ``holds``: legal hold →
    copies of records that it keeps, which are in ``missing`` and ``orphans`` alone besides. Raises
    IntegrityError where a chain is broken, UnavailableError.
    """
    storage = storage_at(vault) if isinstance(vault, str) else vault
    totals = Counter(dict.fromkeys((*_NUMBERS, *_GONE), 0))
    outcomes: Counter[_Group] = Counter()
    erasures: Counter[_Group] = Counter()
    keys: Counter[str] = Counter()
    spans: dict[str, tuple[int, int]] = {}
    reached = {}
    for folder in folders(storage):
        chain = Standing.of(storage, folder)
        entries = chain.entries()
        ends = [v.last for v in chain.volumes[-1:]] + [e.last for e in entries[-1:]]
        reached[folder.removeprefix(SEALED)] = max(ends, default=-1)
        totals += _files(storage, folder, entries)
        for one in chain.erasures:
            totals["erased"] += one.records
            _add(erasures, one.erased)
        for past in (volume for volume in chain.volumes if volume.expired):
            totals["expired"] += sum(count.records for count in past.counts)
            _add(outcomes, past.counts)
        for entry in entries:
            keys.update(entry.keys)
            _add(outcomes, entry.counts)
            for site, (first, last) in entry.spans.items():
                known = spans.get(site, (first, last))
                spans[site] = (min(first, known[0]), max(last, known[1]))
    holds = {}
    for folder in held_folders(storage):
        entries = standing(storage, folder)
        found = _files(storage, folder, entries)
        holds[folder.removeprefix(HOLD)] = found["records"]
        totals.update(missing=found["missing"], orphans=found["orphans"])
    return {
        **{name: totals[name] for name in (*_NUMBERS, *_GONE)},
        "partitions": reached,
        "spans": {site: list(span) for site, span in sorted(spans.items())},
        "keys": dict(sorted(keys.items())),
        "outcomes": _rows(outcomes),
        "erasures": _rows(erasures),
        "holds": holds,
    }


def _add(to: Counter[_Group], counts: Sequence[Count]) -> None:
    for one in counts:
        to[one.site, one.label, one.ingest, one.outcome, one.reason] += one.records


def _rows(counted: Counter[_Group]) -> list[dict[str, object]]:
    return [
        {
            "site": site,
            "source": label,
            "ingest": ingest,
            "outcome": outcome,
            "reason": reason,
            "records": records,
        }
        for (site, label, ingest, outcome, reason), records in sorted(
            counted.items(), key=lambda item: [part or "" for part in item[0]]
        )
    ]


def _files(storage: Storage, home: str, entries: list[Entry]) -> Counter[str]:
    """Add up the segments of a chain and compare them with the files that are there."""
    segments = [entry.segment for entry in entries if entry.segment is not None]
    totals = Counter(segments=len(segments))
    for segment in segments:
        numbers = asdict(segment)
        totals.update({name: numbers[name] for name in ("batches", "frames", "records", "bytes")})
    homes = (f"{home}/segments", Erasures(storage, home).segments)
    there = {f"{folder}/{name}" for folder in homes for name in storage.names(folder)}
    named = {name for segment in segments for name in segment.names}
    totals.update(missing=len(named - there), orphans=len(there - named))
    return totals
