"""Tokens and pseudonyms, and the values that a slightly other construction would give."""

from __future__ import annotations

import hashlib
import hmac
import random
import socket
from collections.abc import Callable, Iterator
from typing import Any, Final

Test = dict[str, Any]

_DRAW: Final = random.Random("hashes")
KEY: Final = _DRAW.randbytes(32)
OTHER: Final = _DRAW.randbytes(32)
DAY: Final = 16_572
_V4: Final = socket.inet_aton("192.0.2.7")
_V6: Final = socket.inet_pton(socket.AF_INET6, "2001:db8::7")


def _keyed(key: bytes, data: bytes, person: bytes, size: int) -> bytes:
    return hashlib.blake2b(data, digest_size=size, key=key, person=person).digest()


def _token(data: bytes, key: bytes = KEY) -> bytes:
    return _keyed(key, data, b"partywall token", 16)


def _visit(data: bytes, key: bytes = KEY) -> bytes:
    return _keyed(key, data, b"partywall visit", 8)


def _framed(site: bytes, day: bytes, address: bytes) -> bytes:
    return b"%d:%b%b:%b" % (len(site), site, day, address)


def tokens() -> Iterator[Test]:
    """Yield tokens of addresses: ``day`` null is a line without a time."""

    def test(comment: str, flag: str, site: str, day: int | None, address: str, token: bytes,
             result: str = "valid") -> Test:  # fmt: skip
        return {
            "comment": comment, "flags": [flag], "site": site, "day": day, "address": address,
            "token": token.hex(), "result": result,
        }  # fmt: skip

    mapped = bytes(10) + b"\xff\xff" + _V4
    for comment, site, day, address, data in (
        ("an IPv4 address", "shop", DAY, "192.0.2.7", _framed(b"shop", b"16572", _V4)),
        ("an IPv6 address", "shop", DAY, "2001:db8::7", _framed(b"shop", b"16572", _V6)),
        ("an IPv6 address in capitals, with zeros", "shop", DAY, "2001:0DB8:0:0:0:0:0:0007",
         _framed(b"shop", b"16572", _V6)),
        ("an IPv4 address mapped into IPv6", "shop", DAY, "::ffff:192.0.2.7",
         _framed(b"shop", b"16572", _V4)),
        ("the same in hex", "shop", DAY, "::FFFF:c000:207", _framed(b"shop", b"16572", _V4)),
        ("another site", "blog", DAY, "192.0.2.7", _framed(b"blog", b"16572", _V4)),
        ("another day", "shop", DAY + 1, "192.0.2.7", _framed(b"shop", b"16573", _V4)),
        ("no time", "shop", None, "192.0.2.7", _framed(b"shop", b"-", _V4)),
        ("day 0", "shop", 0, "192.0.2.7", _framed(b"shop", b"0", _V4)),
        ("a day before 1970", "shop", -1, "192.0.2.7", _framed(b"shop", b"-1", _V4)),
        ("a site without a name", "", DAY, "192.0.2.7", _framed(b"", b"16572", _V4)),
        ("a site's length is in bytes", "caf\u00e9", DAY, "192.0.2.7",
         b"5:caf\xc3\xa916572:" + _V4),
        ("a site that looks like a frame", "4:shop", DAY, "192.0.2.7",
         _framed(b"4:shop", b"16572", _V4)),
        ("text that is no address", "shop", DAY, "unknown",
         _framed(b"shop", b"16572", b"text unknown")),
        ("an empty address", "shop", DAY, "", _framed(b"shop", b"16572", b"text ")),
        ("four letters are no packed address", "shop", DAY, "abcd",
         _framed(b"shop", b"16572", b"text abcd")),
        ("an address with a zone", "shop", DAY, "fe80::1%eth0",
         _framed(b"shop", b"16572", b"text fe80::1%eth0")),
        ("an octet with a leading zero is text", "shop", DAY, "192.0.2.07",
         _framed(b"shop", b"16572", b"text 192.0.2.07")),
    ):  # fmt: skip
        yield test(comment, "Token", site, day, address, _token(data))

    framed = _framed(b"shop", b"16572", _V4)
    for comment, flag, token in (
        ("of another key", "OtherKey", _token(framed, OTHER)),
        ("of another site", "OtherPlace", _token(_framed(b"blog", b"16572", _V4))),
        ("of the day before", "OtherPlace", _token(_framed(b"shop", b"16571", _V4))),
        ("of no day", "OtherPlace", _token(_framed(b"shop", b"-", _V4))),
        ("of the next address", "OtherAddress", _token(framed[:-1] + b"\x08")),
        ("of the address in reverse", "OtherAddress",
         _token(_framed(b"shop", b"16572", _V4[::-1]))),
        ("of the address as text", "OtherAddress",
         _token(_framed(b"shop", b"16572", b"text 192.0.2.7"))),
        ("of the address as bare text", "OtherAddress",
         _token(_framed(b"shop", b"16572", b"192.0.2.7"))),
        ("of the mapped address", "OtherAddress", _token(_framed(b"shop", b"16572", mapped))),
        ("without person", "OtherConstruction", _keyed(KEY, framed, b"", 16)),
        ("with the person of a pseudonym", "OtherConstruction",
         _keyed(KEY, framed, b"partywall visit", 16)),
        ("cut from 64 bytes", "OtherConstruction",
         _keyed(KEY, framed, b"partywall token", 64)[:16]),
        ("the key in front instead of keyed", "OtherConstruction",
         hashlib.blake2b(KEY + framed, digest_size=16, person=b"partywall token").digest()),
        ("HMAC-SHA-256 cut to 16 bytes", "OtherConstruction",
         hmac.digest(KEY, framed, "sha256")[:16]),
        ("without a key", "OtherConstruction",
         hashlib.blake2b(framed, digest_size=16, person=b"partywall token").digest()),
        ("the site without its length", "OtherFraming", _token(b"shop16572:" + _V4)),
        ("a blank behind the site", "OtherFraming", _token(b"4:shop 16572:" + _V4)),
        ("the day as a number of 8 bytes", "OtherFraming",
         _token(b"4:shop" + (DAY).to_bytes(8, "little") + b":" + _V4)),
        ("no colon before the address", "OtherFraming", _token(b"4:shop16572" + _V4)),
        ("a byte behind the address", "OtherFraming", _token(framed + b"\x00")),
        ("the first bit changed", "Changed", bytes([_token(framed)[0] ^ 0x80])
         + _token(framed)[1:]),
        ("the last bit changed", "Changed", _token(framed)[:15]
         + bytes([_token(framed)[15] ^ 1])),
        ("cut by a byte", "Changed", _token(framed)[:15]),
        ("grown by a byte", "Changed", _token(framed) + b"\x00"),
        ("zeros", "Changed", bytes(16)),
    ):  # fmt: skip
        yield test(comment, flag, "shop", DAY, "192.0.2.7", token, "invalid")


