"""Verifies a log offline: every byte of every file, every name, and what witnesses know of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from pipeline.audit import checkpoint, files, witnessed
from pipeline.audit.checkpoint import Checkpoint
from pipeline.audit.content import Content
from pipeline.audit.findings import Finding, Kind, Verdict
from pipeline.audit.layout import CHECKPOINT
from pipeline.audit.names import Names, check_names, scan
from pipeline.audit.signing import Verifier
from pipeline.errors import IntegrityError

_MOST_CHECKPOINT: Final = 65_536


def verify(
    folder: Path,
    vkey: Verifier,
    *,
    witnesses: Sequence[Path] = (),
    expected: Iterable[tuple[int, str]] = (),
) -> Verdict:
    """Return what is wrong with the log in ``folder``, signed by ``vkey``.

    ``witnesses`` are witness files, ``expected`` pairs of an entry's index and its leaf hash in hex
    that somebody has remembered (``Written``). No private key is needed. The log is locked against
    appends meanwhile. Raises UnavailableError where something cannot be read.
    """
    with files.fail_closed(folder):
        if not folder.is_dir():
            heard = [witnessed.hear(path, vkey) for path in witnesses]
            gone = [Finding(Kind.REMOVED, str(folder), "there is no audit log")]
            return _verdict(gone, None, heard, [], expected)
        with files.locked(folder, exclusive=False):
            # Under the lock too: an append is about to write what else would be read by halves.
            heard = [witnessed.hear(path, vkey) for path in witnesses]
            return _look(folder, vkey, heard, expected)


def _look(
    folder: Path,
    vkey: Verifier,
    heard: list[witnessed.Testimony],
    expected: Iterable[tuple[int, str]],
) -> Verdict:
    names = scan(folder)
    findings: list[Finding] = []
    head = _head(folder, names, vkey, findings)
    most = max((each.most for each in heard), default=0)
    size = max(most, names.guess()) if head is None else head.size
    content = Content(folder, names, size, None if head is None else head.root)
    findings += check_names(names, size, rolled_back=most > size)
    findings += content.findings()
    return _verdict(findings, head, heard, content.leaves(), expected)


def _verdict(
    findings: list[Finding],
    head: Checkpoint | None,
    heard: list[witnessed.Testimony],
    leaves: list[bytes | None],
    expected: Iterable[tuple[int, str]],
) -> Verdict:
    sizes = {c.size for each in heard for c in each.checkpoints}
    roots = witnessed.roots_at(sizes, leaves)
    for each in heard:
        findings += witnessed.compare(each, head, roots)
    findings += witnessed.remembered(expected, leaves)
    return Verdict(
        tuple(_once(findings)),
        None if head is None else head.size,
        None if head is None else head.root.hex(),
        sum(len(each.checkpoints) for each in heard),
    )


def _head(folder: Path, names: Names, vkey: Verifier, findings: list[Finding]) -> Checkpoint | None:
    if CHECKPOINT not in names.files:
        empty = not names.files and not names.other and not names.empty
        said = "the folder is empty, and a log was begun in it" if empty else "there is none"
        findings.append(Finding(Kind.REMOVED, CHECKPOINT, said))
        return None
    if names.files[CHECKPOINT] > _MOST_CHECKPOINT:
        findings.append(Finding(Kind.CHANGED, CHECKPOINT, "is larger than any checkpoint"))
        return None
    try:
        return checkpoint.read(files.read(folder, CHECKPOINT), vkey)
    except IntegrityError as error:
        findings.append(Finding(Kind.CHANGED, CHECKPOINT, str(error)))
        return None


def _once(findings: list[Finding]) -> Iterator[Finding]:
    """Yield findings in order, those that several checks come to but once."""
    yield from dict.fromkeys(findings)
