"""A question within a case: a part of its scope, never more."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from typing import Final

from pipeline.errors import UsageError
from pipeline.scope import NARROWING, WHO, Scope, Selectors, checked


@dataclass(frozen=True, slots=True)
class Question:
    """What to look for; what is left out is as the scope has it. Times in seconds since 1970."""

    sites: tuple[str, ...] = ()
    first: int | None = None
    last: int | None = None
    selectors: Selectors = field(default_factory=Selectors, repr=False)


def narrowed(scope: Scope, question: Question) -> Scope | None:
    """Return the part of ``scope`` that is asked for, None where it is no part of it.

    Raises UsageError for a question that is none.
    """
    wanted = scope.selectors
    if question.selectors:
        asked = question.selectors
        kept = [kind for kind in NARROWING if not getattr(asked, kind)]
        kept += () if asked.named() else WHO
        wanted = replace(asked, **{kind: getattr(wanted, kind) for kind in kept})
    if _not_shown(scope, question):
        return None
    first, last = _span(scope, question)
    part = checked(
        replace(
            scope,
            sites=question.sites or scope.sites,
            first=first,
            last=last,
            selectors=wanted,
        )
    )
    return part if part.within(scope) else None


def outside(scope: Scope, question: Question) -> str:
    """Return one line that says in what a question is no part of a scope, where it is none.

    It holds the question against the scope, which whoever asks knows both, and nothing else.
    """
    if missing := _not_shown(scope, question):
        return beyond(f"fields: {', '.join(missing)}")
    first, last = _span(scope, question)
    inside = {
        "sites": set(question.sites) <= set(scope.sites),
        "time span": scope.first <= first and last <= scope.last,
        "selectors": narrowed(scope, Question(selectors=question.selectors)) is not None,
    }
    return beyond(*(name for name, is_so in inside.items() if not is_so))


def beyond(*parts: str) -> str:
    """Return the line of a refusal: which parts of what was asked lie outside of the scope."""
    said = f" ({', '.join(parts)})" if parts else ""
    return (
        f"that lies outside of the case's scope{said}: ask for a wider one with "
        "`partywall case request`"
    )


def _span(scope: Scope, question: Question) -> tuple[int, int]:
    first = scope.first if question.first is None else question.first
    return first, scope.last if question.last is None else question.last


_SHOWS: Final[dict[str, str]] = {
    "addresses": "address",
    "networks": "address",
    "chats": "chat",
    "agents": "agent",
    "paths": "target",
}
"""Kind of selector → the field whose values a question by it would give away."""


def _not_shown(scope: Scope, question: Question) -> list[str]:
    """Return by which fields a question is that the scope neither shows nor says itself.

    Asked by a field that is not shown, whoever tries values one by one would read it all the same.
    """
    shown = set(scope.fields)
    if "raw" in shown:
        return []
    said = {
        "site": bool(question.sites) and question.sites != scope.sites,
        "time": question.first not in {None, scope.first}
        or question.last not in {None, scope.last},
    }
    for kind, name in _SHOWS.items():
        asked = getattr(question.selectors, kind)
        said[name] = said.get(name, False) or bool(
            asked and asked != getattr(scope.selectors, kind)
        )
    return [name for name, asked in said.items() if asked and name not in shown]


def neighbours(address: str) -> str:
    """Return the network that an address is looked at with: its /24, or its /64 in IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        raise UsageError("address: not one") from None
    length = 24 if found.version == 4 else 64  # noqa: PLR2004
    return str(ip_network((found, length), strict=False))
