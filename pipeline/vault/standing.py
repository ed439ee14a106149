"""What counts in a chain today: its entries with the erasures laid over them, and its volumes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from pipeline.errors import IntegrityError
from pipeline.vault.erasures import Erasure, Erasures, of_places
from pipeline.vault.manifest import Chain, Entry, Head, digest
from pipeline.vault.storage import Storage
from pipeline.vault.volumes import Volume, Volumes


@dataclass(frozen=True, slots=True)
class Standing:
    """A chain's erasure list and volumes, as they were before anything of the chain was read.

    So no volume and no erasure can be of a place that is not read yet.
    """

    storage: Storage = field(repr=False)
    folder: str
    erasures: Sequence[Erasure]
    volumes: Sequence[Volume]

    @classmethod
    def of(cls, storage: Storage, folder: str) -> Standing:
        """Read both; raises IntegrityError, UnavailableError."""
        erasures = Erasures(storage, folder).all()
        return cls(storage, folder, erasures, Volumes(storage, folder).all())

    def entries(self) -> list[Entry]:
        """Return the entries as they count today, but those whose time is past.

        Raises IntegrityError where the chain, its list or its volumes do not fit one another.
        """
        return [one for one in self.parts(lambda _: False) if isinstance(one, Entry)]

    def parts(self, whole: Callable[[Volume], bool]) -> Iterator[Volume | Entry]:
        """Yield what covers the chain, in order: volumes that are ``whole``, entries elsewhere.

        What is past its time is left out, and a volume that an erasure came after is not taken.
        Raises as :meth:`entries`.
        """
        head = Head()
        for volume in self.volumes:
            yield from self._run(head, volume.first - 1, volume.previous)
            if volume.expired or (whole(volume) and not stale(volume, self.erasures)):
                if not volume.expired:
                    yield volume
            else:
                before = Head(volume.first, volume.previous)
                yield from self._run(before, volume.last, volume.end)
            head = volume.head
        yield from self._run(head, None, None)

    def _run(self, after: Head, last: int | None, end: str | None) -> list[Entry]:
        """Return the entries behind ``after`` up to offset ``last``, of which the last is ``end``.

        Both are None at the end of the chain.
        """
        if last is not None and last < after.next:
            written: list[Entry] = []
        else:
            written = Chain(self.storage, self.folder).entries(after, last)
        reached = digest(written[-1]) if written else after.sha256
        if last is not None and reached != end:
            raise IntegrityError(f"vault: {self.folder}/volumes: one does not fit the manifest")
        return laid_over(self.folder, written, of_places(self.erasures, after.next, last))


def stale(volume: Volume, erasures: Sequence[Erasure]) -> bool:
    """Tell whether records were erased from a volume's segments since it was bound."""
    return bool(of_places(erasures[volume.erasures :], volume.first, volume.last))


def standing(storage: Storage, folder: str) -> list[Entry]:
    """Return the entries of a chain as they count today; raises as :meth:`Standing.entries`."""
    return Standing.of(storage, folder).entries()


def laid_over(folder: str, entries: Sequence[Entry], erasures: Sequence[Erasure]) -> list[Entry]:
    """Return entries with what stands in the place of their segments; raises IntegrityError."""
    places = {entry.first: at for at, entry in enumerate(entries)}
    counting = list(entries)
    for one in erasures:
        at = places.get(one.place)
        segment = None if at is None else counting[at].segment
        if at is None or segment is None or segment.names != one.replaces:
            raise IntegrityError(
                f"erasures {folder}/erasures: entry {one.number} replaces what is not there"
            )
        counting[at] = replace(counting[at], segment=one.segment, counts=one.counts, held=one.held)
    return counting
