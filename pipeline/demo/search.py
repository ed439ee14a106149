"""Searches every byte at rest for planted personal values, in every encoding.

Whatever can be unfolded is unfolded, and its contents searched again, as deep as it goes:
compressed frames, Arrow, Parquet, SQLite, ClickHouse blocks, Kafka batches. The raw bytes are
searched too. A finding says where, what kind and how it was encoded; it never shows the value.
"""

from __future__ import annotations

import bisect
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pipeline.demo import canaries
from pipeline.demo.blocks import blocks
from pipeline.demo.canaries import Pattern
from pipeline.demo.containers import dissect
from pipeline.demo.frames import LARGEST, Part, inflate
from pipeline.demo.matcher import Matcher
from pipeline.demo.packed import FORMS, Evidence, Packed, PackedSearch
from pipeline.demo.plants import Plant

_DEEPEST: Final = 8
_TOGETHER: Final = 1 << 22
"""Small blobs are searched together, this many bytes at a time."""
_BETWEEN: Final = b"\xf5\xf6 between blobs \xf7\xf8"


@dataclass(frozen=True, slots=True, repr=False)
class Blob:
    """Bytes at rest: a file or a message. ``where`` names it to a person."""

    where: str
    data: bytes


_Items = Sequence[tuple[Blob, bool]]
"""Blobs, and whether their bytes are plain: not themselves taken apart."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A planted value was found; ``plant`` is its index among the plants, ``offset`` in bytes."""

    where: str
    kind: str
    encoding: str
    offset: int
    plant: int


@dataclass(slots=True)
class Findings:
    """What was searched, and what came out.

    ``bytes`` counts what is at rest, ``unfolded`` what it became in addition when taken apart.
    ``unread`` names what could not be taken apart wholly: a search with such names proves less.
    """

    values: int
    patterns: int
    blobs: int = 0
    bytes: int = 0
    unfolded: int = 0
    hits: list[Hit] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    packed: dict[str, Evidence] = field(default_factory=dict)
    """What :mod:`pipeline.demo.packed` has to say, by form."""

    @property
    def found(self) -> int:
        """How many distinct planted values were found."""
        return len({hit.plant for hit in self.hits})

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.hits and not self.packed_leak

    @property
    def packed_leak(self) -> bool:
        """Whether more addresses were found packed than chance puts there."""
        return any(evidence.leak for evidence in self.packed.values())


