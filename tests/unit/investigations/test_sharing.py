"""Where records may be another's nothing is answered or erased; an answer names no other."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline.errors import UsageError
from pipeline.investigations.records import RECORDS
from pipeline.investigations.sharing import ANOTHER, see_one_person, without_others
from pipeline.scope import Selectors

MINE, OTHER = "192.0.2.7", "198.51.100.9"


def seen(*rows: tuple[str | None, str | None, str | None]) -> pl.DataFrame:
    """Records of these addresses, agents and chats."""
    columns = dict(zip(("address", "agent", "chat"), zip(*rows, strict=True), strict=True))
    return pl.DataFrame(columns, schema={name: RECORDS[name] for name in columns})


@pytest.mark.parametrize(
    ("records", "selectors"),
    [
        (seen((MINE, "A", None), (MINE, "B", None)), Selectors(addresses=(MINE,))),
        (seen((MINE, "A", None), (MINE, None, None)), Selectors(addresses=(MINE,))),
        (
            seen((MINE, "A", "c"), (MINE, "A", None), (MINE, "B", None)),
            Selectors(addresses=(MINE,), chats=("c",)),
        ),
        (seen((MINE, "A", "c"), (OTHER, "B", "c")), Selectors(chats=("c",))),
        (seen((MINE, "A", "c"), (OTHER, "B", "c")), Selectors(addresses=(MINE,), chats=("c",))),
    ],
)
def test_what_may_be_another_s_waits(records: pl.DataFrame, selectors: Selectors) -> None:
    with pytest.raises(UsageError, match="person name the") as refused:
        see_one_person(records, selectors)
    assert MINE not in str(refused.value)


@pytest.mark.parametrize(
    ("records", "selectors"),
    [
        (seen((MINE, "A", None), (MINE, "A", None)), Selectors(addresses=(MINE,))),
        (seen((MINE, "A", None), (OTHER, "B", None)), Selectors(addresses=(MINE, OTHER))),
        (seen((MINE, "A", None)), Selectors(addresses=(MINE,), agents=("A",))),
        (seen((MINE, "A", "c"), (MINE, "B", "c")), Selectors(chats=("c",))),
        (seen((MINE, "A", None)).clear(), Selectors(addresses=(MINE,))),
    ],
)
def test_one_person_is_answered(records: pl.DataFrame, selectors: Selectors) -> None:
    see_one_person(records, selectors)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/a?b=c%20d", "/a?b=c%20d"),
        (f"/whois/{OTHER}", f"/whois/{ANOTHER}"),
        (f"/whois/{MINE}?from={OTHER}", f"/whois/{MINE}?from={ANOTHER}"),
        ("/whois/198%2E51.100.9", f"/whois/{ANOTHER}"),
        ("/whois/198%252E51.100.9", f"/whois/{ANOTHER}"),
        ("/whois/[2001:db8::17]/x", f"/whois/[{ANOTHER}]/x"),
        ("/whois/2001%3Adb8%3A%3A17", f"/whois/{ANOTHER}"),
        ("/v?at=10:20:30&n=1.2.3", "/v?at=10:20:30&n=1.2.3"),
        ("/share?to=somebody%40example.com&x=1", f"/share?to={ANOTHER}&x=1"),
    ],
)
def test_no_other_is_named_in_what_the_person_asked_for(text: str, left: str) -> None:
    records = pl.DataFrame({"address": [MINE], "target": [text], "referrer": [None]})
    found = without_others(records, Selectors(agents=("A",)))
    assert found["target"].to_list() == [left]
    assert found["referrer"].to_list() == [None]
