"""Numbers in groups: telephone numbers, packed addresses, addresses of IPv6 and of hardware.

Any separator joins groups, since each has its users: ``202-555-0143``, ``202.555.0143``,
``202/555/0143``. What tells such a number from others is how many digits it has, and in how many
groups.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import Final

_NUMBER: Final = re.compile(r"[+(0-9](?:[\W_]{0,3}[0-9]){6,}")
_CARD: Final = re.compile(r"[0-9](?:[\W_]{0,3}[0-9]){15,}")
_DIGITS: Final = re.compile(r"[0-9]+")
_FEW: Final = 2
_TOO_SHORT: Final = 6
_HALVES: Final = frozenset({3, 4})
"""Digits in either half of a number without an area code: 555-0143, 9123-4567."""
_YEARS: Final = re.compile(r"(?:(?:19[0-9]|20[0-4])[0-9](?:[\W_]+|$)){2}")
# Days since 1990 say when something was published. With slashes months do too, and the day may
# come first: that is how archives are filed.
_DAY: Final = re.compile(
    r"(?<![0-9])(?:Y([-_.])M\1D|Y/M(?:/D)?|D/D/Y)(?![0-9])".replace("Y", "(?:199|20[0-4])[0-9]")
    .replace("M", "(?:0?[1-9]|1[0-2])")
    .replace("D", "(?:0?[1-9]|[12][0-9]|3[01])")
)
_FLAW: Final = ("cve-", "cve_")
"""CVE-2014-0160 names a flaw, not a line."""

_HEX: Final = re.compile(
    r"(?<![0-9a-z])[0-9a-f]{1,8}(?:[\W_]{1,2}[0-9a-f]{1,8}){2,}(?![0-9a-z])", re.IGNORECASE
)
_HEX_GROUP: Final = re.compile(r"[0-9a-f]+", re.IGNORECASE)
_LONG_ENOUGH: Final = 8
"""Hexadecimal digits of an address of IPv4; all others have more."""
_IPV6: Final = 8
_OCTET, _OCTETS = 2, 4
"""Digits in a group, and groups at least: cb-00-71-07, 00-1a-2b-3c-4d-5e."""
_PAIR, _PAIRS = 4, 3
"""The same of octets in pairs: 001a.2b3c.4d5e."""


def without_phones(text: str, replacement: str) -> str:
    """Replace numbers of seven digits or more in groups, but not days or pairs of years."""

    def number(match: re.Match[str]) -> str:
        found = match[0]
        international = found[0] in "+("
        day = None if international else _DAY.search(found)
        if day is not None:
            around = (found[: day.start()], found[day.end() :])
            return day[0].join(_NUMBER.sub(number, end) for end in around)
        groups = [len(group) for group in _DIGITS.findall(found)]
        many = sum(groups) > _TOO_SHORT and (international or len(groups) > _FEW)
        return replacement if many or _is_local(match, groups) else found

    return _NUMBER.sub(number, text)


def _is_local(match: re.Match[str], groups: list[int]) -> bool:
    """Tell a number without an area code from years, flaws and the numbers of two segments."""
    if len(groups) != _FEW or not _HALVES.issuperset(groups) or "/" in match[0]:
        return False
    flaw = match.string[: match.start()].lower().endswith(_FLAW)
    return not flaw and not _YEARS.match(match[0])


def without_cards(text: str, replacement: str) -> str:
    """Replace numbers of sixteen digits or more, which no telephone number has, in groups."""
    return _CARD.sub(
        lambda match: replacement if len(_DIGITS.findall(match[0])) > _FEW else match[0], text
    )


def without_addresses(text: str, replacement: str) -> str:
    """Replace hexadecimal groups that make an address or a network."""
    return _HEX.sub(
        lambda match: replacement if _is_address(_HEX_GROUP.findall(match[0])) else match[0], text
    )


def _is_address(groups: list[str]) -> bool:
    """Tell addresses from words of the letters a to f (``add-a-face``) and from numbers.

    Two groups with digits are asked of all, so that a title with one number never is one.
    """
    if not _has_both(groups):
        return False
    mixed = sum(map(_is_mixed, groups))
    if len(groups) >= _IPV6 or (mixed >= _FEW and sum(map(len, groups)) >= _LONG_ENOUGH):
        return True
    for size, same in groupby(groups, len):
        run = list(same)
        if size == _OCTET and len(run) >= _OCTETS and _has_both(run):
            return True
        if size == _PAIR and len(run) >= _PAIRS and any(map(_is_mixed, run)):
            return True
    return False


def _is_mixed(group: str) -> bool:
    return not group.isalpha() and not group.isdigit()


def _has_both(groups: list[str]) -> bool:
    """Tell whether digits are in two groups or more, and letters in one."""
    numbered = sum(not group.isalpha() for group in groups)
    return numbered >= _FEW and any(not group.isdigit() for group in groups)
