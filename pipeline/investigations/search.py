"""Records of a scope, hour by hour in the order of time; what is found by token, or by looking.

Addresses and small networks have tokens, by which the index finds their records without opening
anything else. Agents, paths, chats, pseudonyms and large networks have none: all records of the
scope's sites and hours are opened for them, and what does not match is dropped at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Final

import polars as pl

from pipeline.chunks import chunks
from pipeline.investigations import lookup
from pipeline.investigations.lending import Lender, with_keys
from pipeline.investigations.predicate import matching
from pipeline.investigations.records import PLACED, Records
from pipeline.investigations.segments import Effort
from pipeline.rows import HOUR
from pipeline.scope import BY_ADDRESS, WHO, Scope
from pipeline.vault.storage import Storage, storage_at

MOST_ADDRESSES: Final = 1_024
"""Of a network whose addresses are looked up one by one."""

_TOKENS_AT_ONCE: Final = 200_000
_ORDER: Final = ["time", "partition", "offset", "line"]


@dataclass(frozen=True, slots=True)
class Hour:
    """Records of one hour (columns PLACED), in order; ``start`` is None for lines without a time.

    ``gone`` counts records whose key has been destroyed.
    """

    start: int | None
    records: pl.DataFrame = field(repr=False)
    gone: int


class Search:
    """Searches a vault with keys that a case was lent."""

    def __init__(self, vault: Storage | str, records: Records) -> None:
        self.records = records
        self._vault = storage_at(vault) if isinstance(vault, str) else vault

    @property
    def vault(self) -> Storage:
        """Where the vault lies."""
        return self._vault

    def hours(
        self,
        scope: Scope,
        policy: int,
        lender: Lender,
        effort: Effort,
        since: int | None = None,
        *,
        named: bool = True,
    ) -> Iterator[Hour]:
        """Yield the hours of a scope with their records (columns PLACED), ascending.

        ``policy`` is the oldest version whose records may be shown; ``since`` the start of the hour
        to begin with. ``effort`` is added to as the search gets on. ``named``: the case names
        somebody, so that there are tokens to be had. Raises RefusedError as soon as the case has
        ended, IntegrityError, UnavailableError.
        """
        first = max(scope.first // HOUR * HOUR, since or 0)  # a page begins where somebody says
        last = scope.last // HOUR * HOUR
        tokens = self._tokens(scope, first, last, lender) if named else None
        keys = lender.pseudonym_keys() if scope.selectors.pseudonyms else {}

        def visitors(records: pl.DataFrame) -> pl.Series:
            return self.records.visitors(records, keys)

        for start, rows in lookup.hours(
            self._vault, scope.sites, first, last, tokens, untimed=scope.untimed, effort=effort
        ):
            opened, gone = self._opened(rows, lender, effort)
            found = matching(opened, scope, policy, visitors)
            yield Hour(start, found.sort(_ORDER, nulls_last=True), gone)

    def _opened(
        self, rows: pl.DataFrame, lender: Lender, effort: Effort
    ) -> tuple[pl.DataFrame, int]:
        """Return the records of these rows (columns PLACED), each once, and how many are gone.

        A copy that a legal hold keeps is opened where the record itself cannot be any more.
        """
        copies = rows.filter(lookup.is_copy())
        held = copies.select(lookup.RECORD).unique().with_columns(held=pl.lit(value=True))
        own = rows.filter(~lookup.is_copy())
        parts, done = [pl.DataFrame(schema=PLACED)], rows.clear().select(lookup.RECORD)
        for part in (own, *copies.partition_by("key_id", maintain_order=True)):
            todo = part.join(done, on=lookup.RECORD, how="anti")
            found = [
                self.records.placed(frame, key)
                for frame, key in with_keys(lookup.fetch(self._vault, todo, effort), lender)
                if key is not None
            ]
            parts += [one.select(*PLACED) for one in found]
            done = pl.concat([done, *(one.select(lookup.RECORD) for one in found)])
        gone = rows.select(lookup.RECORD).unique().height - done.height
        opened = pl.concat(parts).drop("held").join(held, on=lookup.RECORD, how="left")
        return opened.with_columns(pl.col("held").fill_null(value=False)).select(*PLACED), gone

    def _tokens(
        self, scope: Scope, first: int, last: int, lender: Lender
    ) -> dict[str, set[bytes]] | None:
        """Return the tokens to look for, None where the scope needs a look at every record."""
        addresses = tokenised(scope)
        if addresses is None:
            return None
        wanted = lookup.wanted(self._vault, scope.sites, first, last, untimed=scope.untimed)
        found: dict[str, set[bytes]] = {}
        for part in _parts(wanted, len(addresses)):
            for key_id, tokens in lender.tokens(part, addresses).items():
                found.setdefault(key_id, set()).update(tokens)
        return found


def tokenised(scope: Scope) -> list[str] | None:
    """Return all addresses that a scope is about, None where that is not what it is about."""
    selectors = scope.selectors
    networks = [ip_network(text) for text in selectors.networks]
    if (
        not (selectors.addresses or networks)
        or any(getattr(selectors, kind) for kind in WHO if kind not in BY_ADDRESS)
        or sum(one.num_addresses for one in networks) > MOST_ADDRESSES
    ):
        return None
    return list(dict.fromkeys([*selectors.addresses, *(str(a) for n in networks for a in n)]))


def _parts(wanted: Sequence[lookup.Wanted], addresses: int) -> Iterator[list[lookup.Wanted]]:
    """Cut what is wanted into requests of at most _TOKENS_AT_ONCE tokens, one at least each."""
    return chunks(
        wanted, lambda one: (one.last_day - one.first_day + 2) * addresses, _TOKENS_AT_ONCE
    )
