"""Site rules as they stand in a rules file: for which sites, which field, which values, what to do.

Deny wins over allow, whatever their order. Two rules that say different things of the same values
are refused at the start; docs/scrubbing.md tells what wins where rules only overlap.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import combinations
from types import MappingProxyType
from typing import Final, Literal, cast, get_args

from pipeline.errors import SettingsError
from pipeline.restricted.scrub import patterns
from pipeline.restricted.scrub.detectors import DETECTORS
from pipeline.restricted.scrub.frequency import Thresholds
from pipeline.restricted.scrub.patterns import PathPattern

Kind = Literal["keep", "drop", "coarsen", "placeholder"]
Say = Callable[[str], SettingsError]

_PATHS: Final[Mapping[str, Callable[[str], PathPattern]]] = MappingProxyType(
    {
        "prefix": patterns.prefix,
        "glob": patterns.glob,
        "route": patterns.route,
    }
)
_SELECTORS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "path": frozenset({*_PATHS, "detector"}),
        "query": frozenset({"key", "detector"}),
        "referrer": frozenset({"host"}),
    }
)
_KINDS: Final = frozenset(get_args(Kind))
_NUMBERS: Final = frozenset({"magnitude", "id"})
_PLACEHOLDER: Final = re.compile(r":[a-z]+(?:-[a-z]+)*")
_RULE_KEYS: Final = frozenset({"name", "field", "action", "to", "as"}.union(*_SELECTORS.values()))
_ENTRY_KEYS: Final = frozenset({"sites", "routes", "rules", "frequency"})


@dataclass(frozen=True, slots=True)
class Action:
    """``to``: ``magnitude`` or ``id`` of a number, or how many segments are left; ``as_``: a word.

    Without ``as_`` the placeholder of a route is the word in its braces.
    """

    kind: Kind
    to: str | int | None = None
    as_: str | None = None

    def __str__(self) -> str:
        more = self.as_ or (f"to {self.to}" if self.to is not None else "")
        return f"{self.kind} {more}".strip()


@dataclass(frozen=True, slots=True)
class SiteRule:
    """One selector and what is done to what it selects; ``pattern`` for selectors of paths."""

    name: str
    sites: tuple[str, ...]
    field: str
    selector: str
    text: str
    action: Action
    pattern: PathPattern | None = None

    @property
    def denies(self) -> bool:
        """Tell a rule that takes something away from one that allows."""
        return self.action.kind != "keep"

    def rank(self, site: str) -> tuple[object, ...]:
        """Order rules that deny, strongest first: what says less, is more exact, comes first."""
        exact = self.pattern.exactness if self.pattern else (_plain(self.text), len(self.text))
        numbers = [-int(number) for number in exact]
        strength = ("drop", "placeholder", "coarsen", "keep").index(self.action.kind)
        return strength, site not in self.sites, self.selector == "detector", *numbers, self.name


@dataclass(frozen=True, slots=True)
class Entry:
    """Rules for the sites that one of ``sites`` (names or globs) means."""

    sites: tuple[str, ...]
    routes: tuple[PathPattern, ...] = ()
    rules: tuple[SiteRule, ...] = ()
    frequency: Thresholds | None = field(default=None)

    def is_for(self, site: str) -> bool:
        """Tell whether ``site`` is one of them."""
        return any(fnmatchcase(site, pattern) for pattern in self.sites)


def read_entries(documents: object, frequency: Thresholds) -> tuple[Entry, ...]:
    """Read the ``sites`` of a rules file; raises SettingsError for mistakes and contradictions."""
    if not isinstance(documents, list):
        raise SettingsError("scrubbing rules: `sites` is a list of entries with `sites`, `rules`")
    entries = tuple(_entry(each, at + 1, frequency) for at, each in enumerate(documents))
    _check([rule for entry in entries for rule in entry.rules])
    return entries


def _entry(document: object, number: int, frequency: Thresholds) -> Entry:
    say = _saying(f"sites, entry {number}")
    if not isinstance(document, dict) or document.keys() - _ENTRY_KEYS:
        raise say(f"an entry has {', '.join(sorted(_ENTRY_KEYS))} and nothing else")
    sites = tuple(_texts(document.get("sites")))
    if not sites:
        raise say("say for which `sites`: names, or * for all")
    try:
        routes = tuple(patterns.route(text) for text in _texts(document.get("routes")))
    except ValueError as error:
        raise say(f"routes: {error}") from None
    own = document.get("frequency")
    rules = document.get("rules") or []
    if not isinstance(rules, list):
        raise say("`rules` is a list")
    return Entry(
        sites,
        routes,
        tuple(rule for each in rules for rule in _rules(each, sites, say)),
        None if own is None else Thresholds.read(own, f"sites, entry {number}", frequency),
    )


def _rules(document: object, sites: tuple[str, ...], say: Say) -> Iterator[SiteRule]:
    """Yield a rule a selected text."""
    if not isinstance(document, dict) or not document.get("name"):
        raise say("a rule has a name, a field, a selector and an action")
    name = str(document["name"])
    say = _saying(f"rule {name}")
    if document.keys() - _RULE_KEYS:
        raise say(f"nothing is called {min(map(str, document.keys() - _RULE_KEYS))}")
    where = str(document.get("field"))
    if where not in _SELECTORS:
        raise say("`field` is path, query or referrer")
    chosen = document.keys() & frozenset().union(*_SELECTORS.values())
    if len(chosen) != 1 or not chosen <= _SELECTORS[where]:
        raise say(f"{where} is selected by one of {', '.join(sorted(_SELECTORS[where]))}")
    (selector,) = chosen
    texts = list(_texts(document[selector]))
    if not texts:
        raise say(f"`{selector}` is empty")
    for text in texts:
        pattern = _pattern(selector, text, say)
        action = _action(document, where, selector, text, say)
        yield SiteRule(name, sites, where, selector, text, action, pattern)


def _pattern(selector: str, text: str, say: Say) -> PathPattern | None:
    if selector == "detector" and text not in DETECTORS:
        raise say(f"no detector is called {text}: choose from {', '.join(DETECTORS)}")
    try:
        return _PATHS[selector](text) if selector in _PATHS else None
    except ValueError as error:
        raise say(str(error)) from None


def _action(
    document: Mapping[str, object], where: str, selector: str, text: str, say: Say
) -> Action:
    kind = document.get("action")
    to, as_ = document.get("to"), document.get("as")
    if kind not in _KINDS:
        raise say("`action` is keep, drop, coarsen or placeholder")
    if (to is not None) != (kind == "coarsen") or (as_ is not None and kind != "placeholder"):
        raise say("coarsen needs `to`, placeholder takes `as`, the others neither")
    if selector == "detector" and kind in {"keep", "coarsen"}:
        raise say("what a detector finds can be dropped or get a placeholder, nothing else")
    if where == "referrer" and (kind == "coarsen" or (kind == "keep" and not _plain(text))):
        raise say("a referrer is dropped, gets a placeholder, or is kept as one exact host")
    numbered = isinstance(to, int) and to > 0 and where == "path"
    if kind == "coarsen" and not numbered and to not in _NUMBERS:
        raise say("coarsen a number to magnitude or id, a path to its first segments (`to: 2`)")
    if kind == "placeholder" and as_ is None and selector != "route":
        raise say("placeholder needs `as`, such as :word")
    if as_ is not None and not _PLACEHOLDER.fullmatch(str(as_)):
        raise say("a placeholder is a colon and small letters, such as :word")
    return Action(cast("Kind", kind), cast("str | int | None", to), cast("str | None", as_))


def _check(rules: Iterable[SiteRule]) -> None:
    """Raise SettingsError where two rules say different things of the same values."""
    for one, other in combinations(rules, 2):
        same = (one.field, one.selector, one.text) == (other.field, other.selector, other.text)
        shared = set(one.sites) & set(other.sites)
        if same and shared and one.action != other.action:
            raise SettingsError(
                f"scrubbing rules: {one.name} and {other.name} contradict each other: for "
                f"{one.field} {one.selector} {one.text} of site {min(shared)}, one says "
                f"{one.action} and the other {other.action}; leave one out"
            )


def _plain(text: str) -> bool:
    return not set(text) & set("*?[")


def _texts(value: object) -> Iterator[str]:
    if value is not None:
        yield from map(str, value if isinstance(value, list) else [value])


def _saying(where: str) -> Say:
    return lambda what: SettingsError(f"scrubbing rules, {where}: {what}")
