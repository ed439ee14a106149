"""Compares a log with the checkpoints that witness files hold, and with what a case store knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.audit import checkpoint, files, tree
from pipeline.audit.checkpoint import Checkpoint
from pipeline.audit.findings import Finding, Kind, entries
from pipeline.audit.signing import Verifier
from pipeline.audit.witness import LINES
from pipeline.errors import IntegrityError


@dataclass(slots=True)
class Testimony:
    """The checkpoints of one witness file, in its order, and what is wrong with the file."""

    name: str
    checkpoints: list[Checkpoint] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    rest: bytes = b""

    @property
    def most(self) -> int:
        """The largest size it knows of."""
        return max((c.size for c in self.checkpoints), default=0)


def hear(path: Path, verifier: Verifier) -> Testimony:
    """Read a witness file, each of its bytes; raises OSError."""
    heard = Testimony(f"witness {path}")
    try:
        lines = files.read(path.parent, path.name).split(b"\n")
    except IntegrityError:
        heard.findings.append(Finding(Kind.REMOVED, heard.name, "there is no such file"))
        return heard
    origin = verifier.name.encode()
    place = 0
    while len(lines) - place > LINES:
        note = b"\n".join(lines[place : place + LINES]) + b"\n"
        try:
            heard.checkpoints.append(checkpoint.read(note, verifier))
            place += LINES
        except IntegrityError as error:
            where = f"{heard.name}, line {place + 1}"
            heard.findings.append(Finding(Kind.CHANGED, where, str(error)))
            place += 1
            while len(lines) - place > LINES and lines[place] != origin:
                place += 1
    heard.rest = b"\n".join(lines[place:])
    for before, after in zip(heard.checkpoints, heard.checkpoints[1:], strict=False):
        if after.size <= before.size:
            said = f"its checkpoint of {after.size} entries stands behind that of {before.size}"
            heard.findings.append(Finding(Kind.REORDERED, heard.name, said))
    return heard


def compare(
    heard: Testimony, head: Checkpoint | None, roots: dict[int, bytes | None]
) -> Iterator[Finding]:
    """Yield where the log is not the one that a witness has seen; ``roots`` by size of the log."""
    yield from heard.findings
    note = b"" if head is None else head.note
    if heard.rest or not (heard.checkpoints or heard.findings):
        if note.startswith(heard.rest) and (
            head is None or heard.most < head.size or not heard.most
        ):
            said = "the last checkpoint is not wholly copied; the next append completes it"
            yield Finding(Kind.UNFINISHED, heard.name, said)
        else:
            yield Finding(Kind.CHANGED, heard.name, "ends in what is no checkpoint")
    size = 0 if head is None else head.size
    if heard.most > size:
        yield Finding(
            Kind.ROLLED_BACK,
            entries(size, heard.most - 1),
            f"{heard.name} has the checkpoint of {heard.most} entries, the log has {size}",
        )
    fits = 0
    for each in sorted(heard.checkpoints, key=lambda c: c.size):
        own = roots.get(each.size)
        if own is not None and own != each.root:
            yield Finding(
                Kind.FORKED,
                entries(fits, each.size - 1) if each.size > fits else "the empty log",
                f"{heard.name} has another root for the first {each.size} entries, "
                f"and the same one for {fits}",
            )
            return
        fits = max(fits, each.size)


def roots_at(sizes: Iterable[int], leaves: Sequence[bytes | None]) -> dict[int, bytes | None]:
    """Return the root of the first n entries for each n of ``sizes``; None beyond a missing one."""
    wanted = set(sizes)
    found: dict[int, bytes | None] = {}
    peaks: list[bytes] = []
    for size in range(len(leaves) + 1):
        if size in wanted:
            found[size] = tree.fold(peaks)
        leaf = leaves[size] if size < len(leaves) else None
        if leaf is None:
            break
        peak, count = leaf, size
        while count & 1:
            peak, count = tree.node_hash(peaks.pop(), peak), count >> 1
        peaks.append(peak)
    return found


def remembered(
    expected: Iterable[tuple[int, str]], leaves: Sequence[bytes | None]
) -> Iterator[Finding]:
    """Yield the entries that somebody remembers (index, leaf hash in hex) and the log lacks."""
    for index, leaf in sorted(set(expected)):
        if not 0 <= index < len(leaves):
            said = f"is remembered outside the log, which has {len(leaves)} entries"
            yield Finding(Kind.REMOVED, f"entry {index}", said)
        elif (held := leaves[index]) is not None and held.hex() != leaf.lower():
            said = "is remembered outside the log as another: the log was rewritten"
            yield Finding(Kind.FORKED, f"entry {index}", said)
