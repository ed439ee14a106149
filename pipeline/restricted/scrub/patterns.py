"""Selectors of paths: a prefix, a glob or a route, matched segment by segment.

``/products/{slug}`` is a route, ``/products/*/photos`` a glob, ``/docs`` as a prefix stands for all
below it. What a route has in braces, a glob as ``*`` and a prefix below it is *selected*: that is
what an action does something to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import translate
from typing import Final

_BRACES: Final = re.compile(r"\{([a-z][a-z-]*)\}")


@dataclass(frozen=True, slots=True)
class Piece:
    """One segment: ``literal``, or what ``glob`` matches; any where both are None.

    ``word`` is a route's name for it.
    """

    literal: str | None = None
    glob: re.Pattern[str] | None = None
    word: str | None = None

    def takes(self, segment: str) -> bool:
        """Tell whether ``segment`` may stand here."""
        if self.literal is not None:
            return segment == self.literal
        return self.glob is None or self.glob.match(segment) is not None


@dataclass(frozen=True, slots=True)
class PathPattern:
    """``open`` patterns take whatever follows as well."""

    text: str
    pieces: tuple[Piece, ...]
    open: bool = False

    def matches(self, segments: Sequence[str]) -> bool:
        """Tell whether a path of these segments is meant."""
        size = len(self.pieces)
        fits = len(segments) >= size if self.open else len(segments) == size
        return fits and self.leading(segments) == len(segments)

    def leading(self, segments: Sequence[str]) -> int:
        """Return how many of the first segments a path that is meant could begin with."""
        for at, (piece, segment) in enumerate(zip(self.pieces, segments, strict=False)):
            if not piece.takes(segment):
                return at
        return len(segments) if self.open else min(len(segments), len(self.pieces))

    def selected(self, size: int) -> range | list[int]:
        """Return which of ``size`` segments, of a path that is meant, an action is for."""
        if self.open:
            return range(len(self.pieces), size)
        return [at for at, piece in enumerate(self.pieces) if piece.literal is None]

    @property
    def literals(self) -> dict[int, str]:
        """Where a segment is written out: position → segment."""
        return {at: p.literal for at, p in enumerate(self.pieces) if p.literal is not None}

    @property
    def exactness(self) -> tuple[int, int]:
        """Grows with how much is written out."""
        return len(self.literals), not self.open


def prefix(text: str) -> PathPattern:
    """Read ``/docs``; raises ValueError."""
    return PathPattern(text, tuple(map(Piece, _parts(text, empty=True))), open=True)


def glob(text: str) -> PathPattern:
    """Read ``/a/*/c-*``: ``*`` and ``?`` within a segment; raises ValueError."""
    return PathPattern(
        text,
        tuple(
            Piece(glob=re.compile(translate(part))) if set(part) & set("*?[") else Piece(part)
            for part in _parts(text)
        ),
    )


def route(text: str) -> PathPattern:
    """Read ``/products/{slug}``: a word in braces stands for any segment; raises ValueError."""
    pieces = []
    for part in _parts(text):
        braces = _BRACES.fullmatch(part)
        if braces is None and set(part) & set("{}*?"):
            raise ValueError(f"{text} has a segment that is neither a word nor {{word}}")
        pieces.append(Piece(part) if braces is None else Piece(word=braces[1]))
    return PathPattern(text, tuple(pieces))


def _parts(text: str, *, empty: bool = False) -> list[str]:
    if not text.startswith("/"):
        raise ValueError(f"{text} does not begin with a slash")
    parts = [part for part in text.split("/") if part]
    if not parts and not empty:
        raise ValueError(f"{text} has no segment")
    return parts
