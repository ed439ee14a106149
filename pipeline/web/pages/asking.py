"""Scopes and questions as forms have them, and forms as scopes fill them in."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields
from typing import Final

from pipeline.cases.moments import moment
from pipeline.errors import UsageError
from pipeline.investigations.narrowing import Question
from pipeline.scope import FIELDS, Scope, Selectors, checked
from pipeline.web.forms import Form

KINDS: Final = (
    ("addresses", "Addresses", "as in 192.0.2.7 or 2001:db8::7"),
    ("networks", "Networks", "as in 192.0.2.0/24"),
    ("pseudonyms", "Pseudonyms", "16 hex digits, of the last 48 hours"),
    ("chats", "Chat ids", "of the chat widget"),
    ("agents", "User agents", "whole, as the browser says it"),
    ("paths", "Paths", "whole, or the beginning and *"),
)
"""Kinds of selectors: name, label, hint."""

_TIME: Final = "%Y-%m-%dT%H:%M:%S"


@dataclass(frozen=True, slots=True)
class Filled:
    """What stands in a form: texts, one a line where there may be several."""

    sites: str = ""
    first: str = ""
    last: str = ""
    addresses: str = ""
    networks: str = ""
    pseudonyms: str = ""
    chats: str = ""
    agents: str = ""
    paths: str = ""
    most: str = "10000"
    untimed: bool = False
    shown: tuple[str, ...] = FIELDS
    category: str = ""
    reason: str = ""
    reference: str = ""
    address: str = ""
    by: str = ""

    def __repr__(self) -> str:
        return "Filled()"

    def __getitem__(self, name: str) -> str:
        """Return a text by its name, for templates that go through the kinds."""
        return str(getattr(self, name))


def of_form(form: Form) -> Filled:
    """Return what was filled in, to be shown again."""
    texts = {
        one.name: form.one(one.name)
        for one in fields(Filled)
        if one.name not in {"untimed", "shown"}
    }
    return Filled(
        **texts,
        untimed=form.one("untimed") == "yes",
        shown=tuple(name for name in FIELDS if name in form.all("shown")),
    )


def of_scope(scope: Scope | None) -> Filled:
    """Return a form that says what a scope says."""
    if scope is None:
        return Filled()
    texts = {kind: "\n".join(getattr(scope.selectors, kind)) for kind, _, _ in KINDS}
    return Filled(
        **texts,
        sites=" ".join(scope.sites),
        first=written(scope.first),
        last=written(scope.last),
        most=str(scope.most_records),
        untimed=scope.untimed,
        shown=scope.fields,
    )


def written(seconds: int) -> str:
    """Return a time as a form takes it back, in UTC."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime(_TIME)


def scope(form: Form) -> Scope:
    """Return the scope that was filled in; raises UsageError that says what to mend."""
    first, last = form.one("first"), form.one("last")
    if not (first and last):
        raise UsageError("scope: say from when and until when")
    return checked(
        Scope(
            sites=_words(form, "sites"),
            first=moment(first),
            last=moment(last, end=True),
            selectors=selectors(form),
            fields=tuple(form.all("shown")),
            most_records=number(form, "most"),
            untimed=form.one("untimed") == "yes",
        )
    )


def question(form: Form) -> Question:
    """Return the question that was filled in; what is left out is as the case's scope has it."""
    first, last = form.one("first"), form.one("last")
    return Question(
        sites=_words(form, "sites"),
        first=moment(first) if first else None,
        last=moment(last, end=True) if last else None,
        selectors=selectors(form),
    )


def selectors(form: Form) -> Selectors:
    """Return whose records are asked for."""
    return Selectors(**{kind: _lines(form, kind) for kind, _, _ in KINDS})


def number(form: Form, name: str) -> int:
    """Return a whole number; raises UsageError."""
    try:
        return int(form.one(name).replace(",", ""))
    except ValueError:
        raise UsageError(f"{name}: a whole number") from None


def _words(form: Form, name: str) -> tuple[str, ...]:
    return tuple(form.one(name).replace(",", " ").split())


def _lines(form: Form, name: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in form.one(name).splitlines() if line.strip())
