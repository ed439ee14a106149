"""What a case may reach: data, not a note. The key service, the cases and the search all obey it.

A scope is canonical JSON (sorted keys, no blanks); approvals name its SHA-256, so that what was
approved and what is enforced are the same bytes. A scope holds what identifies a person. It is raw:
it lies in the case store and in sealed parts of the audit log, and is never printed in a log. A
case's salt is among its bytes, or whoever reads a digest could try out all addresses there are.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

import orjson

from pipeline.errors import UsageError

FIELDS: Final = (
    "time", "site", "source", "address", "method", "target", "status", "bytes", "referrer", "agent",
    "host", "event", "chat", "outcome", "reason", "raw",
)  # fmt: skip
"""What a record can show. ``raw`` is the whole line."""

MOST_RECORDS: Final = 1_000_000
MOST_SELECTORS: Final = 1_000
LONGEST_SELECTOR: Final = 2_000
MOST_BYTES: Final = 32_000
"""Of the canonical bytes: a scope stands, sealed, in one entry of the audit log."""
_LATEST: Final = 253_402_300_799
_PSEUDONYM_DIGITS: Final = 16

Network = IPv4Network | IPv6Network


WHO: Final = ("addresses", "networks", "pseudonyms", "chats")
"""Selectors that name somebody: a record meets one of all of these."""

NARROWING: Final = ("agents", "paths")
"""Selectors of what was done: a record meets one of each of these as well."""

BY_ADDRESS: Final = ("addresses", "networks")
"""Selectors that say whose records by an address or several; all others are taken as they are."""


@dataclass(frozen=True, slots=True)
class Selectors:
    """Whose records: of one of those named (WHO), and of these only what NARROWING leaves.

    ``addresses`` canonical; ``networks`` in CIDR; ``pseudonyms`` 16 hex digits; ``agents`` whole
    user agents; ``paths`` a path, or its beginning where it ends in ``*``; ``chats`` chat ids.
    Where nobody is named, what was done is looked for of all.
    """

    addresses: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    pseudonyms: tuple[str, ...] = ()
    chats: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    def named(self) -> bool:
        """Tell whether somebody is named, and not only what was done."""
        return any(getattr(self, kind) for kind in WHO)


@dataclass(frozen=True, slots=True)
class Scope:
    """Sites, time span, whose records, which fields, and how many records at most.

    ``first`` and ``last`` are seconds since 1970 UTC, both included. ``untimed`` takes in lines
    of the sites that have no time.
    """

    sites: tuple[str, ...]
    first: int
    last: int
    selectors: Selectors = field(repr=False)
    fields: tuple[str, ...] = FIELDS
    most_records: int = 10_000
    untimed: bool = False
    salt: str = ""

    def salted(self, other: Scope | None = None) -> Scope:
        """Return the scope with the salt of ``other``, or with a new one."""
        return replace(self, salt=secrets.token_hex(16) if other is None else other.salt)

    def canonical(self) -> bytes:
        """Return the bytes that are approved."""
        return orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS)

    def digest(self) -> str:
        """Return the SHA-256 of the canonical bytes, in hex."""
        return hashlib.sha256(self.canonical()).hexdigest()

    @property
    def named(self) -> bool:
        """Tell whether somebody is named, and not only what was done."""
        return self.selectors.named()

    def networks(self) -> tuple[Network, ...]:
        """Return all addresses and networks as networks."""
        return tuple(map(ip_network, (*self.selectors.addresses, *self.selectors.networks)))

    def holds(self, address: str) -> bool:
        """Tell whether an address is one of the selectors', or lies in one of their networks."""
        try:
            one = ip_network(address)
        except ValueError:
            return False
        return one.num_addresses == 1 and _inside(one, self.networks())

    def touches(self, spans: dict[str, tuple[int, int]], untimed: tuple[str, ...]) -> bool:
        """Tell whether a batch with these spans (hours, as in its header) may hold records."""
        hours = (self.first // 3600 * 3600, self.last)
        return any(
            site in self.sites and first <= hours[1] and hours[0] <= last
            for site, (first, last) in spans.items()
        ) or (self.untimed and not set(untimed).isdisjoint(self.sites))

    def within(self, other: Scope) -> bool:
        """Tell whether ``other`` allows all that this one does."""
        if not (
            set(self.sites) <= set(other.sites)
            and other.first <= self.first
            and self.last <= other.last
            and set(self.fields) <= set(other.fields)
            and self.most_records <= other.most_records
            and self.untimed <= other.untimed
        ):
            return False
        return self._narrower(other)

    def _narrower(self, other: Scope) -> bool:
        mine, theirs = self.selectors, other.selectors
        wide = other.networks()
        named = not theirs.named() or (
            mine.named()
            and all(_inside(network, wide) for network in self.networks())
            and all(
                set(getattr(mine, kind)) <= set(getattr(theirs, kind))
                for kind in WHO
                if kind not in BY_ADDRESS
            )
        )
        return named and all(
            not getattr(theirs, kind)
            or (getattr(mine, kind) and set(getattr(mine, kind)) <= set(getattr(theirs, kind)))
            for kind in NARROWING
        )


def _inside(network: Network, wide: Iterable[Network]) -> bool:
    if isinstance(network, IPv4Network):
        return any(isinstance(one, IPv4Network) and network.subnet_of(one) for one in wide)
    return any(isinstance(one, IPv6Network) and network.subnet_of(one) for one in wide)


def read(data: bytes) -> Scope:
    """Return the scope of its canonical bytes; raises UsageError for any other."""
    try:
        values = orjson.loads(data)
        selectors = Selectors(**{k: tuple(v) for k, v in values.pop("selectors").items()})
        sites, shown = tuple(values.pop("sites")), tuple(values.pop("fields"))
        found = Scope(sites=sites, fields=shown, selectors=selectors, **values)
        canonical = found.canonical() == data
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise UsageError("scope: not one of ours") from error
    if not canonical:
        raise UsageError("scope: not one of ours")
    return checked(found)


def checked(scope: Scope) -> Scope:
    """Return the scope in its canonical form; raises UsageError that says what to mend."""
    if not scope.sites:
        raise UsageError("scope: name at least one site")
    if not 0 <= scope.first <= scope.last <= _LATEST:
        raise UsageError("scope: let the time span begin before it ends")
    unknown = sorted(set(scope.fields) - set(FIELDS))
    if unknown or not scope.fields:
        raise UsageError(f"scope: fields are {', '.join(FIELDS)}")
    if not 1 <= scope.most_records <= MOST_RECORDS:
        raise UsageError(f"scope: let it read 1 to {MOST_RECORDS:,} records")
    found = Scope(
        sites=_sorted(scope.sites),
        first=scope.first,
        last=scope.last,
        selectors=_selectors(scope.selectors),
        fields=tuple(name for name in FIELDS if name in scope.fields),
        most_records=scope.most_records,
        untimed=bool(scope.untimed),
        salt=scope.salt,
    )
    if len(found.canonical()) > MOST_BYTES:
        raise UsageError("scope: too many selectors at once; ask for fewer, or for a network")
    return found


def _selectors(given: Selectors) -> Selectors:
    if not given:
        raise UsageError("scope: name an address, network, pseudonym, agent, path or chat id")
    for values in asdict(given).values():
        if len(values) > MOST_SELECTORS or any(
            not 0 < len(value) <= LONGEST_SELECTOR for value in values
        ):
            raise UsageError(f"scope: {MOST_SELECTORS:,} selectors of a kind at most, none empty")
    # Kind by kind, whatever kinds there are: one left out here would be a selector less, and a
    # scope without selectors reaches everybody.
    return Selectors(
        **{
            kind: _sorted(map(_CANONICAL.get(kind, str), values))
            for kind, values in asdict(given).items()
        }
    )


def _sorted(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def _address(text: str) -> str:
    try:
        found = ip_address(text)
    except ValueError:
        raise UsageError("scope: an address selector is no IP address") from None
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


def _network(text: str) -> str:
    try:
        return str(ip_network(text, strict=False))
    except ValueError:
        raise UsageError("scope: a network selector is none, as in 192.0.2.0/24") from None


def _pseudonym(text: str) -> str:
    found = text.lower()
    if len(found) != _PSEUDONYM_DIGITS or not set(found) <= set("0123456789abcdef"):
        raise UsageError("scope: a pseudonym is 16 hex digits")
    return found


_CANONICAL: Final[Mapping[str, Callable[[str], str]]] = {
    "addresses": _address,
    "networks": _network,
    "pseudonyms": _pseudonym,
}
"""Kind of selector → its one spelling; the others are taken as they are written."""
