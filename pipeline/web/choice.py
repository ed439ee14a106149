"""Which way to sign in the settings ask for, and whether they go together at all."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

import httpx2

from pipeline.cases.people import Directory
from pipeline.clock import Clock
from pipeline.errors import SettingsError
from pipeline.settings import Investigations
from pipeline.web.oidc import OidcSignIn
from pipeline.web.people import PeopleSignIn
from pipeline.web.signin import SignIn, check_url, is_loopback


def choose(
    settings: Investigations,
    *,
    embedded: bool,
    origin: str,
    clock: Clock,
    transport: httpx2.AsyncBaseTransport | None = None,
    people: Callable[[], Directory] | None = None,
) -> SignIn:
    """Return the way to sign in; raises SettingsError.

    ``embedded`` comes from the group that started this process, never from a setting.
    ``transport`` carries requests to the provider; None: the network does. ``people`` returns who
    there is at the moment; None: what the file says, which is read here once to see that it can be.
    """
    if settings.oidc is not None:
        return OidcSignIn(settings.oidc, origin, clock, transport)
    if not embedded:
        raise SettingsError(
            "setting investigations.oidc: name a provider (issuer, client_id, role_map); signing "
            "in without a password is for an embedded group alone"
        )
    if settings.people is None:
        raise SettingsError("setting investigations.people: name the file that lists the people")
    for host in (settings.host, urlsplit(origin).hostname or ""):
        if not is_loopback(host):
            raise SettingsError(
                "setting investigations.host: signing in without a password is served on 127.0.0.1 "
                "alone; name a provider in investigations.oidc to serve anybody else"
            )
    read = partial(Directory.read, settings.people)
    read()
    return PeopleSignIn(people or read)


def own_origin(settings: Investigations, port: int) -> str:
    """Return what browsers call these pages; raises SettingsError where they would not be safe."""
    if settings.origin is not None:
        return check_url("investigations.origin", settings.origin).rstrip("/").lower()
    if not is_loopback(settings.host):
        raise SettingsError(
            "setting investigations.origin: say what browsers call these pages, as in "
            "https://cases.example.com"
        )
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{port}"
