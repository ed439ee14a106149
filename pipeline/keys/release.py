"""The release of keys to a case: checked here, written to the audit log, and only then given.

Private keys and token keys never leave: the service opens the encapsulated keys of single batches
and makes the tokens of the addresses in scope itself. A grant that is revoked, expired or replaced
ends at the next request, so that a search under way ends with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pipeline import envelope
from pipeline.audit.entry import Entry, Fact
from pipeline.clock import Clock
from pipeline.envelope import Header
from pipeline.errors import IntegrityError, RefusedError
from pipeline.keys import granting
from pipeline.keys.asking import MOST_ADDRESSES, MOST_BATCHES, Asked, Grant, TooManyError, Wanted
from pipeline.keys.grants import Grants
from pipeline.keys.material import Tokeniser
from pipeline.keys.record import Recording
from pipeline.keys.rules import DAY, seconds
from pipeline.keys.sessions import Session, Sessions
from pipeline.keys.store import Store
from pipeline.policy import Investigations
from pipeline.scope import Scope
from pipeline.zones import ALL_UTC, Zones
from pipeline.zones import days as days_on

MOST_TOKENS: Final = 300_000
"""Of one answer; who asks for more is told to ask in parts."""
ROLE: Final = "investigations"
_LAST: Final = 250_000_000_000
"""Seconds since 1970: no key is of a day after the year 9892, and no clock shows the year 10000."""

_SUITE: Final = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens (16 bytes each) of a key, site and day, in the order of the scope's addresses."""

    key_id: str
    site: str
    day: int | None
    tokens: tuple[bytes, ...] = field(repr=False)


