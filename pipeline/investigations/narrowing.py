"""A question within a case: a part of its scope, never more."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from typing import Final

from pipeline.errors import UsageError
from pipeline.scope import NARROWING, WHO, Scope, Selectors, checked

OUTSIDE = "that lies outside of the case's scope: ask for a wider one with `partywall case request`"


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
    if not _may_ask(scope, question):
        return None
    part = checked(
        replace(
            scope,
            sites=question.sites or scope.sites,
            first=scope.first if question.first is None else question.first,
            last=scope.last if question.last is None else question.last,
            selectors=wanted,
        )
    )
    return part if part.within(scope) else None


_SHOWS: Final[dict[str, str]] = {
    "addresses": "address",
    "networks": "address",
    "chats": "chat",
    "agents": "agent",
    "paths": "target",
}
"""Kind of selector → the field whose values a question by it would give away."""


def _may_ask(scope: Scope, question: Question) -> bool:
    """Tell whether a question is by fields that the scope shows, or by what the scope says itself.

    Asked by a field that is not shown, whoever tries values one by one would read it all the same.
    """
    shown = set(scope.fields)
    if "raw" in shown:
        return True
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
    return all(name in shown for name, asked in said.items() if asked)


def neighbours(address: str) -> str:
    """Return the network that an address is looked at with: its /24, or its /64 in IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        raise UsageError("address: not one") from None
    length = 24 if found.version == 4 else 64  # noqa: PLR2004
    return str(ip_network((found, length), strict=False))
