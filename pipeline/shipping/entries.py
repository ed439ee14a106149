"""What a person names, as the inputs behind it: files, folders, patterns, archives, buckets."""

from __future__ import annotations

import glob
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from pipeline.errors import InputError
from pipeline.shipping import archive, inputs, remote
from pipeline.shipping.inputs import PEEK, STDIN, Entry, entry_of
from pipeline.shipping.rotation import PACKED, place
from pipeline.shipping.unpack import FAILURES, LONGEST_MAGIC, is_tar, packing, unpacked

_TAR_HEADER: Final = 512
Passed = Callable[[str], None]
Found = tuple[Entry, list[bytes] | None]


def expand(names: list[str], passed: Passed) -> Iterator[Found]:
    """Yield each input once, with its first lines where they were read on the way.

    A file that is named stands for itself. What a folder or a pattern holds is looked through:
    hidden and empty files are left out, and so are files that are no text; ``passed`` is told
    their names. Raises InputError for what is not there.
    """
    seen: set[object] = set()
    for name, named in _paths(names):
        if name == STDIN:
            known: object = STDIN
        elif remote.is_remote(name):
            known = name
        else:
            known = _identity(name)
        if known not in seen:
            seen.add(known)
            yield from _inside(name, passed, named=named)


def paths(name: str) -> list[str]:
    """Return the files a path, folder or pattern on this machine stands for, sorted.

    A packed file beside the one it is being packed from is left out.
    """
    if Path(name).is_dir():
        found = _under(name)
    elif not Path(name).exists() and glob.has_magic(name):
        found = []
        for match in sorted(glob.glob(name, recursive=True)):  # noqa: PTH207 -- a pattern, not a path
            found += _under(match) if Path(match).is_dir() else [match]
    else:
        return [name]
    there = set(found)
    return [path for path in found if not _unfinished(path, there)]


def siblings(entry: Entry) -> list[Entry]:
    """Return the files of an entry's set that are there, a packed one beside its source not."""
    folder = entry.path.rpartition("/")[0]
    try:
        names = {name for name in os.listdir(folder or ".") if place(name).base == entry.base}  # noqa: PTH208
    except OSError:
        return []
    whole = [name for name in sorted(names) if not _unfinished(name, names)]
    return [entry_of(f"{folder}/{name}" if folder else name) for name in whole]


def newest_open(entries: list[Entry]) -> list[Entry]:
    """Return the entries with those closed that are not the newest of their set."""
    newest: dict[tuple[str, str], Entry] = {}
    for entry in sorted(entries, key=lambda one: one.age):
        newest[entry.folder, entry.base] = entry
    return [
        entry if newest[entry.folder, entry.base] is entry else replace(entry, closed=True)
        for entry in entries
    ]


def _paths(names: list[str]) -> Iterator[tuple[str, bool]]:
    for name in names:
        if name == STDIN:
            yield name, True
        elif remote.is_remote(name):
            found = remote.listed(name)
            if not found:
                raise InputError(f"{name}: there is no object; check the address")
            yield from ((path, False) for path in found)
        else:
            found = paths(name)
            if not found:
                what = "has no file in it" if Path(name).is_dir() else "matches no file"
                raise InputError(f"{name} {what}: check the path")
            yield from ((path, found == [name]) for path in found)


def _under(folder: str) -> list[str]:
    found: list[str] = []
    for top, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            str(Path(top, name))
            for name in sorted(files)
            if not name.startswith(".") and Path(top, name).is_file()
        ]
    return found


def _unfinished(path: str, there: set[str]) -> bool:
    return any(path.endswith(end) and path.removesuffix(end) in there for end in PACKED)


def _identity(name: str) -> object:
    try:
        status = Path(name).stat()
    except OSError:
        return name
    return status.st_dev, status.st_ino


def _inside(name: str, passed: Passed, *, named: bool) -> Iterator[Found]:
    entry = entry_of(name)
    if name == STDIN:
        yield entry, None
        return
    if not named and entry.local and not Path(name).stat().st_size:
        return
    with inputs.opened(entry) as file:
        start = inputs.read(file, name, _TAR_HEADER)
    if not is_tar(start):
        if named or inputs.is_text(start):
            yield entry, None
        else:
            passed(name)
        return
    with inputs.opened(entry) as file:
        for number, path, content in archive.members(file.stream, name):
            lines = _start(content)
            if lines is None:
                passed(f"{name}: {path}")
                continue
            folder, _, last = path.rpartition("/")
            spot = place(last)
            yield (
                Entry(f"{name}: {path}", name, f"{entry.folder}/{folder}".rstrip("/"), spot.base,
                      spot.age, number, closed=True),
                lines,
            )  # fmt: skip


def _start(content: io.BufferedReader) -> list[bytes] | None:
    """Return a member's first lines, None where it is no text."""
    try:
        kind = packing(content.peek(LONGEST_MAGIC)[:LONGEST_MAGIC])
        return inputs.first_lines("", unpacked(content, kind).read(PEEK))
    except (InputError, *FAILURES):
        return None
