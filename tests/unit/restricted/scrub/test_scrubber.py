"""A page is a path without anybody in it: each rule does what its examples say."""

from __future__ import annotations

import base64
import ipaddress
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline import declarations
from pipeline.errors import SettingsError
from pipeline.restricted.scrub import Scrubber, load_scrubber, method_name
from pipeline.restricted.scrub.rules import read_rules

RULES = read_rules()
SCRUBBER = Scrubber(RULES)
LONG_WAY = Scrubber(replace(RULES, plain=None, not_plain=None))
DEFAULT = declarations.folder() / "scrub/default.yaml"


@pytest.mark.parametrize(("target", "page"), RULES.examples.items())
def test_example(target: str, page: str) -> None:
    assert SCRUBBER.page(target) == page


def test_every_rule_has_examples_that_need_it() -> None:
    """A rule that could be taken out without an example failing is no rule."""
    document = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))
    for at, rule in enumerate(document["rules"]):
        assert rule["examples"], rule["name"]
        fewer = RULES.rewrites[:at] + RULES.rewrites[at + 1 :]
        without = Scrubber(replace(LONG_WAY.rules, rewrites=fewer, examples={}))
        changed = [t for t, page in rule["examples"].items() if without.page(t) != page]
        assert changed, rule["name"]


def test_no_target_no_page() -> None:
    assert SCRUBBER.page(None) == "(none)"


def test_many_answers_in_order() -> None:
    assert SCRUBBER.many(["/a", None, "/user/x", "/a"]) == ["/a", "(none)", "/user/:name", "/a"]


_word = st.from_regex(r"[a-z]{3,8}", fullmatch=True)


def test_forgetting_leaves_no_word_behind() -> None:
    scrubber = Scrubber(RULES)
    assert scrubber.many(["/internationalisation"]) == ["/internationalisation"]
    assert scrubber._is_made_up.cache_info().currsize
    scrubber.forget()
    assert not scrubber._is_made_up.cache_info().currsize


_personal = st.one_of(
    st.emails().filter(lambda e: "/" not in e and "?" not in e and "#" not in e),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
    st.ip_addresses(v=6).map(lambda a: a.exploded),
    st.ip_addresses(v=4).filter(lambda a: int(a) > 99_999).map(lambda a: str(int(a))),
    st.ip_addresses(v=4).map(lambda a: f"{int(a):08x}"),
    st.ip_addresses(v=4).map(lambda a: f"0x{int(a):08X}"),
    st.ip_addresses(v=4).map(lambda a: "ec2-" + str(a).replace(".", "-")),
    st.ip_addresses(v=4).map(lambda a: base64.b64encode(str(a).encode()).decode()),
    st.uuids().map(str),
    st.uuids().map(lambda u: u.hex),
    st.integers(10**8, 10**14).map(str),
    st.tuples(st.integers(1, 99), st.integers(100, 999), st.integers(1000, 9999)).map(
        lambda parts: "+" + "-".join(map(str, parts))
    ),
)  # fmt: skip


@settings(max_examples=150)
@given(_word, _personal, st.integers(0, 3), st.sampled_from(["", ".html", "/edit", "?a=b"]))
def test_a_personal_value_never_stays(word: str, value: str, rounds: int, tail: str) -> None:
    """However often it is percent-encoded, and whatever follows it."""
    encoded = value
    for _ in range(rounds):
        encoded = quote(encoded, safe="")
    page = SCRUBBER.page(f"/{word}/{encoded}{tail}")
    assert value.lower() not in page.lower()
    assert ":" in page


@settings(max_examples=150)
@given(st.text(max_size=120) | st.text(max_size=60).map("/{}".format))
@example("/" + "%25" * 3000)
@example("/" + "a" * 100_000)
@example("/\ud800")
def test_any_target_gives_a_bounded_printable_page(target: str) -> None:
    page = SCRUBBER.page(target)
    assert page in {"(none)", "*"} or page.startswith("/")
    assert len(page) <= RULES.limits.page
    assert page.count("/") <= RULES.limits.segments + 2
    assert page.isprintable()
    assert not set(page) & set(" \"'<>@%?&;#\\=") - {"'", "@", "="}


_path = st.from_regex(SCRUBBER._plain_path or "", fullmatch=True).filter(
    lambda path: len(path) <= 80
)


@settings(max_examples=150)
@given(_path)
def test_the_short_cut_gives_what_the_rules_give(path: str) -> None:
    if path and SCRUBBER.is_plain(path):
        assert SCRUBBER.scrub(path) == path


# Pieces that come close to what the rules look for.
_piece = st.one_of(
    st.from_regex(r"[a-f]{1,9}|[a-z]{4}|[a-z]{11,15}|[A-Z]{2,4}|[A-Z][a-z]{3,14}", fullmatch=True),
    st.sampled_from(
        "at At AT dot gmail de com live test sk ghp xoxs glpat Bearer user edit".split()
    ),
)
_number = st.integers(0, 99) | st.integers(1000, 2050)
_segment = st.one_of(
    _number.map(str),
    st.lists(_piece, min_size=1, max_size=8).map("-".join),
    st.lists(_piece, min_size=1, max_size=4).map("_".join),
    st.builds("{}{}.{}".format, _piece, _number, _piece),
    st.builds("{}.{}-{}".format, _piece, _piece, _number),
)


