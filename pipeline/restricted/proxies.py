"""Who the client was, where others stand between: what trusted proxies say, and nobody else.

Whoever connected is known for certain. What stands in a header is believed only where a trusted
proxy wrote it, and of a chain only the part that trusted proxies added: from the right, the first
address that is no trusted proxy's (https://www.rfc-editor.org/rfc/rfc7239#section-8.1).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import polars as pl

from pipeline import declarations
from pipeline.errors import SettingsError
from pipeline.restricted.client_ip import AROUND, canonical, canonical_column
from pipeline.restricted.distinct import Remembered, distinct

CACHE_LIMIT: Final = 100_000
"""Distinct peers, and distinct pairs of peer and header, remembered."""

HEADER_COLUMNS: Final[Mapping[str, str]] = {
    "x-forwarded-for": "forwarded_for",
    "forwarded": "forwarded",
    "x-real-ip": "real_ip",
    "cf-connecting-ip": "cf_connecting_ip",
    "true-client-ip": "true_client_ip",
    "proxy": "proxy_address",
}
"""How settings call a header → the column that a format puts it in."""

_CHAINS: Final = frozenset({"forwarded_for", "forwarded"})
_LONGEST: Final = 2_048
# An element of Forwarded: pairs with semicolons between (RFC 7239, section 4).
_VALUE: Final = r'(?:"(?:[^"\\]|\\.)*"|[^\s",;]*)'
_PAIR: Final = rf"([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*({_VALUE})"
_PAIRS: Final = re.compile(_PAIR)
_ELEMENT: Final = re.compile(rf"\s*{_PAIR}(?:\s*;\s*(?:{_PAIR})?)*\s*")
_AROUND: Final = re.compile(AROUND)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Proxies:
    """The trusted proxies, each with the header in which it says who connected to it."""

    def __init__(self, trusted: Sequence[tuple[Network, str]] = ()) -> None:
        """``trusted`` are pairs of a network and one of the columns of HEADER_COLUMNS.

        Where networks overlap, the smallest counts.
        """
        self._trusted = sorted(trusted, key=lambda pair: -pair[0].prefixlen)
        self._header: Remembered[str | None, str | None] = Remembered(self._asked, CACHE_LIMIT)
        self._clients: Remembered[tuple[str | None, str, str], str | None] = Remembered(
            lambda key: self._resolved(*key), CACHE_LIMIT
        )

    def __bool__(self) -> bool:
        """Tell whether anybody is trusted."""
        return bool(self._trusted)

    def __repr__(self) -> str:
        return f"Proxies({len(self._trusted)})"

    def forget(self) -> None:
        """Forget the addresses remembered."""
        self._header.clear()
        self._clients.clear()

    def clients(self, peers: pl.Series, said: pl.DataFrame) -> pl.Series:
        """Return the client's address in canonical text (String), null where none is given.

        ``peers`` is who connected, as written; ``said`` has any of the columns of HEADER_COLUMNS.
        Without a peer, the last of a chain is taken for it: that is who connected to whoever wrote
        the chain's end.
        """
        found, untold = canonical_column(peers), peers.is_null()
        if not said.width or not (self._trusted or found.null_count()):
            return found
        codes, distinct_peers = distinct(found)
        asked = [self._header(peer) for peer in distinct_peers]
        for name in said.columns:
            wanted = pl.Series([column == name for column in asked], dtype=pl.Boolean).gather(codes)
            if name == "forwarded_for":
                # Not told at all; a peer that is told by a name is nobody who may be believed.
                wanted |= untold
            wanted &= (said[name] != "").fill_null(value=False)
            if wanted.any():
                found = found.scatter(
                    wanted.arg_true(),
                    self._all(name, found.filter(wanted), said[name].filter(wanted)),
                )
        return found

    def _all(self, name: str, peers: pl.Series, values: pl.Series) -> pl.Series:
        pairs = pl.DataFrame([peers.alias("peer"), values.alias("value")])
        unique = pairs.unique(maintain_order=True)
        answers = [self._clients((peer, name, value)) for peer, value in unique.iter_rows()]
        unique = unique.with_columns(pl.Series("client", answers, dtype=pl.String))
        return pairs.join(unique, on=["peer", "value"], nulls_equal=True, maintain_order="left")[
            "client"
        ]

    def _asked(self, address: str | None) -> str | None:
        """Return the column in which a peer says its client, None where it is not trusted."""
        if address is None:
            return None
        parsed = ipaddress.ip_address(address)
        return next((column for network, column in self._trusted if parsed in network), None)

    def _resolved(self, peer: str | None, name: str, value: str) -> str | None:
        if name not in _CHAINS:
            return bare(value) or peer
        hops = _hops(name, value[-_LONGEST:])
        client = peer
        while client is None or self._header(client) is not None:
            hop = next(hops, None)
            if hop is None:
                # Hidden, or no address: whoever reported it is the last one known.
                break
            client = hop
        return client


NO_PROXIES: Final = Proxies()
"""Nobody is trusted: whoever connected is the client."""


def _hops(name: str, value: str) -> Iterator[str | None]:
    """Yield the addresses of a chain from the right, None for what is none."""
    if name != "forwarded":
        yield from (bare(element) for element in reversed(value.split(",")) if element.strip())
        return
    # From the right, since the left came with the request: a quote that somebody left open there
    # must not swallow what a proxy has added.
    end = start = len(value)
    while start >= 0 and end > 0:
        start = value.rfind(",", 0, start)
        element = value[start + 1 : end]
        if not element.strip() and start >= 0:
            end = start
        elif _ELEMENT.fullmatch(element):
            yield _said(element)
            end = start
    if end > 0:
        yield None


def _said(element: str) -> str | None:
    """Return whom an element is ``for``; None where it does not say, or more than once."""
    told = [value for name, value in _PAIRS.findall(element) if name.lower() == "for"]
    return bare(told[0].strip('"').replace('\\"', '"')) if len(told) == 1 else None


def bare(text: str) -> str | None:
    """Return the canonical address of ``text``, which may have quotes, brackets and a port."""
    text = text.strip().strip('"')
    match = _AROUND.match(text)
    return canonical((match[1] or match[2] or "") if match else text)


def read_proxies(entries: Sequence[str | Mapping[str, str]]) -> Proxies:
    """Return the proxies of ``split.trusted_proxies``; raises SettingsError.

    An entry is a network (CIDR) or a preset's name, or a mapping of ``from`` (either) and
    ``header`` (a key of HEADER_COLUMNS; of a network ``x-forwarded-for`` unless given).
    """
    presets = declarations.load("proxies.yaml")["presets"]
    trusted: list[tuple[Network, str]] = []
    for entry in entries:
        said: Mapping[str, str] = {"from": entry} if isinstance(entry, str) else entry
        source = said.get("from", "")
        preset = presets.get(source)
        header = said.get("header") or (preset["header"] if preset else "x-forwarded-for")
        if said.keys() - {"from", "header"} or header not in HEADER_COLUMNS:
            raise SettingsError(
                f"setting split.trusted_proxies: {source} takes from and header, and the header is "
                f"one of {', '.join(HEADER_COLUMNS)}"
            )
        try:
            networks = [
                ipaddress.ip_network(net) for net in (preset["networks"] if preset else [source])
            ]
        except ValueError:
            raise SettingsError(
                f"setting split.trusted_proxies: {source!r} is neither a network such as "
                f"10.0.0.0/8 nor one of {', '.join(presets)}"
            ) from None
        trusted += [(network, HEADER_COLUMNS[header]) for network in networks]
    return Proxies(trusted)
