"""The audit log as auditors and privacy officers read it: what is sealed in it stays sealed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.audit.entry import Entry
from pipeline.audit.findings import Verdict
from pipeline.audit.reading import Reader
from pipeline.audit.signing import Verifier
from pipeline.audit.verify import verify
from pipeline.cases.people import Person, Role
from pipeline.cases.permission import Gate
from pipeline.errors import RefusedError, UsageError

READERS: Final = frozenset({Role.AUDITOR, Role.PRIVACY_OFFICER})
"""Who reads the log in the pages."""

AT_ONCE: Final = 100
"""Entries on a page."""

_CHUNK: Final = 256
_CASE: Final = re.compile(r"C-[0-9]{1,15}")
_ACT: Final = re.compile(r"[a-z][a-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: of a case, of an act or those that begin with it, before an index."""

    case: str = ""
    act: str = ""
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries, newest first, and where the older ones go on (None: there are none)."""

    found: tuple[tuple[int, Entry], ...]
    before: int | None


class Trail:
    """Reads and verifies the log of ``gate``, in ``folder``, signed by ``verifier``."""

    def __init__(
        self, gate: Gate, folder: Path, verifier: Verifier, witnesses: Sequence[Path]
    ) -> None:
        self._gate = gate
        self._folder = folder
        self._verifier = verifier
        self._witnesses = tuple(witnesses)
        self._reader = Reader(folder, verifier)

    def size(self) -> int:
        """Return how many entries there are."""
        return self._reader.size()

    def read(self, person: Person, wanted: Wanted) -> Entries:
        """Return entries, that they were read being written first; raises RefusedError."""
        if wanted.case and not _CASE.fullmatch(wanted.case):
            raise UsageError("case: a name as in C-1")
        if wanted.act and not _ACT.fullmatch(wanted.act):
            raise UsageError("act: words as in case.approve, or the first of them")
        self._enter(person, "audit.read", {"of_case": wanted.case, "of_act": wanted.act})
        found: list[tuple[int, Entry]] = []
        for index, entry in self._backwards(wanted.before):
            if wanted.case not in {"", entry.case}:
                continue
            if wanted.act and not f"{entry.act}.".startswith(f"{wanted.act.rstrip('.')}."):
                continue
            if len(found) == AT_ONCE:
                return Entries(tuple(found), found[-1][0])
            found.append((index, entry))
        return Entries(tuple(found), None)

    def verify(self, person: Person) -> Verdict:
        """Return what is wrong with the log, held against witnesses and the case store."""
        self._enter(person, "audit.verify", {})
        with self._gate.store.reading() as store:
            expected = [(one.entry, one.leaf) for one in store.history()]
        return verify(self._folder, self._verifier, witnesses=self._witnesses, expected=expected)

    def _backwards(self, before: int | None) -> Iterator[tuple[int, Entry]]:
        stop = self.size() if before is None else min(before, self.size())
        while stop > 0:
            start = max(0, (stop - 1) // _CHUNK * _CHUNK)
            yield from reversed(list(self._reader.entries(start, stop)))
            stop = start

    def _enter(self, person: Person, act: str, facts: dict[str, str]) -> None:
        said = {name: value for name, value in facts.items() if value}
        if not READERS & person.roles:
            self._gate.write(person, act, "refused", None, said)
            raise RefusedError(
                "the audit log is read by auditors and privacy officers: ask one of them"
            )
        self._gate.write(person, act, "allowed", None, said)
