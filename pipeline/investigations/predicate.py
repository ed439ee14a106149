"""A scope as a question to opened records: what the keys alone cannot enforce, this does.

Every record that leaves the vault passes here, whichever way it was found.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network, ip_address
from typing import Final

import polars as pl

from pipeline.scope import Network, Scope

Visitors = Callable[[pl.DataFrame], pl.Series]
"""Gives each record's pseudonym (UInt64), null where there is none."""

_NOBODY: Final = pl.lit(value=False)


def matching(
    records: pl.DataFrame, scope: Scope, policy: int, visitors: Visitors | None = None
) -> pl.DataFrame:
    """Return the records within a scope that were collected under a ``policy`` version or later.

    0 takes them all, those without a time too. ``records`` has the columns RECORDS. ``visitors`` is
    asked only where the scope names pseudonyms; without it these find nobody.
    """
    timed = pl.col("time").is_between(scope.first, scope.last)
    kept = records.filter(
        pl.col("site").is_in(list(scope.sites)),
        timed.fill_null(scope.untimed),
        pl.col("policy") >= policy,
    )
    selectors = scope.selectors
    if selectors.named():
        kept = kept.filter(_of_somebody(kept, scope, visitors))
    if selectors.agents:
        kept = kept.filter(pl.col("agent").is_in(list(selectors.agents)))
    if selectors.paths:
        kept = kept.filter(_on_paths(selectors.paths))
    return kept


def _of_somebody(records: pl.DataFrame, scope: Scope, visitors: Visitors | None) -> pl.Series:
    selectors = scope.selectors
    found = pl.repeat(value=False, n=records.height, dtype=pl.Boolean, eager=True)
    if selectors.addresses or selectors.networks:
        found |= _in_networks(records["address"], scope.networks())
    if selectors.chats:
        found |= records["chat"].is_in(list(selectors.chats)).fill_null(value=False)
    if selectors.pseudonyms and visitors is not None:
        wanted = [int(text, 16) for text in selectors.pseudonyms]
        named = visitors(records)
        found |= named.is_in(pl.Series(wanted, dtype=pl.UInt64)).fill_null(value=False)
    return found


def _in_networks(addresses: pl.Series, networks: tuple[Network, ...]) -> pl.Series:
    """Tell which addresses lie in one of the networks; each distinct one is looked at once."""
    ranges = {
        kind: [
            (int(one.network_address), int(one.broadcast_address))
            for one in networks
            if isinstance(one, IPv4Network) is kind
        ]
        for kind in (True, False)
    }

    def inside(text: str) -> bool:
        try:
            address = ip_address(text)
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        number = int(address)
        return any(a <= number <= b for a, b in ranges[address.version == 4])  # noqa: PLR2004

    values = addresses.drop_nulls().unique().to_list()
    known = [value for value in values if inside(value)]
    return addresses.is_in(known).fill_null(value=False)


def _on_paths(paths: tuple[str, ...]) -> pl.Expr:
    """Tell whether a target's path is one of these, or begins like one that ends in ``*``."""
    path = pl.col("target").str.replace(r"[?#].*$", "")
    whole = [one for one in paths if not one.endswith("*")]
    fits = path.is_in(whole) if whole else _NOBODY
    for one in paths:
        if one.endswith("*"):
            fits |= path.str.starts_with(one[:-1])
    return fits.fill_null(value=False)
