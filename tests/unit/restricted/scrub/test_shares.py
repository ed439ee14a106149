"""What gets through, by kind of value and by spelling: the shares that docs/scrubbing.md names."""

from __future__ import annotations

import string

import pytest

from pipeline.restricted.scrub import Scrubber
from tests.support.personal_values import (
    SEPARATORS,
    Groups,
    Spelling,
    address_at,
    coordinates,
    digits,
    drawn,
    ipv4,
    ipv6,
    ipv6_network,
    mac,
    mac_in_three,
    packed_ipv4,
    share_seen,
    share_whole,
)

SCRUBBER = Scrubber()

JOINED: dict[str, tuple[Groups, float]] = {
    "IPv4": (ipv4, 0),
    "packed IPv4": (packed_ipv4, 0.02),
    "IPv6": (ipv6, 0.01),
    "network of IPv6": (ipv6_network, 0.03),
    "hardware address": (mac, 0),
    "hardware address in three": (mac_in_three, 0.01),
    "card": (digits(4, 4, 4, 4), 0),
    "card of fifteen digits": (digits(4, 6, 5), 0),
    "card of nineteen digits": (digits(4, 4, 4, 4, 3), 0.01),
    "American number": (digits(3, 3, 4), 0),
    "international number": (digits(2, 3, 4, 4), 0),
    "number in pairs": (digits(2, 2, 2, 2, 2), 0),
}
"""Kind → its groups, and the share that may be seen whatever joins them."""


@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize("kind", JOINED)
def test_no_separator_carries_a_value_through(kind: str, separator: str) -> None:
    groups, most = JOINED[kind]
    assert share_seen(SCRUBBER.page, Spelling(groups, separator)) <= most


@pytest.mark.parametrize("separator", [s for s in SEPARATORS if s != "/"])
@pytest.mark.parametrize("sizes", [(3, 4), (4, 4)])
def test_a_local_number_goes_but_for_pairs_of_years(sizes: tuple[int, ...], separator: str) -> None:
    assert share_seen(SCRUBBER.page, Spelling(digits(*sizes), separator)) <= 0.01


@pytest.mark.parametrize("before", ["ip", "pool", "tel", "ec2-", "host12-"])
@pytest.mark.parametrize("after", ["", ".html", "-dsl"])
@pytest.mark.parametrize("separator", ["-", "_", ".", ":"])
def test_letters_around_a_value_do_not_hide_it(before: str, after: str, separator: str) -> None:
    for groups in (ipv4, digits(3, 3, 4)):
        assert share_seen(SCRUBBER.page, Spelling(groups, separator, before, after)) == 0


@pytest.mark.parametrize("separator", [",", "_", ",-", "~", "/"])
def test_no_place_is_told_to_ten_metres(separator: str) -> None:
    assert share_seen(SCRUBBER.page, Spelling(coordinates, separator)) == 0


@pytest.mark.parametrize(
    "at",
    ["@", "%40", "%2540", "\\u0040", "%5Cu0040", "\\x40", "%u0040", "&#64;", "&#x40;", "&commat;",
     "(at)", "_at_", "-at-", ".at.", "+at+", "~AT~", "\N{FULLWIDTH COMMERCIAL AT}"],
)  # fmt: skip
@pytest.mark.parametrize(
    "host",
    ["example.com", "example.pl", "example.it", "example.com.au", "example.co.uk", "example.berlin",
     "example.com.html", "mail.example.de.php", "example_com", "example-pl", "example-dot-es"],
)  # fmt: skip
def test_no_spelling_of_the_at_sign_carries_an_address_through(at: str, host: str) -> None:
    assert share_seen(SCRUBBER.page, Spelling(address_at(host), at), 20) == 0


LOWER = string.ascii_lowercase
MIXED = LOWER + string.digits


@pytest.mark.parametrize(
    ("alphabet", "size", "most"),
    [(LOWER, 12, 0.09), (LOWER, 16, 0.06), (LOWER, 22, 0.03), (LOWER, 32, 0.01),
     (LOWER.upper(), 12, 0.09), (LOWER.upper(), 16, 0.06), (LOWER.upper(), 32, 0.01),
     (MIXED, 12, 0.12), (MIXED, 16, 0.02), (MIXED, 22, 0.005)],
)  # fmt: skip
def test_few_tokens_come_through(alphabet: str, size: int, most: float) -> None:
    assert share_whole(SCRUBBER.page, Spelling(drawn(alphabet, size))) <= most


@pytest.mark.parametrize(
    ("alphabet", "sizes", "most"),
    [(LOWER.upper(), (4, 4, 4), 0), (LOWER.upper(), (4, 4, 4, 4), 0), (LOWER.upper(), (5,) * 5, 0),
     (LOWER.upper() + string.digits, (5, 5, 5), 0.01), (MIXED, (4, 4, 4, 4), 0.06),
     (LOWER, (4, 4, 4, 4), 0.08)],
)  # fmt: skip
def test_few_serial_numbers_and_passwords_come_through(
    alphabet: str, sizes: tuple[int, ...], most: float
) -> None:
    assert share_whole(SCRUBBER.page, Spelling(drawn(alphabet, *sizes), "-")) <= most


@pytest.mark.parametrize(
    "between", ["", "./", ".//./", "%2e/", "-/", "_/", "edit/", "view.php/", "x/../", "x/%2e%2e/"]
)
@pytest.mark.parametrize("key", ["user", "Users", "account.php", "u", ".profile"])
def test_nothing_between_a_key_and_a_name_shows_the_name(key: str, between: str) -> None:
    assert "alice" not in SCRUBBER.page(f"/{key}/{between}alice")