class Release:
    """Grants, sessions and what they give."""

    def __init__(
        self,
        store: Store,
        rules: Investigations,
        clock: Clock,
        log: Recording,
        zones: Zones = ALL_UTC,
    ) -> None:
        """Take the store, the policy in force, the audit log, and the clocks of the sites."""
        self._zones = zones
        self._store = store
        self._grants = Grants(store.database, store.wrapping)
        self._sessions = Sessions(self._grants)
        self._rules = rules
        self._clock = clock
        self._log = log

    def grant(self, grant: Grant) -> Grant:
        """Store a grant that the policy allows; raises RefusedError for any other."""
        now = self._now()
        facts: dict[str, Fact] = {
            "kind": grant.kind,
            "category": grant.category,
            "scope": grant.scope.digest(),
            "approvers": sorted(approval.by for approval in grant.approvals),
            "opened": grant.opened,
            "expires": grant.expires,
        }
        try:
            before, others = self._grants.of(grant.case), self._grants.emergencies(grant)
            granting.check(grant, before, self._rules, now, others)
        except RefusedError as error:
            self._refuse(error, "keys.grant", grant.requester, grant.case, facts)
        self._write("keys.grant", "allowed", grant.requester, grant.case, facts)
        return self._grants.put(grant)

    def revoke(self, case: str, by: str) -> bool:
        """End a case's grant at once; tell whether one was alive."""
        self._write("keys.revoke", "allowed", by, case, {})
        return self._grants.revoke(case, self._now())

    def forget(self) -> None:
        """Take what ended cases could reach from the store; raises UnavailableError."""
        self._grants.forget(self._now())

    def session(self, case: str, person: str) -> tuple[str, Session]:
        """Return a token for the case, and its session; raises RefusedError without a grant."""
        now, grant = self._now(), self._grants.of(case)
        if grant is None or not grant.alive(now):
            error = RefusedError("session: the case is not open; have it approved first")
            self._refuse(error, "keys.session", person, case, {})
        self._write("keys.session", "allowed", person, case, {"grant": grant.number})
        return self._sessions.open(grant, person, now)

    def tokens(
        self, token: str, wanted: Sequence[Wanted], asked: Sequence[str] | None = None
    ) -> tuple[list[str], list[Tokens]]:
        """Return addresses and their tokens; keys that are gone are left out.

        ``asked`` are addresses within the scope; None stands for all of it, without its networks of
        more than MOST_ADDRESSES addresses. Raises RefusedError for an address, site, day or line
        without time outside of the scope, TooManyError beyond MOST_TOKENS.
        """
        act = "keys.tokens"
        session, scope = self._under(token, act)
        addresses = addresses_of(scope) if asked is None else list(asked)
        outside = not all(_in_scope(one, scope) for one in wanted) or not (
            asked is None or _are_in(asked, scope)
        )
        facts: dict[str, Fact] = {
            "key_ids": sorted({one.key_id for one in wanted})[:MOST_BATCHES],
            "wanted": len(wanted),
            "addresses": len(addresses),
            "scope": scope.digest(),
        }
        if outside:
            error = RefusedError(
                "tokens: an address, site or day outside of the case's scope; request a wider one"
            )
            self._refuse(error, act, session.person, session.case, facts)
        if sum(one.last_day - one.first_day + 2 for one in wanted) * len(addresses) > MOST_TOKENS:
            raise TooManyError("tokens: more than one answer holds; ask in parts")
        self._write(act, "allowed", session.person, session.case, facts)
        keys = {key_id: self._store.token_key(key_id) for key_id in {w.key_id for w in wanted}}
        return addresses, [
            made
            for one in wanted
            if (key := keys[one.key_id]) is not None
            for made in _tokens(Tokeniser(key), one, addresses)
        ]

    def content_keys(self, token: str, asked: Sequence[Asked]) -> list[bytes | None]:
        """Return the content key (32 bytes) of each batch, None where its key is destroyed.

        Raises RefusedError where one lies outside of the scope, IntegrityError where a header is
        damaged or does not belong to its key.
        """
        act = "keys.release"
        session, scope = self._under(token, act)
        if len(asked) > MOST_BATCHES:
            raise TooManyError(f"content: {MOST_BATCHES} batches at once at most; ask in parts")
        headers = [envelope.decode_header(one.head) for one in asked]
        facts: dict[str, Fact] = {
            "key_ids": sorted({header.key_id for header in headers}),
            "batches": len(headers),
            "scope": scope.digest(),
        }
        if not all(scope.touches(header.spans, header.untimed) for header in headers):
            error = RefusedError(
                "content: a batch lies outside of the case's scope; request a wider one"
            )
            self._refuse(error, act, session.person, session.case, facts)
        self._write(act, "allowed", session.person, session.case, facts)
        pairs = self._private_keys(headers)
        return [
            _opened(pairs[header.key_id], one) for header, one in zip(headers, asked, strict=True)
        ]

    def publics(self, token: str, key_ids: Sequence[str]) -> list[bytes | None]:
        """Return the public half of each sealing key, None where it is destroyed.

        For sealing again what stays of a frame that a record is erased from.
        """
        act = "keys.publics"
        session, scope = self._under(token, act)
        if len(key_ids) > MOST_BATCHES:
            raise TooManyError(f"publics: {MOST_BATCHES} keys at once at most; ask in parts")
        facts: dict[str, Fact] = {"key_ids": sorted(set(key_ids)), "scope": scope.digest()}
        self._write(act, "allowed", session.person, session.case, facts)
        return [self._store.public_key(key_id) for key_id in key_ids]

    def pseudonym_keys(self, token: str) -> list[tuple[str, int, bytes]]:
        """Return (ingest, day, key) of the living pseudonym keys of the days of the scope's sites.

        Raises RefusedError where the scope names no pseudonym.
        """
        act = "keys.pseudonyms"
        session, scope = self._under(token, act)
        clocks = {self._zones.of(site) for site in scope.sites}
        spans = [days_on(scope.first, min(scope.last, _LAST), zone) for zone in clocks]
        found = []
        if scope.selectors.pseudonyms:
            living = {key.day for key in self._store.alive() if key.kind == "pseudonym"}
            days = {day for day in living if any(day in span for span in spans)}
            found = self._store.living_pseudonym_keys(days)
        facts: dict[str, Fact] = {
            "keys": len(found),
            "days": sorted({str(day) for _, day, _ in found}),
            "scope": scope.digest(),
        }
        if not scope.selectors.pseudonyms:
            error = RefusedError("pseudonyms: the scope names none; request one that does")
            self._refuse(error, act, session.person, session.case, facts)
        self._write(act, "allowed", session.person, session.case, facts)
        return found

    def _under(self, token: str, act: str) -> tuple[Session, Scope]:
        """Return whose token it is, and what that session may reach now; raises RefusedError."""
        session = self._sessions.of(token)
        if session is None:
            error = RefusedError("session: this token opens none; open a session for the case")
            self._refuse(error, act, ROLE, None, {})
        try:
            return session, self._sessions.grant_of(session, self._now()).scope
        except RefusedError as error:
            self._refuse(error, act, session.person, session.case, {})

    def _private_keys(self, headers: Iterable[Header]) -> Mapping[str, X25519PrivateKey | None]:
        found = {}
        for key_id in {header.key_id for header in headers}:
            raw = self._store.private_key(key_id)
            found[key_id] = None if raw is None else X25519PrivateKey.from_private_bytes(raw)
        return found

    def _refuse(
        self,
        error: RefusedError,
        act: str,
        actor: str,
        case: str | None,
        facts: Mapping[str, Fact],
    ) -> NoReturn:
        self._write(act, "refused", actor, case, {**facts, "why": str(error)})
        raise error

    def _write(
        self, act: str, outcome: str, actor: str, case: str | None, facts: Mapping[str, Fact]
    ) -> None:
        self._log.append(Entry(self._clock(), actor, act, outcome, case, facts))

    def _now(self) -> int:
        return seconds(self._clock())


def addresses_of(scope: Scope) -> list[str]:
    """Return the scope's addresses, and those of its networks of MOST_ADDRESSES or fewer."""
    found = dict.fromkeys(scope.selectors.addresses)
    for network in map(ip_network, scope.selectors.networks):
        if network.num_addresses <= MOST_ADDRESSES:
            found |= dict.fromkeys(map(str, network))
    return list(found)


def _in_scope(wanted: Wanted, scope: Scope) -> bool:
    return (
        wanted.site in scope.sites
        and scope.first // DAY <= wanted.first_day <= wanted.last_day <= scope.last // DAY
        and (scope.untimed or not wanted.untimed)
    )


def _are_in(addresses: Sequence[str], scope: Scope) -> bool:
    return all(scope.holds(address) for address in addresses)


def _tokens(tokeniser: Tokeniser, wanted: Wanted, addresses: Sequence[str]) -> Iterable[Tokens]:
    for day in wanted.days():
        token = tokeniser.of(wanted.site, day)
        yield Tokens(wanted.key_id, wanted.site, day, tuple(map(token, addresses)))


def _opened(private: X25519PrivateKey | None, asked: Asked) -> bytes | None:
    if private is None:
        return None
    try:
        return _SUITE.decrypt(
            asked.encapsulated, private, info=envelope.info(envelope.digest_of(asked.head))
        )
    except (InvalidTag, ValueError) as error:
        raise IntegrityError(
            "content: a batch's key does not open: its header or key is damaged"
        ) from error
