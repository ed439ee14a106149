"""User agent header → the kind of bot that calls itself so, from two maintained lists.

Ours (``schemas/crawlers.yaml``) tells what an AI is after; crawler-user-agents
(https://github.com/monperrus/crawler-user-agents) knows the names of 1,500 others, with tags.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Final

from crawleruseragents import CRAWLER_USER_AGENTS_DATA  # type: ignore[import-untyped]
from ua_parser import Domain
from ua_parser.matchers import UserAgentMatcher
from ua_parser.regex import Resolver

from pipeline import declarations

NOT_A_BOT: Final = "(none)"
"""Kind of a human."""
NO_AGENT: Final = "no agent"
OTHER: Final = "other"
_OF_A_PROGRAM: Final = {"automation", "library"}


def kinds() -> Mapping[str, str]:
    """Return each kind of bot with what it does; the closed list of the dimension ``bot``."""
    found: dict[str, str] = declarations.load("crawlers.yaml")["kinds"]
    return found


@cache
def load_crawlers() -> Callable[[str], str | None]:
    """Return a function from a header to the kind of bot it names, None where it names none.

    The resolver of ua-parser looks for all patterns at once; it takes 4 µs where 1,500 searches
    would take milliseconds. It is built once in a process.
    """
    document = declarations.load("crawlers.yaml")
    rules = [(frozenset(rule["all"]), rule["kind"]) for rule in document["tags"]]
    named = (UserAgentMatcher(f"(?i:{e['pattern']})", e["kind"]) for e in document["named"])
    tagged = _tagged(rules, frozenset(document["people"]))
    resolve = Resolver(([*named, *tagged], [], []))

    def kind(header: str) -> str | None:
        found = resolve(header, Domain.USER_AGENT).user_agent
        return found.family if found else None

    return kind


def _tagged(
    rules: list[tuple[frozenset[str], str]], people: frozenset[str]
) -> Iterator[UserAgentMatcher]:
    """Yield the package's patterns with our kinds; ``rules`` are tags and the kind they make."""
    found = []
    for entry in CRAWLER_USER_AGENTS_DATA:
        tags = frozenset(entry["tags"])
        kind = next((kind for wanted, kind in rules if wanted <= tags), OTHER)
        if entry["pattern"] not in people:
            found.append((kind, entry["pattern"]))
    # What others are made with is asked about last; the sort keeps the order otherwise.
    for kind, pattern in sorted(found, key=lambda pair: pair[0] in _OF_A_PROGRAM):
        yield UserAgentMatcher(pattern, kind)