def _visitor(site: bytes, address: bytes, agent: bytes) -> bytes:
    return b"%d:%b%d:%b%b" % (len(site), site, len(address), address, agent)


def pseudonyms() -> Iterator[Test]:
    """Yield pseudonyms as 16 hex digits of the number."""

    def test(comment: str, flag: str, who: tuple[str, str, str], number: bytes,
             read: Callable[[bytes], int], result: str) -> Test:  # fmt: skip
        return {
            "comment": comment, "flags": [flag], "site": who[0], "address": who[1],
            "agent": who[2], "pseudonym": f"{read(number):016x}", "result": result,
        }  # fmt: skip

    def little(value: bytes) -> int:
        return int.from_bytes(value, "little")

    def big(value: bytes) -> int:
        return int.from_bytes(value, "big")

    for comment, *who in (
        ("an ordinary visitor", "shop", "192.0.2.7", "Mozilla/5.0"),
        ("another browser", "shop", "192.0.2.7", "curl/8.5.0"),
        ("another site", "blog", "192.0.2.7", "Mozilla/5.0"),
        ("an IPv6 network", "shop", "2001:db8::", "Mozilla/5.0"),
        ("no agent", "shop", "192.0.2.7", ""),
        ("no address", "shop", "", "Mozilla/5.0"),
        ("nothing at all", "", "", ""),
        ("lengths are in bytes", "caf\u00e9", "192.0.2.7", "\u65e5\u672c"),
        ("an agent that looks like a frame", "shop", "", "9:192.0.2.7"),
        ("a site that ends in digits", "shop1", "92.0.2.7", "x"),
    ):
        data = _visitor(*(part.encode() for part in who))
        three = (who[0], who[1], who[2])
        yield test(comment, "Pseudonym", three, _visit(data), little, "valid")
    who3 = ("shop", "192.0.2.7", "Mozilla/5.0")
    data = _visitor(*(part.encode() for part in who3))
    for comment, flag, value in (
        ("of another key", "OtherKey", _visit(data, OTHER)),
        ("of another site", "OtherPlace", _visit(data.replace(b"shop", b"blog"))),
        ("of the next address", "OtherAddress", _visit(data.replace(b"2.7", b"2.8"))),
        ("of the packed address", "OtherAddress", _visit(_visitor(b"shop", _V4, b"Mozilla/5.0"))),
        ("of an agent with a blank behind", "OtherAgent", _visit(data + b" ")),
        ("of no agent", "OtherAgent", _visit(_visitor(b"shop", b"192.0.2.7", b""))),
        ("with the person of a token", "OtherConstruction",
         _keyed(KEY, data, b"partywall token", 8)),
        ("without person", "OtherConstruction", _keyed(KEY, data, b"", 8)),
        ("cut from 16 bytes", "OtherConstruction", _keyed(KEY, data, b"partywall visit", 16)[:8]),
        ("HMAC-SHA-256 cut to 8 bytes", "OtherConstruction", hmac.digest(KEY, data, "sha256")[:8]),
        ("without a key", "OtherConstruction",
         hashlib.blake2b(data, digest_size=8, person=b"partywall visit").digest()),
        ("without lengths", "OtherFraming", _visit(b"shop192.0.2.7Mozilla/5.0")),
        ("with the agent's length", "OtherFraming",
         _visit(data.replace(b"Mozilla", b"11:Mozilla"))),
        ("with colons between", "OtherFraming", _visit(b"shop:192.0.2.7:Mozilla/5.0")),
        ("the last bit changed", "Changed", _visit(data)[:7] + bytes([_visit(data)[7] ^ 1])),
    ):  # fmt: skip
        yield test(comment, flag, who3, value, little, "invalid")
    yield test("read big-endian", "OtherConstruction", who3, _visit(data), big, "invalid")