class Searcher:
    """The patterns of all plants, made once and used for any number of searches."""

    def __init__(self, plants: Sequence[Plant]) -> None:
        """Work out every encoding of every plant; raises ValueError for one that is too short."""
        self._plants = plants
        self._patterns: list[Pattern] = []
        self._owners: list[int] = []
        self._names: dict[str, str] = {}
        for index, plant in enumerate(plants):
            for pattern in canaries.encodings(plant.value):
                self._patterns.append(pattern)
                self._owners.append(index)
        self._matcher = Matcher(self._patterns)
        addresses = [(i, canaries.address(plant.value)) for i, plant in enumerate(plants)]
        self._ipv4 = [i for i, address in addresses if address and address.version == 4]  # noqa: PLR2004
        packable = [plants[i].value for i in self._ipv4]
        self._packed = {form.name: Packed(packable, form) for form in FORMS}

    def search(self, targets: Iterable[Blob]) -> Findings:
        """Return what is found in ``targets``."""
        packed = {name: PackedSearch(one) for name, one in self._packed.items()}
        patterns = len(self._patterns) + sum(one.patterns for one in self._packed.values())
        findings = Findings(len(self._plants), patterns)
        for together in _batches(self._unfolded(targets, findings)):
            self._scan(together, findings, packed)
        findings.packed = {name: search.evidence() for name, search in packed.items()}
        return findings

    def _unfolded(self, targets: Iterable[Blob], findings: Findings) -> Iterator[tuple[Blob, bool]]:
        for blob in targets:
            findings.blobs += 1
            findings.bytes += len(blob.data)
            yield from self._unfold(blob, findings, 0)

    def _unfold(self, blob: Blob, findings: Findings, depth: int) -> Iterator[tuple[Blob, bool]]:
        """Yield the blob and all that is in it; the flag says that the bytes are plain.

        Bytes that were taken apart are random and hold packed addresses by chance only; what
        came out of them is looked at instead.
        """
        covered = 0
        for part in _parts(blob.data) if depth < _DEEPEST else ():
            if part.whole:
                covered += part.end - part.start
            elif not part.data or len(part.data) >= LARGEST:
                findings.unread.append(f"{blob.where} > {part.label} at {part.start}")
            inner = Blob(f"{blob.where} > {part.label} at {part.start}", part.data)
            findings.unfolded += len(part.data)
            yield from self._unfold(inner, findings, depth + 1)
        yield blob, covered * 10 < len(blob.data) * 9

    def _scan(
        self, together: _Items, findings: Findings, packed: Mapping[str, PackedSearch]
    ) -> None:
        joined, starts = _join(together)
        for offset, index in self._matcher.find(joined):
            encoding = self._patterns[index].encoding
            hit = self._hit(together, starts, offset, self._owners[index], encoding)
            findings.hits.append(hit)
        plain = [item for item in together if item[1]]
        joined, starts = _join(plain)
        for name, search in packed.items():
            for offset, index in search.look(joined):
                hit = self._hit(plain, starts, offset, self._ipv4[index], f"{name} run")
                findings.hits.append(hit)

    def _hit(
        self, items: _Items, starts: Sequence[int], offset: int, owner: int, encoding: str
    ) -> Hit:
        slot = bisect.bisect_right(starts, offset) - 1
        where, kind = self._shown(items[slot][0].where), self._plants[owner].kind
        return Hit(where, kind, encoding, offset - starts[slot], owner)

    def _shown(self, where: str) -> str:
        """Return ``where`` unless it holds a planted value itself, as a file's name may."""
        if where not in self._names:
            named = any(self._matcher.find(where.encode("utf-8", "surrogateescape")))
            self._names[where] = "(a name that holds a planted value)" if named else where
        return self._names[where]


def search(targets: Iterable[Blob], plants: Sequence[Plant]) -> Findings:
    """Search ``targets`` for every plant; see :class:`Findings`."""
    return Searcher(plants).search(targets)


def walk(folder: Path, exclude: Collection[Path] = ()) -> Iterator[Blob]:
    """Yield the files under ``folder`` (or the one file) and their names, but not ``exclude``.

    Names are searched as bytes of their own, since a file can be named after a person. Files
    that vanish meanwhile are passed over; links, sockets and pipes are not followed.
    """
    if folder in exclude or folder.is_symlink():
        return
    if folder.is_dir():
        entries = sorted(folder.iterdir())
        names = "\n".join(entry.name for entry in entries)
        yield Blob(
            f"{folder}/ (names of the files in it)", names.encode("utf-8", "surrogateescape")
        )
        for entry in entries:
            yield from walk(entry, exclude)
    elif folder.is_file():
        try:
            data = folder.read_bytes()
        except FileNotFoundError:
            return
        yield Blob(str(folder), data)


def _parts(data: bytes) -> Iterator[Part]:
    yield from inflate(data)
    yield from dissect(data)
    yield from blocks(data)


def _batches(blobs: Iterable[tuple[Blob, bool]]) -> Iterator[list[tuple[Blob, bool]]]:
    """Yield the blobs in lists of at least ``_TOGETHER`` bytes: a pass costs a millisecond."""
    batch: list[tuple[Blob, bool]] = []
    size = 0
    for item in blobs:
        batch.append(item)
        size += len(item[0].data)
        if size >= _TOGETHER:
            yield batch
            batch, size = [], 0
    yield batch


def _join(items: _Items) -> tuple[bytes, list[int]]:
    """Return all bytes with something between them, and where each blob starts."""
    starts, at = [], 0
    for blob, _ in items:
        starts.append(at)
        at += len(blob.data) + len(_BETWEEN)
    if len(items) == 1:
        return items[0][0].data, starts
    return _BETWEEN.join(blob.data for blob, _ in items), starts
