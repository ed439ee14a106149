"""The routes of the role ``investigations``: grants, sessions, release, holds. Bodies are JSON."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, Final, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline import scope as scopes
from pipeline.keys.access import INVESTIGATIONS, BadRequestError, Route
from pipeline.keys.asking import MOST_BATCHES, Approval, Asked, Grant, Kind, Wanted
from pipeline.keys.early import Early
from pipeline.keys.holding import Holds, Word
from pipeline.keys.release import Release
from pipeline.labels import PATTERN

SESSION: Final = "Partywall-Session"
"""The header that holds a session's token."""
MOST_BODY: Final = 32 * 2**20

_MOMENT: Final = 253_402_300_800
_DAY: Final = 2_932_896
_LABEL: Final = re.compile(PATTERN)
Person = Annotated[str, Field(pattern=r"^[^\x00-\x20\x7f][^\x00-\x1f\x7f]{0,199}$")]
Case = Annotated[str, Field(pattern=f"^{PATTERN}$")]
Moment = Annotated[int, Field(ge=0, le=_MOMENT)]
Day = Annotated[int, Field(ge=-_DAY, le=_DAY)]


KeyId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")]
"""Stands in the audit log as an open fact, so its shape is closed."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class _Approval(_Body):
    by: Person
    at: Moment


class _Grant(_Body):
    scope: Annotated[str, Field(max_length=4 * 2**20)]
    approvals: Annotated[list[_Approval], Field(max_length=20)]
    requester: Person
    category: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    opened: Moment
    expires: Moment
    kind: Kind = "normal"


class _Who(_Body):
    person: Person


class _Wanted(_Body):
    key_id: KeyId
    site: Annotated[str, Field(min_length=1, max_length=200)]
    first_day: Day
    last_day: Day
    untimed: bool = False


class _Tokens(_Body):
    wanted: Annotated[list[_Wanted], Field(max_length=10_000)]
    addresses: Annotated[list[str], Field(max_length=100_000)] | None = None


class _Batch(_Body):
    head: str
    encapsulated: Annotated[str, Field(max_length=200)]


class _Content(_Body):
    batches: Annotated[list[_Batch], Field(max_length=MOST_BATCHES)]


class _Publics(_Body):
    key_ids: Annotated[list[KeyId], Field(max_length=MOST_BATCHES)]


class _Hold(_Body):
    case: Case
    requester: Person
    approver: Person


class _Release(_Body):
    requester: Person
    approver: Person


_Any = TypeVar("_Any", bound=_Body)


class ReleaseRoutes:
    """Takes requests apart and puts answers together; what is allowed is decided elsewhere."""

    def __init__(self, release: Release, holds: Holds, early: Early) -> None:
        """Take what decides."""
        self._release = release
        self._holds = holds
        self._early = early

    def routes(self) -> list[Route]:
        """Return the routes, all of one role."""
        mine = frozenset({INVESTIGATIONS})
        return [
            Route("POST", "/v1/cases/{case}/grant", self._grant, mine),
            Route("POST", "/v1/cases/{case}/revoke", self._revoke, mine),
            Route("POST", "/v1/cases/{case}/session", self._session, mine),
            Route("POST", "/v1/release/tokens", self._tokens, mine),
            Route("POST", "/v1/release/content", self._content, mine),
            Route("POST", "/v1/release/publics", self._publics, mine),
            Route("POST", "/v1/release/pseudonyms", self._pseudonyms, mine),
            Route("POST", "/v1/days/{day}/destroy", self._destroy, mine),
            Route("GET", "/v1/holds", self._all_holds, mine),
            Route("POST", "/v1/holds/{hold}", self._hold, mine),
            Route("POST", "/v1/holds/{hold}/release", self._unhold, mine),
        ]

    async def _grant(self, request: web.Request) -> web.Response:
        body = await _read(request, _Grant)
        grant = self._release.grant(
            Grant(
                case=_label(request, "case"),
                kind=body.kind,
                category=body.category,
                scope=scopes.read(body.scope.encode()),
                requester=body.requester,
                approvals=tuple(Approval(one.by, one.at) for one in body.approvals),
                opened=body.opened,
                expires=body.expires,
            )
        )
        return web.json_response({"number": grant.number, "expires": grant.expires})

    async def _revoke(self, request: web.Request) -> web.Response:
        body = await _read(request, _Who)
        ended = self._release.revoke(_label(request, "case"), body.person)
        return web.json_response({"revoked": ended})

    async def _session(self, request: web.Request) -> web.Response:
        body = await _read(request, _Who)
        token, session = self._release.session(_label(request, "case"), body.person)
        return web.json_response({"session": token, "expires": session.expires})

    async def _tokens(self, request: web.Request) -> web.Response:
        body = await _read(request, _Tokens)
        wanted = [Wanted(**dict(one)) for one in body.wanted]
        addresses, found = self._release.tokens(_token(request), wanted, body.addresses)
        rows = [
            {"key_id": t.key_id, "site": t.site, "day": t.day, "tokens": _text(b"".join(t.tokens))}
            for t in found
        ]
        return web.json_response({"addresses": addresses, "tokens": rows})

    async def _content(self, request: web.Request) -> web.Response:
        body = await _read(request, _Content)
        asked = [Asked(_bytes(one.head), _bytes(one.encapsulated)) for one in body.batches]
        keys = self._release.content_keys(_token(request), asked)
        return web.json_response({"keys": [None if key is None else _text(key) for key in keys]})

    async def _publics(self, request: web.Request) -> web.Response:
        body = await _read(request, _Publics)
        found = self._release.publics(_token(request), body.key_ids)
        return web.json_response({"keys": [None if key is None else _text(key) for key in found]})

    async def _pseudonyms(self, request: web.Request) -> web.Response:
        found = self._release.pseudonym_keys(_token(request))
        rows = [{"ingest": ingest, "day": day, "key": _text(key)} for ingest, day, key in found]
        return web.json_response({"keys": rows})

    async def _destroy(self, request: web.Request) -> web.Response:
        body = await _read(request, _Release)
        day = request.match_info["day"]
        if not day.isdecimal() or int(day) > _DAY:
            raise BadRequestError("day: a number, counted from 1970-01-01")
        word = Word(body.requester, body.approver)
        return web.json_response({"destroyed": self._early.destroy(int(day), word)})

    async def _all_holds(self, _: web.Request) -> web.Response:
        rows = [{"hold": k.hold, "case": k.case, "made": k.made} for k in self._holds.all()]
        return web.json_response({"holds": rows})

    async def _hold(self, request: web.Request) -> web.Response:
        body = await _read(request, _Hold)
        word = Word(body.requester, body.approver)
        key = self._holds.place(_label(request, "hold"), body.case, word)
        return web.json_response(
            {
                "key_id": key.key_id,
                "day": key.day,
                "public": _text(key.public),
                "token_key": _text(key.token_key),
                "expires": key.expires,
            }
        )

    async def _unhold(self, request: web.Request) -> web.Response:
        body = await _read(request, _Release)
        word = Word(body.requester, body.approver)
        return web.json_response({"released": self._holds.release(_label(request, "hold"), word)})


async def _read(request: web.Request, shape: type[_Any]) -> _Any:
    try:
        return shape.model_validate_json(await request.read())
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise BadRequestError(f"{where}: {first['type']}") from None


def _label(request: web.Request, name: str) -> str:
    label = request.match_info[name]
    if not _LABEL.fullmatch(label):
        raise BadRequestError(f"{name}: 1 to 64 letters, digits, dots, dashes and underscores")
    return label


def _token(request: web.Request) -> str:
    return request.headers.get(SESSION, "")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadRequestError("batches: no base64") from None


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
