"""What there is to follow now: named files with what they were rotated to, folders, patterns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pipeline.errors import InputError, UsageError
from pipeline.shipping import inputs
from pipeline.shipping.entries import paths, siblings
from pipeline.shipping.identity import KNOWN_BYTES, Track
from pipeline.shipping.inputs import STDIN, Entry, entry_of
from pipeline.shipping.remote import is_remote
from pipeline.shipping.resume import Point, Points

Scan = Callable[[], list[Entry]]


def check(names: list[str]) -> None:
    """Raise UsageError for what cannot be followed."""
    for name in names:
        if name == STDIN:
            raise UsageError(
                "--follow: standard input is read to its end anyway; leave --follow out"
            )
        if is_remote(name):
            raise UsageError(f"--follow {name}: only files of this machine can be followed")


def watch(names: list[str], points: Points) -> Scan:
    """Return what lists the files to follow, set by set, the oldest of a set first.

    A file that is named is followed from its start or its point, and so is whatever it is rotated
    to from now on. Rotated files that are there when it is followed for the first time are passed
    over; name a folder or a pattern to have those too.
    """
    for name in names:
        entry = entry_of(name)
        if _single(name) and not points.known(entry.folder, entry.base):
            # From now on the set is known, whatever becomes of the file before it is read.
            points.note([points.new(Point(folder=entry.folder, base=entry.base))])
            for older in siblings(entry):
                if older.path != entry.path:
                    _pass_over(older, points)
    return lambda: _listed(names)


def _listed(names: list[str]) -> list[Entry]:
    found: dict[str, Entry] = {}
    for name in names:
        if _single(name):
            entries = siblings(entry_of(name))
        else:
            entries = [entry_of(path) for path in paths(name)]
        found |= {str(Path(entry.path).absolute()): entry for entry in entries}
    return sorted(found.values(), key=lambda entry: (entry.folder, entry.base, entry.age))


def _single(name: str) -> bool:
    return Path(name).is_file() or (not Path(name).is_dir() and not any(c in name for c in "*?["))


def _pass_over(entry: Entry, points: Points) -> None:
    """Take note of a file as if it had been shipped."""
    try:
        with inputs.opened(entry) as file:
            point = Point(folder=entry.folder, base=entry.base, path=entry.path,
                          device=file.device, inode=file.inode)  # fmt: skip
            if file.packed is not None:
                points.note([replace(points.new(point), stamp=file.stamp)])
                return
            track = Track()
            size = file.size or 0
            track.feed(file.stream.read(min(size, KNOWN_BYTES)), watch=False)
            file.stream.seek(max(0, size - KNOWN_BYTES))
            track.feed(file.stream.read(KNOWN_BYTES), watch=False)
            if size <= KNOWN_BYTES:
                track.tail = track.head
            points.note([track.moved(points.new(point), size, 0, "")])
    except InputError:
        return
