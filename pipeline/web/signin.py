"""What a way to sign in must be able to do, and which one the settings ask for."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol
from urllib.parse import urlsplit

from pipeline.cases.people import Person
from pipeline.errors import SettingsError
from pipeline.web.forms import Form

UNKNOWN: Final = "unknown"
"""The actor of a sign-in that was refused before anybody could say whose it was."""

Reason = Literal["state", "provider", "issuer", "token", "name", "roles", "people"]
"""Why a sign-in is refused: it goes into the audit log and into a metric, and not onto the page."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The person, and what the provider's sign-out wants to be shown."""

    person: Person
    hint: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Onward:
    """The browser is to go to the provider."""

    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """Nobody is signed in."""

    reason: Reason
    actor: str = UNKNOWN


class SignIn(Protocol):
    """A way to find out who somebody is. ``visitor`` is the browser's random name."""

    @property
    def way(self) -> Literal["oidc", "people"]:
        """What the audit log calls it."""

    async def people(self) -> tuple[Person, ...]:
        """Return who may be chosen from a list; nobody where there is none."""

    async def begin(self, visitor: str, form: Form) -> SignedIn | Onward | Refused:
        """Take the sign-in page's form; raises UnavailableError."""

    async def finish(self, visitor: str | None, query: Mapping[str, str]) -> SignedIn | Refused:
        """Take the browser back from the provider; raises UnavailableError."""

    async def leave(self, hint: str | None) -> Onward | None:
        """Return where the browser signs out of the provider, if it can; never raises."""


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches a host of that name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_url(setting: str, url: str) -> str:
    """Return a URL that is https, or http on this machine; raises SettingsError."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (
        parts.scheme == "http" and is_loopback(parts.hostname or "")
    ):
        raise SettingsError(f"setting {setting}: give an https URL")
    return url
