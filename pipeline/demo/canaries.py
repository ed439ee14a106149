"""Every way in which a planted value could lie in a file: the byte patterns to search for.

A pattern is *strong* if it is long enough that finding it by chance can be ruled out: eight
bytes, or eight characters that stand by themselves. The four packed bytes of an IPv4 address are
*weak*, and so are they with zeros beside them, as a number of 64 bits: among thousands of them and
megabytes of ciphertext or pseudonyms, chance hits are certain, or come once in some tens of
searches; so :mod:`pipeline.demo.packed` judges them by statistics instead.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, quote_plus

SHORTEST: Final = 8
"""Bytes: a shorter value, or a shorter pattern, would be found by chance."""

DIGITS: Final = frozenset(b"0123456789")
HEX_DIGITS: Final = frozenset(b"0123456789abcdefABCDEF")
BASE64_DIGITS: Final = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
)
_ANYWHERE: Final[frozenset[int]] = frozenset()


@dataclass(frozen=True, slots=True, repr=False)
class Pattern:
    """Bytes to look for. ``apart`` holds the bytes that must not stand next to them.

    A short number within a longer one is another number: without this, the digits of any digest
    would hold somebody's address.
    """

    encoding: str
    data: bytes
    apart: frozenset[int] = _ANYWHERE


def encodings(value: str) -> list[Pattern]:
    """Return the strong patterns of ``value``, no two with equal bytes.

    Text (UTF-8, UTF-16), lower and upper case, hexadecimal, base64 in its three alignments and
    two alphabets, percent-encoding once and twice, JSON escapes, and the plain digests by which
    values are often "anonymised"; of an address also the forms of :func:`_ipv4` or :func:`_ipv6`.
    """
    if len(value.encode()) < SHORTEST:
        raise ValueError(f"a planted value has at least {SHORTEST} bytes")
    found: dict[bytes, Pattern] = {}
    for pattern in _all(value):
        if len(pattern.data) >= SHORTEST:
            found.setdefault(pattern.data, pattern)
    return list(found.values())


def address(value: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return ``value`` as an address, or None where it is none."""
    try:
        return ipaddress.ip_address(value)
    except ValueError:
        return None


def _all(value: str) -> Iterator[Pattern]:
    yield from _text(value)
    if value.lower() != value:
        yield from _text(value.lower(), "lower ")
    if value.upper() != value:
        yield Pattern("upper text", value.upper().encode())
    yield from _digests(value)
    match address(value):
        case ipaddress.IPv4Address() as ip:
            yield from _ipv4(ip)
        case ipaddress.IPv6Address() as ip:
            yield from _ipv6(ip)
        case None:
            pass


def _text(text: str, case: str = "") -> Iterator[Pattern]:
    raw = text.encode()
    yield Pattern(f"{case}text", raw)
    yield Pattern(f"{case}utf-16le", text.encode("utf-16-le"))
    yield Pattern(f"{case}utf-16be", text.encode("utf-16-be"))
    yield Pattern(f"{case}hex", raw.hex().encode())
    yield Pattern(f"{case}HEX", raw.hex().upper().encode())
    for form in base64_forms(raw):
        yield Pattern(f"{case}base64", form)
    yield from _percent(text, case)
    yield Pattern(f"{case}json", json.dumps(text)[1:-1].replace("/", "\\/").encode())


def base64_forms(raw: bytes) -> Iterator[bytes]:
    """Yield what base64 makes of ``raw`` wherever it begins within the encoded bytes.

    Three bytes become four characters, so there are three alignments; characters that also
    depend on the neighbouring bytes are left out.
    """
    for alignment, first in ((0, 0), (1, 2), (2, 3)):
        whole = (alignment + len(raw)) * 8 // 6
        encoded = binascii.b2a_base64(bytes(alignment) + raw, newline=False)[first:whole]
        yield encoded
        yield encoded.replace(b"+", b"-").replace(b"/", b"_")


def _percent(text: str, case: str) -> Iterator[Pattern]:
    once = quote(text, safe="")
    every = "".join(f"%{byte:02X}" for byte in text.encode())
    for form in (once, quote_plus(text), every):
        lower = _lower_escapes(form)
        yield Pattern(f"{case}percent", form.encode())
        yield Pattern(f"{case}percent", lower.encode())
        yield Pattern(f"{case}double percent", form.replace("%", "%25").encode())
        yield Pattern(f"{case}double percent", lower.replace("%", "%25").encode())


def _lower_escapes(text: str) -> str:
    """Return ``text`` with the hexadecimal digits of its escapes in lower case."""
    head, *escaped = text.split("%")
    return "%".join([head, *(part[:2].lower() + part[2:] for part in escaped)])


def _digests(value: str) -> Iterator[Pattern]:
    """Yield the beginnings of unkeyed digests: whoever has the address list can undo them."""
    for name in ("md5", "sha1", "sha256"):
        digest = hashlib.new(name, value.encode(), usedforsecurity=False).digest()
        yield Pattern(name, digest[:SHORTEST])
        # As a number of 64 bits a digest's beginning is written in either order of bytes.
        yield Pattern(f"{name} swapped", digest[:SHORTEST][::-1])
        yield Pattern(f"{name} hex", digest[:SHORTEST].hex().encode())
        yield Pattern(f"{name} base64", base64.b64encode(digest)[:10])


def _ipv4(ip: ipaddress.IPv4Address) -> Iterator[Pattern]:
    number, swapped = int(ip), int.from_bytes(ip.packed, "little")
    octets = str(ip).split(".")
    yield Pattern("dashes", "-".join(octets).encode())
    yield Pattern("padded", ".".join(f"{octet:>03}" for octet in octets).encode())
    yield Pattern("reverse name", ".".join([*reversed(octets), "in-addr"]).encode())
    for packed, name in ((ip.packed, "packed hex"), (ip.packed[::-1], "swapped packed hex")):
        plain = packed.hex()
        for digits in (plain, plain.upper(), f"{plain[:4]}:{plain[4:]}", packed.hex(":")):
            yield Pattern(name, digits.encode(), HEX_DIGITS)
        yield Pattern("packed base64", base64.b64encode(packed), BASE64_DIGITS)
    for integer in (number, swapped):
        yield Pattern("integer text", str(integer).encode(), DIGITS)
    yield Pattern("mapped IPv6", b"\0\0\xff\xff" + ip.packed)
    yield Pattern("mapped IPv6", ip.packed[::-1] + b"\xff\xff\0\0")


def _ipv6(ip: ipaddress.IPv6Address) -> Iterator[Pattern]:
    number = int(ip)
    yield from _text(ip.exploded, "expanded ")
    yield Pattern("expanded upper text", ip.exploded.upper().encode())
    yield Pattern("dashes", ip.compressed.replace(":", "-").encode())
    yield Pattern("reverse name", ip.reverse_pointer.encode())
    yield Pattern("integer text", str(number).encode(), DIGITS)
    yield Pattern("packed hex", ip.packed.hex().encode())
    yield Pattern("packed hex", ip.packed.hex().upper().encode())
    yield Pattern("packed hex", ip.packed[::-1].hex().encode())
    for form in base64_forms(ip.packed):
        yield Pattern("packed base64", form)
    # Both halves by themselves too: the first is the household, the second may be the machine.
    for half, name in ((ip.packed[:8], "packed prefix"), (ip.packed[8:], "packed interface")):
        yield Pattern(name, half)
        yield Pattern(name, half[::-1])
