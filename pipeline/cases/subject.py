"""What a request of a person may reach: that person's records, and no raw line."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pipeline.errors import UsageError
from pipeline.scope import Scope

SUBJECT: Final = "data_subject_request"
"""The category of cases that a person's own request opens; privacy officers bring these."""

FIELDS: Final = (
    "time", "site", "address", "method", "target", "status", "bytes", "referrer", "agent", "host",
    "event", "chat",
)  # fmt: skip
"""What an answer may hold. The raw line is not among it: it may name others, as in a list of
forwarded addresses or in a chat partner's words."""


def for_subject(scope: Scope) -> Scope:
    """Return a scope with the fields that an answer may hold; raises UsageError without a person.

    A path or an agent alone is nobody: it would find everybody who has it.
    """
    if not scope.selectors.named():
        raise UsageError("a person is named by an address, a pseudonym or a chat id")
    if scope.selectors.networks:
        raise UsageError("a network holds more than one person: name addresses")
    fields = tuple(name for name in scope.fields if name in FIELDS)
    if not fields:
        raise UsageError("none of these fields may be in an answer")
    return replace(scope, fields=fields)


def of_category(category: str, scope: Scope) -> Scope:
    """Return the scope as a case of this category may have it; raises UsageError."""
    return for_subject(scope) if category == SUBJECT else scope
