"""Described rows are whole, in order, and hold nothing of the line but what may be said of it."""

from __future__ import annotations

import base64
import gzip
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import events
from pipeline.restricted.agent import Agents
from pipeline.restricted.describe import DESCRIBED, Describer
from pipeline.restricted.formats import FIELDS, Context, parse
from pipeline.restricted.geo import Geo
from pipeline.restricted.referrer import Referrers
from pipeline.restricted.scrub import load_scrubber

SAMPLE = Path(__file__).parents[3].parent / "shared/data/apache_logs.gz"
NOW = 1_800_000_000
DESCRIBER = Describer(load_scrubber(), Agents(), Referrers(), Geo())
FIREFOX = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0"


def raw(*rows: dict[str, object]) -> pl.DataFrame:
    """Return parsed rows: a plain one, changed as each of ``rows`` says."""
    plain: dict[str, object] = {
        "address": "192.0.2.7", "time": 1_431_857_103, "method": "GET", "target": "/a?b=c",
        "status": "200", "bytes": 123, "referrer": None, "agent": FIREFOX, "host": None,
        "response_time": None,
    }  # fmt: skip
    return pl.DataFrame([plain | row for row in rows], schema=FIELDS)


def test_the_columns_are_those_of_events() -> None:
    found = DESCRIBER.describe(raw({}))
    assert dict(found.schema) == DESCRIBED
    assert {name: events.SCHEMA[name] for name in DESCRIBED} == DESCRIBED


def test_one_row() -> None:
    assert DESCRIBER.describe(raw({})).row(0, named=True) == {
        "time": 1_431_857_103, "audience": "human", "segment": "view", "goal": "(none)",
        "page": "/a", "referrer": "(direct)",
        "referrer_kind": "direct", "came_from": "(none)", "campaign": "(none)",
        "browser": "Firefox", "browser_version": "115", "system": "Ubuntu", "device": "desktop",
        "bot": "(none)", "suspicion": "(none)", "country": "(unknown)", "place": "(unknown)",
        "provider": "(unknown)",
        "status": "200", "method": "GET", "bytes": 123, "response_time": "(none)",
        "event": "request", "detail": "(none)", "locale": "(none)", "screen": "(none)",
        "widget_version": "(none)",
    }  # fmt: skip


def test_what_a_line_does_not_say_is_named_too() -> None:
    bare = raw({"method": None, "target": None, "status": None, "agent": None})
    found = DESCRIBER.describe(bare).row(0, named=True)
    assert found["page"] == "(none)"
    assert found["method"] == "(none)"
    assert found["status"] == "(none)"
    assert found["audience"] == "bot"


def test_a_request_names_both_page_and_method_or_neither() -> None:
    """``(none)`` is the same rows in both, so that neither can be set against the other."""
    found = DESCRIBER.describe(
        raw(
            {"method": None, "target": None},
            {"method": None, "target": "/a"},
            {"method": "GET", "target": None},
            {"method": "CONNECT", "target": "example.com:443"},
            {"method": "BREW", "target": "/pot"},
            {"method": "OPTIONS", "target": "*"},
        )
    )
    assert found["page"].to_list() == ["(none)"] * 4 + ["/pot", "*"]
    assert found["method"].to_list() == ["(none)"] * 4 + ["(other method)", "OPTIONS"]


def test_own_hosts_in_any_spelling_are_internal() -> None:
    rows = raw({"referrer": "https://www.example.org/x"}, {"referrer": "https://example.net/"})
    found = DESCRIBER.describe(rows, frozenset({"WWW.Example.org:443"}))
    assert found["referrer"].to_list() == ["(internal)", "example.net"]
    assert found["referrer_kind"].to_list() == ["internal", "other"]


def test_a_row_that_names_its_host_is_internal_where_the_referrer_is_the_same() -> None:
    found = DESCRIBER.describe(
        raw(
            {"referrer": "https://www.example.org/x", "host": "example.org"},
            {"referrer": "https://www.example.org/x", "host": "example.net"},
            {"referrer": "https://www.example.org/x"},
            {"referrer": "http://192.0.2.9/", "host": "192.0.2.9"},
            {"host": "example.org"},
        )
    )
    assert found["referrer"].to_list() == [
        "(internal)", "example.org", "example.org", "(internal)", "(direct)",
    ]  # fmt: skip
    assert found["referrer_kind"].to_list() == ["internal", "other", "other", "internal", "direct"]


def test_no_rows_give_no_rows() -> None:
    found = DESCRIBER.describe(raw().clear())
    assert dict(found.schema) == DESCRIBED
    assert found.is_empty()


_text = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"address": st.ip_addresses().map(str), "target": _text, "method": _text,
             "referrer": _text, "agent": _text, "host": _text}
        ),
        max_size=6,
    )
)  # fmt: skip
def test_a_batch_says_what_each_row_says_alone(rows: list[dict[str, object]]) -> None:
    together = DESCRIBER.describe(raw(*rows))
    assert sum(together.null_count().row(0)) == 0
    assert ((together["page"] == "(none)") == (together["method"] == "(none)")).all()
    assert together.rows() == [DESCRIBER.describe(raw(row)).row(0) for row in rows]


def test_planted_values_do_not_come_through() -> None:
    """Whatever field a personal value stands in, however it is encoded, it is gone afterwards."""
    mail, address, token = "alice@example.com", "198.51.100.23", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln"
    packed = base64.b64encode(mail.encode()).decode()
    values = [mail, mail.replace("@", "%40"), mail.replace("@", "%2540"), address, "3325256727",
              "c6336417", token, packed]  # fmt: skip
    rows: list[dict[str, object]] = []
    for value in values:
        rows += [
            {"target": f"/p/{value}"},
            {"target": f"/p?q={value}"},
            {"target": f"/p?utm_source={value}&utm_medium={value}&utm_campaign={value}"},
            {"target": f"/p?utm_campaign=x-{value}-y&gclid={value}"},
            {"target": f"http://{value}/p"},
            {"referrer": f"https://example.net/{value}?q={value}"},
            {"referrer": f"https://{value}/"},
            {"referrer": f"https://{value}.example.net/"},
            {"agent": f"{FIREFOX} {value}"},
            {"agent": f"{value}/1.0 CFNetwork/1.0 Darwin/1.0"},
            {"method": value.upper()},
            {"host": value},
            {"address": address},
        ]
    said = DESCRIBER.describe(raw(*rows)).write_csv()
    assert [value for value in values if value.lower() in said.lower()] == []


@pytest.mark.skipif(not SAMPLE.exists(), reason="the public sample is not here")
def test_the_pages_of_the_sample_stay_recognisable() -> None:
    with gzip.open(SAMPLE, "rt", encoding="utf-8", errors="replace", newline="\n") as file:
        lines = pl.Series(file.read().removesuffix("\n").split("\n"))
    rows = parse("combined", lines, Context(NOW)).filter(pl.col("reject").is_null())
    found = DESCRIBER.describe(rows, frozenset({"semicomplete.com"}))
    asked = rows["target"].str.split("?").list.first().value_counts(sort=True)
    pages = set(found["page"])
    assert [path for path in asked["target"].head(75) if path not in pages] == []
    said = found["page"]
    assert said.str.contains("/:", literal=True).sum() < 0.05 * len(said)
    assert dict(found["audience"].value_counts().iter_rows()) == {"human": 7_111, "bot": 2_888}
    kinds = dict(found["referrer_kind"].value_counts().iter_rows())
    assert kinds["internal"] > kinds["search"] > kinds["social"]