@settings(max_examples=1_000)
@given(st.lists(_segment, min_size=1, max_size=8).map("/".join).map("/{}".format))
def test_the_short_cut_is_as_careful_as_the_rules(path: str) -> None:
    """Of words and numbers, too, which only just are none of what the rules take."""
    assert SCRUBBER.page(path) == LONG_WAY.page(path)


@pytest.mark.parametrize(
    "path",
    ["ABCD-EFGH-IJKL-MNOP", "ABCD-EFGH-IJKL-MNOP.html", "ABCD-EFGH-IJKL-MNOP_done",
     "WXQZK-PLMNB-VCXZA.xhtml", "QX7V-BKWJ-PFGH-MNBV.html", "qxzv-bkwj-pfgh-mnbv.html",
     "qxzv_bkwj_pfgh_mnbv", "code-QXZV-BKWJ-PFGH", "card-QXZV-BKWJ-PFGH-MNBV.jpeg",
     "word-qxzv-bkwj-pfgh-mnbv.html"],
)  # fmt: skip
def test_an_ending_of_the_same_length_hides_no_coupon(path: str) -> None:
    found = SCRUBBER.page(f"/t/{path}")
    assert ":token" in found
    assert not {"QXZV", "qxzv", "ABCD", "WXQZK", "QX7V"} & set(re.split("[-_./]", found))


_hex = st.from_regex(r"[0-9a-f]{1,2}|[0-9a-f]{4}|[a-f]{1,3}[0-9]{1,3}", fullmatch=True)
_groups = st.lists(st.tuples(st.sampled_from("/._-"), _hex), min_size=2, max_size=9)


@settings(max_examples=1_000)
@given(_groups.map(lambda made: "/" + "".join(end + group for end, group in made)[1:]))
@example("/a0.aa/a0.aa")
@example("/05/17/aa-bb")
@example("/abc1.dead/abc1")
def test_the_short_cut_knows_an_address_across_segments(path: str) -> None:
    assert SCRUBBER.page(path) == LONG_WAY.page(path)


@pytest.mark.parametrize(
    "path",
    ["/favicon.ico", "/images/jordan-80.png", "/articles/dynamic-dns-with-dhcp/", "/robots.txt",
     "/blog/geekery/ssl-latency.html", "/projects/xdotool/", "/2014/05/17/a-title"],
)  # fmt: skip
def test_ordinary_paths_take_the_short_cut(path: str) -> None:
    assert SCRUBBER.is_plain(path)


@pytest.mark.parametrize(
    "path",
    [
        "/user/alice",
        "/a/deadbeef",
        "/a/192.0.2.7",
        "/1/2/3/4",
        "/a_at_example.com",
        "/profile.php/b",
        "/user.4-beta/b",
        "/looking-At-gmail",
        "/cb/ghp_abcdefgh",
        "/call/202/555/0143",
        "/v/xkqvbwzjtpgh",
        "/v/qkzx-vwjq-xzkp-bqvj",
    ],
)
def test_the_short_cut_is_closed_to_what_rules_take(path: str) -> None:
    assert not SCRUBBER.is_plain(path)
    assert SCRUBBER.page(path) != path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("/order/12345: /order/:id", "/order/12345: /order/12345"),
            "mend the rule or the example",
        ),
        (("pattern: '@'", "pattern: '['"), "bad pattern"),
        (("as: ':email'", "as: 'email'"), "needs limits, names and rules"),
        (("detector: wide-phone", "detector: telephone"), "needs limits, names and rules"),
        (("limits:", "limit:"), "nothing is called limit"),
        (("sites: []", "keep_queries: [tab]"), "keep_queries; write a site rule with `key`"),
        (("sites: []", "sits: []"), "nothing is called sits"),
        (("version: 1", "version: [1"), "needs limits, names and rules"),
    ],
)
def test_a_file_with_a_mistake_is_refused(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    text = DEFAULT.read_text(encoding="utf-8")
    assert change[0] in text
    file = tmp_path / "rules.yaml"
    file.write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(SettingsError, match=message):
        load_scrubber(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_scrubber(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("method", "name"),
    [("GET", "GET"), ("PROPFIND", "PROPFIND"), ("get", "(other method)"),
     ("ALICE", "(other method)"), (None, "(other method)")],
)  # fmt: skip
def test_only_registered_methods_are_named(method: str | None, name: str) -> None:
    assert method_name(method) == name


def test_addresses_of_every_encoding_go() -> None:
    address = ipaddress.ip_address("198.51.100.23")
    for text in ("198.51.100.23", "198-51-100-23", "198/51/100/23", str(int(address)), "c6336417",
                 "0xc6.0x33.0x64.0x17", "::ffff:c633:6417", "MTk4LjUxLjEwMC4yMw=="):  # fmt: skip
        assert re.fullmatch(r"/x/:[a-z]+", SCRUBBER.page(f"/x/{text}")), text


@settings(max_examples=150)
@given(st.lists(st.from_regex(RULES.plain or "", fullmatch=True) | _personal, max_size=5))
def test_the_short_cut_of_a_segment_changes_nothing(segments: list[str]) -> None:
    path = "/" + "/".join(segments)
    assert SCRUBBER.page(path) == LONG_WAY.page(path)
