"""A trial tells what a format finds and never shows a value."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.restricted import formats, listing
from pipeline.restricted.formats import AUTO, FIELDS, FORMATS, WRAPPERS, Context, known
from pipeline.restricted.formats.fields import HEADERS
from pipeline.restricted.proxies import read_proxies
from pipeline.restricted.trial import TREATMENTS, mask, trial
from tests.unit.restricted.formats.quirks import QUIRKS

CONTEXT = Context(1_800_000_000)
LINE = (
    b'192.0.2.7 - frank [17/May/2015:10:05:03 +0000] "GET /user/alice?q=bob HTTP/1.1" 200 5 '
    b'"https://mail.example/inbox" "Mozilla/5.0 (X11)"'
)


def test_every_field_a_format_may_find_has_its_treatment() -> None:
    assert set(TREATMENTS) == set(FIELDS) | set(HEADERS)
    assert {treatment for treatment, _ in TREATMENTS.values()} == {
        "kept", "coarsened", "pseudonymised", "dropped",
    }  # fmt: skip


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_a_mask_has_one_letter_and_one_digit(text: str) -> None:
    assert re.fullmatch(r"[a9 -/:-@\[-`{-~]*", mask(text).replace("?", ""))
    assert not re.search("aa|99", mask(text))


def test_lines_are_told_by_outcome_and_fields_by_treatment() -> None:
    found = trial("x", [LINE] * 4 + [b"cut off", b""], AUTO, CONTEXT, FORMATS)
    assert (found.format, found.lines, found.events, found.rejected, found.ignored) == (
        "combined", 6, 4, 1, 1,
    )  # fmt: skip
    assert found.why == "80% of the first 5 lines"
    by_name = {entry.name: entry for entry in found.fields}
    assert by_name["address"].mask == "9.9.9.9"
    assert by_name["target"].mask == "/a/a?a=a"
    assert by_name["host"].lines == 0
    shown = repr(found)
    for value in ("192", "alice", "frank", "bob", "inbox"):
        assert value not in shown


def test_a_header_with_the_client_is_told_where_a_format_has_one() -> None:
    own = known({"edge": '$remote_addr [$time_local] "$request" $status "$http_x_forwarded_for"'})
    line = b'10.0.0.1 [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 "203.0.113.9"'
    found = trial("x", [line], "edge", CONTEXT, own)
    assert [(e.name, e.lines) for e in found.fields if e.name in HEADERS] == [("forwarded_for", 1)]


@pytest.mark.parametrize(
    ("sent", "trusted", "advised"),
    [
        (["203.0.113.9", "-"], [], True),
        (["203.0.113.9", "-"], ["10.0.0.0/8"], False),
        (["-", "-"], [], False),
        ([""], [], False),
    ],
)
def test_advice_on_proxies_where_there_may_be_one_and_none_is_trusted(
    sent: list[str], trusted: list[str], advised: bool
) -> None:
    line = '10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "Mozilla/5.0" "{}"'
    lines = [line.format(value).encode() for value in sent]
    context = Context(1_800_000_000, proxies=read_proxies(trusted))
    found = trial("x", lines, "nginx_main", context, FORMATS)
    assert found.events == len(lines)
    assert found.advice.startswith("forwarded_for: believed of nobody.") == advised
    assert advised or not found.advice
    assert "203" not in found.advice


def test_a_log_without_the_peer_needs_no_proxy_to_be_named() -> None:
    own = known({"edge": '$http_x_forwarded_for [$time_local] "$request" $status'})
    line = b'203.0.113.9 [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200'
    found = trial("x", [line], "edge", CONTEXT, own)
    assert found.events == 1
    assert "believed" not in found.advice


def test_a_trial_tells_what_a_report_will_lack() -> None:
    own = known({"bare": '$remote_addr [$time_local] "$uri"', "own": "%h %t %m %U %{User-agent}i"})
    line = b'203.0.113.9 [17/May/2015:10:05:03 +0000] "/a"'
    said = trial("x", [line], "bare", CONTEXT, own).advice
    assert said.count("No line has") == 2
    assert "No line has a method: pages" in said
    whole = b"203.0.113.9 [17/May/2015:10:05:03 +0000] GET /a curl"
    assert trial("x", [whole], "own", CONTEXT, own).advice == ""


def test_a_widgets_events_lack_no_method() -> None:
    """They are no requests, and their pages are shown without one."""
    golden = Path(formats.__file__).parent / "known" / "widget" / "golden.yaml"
    lines = [case["line"].encode() for case in yaml.safe_load(golden.read_text())["lines"]]
    found = trial("x", lines, "widget", CONTEXT, FORMATS)
    assert found.events > 0
    assert "method" not in found.advice


@pytest.mark.parametrize(
    ("format_", "lines"), [("none", [LINE]), (AUTO, [b"dear diary"]), (AUTO, [LINE, b"x", b"y"])]
)
def test_what_cannot_be_told_is_one_line(format_: str, lines: list[bytes]) -> None:
    with pytest.raises(InputError) as caught:
        trial("x", lines, format_, CONTEXT, FORMATS)
    assert "\n" not in str(caught.value)
    assert "diary" not in str(caught.value)


def test_the_list_has_every_format_with_its_page() -> None:
    listed = listing()
    assert [entry.name for entry in listed] == [*FORMATS, *WRAPPERS]
    assert all(entry.page.startswith(f"# {entry.name}") for entry in listed)


@pytest.mark.parametrize("name", FORMATS)
def test_a_trial_of_every_format(name: str) -> None:
    lines = [quirk["line"].encode() for quirk in QUIRKS if quirk["format"] == name]
    found = trial("x", lines, name, CONTEXT, FORMATS)
    assert found.events + found.rejected + found.ignored == len(lines)
    masks = pl.Series([entry.mask for entry in found.fields])
    assert not masks.str.contains("[b-zA-Z0-8]").any()
