"""The scrubbing rules as they stand in a YAML file, read and checked.

A rule is a pattern or a named detector, applied to a path's segments in the order of the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from pipeline import declarations
from pipeline.errors import SettingsError
from pipeline.restricted.scrub.detectors import DETECTORS
from pipeline.restricted.scrub.frequency import Thresholds
from pipeline.restricted.scrub.siterules import Entry, read_entries

Rewrite = Callable[[str], str]
"""A decoded segment → the segment with what the rule found replaced."""

_KNOWN: Final = frozenset(
    "version sites frequency plain plain_word not_plain limits names rules examples".split()
)
_ENDING: Final = re.compile(r"\.(?:[sx]?html?|php[0-9]?|aspx?|jspx?|cgi|do|json|xml)$")
_AROUND: Final = " .-_~!$'()*,+:"
"""What may stand around a word of a path without changing it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``segments`` in number; ``segment`` and ``page`` in characters."""

    segments: int
    segment: int
    page: int


@dataclass(frozen=True, slots=True)
class Names:
    """Which segments announce that the next one names somebody, and which never name anybody.

    Segments in ``passing`` are among the latter, and hand an announcement on: /user/edit/alice.
    """

    after: frozenset[str]
    never: frozenset[str]
    passing: frozenset[str]

    def announced_by(self, segment: str, *, announced: bool = False) -> bool:
        """Tell whether the segment after ``segment``, itself announced or not, is a name."""
        bare = segment.lower().strip(_AROUND)
        word = bare.partition(".")[0]
        return word in self.after or (announced and (word in self.passing or not bare))

    def is_name(self, segment: str) -> bool:
        """Tell whether ``segment``, announced, really is one."""
        bare = segment.lower().strip(_AROUND)
        return bool(bare) and bare not in self.never and _ENDING.sub("", bare) not in self.never


@dataclass(frozen=True, slots=True)
class Rules:
    """A rules file.

    ``titles`` are the names of ``rewrites``, in the same order; ``across`` are those of them that
    segments in a row are put to as one. ``sites`` are the site rules. ``plain`` matches
    whole segments that no rule takes anything of, unless ``not_plain`` is found in them: what it
    calls ``word`` only where that looks made up. Both are None where every segment has to meet the
    rules.
    """

    rewrites: tuple[Rewrite, ...]
    across: tuple[Rewrite, ...]
    titles: tuple[str, ...]
    limits: Limits
    names: Names
    sites: tuple[Entry, ...]
    frequency: Thresholds
    plain: re.Pattern[str] | None
    not_plain: re.Pattern[str] | None
    examples: Mapping[str, str]


def read_rules(path: Path | None = None) -> Rules:
    """Read a rules file, the packaged default where ``path`` is None; raises SettingsError."""
    source = path or declarations.folder() / "scrub/default.yaml"
    try:
        return _rules(yaml.safe_load(source.read_text(encoding="utf-8")))
    except OSError as error:
        raise SettingsError(
            f"scrubbing rules {source}: cannot be read ({error.strerror})"
        ) from error
    except re.error as error:
        raise SettingsError(f"scrubbing rules {source}: bad pattern ({error})") from error
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise SettingsError(
            f"scrubbing rules {source}: needs limits, names and rules as in "
            "schemas/scrub/default.yaml"
        ) from error


def _rules(document: Mapping[str, object]) -> Rules:
    for key in document.keys() - _KNOWN:
        hint = "; write a site rule with `key` and `action: keep`" if key == "keep_queries" else ""
        raise SettingsError(f"scrubbing rules: nothing is called {key}{hint}")
    limits, names, rules = document["limits"], document["names"], document["rules"]
    if not (isinstance(limits, dict) and isinstance(names, dict) and isinstance(rules, list)):
        raise TypeError("limits, names, rules")
    after, never, passing = (
        frozenset(str(name).lower() for name in words)
        for words in (names["after"], names["except"], names.get("passing") or ())
    )
    frequency = Thresholds.read(document.get("frequency"), "frequency")
    word = str(document.get("plain_word", ""))
    plain, not_plain = document.get("plain"), document.get("not_plain")
    examples: dict[str, str] = {}
    for holder in (document, names, *rules):
        examples.update(holder.get("examples") or {})
    rewrites = [(_rewrite(rule), rule.get("slashes") is True) for rule in rules]
    return Rules(
        rewrites=tuple(rewrite for rewrite, _ in rewrites),
        across=tuple(rewrite for rewrite, slashes in rewrites if slashes),
        titles=tuple(str(rule["name"]) for rule in rules),
        limits=Limits(**{str(name): int(value) for name, value in limits.items()}),
        names=Names(after, after | never | passing, passing),
        sites=read_entries(document.get("sites") or [], frequency),
        frequency=frequency,
        plain=None if plain is None else re.compile(str(plain).replace("W", word)),
        not_plain=None if not_plain is None else re.compile(str(not_plain)),
        examples=examples,
    )


def _rewrite(rule: Mapping[str, str]) -> Rewrite:
    replacement, scope = rule["as"], rule["scope"]
    if not re.fullmatch(r":[a-z-]+", replacement):
        raise ValueError(f"rule {rule['name']}")
    if "detector" in rule:
        without = DETECTORS[rule["detector"]].without
        return lambda text: without(text, replacement)
    pattern = re.compile(rule["pattern"])
    if scope == "segment":
        return lambda text: replacement if pattern.search(text) else text
    if scope == "part":
        return lambda text: pattern.sub(replacement, text)
    raise ValueError(f"rule {rule['name']}")
