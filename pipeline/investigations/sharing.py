"""Whose records these are: a person's own, or those of others as well who share an address.

An address may be an office's, a household's or a provider's, and a chat has two sides. Where
records may be another's, nothing is answered and nothing erased until the person is named closer.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

import polars as pl

from pipeline.errors import UsageError
from pipeline.keys.material import canonical_address
from pipeline.scope import Selectors

ANOTHER: Final = "(another's)"
"""Stands where an answer leaves out what may be another's."""

_TEXTS: Final = ("target", "referrer")
"""Fields whose words the person's browser sent, and in which others may be named."""
_ADDRESS: Final = re.compile(
    r"(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9.])"
    r"|(?<![0-9A-Fa-f:])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|(?:[0-9]{1,3}\.){3}[0-9]{1,3})?"
)
_MAIL: Final = re.compile(r"[^\s/?&=;,:@<>\"']+@[^\s/?&=;,:@<>\"']+\.[^\s/?&=;,:@<>\"']+")
_CODED: Final = 3
"""How often a text may be percent-encoded and still be looked into."""


def see_one_person(records: pl.DataFrame, selectors: Selectors) -> None:
    """Raise UsageError where records (columns RECORDS) may be of more than one person.

    A user agent that is named, or a pseudonym, is one browser. Of a named chat the records must
    come from one address; at an address beside it one user agent must have been seen (none at all
    counts as one). The message does not tell how many others there are.
    """
    if selectors.networks or not selectors.named():
        raise UsageError(
            "a person is named by an address, a pseudonym or a chat id, and no network"
        )
    if selectors.agents:
        return
    chats = pl.col("chat").is_in(list(selectors.chats)).fill_null(value=False)
    if records.filter(chats)["address"].n_unique() > 1:
        raise UsageError(
            "more than one address was seen in that chat, so it may hold another's side: have the "
            "person name their user agent, and ask for it with `partywall case request --agent`"
        )
    if not selectors.addresses:
        return
    agents = records.filter(~chats).group_by("address").agg(seen=pl.col("agent").n_unique())
    if agents.filter(pl.col("seen") > 1).height:
        raise UsageError(
            "more than one user agent was seen there, so others may share the address: have "
            "the person name theirs, and ask for it with `partywall case request --agent`"
        )


def without_others(records: pl.DataFrame, selectors: Selectors) -> pl.DataFrame:
    """Return records in whose targets and referrers no other's address or e-mail address stands.

    Addresses of the person are left: those named, and the record's own. A text in which something
    was left out is given decoded.
    """
    named = {canonical_address(one) for one in selectors.addresses}
    own = records.get_column("address") if "address" in records.columns else None
    known = [None] * records.height if own is None else own.to_list()
    changed = []
    for name in _TEXTS:
        if name in records.columns:
            texts = [
                None
                if text is None
                else _without(text, named | ({canonical_address(one)} if one else set()))
                for text, one in zip(records.get_column(name).to_list(), known, strict=True)
            ]
            changed.append(pl.Series(name, texts, dtype=pl.String))
    return records.with_columns(changed)


def _without(text: str, own: set[bytes]) -> str:
    """Return a text as it is, or decoded and without what may be another's."""
    plain = text
    for _ in range(_CODED):
        plain = unquote(plain)

    def one(found: re.Match[str]) -> str:
        address = canonical_address(found[0])
        mine = address in own or address.startswith(b"text ")
        return found[0] if mine else ANOTHER

    left = _MAIL.sub(ANOTHER, _ADDRESS.sub(one, plain))
    return text if left == plain else left
