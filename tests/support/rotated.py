"""A log that is written and rotated as logrotate does it, and what became of its lines.

Rotations: ``rename``; ``pack`` (rename, then gzip the one before: delaycompress); ``pack now``;
``copy`` (copytruncate; nobody writes between the copy and the cut, which is where copytruncate
itself loses lines).
"""

from __future__ import annotations

import datetime as dt
import gzip
import os
import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path

ROTATIONS = ("rename", "pack", "pack now", "copy")


@dataclass(slots=True)
class Log:
    """One log with its rotated files, ``NAME.1`` and on; none is ever removed."""

    path: Path
    draw: random.Random
    written: list[bytes] = field(default_factory=list)
    _half: bytes = b""

    def __post_init__(self) -> None:
        """Begin with an empty file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch()

    def write(self, lines: int, *, half: bool) -> None:
        """Add lines, first what was left of the last one; ``half`` leaves one unfinished."""
        made = self._half
        for _ in range(lines):
            line = self._line()
            self.written.append(line)
            made += line + b"\n"
        self._half = b""
        if half:
            line = self._line()
            self.written.append(line)
            cut = self.draw.randrange(1, len(line))
            made, self._half = made + line[:cut], line[cut:] + b"\n"
        with self.path.open("ab") as file:
            file.write(made)

    @property
    def whole(self) -> int:
        """How many lines have their end."""
        return len(self.written) - bool(self._half)

    def rotate(self, how: str) -> None:
        """Rotate; a line that is half written is finished before, in the file it began in."""
        if self._half:
            self.write(0, half=False)
        for number in sorted(self._numbers(), reverse=True):
            for old in self.path.parent.glob(f"{self.path.name}.{number}*"):
                if old.name.removesuffix(".gz") == f"{self.path.name}.{number}":
                    end = ".gz" if old.suffix == ".gz" else ""
                    old.rename(self.path.with_name(f"{self.path.name}.{number + 1}{end}"))
        first = self.path.with_name(f"{self.path.name}.1")
        if how == "copy":
            shutil.copyfile(self.path, first)
            os.truncate(self.path, 0)
            return
        self.path.rename(first)
        self.path.touch()
        if how == "pack now":
            _pack(first)
        second = self.path.with_name(f"{self.path.name}.2")
        if how == "pack" and second.exists():
            _pack(second)

    def _numbers(self) -> set[int]:
        found = self.path.parent.glob(f"{self.path.name}.*")
        return {int(path.name.removesuffix(".gz").rpartition(".")[2]) for path in found}

    def _line(self) -> bytes:
        now = dt.datetime.now(dt.UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")  # noqa: TID251 -- a live log
        word = f"{self.draw.getrandbits(128):032x}"
        padding = "x" * self.draw.randrange(400)
        return (
            f'192.0.2.7 - - [{now}] "GET /{self.path.stem}/{len(self.written)}/{word} HTTP/1.1" '
            f'200 12 "-" "{padding}"'
        ).encode()


def _pack(path: Path) -> None:
    """Pack as gzip(1) does: the packed file grows beside the other, which then goes."""
    packed = path.with_name(f"{path.name}.gz")
    with path.open("rb") as plain, gzip.open(packed, "wb") as file:
        shutil.copyfileobj(plain, file)
    path.unlink()
