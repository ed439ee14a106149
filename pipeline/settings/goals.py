"""What a site wants people to reach: goals, each a page, or an event of the site's chat widget."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from pipeline import declarations
from pipeline.settings.tree import Name

MOST_GOALS: Final = 50
"""Of one site: each is a row of every card, and a universe of the release by itself."""
_LONGEST: Final = 200
_MOST_WILD: Final = 4
"""``*`` and ``**`` in one pattern: what a page costs that misses grows by its length with each."""
_PATTERN: Final = re.compile(r"(?:/|\*(?!\*)|[A-Za-z0-9._~:-])[A-Za-z0-9._~:@%+,=!$&'()*/-]*")
_WILD: Final = re.compile(r"\*\*/|\*\*|\*")
_KNOWN: Final = declarations.load("behaviour.yaml")
_FILES: Final = frozenset(_KNOWN["assets"] + _KNOWN["downloads"])


def _several(value: object) -> object:
    return [value] if isinstance(value, str) else value


class Goal(BaseModel):
    """One goal: ``page`` patterns or ``event`` names, one or several; either may stand alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    page: Annotated[tuple[str, ...], BeforeValidator(_several)] = ()
    """Of a scrubbed page: ``*`` is any text without a slash, ``**`` any text; a pattern without a
    slash is of the last part of a path."""
    event: Annotated[tuple[str, ...], BeforeValidator(_several)] = ()
    segment: Literal["view", "request", "failed"] | None = None
    """In which segment a page counts; see ``counted_in``."""

    @field_validator("page")
    @classmethod
    def _plain(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            fits = len(pattern) <= _LONGEST and _PATTERN.fullmatch(pattern)
            if not fits or len(_WILD.findall(pattern)) > _MOST_WILD or "***" in pattern:
                raise ValueError(
                    "page needs patterns of a path, as in /thanks, /files/** or *.pdf, of at most "
                    f"{_LONGEST} characters and {_MOST_WILD} times * or **"
                )
        return patterns

    @field_validator("event")
    @classmethod
    def _named(cls, events: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch("[a-z][a-z_]{0,39}", event) for event in events):
            raise ValueError("event needs names of widget events, as in chat_started")
        return events

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if bool(self.page) == bool(self.event):
            raise ValueError("needs either page or event, with one pattern or name at least")
        if self.event and self.segment is not None:
            raise ValueError("segment is for goals of pages; leave it out beside event")
        if self.segment is None and len(set(map(_is_file, self.page))) > 1:
            raise ValueError(
                "files (*.pdf) and pages count in different segments; make two goals of them, or "
                "give the one segment"
            )
        return self

    @property
    def counted_in(self) -> str:
        """Where a page counts: of assets and downloads ``request``, else ``view``."""
        if self.segment is not None:
            return self.segment
        return "request" if all(map(_is_file, self.page)) else "view"

    def reached_by(self, page: str) -> bool:
        """Tell whether a scrubbed page is one of this goal's."""
        return any(_compiled(pattern).fullmatch(page) for pattern in self.page)


def _is_file(pattern: str) -> bool:
    """Tell whether all that fits is an asset or a download."""
    return pattern.rpartition(".")[2].lower() in _FILES


@lru_cache(4_096)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Return a pattern as a regular expression; ``**/`` stands for no segment too."""
    deep = pattern if "/" in pattern else f"/**/{pattern}"
    meant = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    parts: list[str] = []
    since = 0
    for wild in _WILD.finditer(deep):
        parts += [re.escape(deep[since : wild.start()]), meant[wild[0]]]
        since = wild.end()
    return re.compile("".join([*parts, re.escape(deep[since:])]), re.DOTALL)


SiteGoals = Annotated[dict[Name, Goal], Field(max_length=MOST_GOALS)]
"""Goal's name → what it is, in the order of the settings: of two that a page reaches the first.

The name is shown wherever numbers are."""
Goals = Mapping[str, Mapping[str, Goal]]
"""Site → goal's name → what it is."""
NO_GOALS: Final[Goals] = MappingProxyType({})
