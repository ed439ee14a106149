"""Signing in at an OpenID Connect provider: authorization code flow with PKCE, state and nonce.

Each sign-in that was begun is remembered here, under the browser's random name, for ten minutes
and for one answer: an answer that comes again, from another browser or unasked for finds nothing.
"""

from __future__ import annotations

import datetime as dt
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import urlencode

import httpx2

from pipeline.cases.people import Person
from pipeline.clock import Clock
from pipeline.errors import IntegrityError, UnavailableError
from pipeline.settings import Oidc
from pipeline.web import claims
from pipeline.web.forms import Form
from pipeline.web.provider import Flow, Provider, RefusedByProviderError
from pipeline.web.signin import Onward, Reason, Refused, SignedIn, check_url

RETURN: Final = "/sign-in/return"
SIGNED_OUT: Final = "/signed-out"
_OPEN: Final = dt.timedelta(minutes=10)
_MOST_OPEN: Final = 1000


class OidcSignIn:
    """Asks a provider who somebody is, and takes roles and team from its claims."""

    def __init__(
        self,
        settings: Oidc,
        origin: str,
        clock: Clock,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        check_url("investigations.oidc.issuer", settings.issuer)
        self._settings = settings
        self._origin = origin
        self._clock = clock
        self._provider = Provider(settings, origin + RETURN, clock, transport)
        self._open: OrderedDict[str, tuple[dt.datetime, Flow]] = OrderedDict()

    @property
    def way(self) -> Literal["oidc", "people"]:
        """What the audit log calls it."""
        return "oidc"

    async def people(self) -> tuple[Person, ...]:
        """Return nobody: the provider knows who there is."""
        return ()

    async def begin(self, visitor: str, form: Form) -> SignedIn | Onward | Refused:
        """Return the way to the provider; raises UnavailableError."""
        del form
        flow = Flow(*(secrets.token_urlsafe(32) for _ in range(3)))
        url = await self._provider.authorization_url(flow)
        self._open.pop(visitor, None)
        self._open[visitor] = self._clock(), flow
        if len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)
        return Onward(url)

    async def finish(self, visitor: str | None, query: Mapping[str, str]) -> SignedIn | Refused:
        """Take the code to the provider and read the ID token; raises UnavailableError."""
        flow = self._take(visitor)
        if flow is None:
            return Refused("state")
        if amiss := self._amiss(flow, query):
            return Refused(amiss)
        try:
            tokens = await self._provider.tokens(query["code"], flow)
            token = tokens.get("id_token")
            if not isinstance(token, str):
                raise IntegrityError("the sign-in provider gives no ID token")  # noqa: TRY301
            said = await self._verified(token, tokens.get("access_token"), flow.nonce)
        except RefusedByProviderError:
            return Refused("provider")
        except IntegrityError:
            return Refused("token")
        found = claims.person_of(said, self._settings)
        return found if isinstance(found, Refused) else SignedIn(found, token)

    async def leave(self, hint: str | None) -> Onward | None:
        """Return the provider's end of session (RP-Initiated Logout 1.0), where it has one."""
        try:
            endpoint = await self._provider.endpoint("end_session_endpoint")
        except UnavailableError:
            return None
        if endpoint is None:
            return None
        query = {
            "client_id": self._settings.client_id,
            "post_logout_redirect_uri": self._origin + SIGNED_OUT,
            **({} if hint is None else {"id_token_hint": hint}),
        }
        return Onward(f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}")

    def _amiss(self, flow: Flow, query: Mapping[str, str]) -> Reason | None:
        """Return what is wrong with the answer that the browser brings, before its code is used."""
        said = query.get("state", "").encode("utf-8", "replace")
        if not hmac.compare_digest(flow.state.encode(), said):
            return "state"
        if query.get("iss", self._settings.issuer) != self._settings.issuer:  # RFC 9207
            return "issuer"
        return "provider" if "error" in query or "code" not in query else None

    async def _verified(
        self, token: str, access_token: str | None, nonce: str
    ) -> Mapping[str, object]:
        for anew in (False, True):  # the provider may have changed its keys since we asked
            try:
                return claims.verify(
                    token,
                    await self._provider.keys(anew=anew),
                    self._settings,
                    nonce=nonce,
                    access_token=access_token,
                    now=self._clock(),
                )
            except claims.UnknownKeyError:
                continue
        raise IntegrityError("an ID token names a key that its provider does not publish")

    def _take(self, visitor: str | None) -> Flow | None:
        """Return the sign-in that this browser began, once."""
        began, flow = self._open.pop(visitor or "", (None, None))
        return flow if began is not None and self._clock() - began < _OPEN else None
