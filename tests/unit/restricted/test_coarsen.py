"""How coarse a value becomes on its way through door 1, on both sides of every bound."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.restricted.agent import Agents
from pipeline.restricted.campaign import HIDDEN, Campaigns
from pipeline.restricted.client_ip import canonical
from pipeline.restricted.referrer import may_be_named
from pipeline.restricted.scrub import load_scrubber
from pipeline.restricted.widget import coarsen, values

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=24)
_LOCALES = sorted(coarsen.values()["locale"] - {coarsen.OTHER, coarsen.NONE})  # type: ignore[operator]


@pytest.mark.parametrize(
    ("characters", "told"),
    [
        (None, "length_0"),
        (0, "length_0"),
        (1, "length_1_to_20"),
        (20, "length_1_to_20"),
        (20.0, "length_1_to_20"),
        (21, "length_21_to_100"),
        (100, "length_21_to_100"),
        (101, "length_101_to_500"),
        (500, "length_101_to_500"),
        (501, "length_over_500"),
        (10**300, "length_over_500"),
    ],
)
def test_of_a_messages_length_only_the_class_is_told(characters: float | None, told: str) -> None:
    assert coarsen.length(characters) == told


@given(st.integers(0, 600) | st.integers(0, 2**64))
def test_a_length_lies_within_the_bounds_that_its_class_names(characters: int) -> None:
    told = coarsen.length(characters)
    low, high = re.fullmatch(r"length_(?:over_)?([0-9]+)(?:_to_([0-9]+))?", told).groups()  # type: ignore[union-attr]
    if told.startswith("length_over_"):
        assert characters > int(low)
    else:
        assert int(low) <= characters <= int(high or low)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "waited_up_to_10_s"),
        (10, "waited_up_to_10_s"),
        (11, "waited_11_to_30_s"),
        (30, "waited_11_to_30_s"),
        (60, "waited_31_to_60_s"),
        (180, "waited_1_to_3_min"),
        (600, "waited_3_to_10_min"),
        (601, "waited_over_10_min"),
        (2**64, "waited_over_10_min"),
    ],
)
def test_of_how_long_a_visitor_waited_only_the_class_is_told(seconds: int, told: str) -> None:
    assert coarsen.waited(seconds) == told
    assert coarsen.values()["detail"].fullmatch(told)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("https://www.partner.example/basket/alice?ref=5512#top", "outbound_partner.example"),
        ("https://alice.partner.example:8443/", "outbound_partner.example"),
        ("HTTPS://Partner.co.uk", "outbound_partner.co.uk"),
        ("//docs.google.com/document/d/alice", "outbound_docs.google.com"),
        ("https://alice:secret@partner.example/", "outbound_unnamed"),
        ("https://192.0.2.7/", "outbound_unnamed"),
        ("https://printer.local/", "outbound_unnamed"),
        ("https://alice-at-partner.example/", "outbound_unnamed"),
        ("https://00491511234567.example/", "outbound_unnamed"),
        ("android-app://org.example.alice/", "outbound_unnamed"),
        ("mailto:alice@partner.example", "outbound_unnamed"),
        ("tel:+491511234567", "outbound_unnamed"),
        ("partner.example", "outbound_unnamed"),
        ("alice", "outbound_unnamed"),
        ("-", "outbound_unnamed"),
        ("", "outbound_unnamed"),
    ],
)
def test_of_a_link_only_the_registered_domain_is_told(link: str, told: str) -> None:
    assert coarsen.target(link) == told
    assert coarsen.values()["detail"].fullmatch(told)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("given", "stars"),
    [(None, 1), (-(2**63), 1), (0, 1), (1, 1), (2, 2), (5, 5), (6, 5), (2**63, 5)],
)
def test_a_rating_is_one_of_five(given: int | None, stars: int) -> None:
    assert coarsen.rating(given) == f"rating_{stars}"


@pytest.mark.parametrize("number", ["0.0.0", "9.9.9", "10.0.10", "99.99.99", "00.07.01"])
def test_a_version_of_two_digits_each_is_told(number: str) -> None:
    assert coarsen.version(number) == number


@pytest.mark.parametrize(
    "text",
    ["100.0.0", "0.100.0", "0.0.100", "1.2", "1.2.3.4", "1.2.", "1..3", "1.2.3-beta", " 1.2.3",
     "1.2.3\n", "v1.2.3", "-1.2.3", "١.٢.٣", "", None],
)  # fmt: skip
def test_a_version_with_room_for_more_is_not(text: str | None) -> None:
    assert coarsen.version(text) == coarsen.OTHER


@given(_texts | st.from_regex(r"[0-9]{0,3}(\.[0-9]{0,3}){0,4}", fullmatch=True))
def test_a_version_tells_six_digits_at_most(text: str) -> None:
    told = coarsen.version(text)
    assert told in {text, coarsen.OTHER}
    assert told == coarsen.OTHER or sum(map(str.isdigit, told)) <= 6


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("de", "de"),
        ("DE_at", "de-AT"),
        (" fil-ph ", "fil-PH"),
        ("zh-Hans-CN", "zh-CN"),
        ("zh-Hans", coarsen.OTHER),  # a script alone is none of the list
        ("de-FR", coarsen.OTHER),  # a language and a region of the list, but not together
        ("de-", coarsen.OTHER),
        ("d", coarsen.OTHER),
        ("tlh", coarsen.OTHER),
        ("zh-Hans-Hant-CN", coarsen.OTHER),
        ("de-AT-1996", coarsen.OTHER),
        ("de-AT@alice", coarsen.OTHER),
        ("zh-Hans-CN-u-nu-hanidec", coarsen.OTHER),
        ("", coarsen.OTHER),
    ],
)
def test_a_locale_is_of_the_list_or_other(text: str, told: str) -> None:
    assert coarsen.locale(text) == told


@given(
    st.sampled_from(_LOCALES),
    st.sampled_from(["-", "_"]),
    st.sampled_from([str.lower, str.upper, str.title, str]),
)
def test_every_spelling_of_a_listed_locale_is_that_locale(name: str, sign: str, case: type) -> None:
    language, _, region = name.partition("-")
    assert coarsen.locale(case(name.replace("-", sign))) == name
    if region:
        assert coarsen.locale(case(f"{language}-Latn-{region}")) == name


@given(_texts | st.builds("{}{}".format, st.sampled_from(_LOCALES), _texts))
def test_no_locale_outside_the_list_is_told(text: str) -> None:
    assert coarsen.locale(text) in {*_LOCALES, coarsen.OTHER}


@pytest.mark.parametrize(
    ("say", "listed", "other", "template"),
    [
        (coarsen.screen, ["small", "medium", "large"], coarsen.OTHER, "{}"),
        (coarsen.error,
         ["network", "timeout", "server", "refused", "blocked", "storage", "script", "unsupported"],
         "error_other", "error_{}"),
        (coarsen.author, ["visitor", "agent"], "message_by_agent", "message_by_{}"),
    ],
)  # fmt: skip
def test_a_word_off_its_list_is_not_told(
    say: Callable[[coarsen.Value], str], listed: list[str], other: str, template: str
) -> None:
    assert [say(word) for word in listed] == [template.format(word) for word in listed]
    for word in (
        *(word.upper() for word in listed),
        *(f"{word} " for word in listed),
        "",
        "1",
        None,
    ):
        assert say(word) == other


@given(st.sampled_from(sorted(coarsen.COARSENINGS)), _texts | st.integers(0, 2**64) | st.none())
def test_what_is_said_stands_on_the_closed_list_of_its_field(
    name: str, value: str | int | None
) -> None:
    """Of a value that fits the type that the property is declared with."""
    way = coarsen.COARSENINGS[name]
    fits = value is None or type(value) is (int if way.type == "integer" else str)
    if way.say is None or way.field == "event" or not fits:
        return
    allowed = coarsen.values()[way.field]
    said = way.say(value)
    assert said in allowed if isinstance(allowed, frozenset) else allowed.fullmatch(said)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (2**53 - 1, 2**53 - 1),
        (1 - 2**53, 1 - 2**53),
        (float(2**53 - 1), 2**53 - 1),
        (2**53, None),
        (-(2**53), None),
        (float(2**53), None),
        (0.5, None),
        (True, None),
        ("1", None),
    ],
)
def test_a_whole_number_is_one_that_a_clock_may_show(value: object, number: int | None) -> None:
    assert values.whole(value) == number


@cache
def agents() -> Agents:
    return Agents()


@pytest.mark.parametrize(("major", "told"), [("7", "7"), ("130", "130"), ("1300", "(unknown)")])
def test_of_a_browsers_version_only_a_major_number_of_three_digits_is_told(
    major: str, told: str
) -> None:
    header = f"Mozilla/5.0 (X11; Linux x86_64; rv:{major}.0) Gecko/20100101 Firefox/{major}.0.4"
    found = agents().describe(header)
    assert (found.browser, found.browser_version) == ("Firefox", told)


def test_a_referring_host_is_named_up_to_64_characters() -> None:
    fits = f"{'garden.' * 8}example"
    assert may_be_named(f"a{fits}")
    assert not may_be_named(f"aa{fits}")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ((garden := "garden-" * 6)[:40], garden[:40]),
        (garden[:41], HIDDEN),
        ("+" * 196 + "shop", "shop"),
        ("+" * 197 + "shop", HIDDEN),
        ("sale-99", "sale-99"),
        ("sale-100", HIDDEN),
        ("sale-1999", HIDDEN),
        ("sale-2000", "sale-2000"),
        ("sale-2099", "sale-2099"),
        ("sale-2100", HIDDEN),
        ("sale-1-of-2", HIDDEN),
        ("2027", HIDDEN),
    ],
)
def test_a_campaigns_name_is_a_few_words_and_a_year_at_most(value: str, told: str) -> None:
    campaigns = Campaigns(lambda target: target)
    assert campaigns.describe(f"/?utm_source={value}") == f"{told} / - / -"


def test_of_a_pages_path_only_so_much_is_shown() -> None:
    """Segments, characters of a segment, and characters of all: at the limit, and one more."""
    scrubber = load_scrubber()
    limits, words = scrubber.rules.limits, "garden-" * 40
    deep = "/garden" * limits.segments
    assert scrubber.page(deep) == deep
    assert scrubber.page(f"{deep}/garden") == f"{deep}/:more"
    long = f"/{words[: limits.segment]}"
    assert scrubber.page(long) == long
    assert scrubber.page(f"/{words[: limits.segment + 1]}") == "/:long"
    half = f"/{words[: limits.page // 4 - 1]}"
    assert scrubber.page(4 * half) == 4 * half
    assert len(4 * half) == limits.page
    assert scrubber.page(f"{4 * half}s") == f"{3 * half}/:more"


def test_an_address_is_read_up_to_64_characters() -> None:
    assert canonical("fe80::1%" + 56 * "z") == "fe80::1"
    assert canonical("fe80::1%" + 57 * "z") is None
