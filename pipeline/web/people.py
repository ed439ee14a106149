"""Signing in without a password, by choosing a name from a list: for an embedded group alone.

Whoever may use the machine may be anybody here. So it is refused wherever something outside this
machine could reach it, and no setting can ask for it: a process is embedded where the group that
started it said so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from starlette.concurrency import run_in_threadpool

from pipeline.cases.people import Directory, Person
from pipeline.web.forms import Form
from pipeline.web.signin import Onward, Refused, SignedIn


class PeopleSignIn:
    """Everybody of a people file, as it is at the moment."""

    def __init__(self, directory: Callable[[], Directory]) -> None:
        """``directory`` reads, and may wait: it is asked on a thread."""
        self._directory = directory

    @property
    def way(self) -> Literal["oidc", "people"]:
        """What the audit log calls it."""
        return "people"

    async def people(self) -> tuple[Person, ...]:
        """Return who may be chosen."""
        return tuple(await run_in_threadpool(self._directory))

    async def begin(self, visitor: str, form: Form) -> SignedIn | Onward | Refused:
        """Take the name that was chosen."""
        del visitor
        directory = await run_in_threadpool(self._directory)
        person = directory.find(form.one("name"))
        return Refused("people") if person is None else SignedIn(person)

    async def finish(self, visitor: str | None, query: Mapping[str, str]) -> SignedIn | Refused:
        """Nobody was sent anywhere, so nobody comes back."""
        del visitor, query
        return Refused("state")

    async def leave(self, hint: str | None) -> Onward | None:
        """There is nothing else to leave."""
        del hint
        return None
