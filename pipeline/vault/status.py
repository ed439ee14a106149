"""What the vault holds, told from its manifest alone: no key, no segment opened."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

from pipeline.errors import UnavailableError
from pipeline.vault.manifest import Chain, Entry, folders
from pipeline.vault.storage import Storage, is_there, storage_at


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
    ``orphans``: files that are named and not there, and there and not named. Raises
    IntegrityError where a chain is broken, UnavailableError.
    """
    storage = storage_at(vault) if isinstance(vault, str) else vault
    totals = Counter(segments=0, batches=0, frames=0, records=0, bytes=0, missing=0, orphans=0)
    outcomes: Counter[tuple[str, str, str, str, str | None]] = Counter()
    keys: Counter[str] = Counter()
    spans: dict[str, tuple[int, int]] = {}
    reached = {}
    for folder in folders(storage):
        entries = Chain(storage, folder).entries()
        reached[folder.removeprefix("sealed-")] = entries[-1].last if entries else -1
        totals += _files(storage, folder, entries)
        for entry in entries:
            keys.update(entry.keys)
            for count in entry.counts:
                key = (count.site, count.label, count.ingest, count.outcome, count.reason)
                outcomes[key] += count.records
            for site, (first, last) in entry.spans.items():
                known = spans.get(site, (first, last))
                spans[site] = (min(first, known[0]), max(last, known[1]))
    named = ("segments", "batches", "frames", "records", "bytes", "missing", "orphans")
    return {
        **{name: totals[name] for name in named},
        "partitions": reached,
        "spans": {site: list(span) for site, span in sorted(spans.items())},
        "keys": dict(sorted(keys.items())),
        "outcomes": [
            {
                "site": site,
                "source": label,
                "ingest": ingest,
                "outcome": outcome,
                "reason": reason,
                "records": records,
            }
            for (site, label, ingest, outcome, reason), records in sorted(
                outcomes.items(), key=lambda item: [part or "" for part in item[0]]
            )
        ],
    }


def _files(storage: Storage, home: str, entries: list[Entry]) -> Counter[str]:
    """Add up the segments of a chain and compare them with the files that are there."""
    segments = [entry.segment for entry in entries if entry.segment is not None]
    totals = Counter(segments=len(segments))
    for segment in segments:
        numbers = asdict(segment)
        totals.update({name: numbers[name] for name in ("batches", "frames", "records", "bytes")})
    folder = f"{home}/segments"
    there = {f"{folder}/{name}" for name in storage.names(folder)}
    named = {name for segment in segments for name in segment.names}
    totals.update(missing=len(named - there), orphans=len(there - named))
    return totals
