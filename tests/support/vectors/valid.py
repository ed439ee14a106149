"""Messages that open, with all that a line or a batch may be."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from tests.support.vectors.hpke import public_of
from tests.support.vectors.parts import (
    BASE,
    HOUR,
    PUBLIC,
    SMALL,
    START,
    Case,
    Plan,
    body,
    packed,
    record,
    untimed,
)

_P: Final = 2**255 - 19


def _rows_for(lines: Sequence[bytes]) -> tuple[dict[str, object], ...]:
    return tuple(record(5, number) for number in range(len(lines)))


def _one(comment: str, flag: str, *lines: bytes) -> Case:
    plan = Plan(_rows_for(lines), (lines,), seed=comment)
    return Case(comment, (flag,), plan.message(), lines=lines)


def _of(comment: str, flag: str, plan: Plan) -> Case:
    return Case(comment, (flag,), replace(plan, seed=comment).message(), lines=plan.lines())


def cases() -> Iterator[Case]:
    """Yield the valid messages."""
    yield _of("five lines of two sites in two frames", "Ordinary", BASE)
    yield _of("one line", "Ordinary", SMALL)
    yield from _contents()
    yield from _batches()
    yield from _layouts()
    yield from _shares()


def _contents() -> Iterator[Case]:
    yield _one("an empty line", "OddContent", b"")
    yield _one("nothing but empty lines", "OddContent", b"", b"", b"")
    yield _one("an empty line between two", "OddContent", b"a", b"", b"b")
    yield _one("a NUL", "OddContent", b"\x00")
    yield _one("NULs within a line", "OddContent", b"a\x00\x00b", b"c")
    yield _one("bytes that are no UTF-8", "OddContent", b"\xff\xfe\xc3\x28\xed\xa0\x80")
    yield _one("all 256 bytes", "OddContent", bytes(range(256)))
    yield _one("line feeds and carriage returns", "OddContent", b"a\r\n", b"\n", b"b\n\nc")
    yield _one("UTF-8 with combining marks", "OddContent", "Ä e\u0301 \U0001f512".encode())
    yield _one("a line of 64 KiB", "LongLine", b"/" * 65_536)
    yield _one("a line that does not compress", "LongLine", random.Random(1).randbytes(2_000))
    yield _one("a line that is a zstd frame", "OddContent", packed(b"inner"))
    yield _one("a line that is the beginning of a message", "OddContent", b"PWSEAL\x00\x02")
    yield _one("three hundred equal lines", "ManyLines", *[b"GET /"] * 300)


def _batches() -> Iterator[Case]:
    sites = [record(n, site=f"site-{n:02}", hour=START + n * HOUR) for n in range(40)]
    yield _of("forty sites", "ManySites", Plan(sites, ([b"x"] * 40,)))
    names = ["", "a b", "é", "日本", '"\\', "\x01", "\x7f", "\U0001f512"]
    odd = [record(n, site=site) for n, site in enumerate(names)]
    yield _of("sites whose names need escapes in JSON", "ManySites", Plan(odd, ([b"x"] * 8,)))
    yield _of(
        "no line has a time", "Untimed", Plan([untimed(3), untimed(4, site="shop")], ([b"", b"?"],))
    )
    both = [record(3), untimed(4, site="shop")]
    yield _of("a site with and without times", "Untimed", Plan(both, ([b"a", b"b"],)))
    addressed = [untimed(3) | {"token": bytes(range(16))}]
    yield _of("a line without a time that has a token", "Untimed", Plan(addressed, ([b"a"],)))
    before = [record(0, hour=-HOUR), record(1, hour=0)]
    yield _of("hours before and at 1970", "OddTimes", Plan(before, ([b"a", b"b"],)))
    late = [record(0, hour=253_402_297_200)]
    yield _of("the last hour of the year 9999", "OddTimes", Plan(late, ([b"a"],)))
    down = [record(0, hour=START + HOUR), record(1, hour=START)]
    yield _of("hours that fall as offsets rise", "OddTimes", Plan(down, ([b"a", b"b"],)))
    far = [record(2**63), record(2**64 - 1, 2**32 - 1)]
    yield _of("the largest offset and line", "LargeNumbers", Plan(far, ([b"a", b"b"],)))
    gaps = [record(0, 4_000_000_000), record(1), record(1_000_000)]
    yield _of("offsets with gaps", "LargeNumbers", Plan(gaps, ([b"a", b"b", b"c"],)))
    five = [record(n) for n in range(5)]
    yield _of("five frames of one line", "ManyFrames", Plan(five, [[b"%d" % n] for n in range(5)]))
    uneven = Plan(five, ([b"a"], [b"", b"", b""], [b"z" * 999]))
    yield _of("frames of one, three and one line", "ManyFrames", uneven)
    many = [record(n) for n in range(260)]
    yield _of("260 frames: a number of two bytes", "ManyFrames", Plan(many, [[b"x"]] * 260))
    nobody = [record(n, token=None) for n in range(3)]
    yield _of("no line has a token", "NoToken", Plan(nobody, ([b"a", b"b", b"c"],)))
    backfill = [record(1, ingest="backfill-1", label="", policy=65_535, format="logfmt zone=UTC")]
    yield _of("a backfill, an empty label, the last policy", "OddIndex", Plan(backfill, ([b"a"],)))


def _layouts() -> Iterator[Case]:
    plain = body(SMALL.frames[0])
    for comment, pack in (
        ("zstd at level 19", packed(plain, 19)),
        ("zstd with a checksum", packed(plain, write_checksum=True)),
    ):
        yield _of(comment, "OtherCompression", replace(SMALL, packs=(pack,)))


def _shares() -> Iterator[Case]:
    """RFC 7748 lets the highest bit of a share be set, and masks it."""
    # The share comes of the seed's own key, so the message is made with the seed it will have.
    drawn = random.Random(f"keys {SMALL.seed}")
    drawn.randbytes(32)
    share = public_of(drawn.randbytes(32))
    high = share[:31] + bytes([share[31] | 0x80])
    message = replace(SMALL, encapsulate={"share": high}).message()
    comment = "a share with its highest bit set, as RFC 7748 allows"
    yield Case(comment, ("NonCanonicalShare",), message, lines=SMALL.lines())
    # p + 9 is the base point written in another way: the secret is the recipient's public key.
    nine = (_P + 9).to_bytes(32, "little")
    message = replace(SMALL, encapsulate={"share": nine, "dh": PUBLIC}).message()
    comment = "a share that is not below the prime, as RFC 7748 allows"
    yield Case(comment, ("NonCanonicalShare",), message, lines=SMALL.lines())
