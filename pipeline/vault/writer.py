"""Appends sealed batches to the vault: every record once, whatever is replayed.

What counts is the manifest. A flush writes three files nobody knows of yet, then one entry that
names them; a crash before the entry leaves orphans, a crash after it leaves a flush that is done.
Which records are new is told by the last offset and line the vault holds of each source partition,
so batches may be cut elsewhere the second time.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, field, replace

import polars as pl

from pipeline import sealed
from pipeline.errors import PartywallError
from pipeline.vault.building import built
from pipeline.vault.manifest import Chain, Entry, Head, folder_of
from pipeline.vault.segments import Segment
from pipeline.vault.storage import Storage, storage_at
from pipeline.vault.sweep import sweep


@dataclass(frozen=True, slots=True)
class _Pending:
    offset: int
    batch: sealed.Sealed = field(repr=False)
    rows: pl.DataFrame = field(repr=False)


@dataclass(slots=True)
class _Attempt:
    """One flush as built: the entry and the files it names, by name."""

    entry: Entry
    files: dict[str, bytes] = field(repr=False)
    offered: bool = False


class SegmentWriter:
    """The writer of one partition of ``vault.sealed``.

    Sealed messages of one source partition must all come through one partition of
    ``vault.sealed``, in the order of their offsets: key them by source.
    """

    def __init__(self, storage: Storage | str, partition: int, log: str = "") -> None:
        """``storage`` is where the vault lies, or its URL; nothing is touched before ``open``.

        ``log`` names the broker (letters and digits) where a vault outlives it: offsets that
        begin at 0 again would otherwise be taken for ones that are held.
        """
        self._storage = storage_at(storage) if isinstance(storage, str) else storage
        self._folder = folder_of(partition, log)
        self._chain = Chain(self._storage, self._folder)
        self._head = Head()
        self._pending: list[_Pending] = []
        self._attempt: _Attempt | None = None

    @property
    def pending(self) -> int:
        """Sealed messages added and not yet flushed."""
        return len(self._pending)

    @property
    def pending_bytes(self) -> int:
        """Bytes of ciphertext added and not yet flushed."""
        return sum(size for p in self._pending for size, _ in p.batch.header.frames)

    def open(self) -> int:
        """Follow the chain to its end; return the sealed offset to read from.

        Drops what was pending, and sweeps up what killed writers left. Raises UnavailableError,
        and IntegrityError where the chain is damaged.
        """
        self._pending.clear()
        self._attempt = None
        sweep(self._storage, self._folder)
        self._head = self._chain.head()
        return self._head.next

    def add(self, sealed_offset: int, message: bytes) -> None:
        """Take a message of ``vault.sealed``; one that is here already is passed over.

        Raises IntegrityError where the message is damaged; nothing has changed then.
        """
        newest = self._pending[-1].offset if self._pending else self._head.next - 1
        if sealed_offset <= newest:
            return
        batch = sealed.decode(message)
        self._pending.append(_Pending(sealed_offset, batch, sealed.index_rows(batch)))

    def flush(self) -> int:
        """Make everything pending durable; return the sealed offset up to which all is, or -1.

        Raises UnavailableError where the storage fails: what was pending stays pending, and the
        next flush tries again. Where another writer took the place, goes on behind it.
        """
        while self._pending:
            self._attempt = self._attempt or self._prepare()
            self._place(self._attempt)
            self._pending = [p for p in self._pending if p.offset >= self._head.next]
            self._attempt = None
        return self._head.next - 1

    def _prepare(self) -> _Attempt:
        """Build the files and the entry for all that is pending and new."""
        sources = dict(self._head.sources)
        segment = Segment()
        for pending in self._pending:
            header = pending.batch.header
            segment.add(pending.batch, fresh(pending.rows, sources.get(header.source)))
            sources[header.source] = max(header.last, sources.get(header.source, (0, 0)))
        entry = Entry(self._head.next, self._pending[-1].offset, self._head.sha256, None, sources)
        if not segment.frames:
            return _Attempt(entry, {})
        stem = f"{self._folder}/segments/{entry.first:020}-{secrets.token_hex(8)}"
        made = built(segment, stem)
        entry = replace(entry, segment=made.segment, counts=made.counts, held=made.held)
        return _Attempt(entry, made.files)

    def _place(self, attempt: _Attempt) -> None:
        """Write the files, then the entry that makes them count; follow the chain to its end.

        A failed ``append`` may have taken place all the same, and a request under way may still
        land: from then on the files stay, and only the very same entry is offered again.
        """
        try:
            for name, content in attempt.files.items():
                self._storage.put(name, content)
        except PartywallError:
            if not attempt.offered:
                self._discard(attempt)
            raise
        attempt.offered = True
        head = self._chain.append(attempt.entry)
        if head is None:
            winner = self._chain.at(attempt.entry.first)
            if winner is not None and winner.segment != attempt.entry.segment:
                self._discard(attempt)
            head = self._chain.head()
        self._head = head

    def _discard(self, attempt: _Attempt) -> None:
        for name in attempt.files:
            with suppress(PartywallError):
                self._storage.remove(name)


def fresh(rows: pl.DataFrame, last: tuple[int, int] | None) -> pl.DataFrame:
    """Return the rows above the ``last`` offset and line held; all where none is."""
    if last is None:
        return rows
    offset, line = last
    return rows.filter(
        (pl.col("offset") > offset) | ((pl.col("offset") == offset) & (pl.col("line") > line))
    )
