"""ID tokens: whether one is genuine and meant for us, and whom it makes of its bearer.

Validation as OpenID Connect Core 1.0, section 3.1.3.7 has it, with three algorithms and no others.
"""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Mapping
from typing import Any, Final

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError, SecurityWarning
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from pipeline.cases.people import Person, Role, is_name, is_team
from pipeline.errors import IntegrityError
from pipeline.settings import Oidc
from pipeline.web.signin import Refused

ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")
LEEWAY_SECONDS: Final = 60


class UnknownKeyError(IntegrityError):
    """The token names a key that is not among those we have: they may be old."""


def verify(
    token: str,
    keys: KeySet,
    settings: Oidc,
    *,
    nonce: str,
    access_token: str | None,
    now: dt.datetime,
) -> Mapping[str, object]:
    """Return the claims of an ID token; raises UnknownKeyError, IntegrityError.

    It was signed by one of ``keys`` with an allowed algorithm, by this issuer, for this client
    (``aud``, ``azp``), in answer to this ``nonce``, is in time, and goes with ``access_token``.
    """
    registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
    try:
        with warnings.catch_warnings():
            # RFC 9864 renames EdDSA; providers still say it, and it is as good as it was.
            warnings.simplefilter("ignore", SecurityWarning)
            read = jwt.decode(token, keys, registry=registry)
        claims = CodeIDToken(
            read.claims,
            read.header,
            {
                "iss": {"essential": True, "value": settings.issuer},
                "aud": {"essential": True, "value": settings.client_id},
                "nonce": {"essential": True, "value": nonce},
            },
            {"nonce": nonce, "client_id": settings.client_id, "access_token": access_token},
        )
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY_SECONDS)
    except InvalidKeyIdError:
        raise UnknownKeyError(
            "an ID token names a key that its provider does not publish"
        ) from None
    except (JoseError, ValueError, TypeError, KeyError):
        raise IntegrityError("an ID token is not genuine, not in time, or not for us") from None
    return dict(claims)


def person_of(claims: Mapping[str, Any], settings: Oidc) -> Person | Refused:
    """Return the person a token speaks of; refused where it has no name or no role of ours."""
    name = _found(claims, settings.name_claim)
    if not isinstance(name, str) or not is_name(name):
        return Refused("name")
    said = _found(claims, settings.roles_claim)
    words = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    mapped = settings.role_map
    roles = frozenset(Role(mapped[w]) for w in words if isinstance(w, str) and w in mapped)
    if not roles:
        return Refused("roles", name)
    team = None if settings.team_claim is None else _found(claims, settings.team_claim)
    return Person(name, roles, team if isinstance(team, str) and is_team(team) else None)


def _found(claims: Mapping[str, Any], way: str) -> object:
    """Return a claim by its name, or by the way to it with dots where no claim is called that."""
    if way in claims:
        return claims[way]
    found: object = claims
    for part in way.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found
