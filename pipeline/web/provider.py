"""The provider over HTTP: what it says of itself, its keys, and tokens for a code."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuthError
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from pipeline.clock import Clock
from pipeline.errors import SettingsError, UnavailableError
from pipeline.settings import Oidc
from pipeline.web.signin import is_loopback

_KEPT: Final = dt.timedelta(hours=1)
_SECONDS: Final = 10.0
_NEEDED: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class Flow:
    """What one sign-in has that no other has; all of it is random and used once."""

    state: str
    nonce: str
    verifier: str


class RefusedByProviderError(UnavailableError):
    """The provider answers, and gives no token for the code."""


class Provider:
    """One provider and one client of it."""

    def __init__(
        self,
        settings: Oidc,
        redirect: str,
        clock: Clock,
        transport: httpx2.AsyncBaseTransport | None,
    ) -> None:
        self._settings = settings
        self._redirect = redirect
        self._clock = clock
        self._transport = transport
        self._secret = _secret(settings.client_secret_file)
        self._said: tuple[dt.datetime, dict[str, Any]] | None = None
        self._keys: tuple[dt.datetime, KeySet] | None = None

    async def endpoint(self, name: str) -> str | None:
        """Return an endpoint of the provider's; raises UnavailableError."""
        url = (await self._metadata()).get(name)
        return url if isinstance(url, str) and _is_safe(url) else None

    async def authorization_url(self, flow: Flow) -> str:
        """Return where a browser begins to sign in; raises UnavailableError."""
        endpoint = await self._needed("authorization_endpoint")
        async with self._client() as client:
            url, _ = client.create_authorization_url(
                endpoint, state=flow.state, nonce=flow.nonce, code_verifier=flow.verifier
            )
        return str(url)

    async def tokens(self, code: str, flow: Flow) -> Mapping[str, Any]:
        """Return the tokens for a code; raises RefusedByProviderError, UnavailableError."""
        endpoint = await self._needed("token_endpoint")
        try:
            async with self._client() as client:
                tokens: dict[str, Any] = await client.fetch_token(
                    endpoint,
                    code=code,
                    code_verifier=flow.verifier,
                    grant_type="authorization_code",
                )
        except OAuthError:
            raise RefusedByProviderError("the sign-in provider gives no token") from None
        except (httpx2.HTTPError, ValueError):
            raise UnavailableError("the sign-in provider does not answer as one") from None
        return tokens

    async def keys(self, *, anew: bool = False) -> KeySet:
        """Return the provider's public keys; raises UnavailableError."""
        if anew or self._keys is None or self._clock() - self._keys[0] >= _KEPT:
            found = await self._get(await self._needed("jwks_uri"))
            try:
                usable = [k for k in found["keys"] if k.get("use", "sig") == "sig"]
                self._keys = self._clock(), KeySet.import_key_set({"keys": usable})
            except (JoseError, KeyError, ValueError, TypeError, AttributeError):
                raise UnavailableError("the sign-in provider's keys cannot be read") from None
        return self._keys[1]

    async def _needed(self, name: str) -> str:
        url = await self.endpoint(name)
        if url is None:
            raise UnavailableError("the sign-in provider lacks an endpoint, or it is not https")
        return url

    async def _metadata(self) -> dict[str, Any]:
        """Return what OpenID Connect Discovery 1.0 has, kept for an hour."""
        if self._said is None or self._clock() - self._said[0] >= _KEPT:
            issuer = self._settings.issuer
            said = await self._get(issuer.rstrip("/") + "/.well-known/openid-configuration")
            if said.get("issuer") != issuer or not all(name in said for name in _NEEDED):
                raise UnavailableError("setting investigations.oidc.issuer: another answers there")
            self._said = self._clock(), said
        return self._said[1]

    async def _get(self, url: str) -> dict[str, Any]:
        try:
            async with self._client() as client:
                answer = await client.request("GET", url, withhold_token=True)
                answer.raise_for_status()
                found = answer.json()
        except (httpx2.HTTPError, ValueError):
            raise UnavailableError("the sign-in provider does not answer as one") from None
        if not isinstance(found, dict):
            raise UnavailableError("the sign-in provider does not answer as one")
        return found

    def _client(self) -> Any:  # noqa: ANN401 -- Authlib brings no types
        return AsyncOAuth2Client(
            self._settings.client_id,
            self._secret,
            token_endpoint_auth_method=None if self._secret else "none",
            scope=" ".join(dict.fromkeys(["openid", *self._settings.scopes])),
            redirect_uri=self._redirect,
            code_challenge_method="S256",
            timeout=_SECONDS,
            follow_redirects=False,
            **({} if self._transport is None else {"transport": self._transport}),
        )


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))


def _secret(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        secret = ""
    if not secret:
        raise SettingsError(
            f"setting investigations.oidc.client_secret_file {path}: cannot be read, or is empty"
        )
    return secret
