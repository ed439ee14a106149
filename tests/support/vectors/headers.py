"""Messages whose header is not what it should be.

Three hands reach for it: one changes bytes, one makes the digest fit as well, and one may seal and
so makes everything fit but the truth.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from tests.support.vectors.parts import (
    BASE,
    HOUR,
    SMALL,
    START,
    Case,
    Plan,
    Values,
    canonical,
    frame_of,
    stream,
)

FIELDS: Final = (
    "batch",
    "first",
    "frames",
    "hour",
    "index_bytes",
    "index_sha256",
    "key_id",
    "last",
    "records",
    "source",
    "spans",
    "untimed",
)

_OTHER: Final[Values] = {
    "batch": "0" * 32,
    "first": [6, 0],
    "frames": [[70, 2], [70, 3]],
    "hour": START + 25 * HOUR,
    "index_bytes": 1,
    "index_sha256": "0" * 64,
    "key_id": "16573-000000000000",
    "last": [12, 1],
    "records": 6,
    "source": "logs.web:4",
    "spans": {"blog": [START, START + HOUR], "shop": [START, START + 2 * HOUR]},
    "untimed": ["blog", "shop"],
}
"""Another value of each field that a header by itself could have."""

_FOUND: Final = {
    "frames": "length",
    "index_bytes": "length",
    "index_sha256": "index",
    "first": "index",
    "last": "index",
    "spans": "index",
    "untimed": "index",
    "records": "header",
}
"""What shows the change of a field, where the digest fits; else it is the key."""

_WRONG: Final[dict[str, tuple[Any, ...]]] = {
    "batch": (7, "", "0" * 31, "g" * 32, "ABCDEF" + "0" * 26, "0" * 32 + "\n"),
    "first": (7, [7], [7, 0, 0], [-1, 0], ["7", 0], [7.0, 0], [13, 0]),
    "frames": ([], 5, [[20]], [[20, 1, 1]], [[15, 1]], [["20", 1]], [[20, True]], [[20, 0]]),
    "hour": ("0", START + 1, float(START), True),
    "index_bytes": (-1, "10", 10.5, True),
    "index_sha256": (0, []),
    "key_id": (16572, ["a"]),
    "last": ([12], [12, -1], [6, 0], [12, True]),
    "records": (-1, 0, 2, 1.0, "1", True),
    "source": (3, []),
    "spans": (
        [],
        {"shop": START},
        {"shop": [START]},
        {"shop": [START, START, START]},
        {"shop": [START + 1, START + 1]},
        {"shop": [START + HOUR, START]},
        {"shop": [str(START), str(START)]},
        {"shop": [True, START]},
    ),
    "untimed": ("shop", [1], {}, [None]),
}
"""Values that a field of SMALL's header cannot have."""


def _write(name: str, value: object) -> Plan:
    return replace(SMALL, write=lambda values: canonical(values | {name: value}))


def cases() -> Iterator[Case]:
    """Yield messages with damaged, forged and lying headers."""
    sealed = BASE.sealed()
    values = json.loads(sealed.head)
    for name in FIELDS:
        forged = canonical(values | {name: _OTHER[name]})
        known = sealed.but(head=forged, digest=b"")[: 8 + 4]
        digest = sealed.joined()[len(known) : len(known) + 32]
        comment = f"{name} changed, the digest left as it was"
        yield Case(comment, ("DigestMismatch",), sealed.but(head=forged, digest=digest), "header")
        found = _FOUND.get(name, "key")
        yield Case(
            f"{name} changed, with the digest it needs",
            ("ForgedHeader",),
            sealed.but(head=forged),
            found,
        )
    yield from _lies()
    for name, wrongs in _WRONG.items():
        for wrong in (None, *wrongs):
            comment = f"{name} is {json.dumps(wrong)[:50]}, sealed so"
            yield Case(comment, ("WrongValue",), _write(name, wrong).message(), "header")
    yield from _fields()
    yield from _spellings()


def _lies() -> Iterator[Case]:
    """All is sealed as it should be, and says what is not so."""
    index = len(stream(frame_of(BASE.rows)))
    spans = {"blog": [START + HOUR, START + HOUR], "shop": [START, START + 2 * HOUR]}
    for comment, flag, error, lie in (
        ("first before the index's", "CountsLie", "index", {"first": [6, 0]}),
        ("first behind the index's", "CountsLie", "index", {"first": [7, 1]}),
        ("last behind the index's", "CountsLie", "index", {"last": [12, 1]}),
        ("last before the index's", "CountsLie", "index", {"last": [9, 1]}),
        ("records one more than the frames'", "CountsLie", "header", {"records": 6}),
        ("records one fewer than the frames'", "CountsLie", "header", {"records": 4}),
        ("an index a byte longer", "CountsLie", "length", {"index_bytes": index + 1}),
        ("an index a byte shorter", "CountsLie", "length", {"index_bytes": index - 1}),
        ("no index", "CountsLie", "length", {"index_bytes": 0}),
        (
            "the hash of nothing",
            "IndexHash",
            "index",
            {"index_sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        ),
        ("no spans", "SpansLie", "index", {"spans": {}}),
        ("a site's span left out", "SpansLie", "index", {"spans": {"shop": spans["shop"]}}),
        ("a site more", "SpansLie", "index", {"spans": spans | {"docs": [START, START]}}),
        (
            "a span begins late",
            "SpansLie",
            "index",
            {"spans": spans | {"shop": [START + HOUR, START + 2 * HOUR]}},
        ),
        (
            "a span ends early",
            "SpansLie",
            "index",
            {"spans": spans | {"shop": [START, START + HOUR]}},
        ),
        (
            "a span begins early",
            "SpansLie",
            "index",
            {"spans": spans | {"shop": [START - HOUR, START + 2 * HOUR]}},
        ),
        (
            "a span ends late",
            "SpansLie",
            "index",
            {"spans": spans | {"shop": [START, START + 3 * HOUR]}},
        ),
        (
            "spans of the sites exchanged",
            "SpansLie",
            "index",
            {"spans": {"blog": spans["shop"], "shop": spans["blog"]}},
        ),
        (
            "a site under another name",
            "SpansLie",
            "index",
            {"spans": {"blog": spans["blog"], "shop2": spans["shop"]}},
        ),
        ("untimed left empty", "SpansLie", "index", {"untimed": []}),
        ("a site more among the untimed", "SpansLie", "index", {"untimed": ["blog", "shop"]}),
        ("another untimed site", "SpansLie", "index", {"untimed": ["shop"]}),
        ("an untimed site twice", "SpansLie", "index", {"untimed": ["blog", "blog"]}),
    ):
        yield Case(comment, (flag,), replace(BASE, header=lie).message(), error)
    empty = replace(BASE, frames=(*BASE.frames, ()))
    yield Case("a frame of no lines", ("CountsLie",), empty.message(), "header")
    nothing = replace(BASE, frames=(), header={"records": 0})
    yield Case("no frames and no records", ("CountsLie",), nothing.message(), "header")


def _fields() -> Iterator[Case]:
    for name in FIELDS:
        comment = f"{name} is missing"
        yield Case(
            comment, ("WrongFields",), replace(SMALL, header={name: None}).message(), "header"
        )
    for name in ("version", "", "Batch", "frame"):
        plan = replace(SMALL, header={name: 1})
        yield Case(f"a field {name!r} more", ("WrongFields",), plan.message(), "header")
    for name in FIELDS:

        def twice(values: Values, name: str = name) -> bytes:
            again = canonical({name: values[name]})
            return again[:-1] + b"," + canonical(values)[1:]

        comment = f"{name} twice, both times the same"
        yield Case(comment, ("DuplicateKey",), replace(SMALL, write=twice).message(), "header")

    def contradicting(values: Values) -> bytes:
        return canonical(values)[:-1] + b',"untimed":["shop"]}'

    plan = replace(SMALL, write=contradicting)
    yield Case("untimed twice, and not the same", ("DuplicateKey",), plan.message(), "header")


def _spellings() -> Iterator[Case]:
    """Other bytes for the same values, and bytes that are no header."""

    def dumped(**options: Any) -> Any:  # noqa: ANN401 - json's own
        return lambda values: json.dumps(values, **options).encode()

    tight = {"separators": (",", ":")}
    for comment, write in (
        ("blanks behind commas and colons", dumped(sort_keys=True)),
        ("indented", dumped(sort_keys=True, indent=1)),
        ("keys not sorted", dumped(**tight)),
        ("a blank in front", lambda v: b" " + canonical(v)),
        ("a line feed behind", lambda v: canonical(v) + b"\n"),
        ("a NUL behind", lambda v: canonical(v) + b"\x00"),
        ("a byte order mark in front", lambda v: b"\xef\xbb\xbf" + canonical(v)),
        ("UTF-16", lambda v: canonical(v).decode().encode("utf-16-le")),
        ("a letter escaped", lambda v: canonical(v).replace(b"logs.web", b"logs.\\u0077eb")),
        ("a slash escaped", lambda v: canonical(v | {"source": "a/b:3"}).replace(b"/", b"\\/")),
        (
            "a letter beyond ASCII escaped",
            lambda v: json.dumps(
                v | {"source": "é:3"}, sort_keys=True, separators=(",", ":")
            ).encode(),
        ),
        (
            "a control character not escaped",
            lambda v: canonical(v).replace(b"logs.web", b"logs\x01web"),
        ),
        (
            "a number with an exponent",
            lambda v: canonical(v).replace(b'"records":1', b'"records":1e0'),
        ),
        (
            "a number with a leading zero",
            lambda v: canonical(v).replace(b'"records":1', b'"records":01'),
        ),
        (
            "a number beyond 64 bits",
            lambda v: canonical(v).replace(b'"first":[7', b'"first":[18446744073709551616'),
        ),
        ("minus zero", lambda v: canonical(v | {"first": [0, 0]}).replace(b"[0,0]", b"[-0,0]")),
        ("NaN for an hour", lambda v: canonical(v | {"hour": float("nan")})),
        ("a surrogate alone", lambda v: canonical(v).replace(b"logs.web", b"\\ud800")),
        ("bytes that are no UTF-8", lambda v: canonical(v).replace(b"logs.web", b"logs\xffweb")),
        ("a comma behind the last field", lambda v: canonical(v)[:-1] + b",}"),
        ("a comment", lambda v: canonical(v)[:-1] + b"/**/}"),
        ("cut before its end", lambda v: canonical(v)[:-1]),
        ("an empty header", lambda _: b""),
        ("an object without fields", lambda _: b"{}"),
        ("a list", lambda v: canonical(v)[:0] + b"[]"),
        ("a text", lambda _: b'"header"'),
        ("null", lambda _: b"null"),
        ("a header in a list", lambda v: b"[" + canonical(v) + b"]"),
        ("two headers", lambda v: canonical(v) * 2),
        ("deep nesting", lambda _: b"[" * 1_100 + b"]" * 1_100),
    ):
        message = replace(SMALL, write=write).message()
        yield Case(f"header: {comment}", ("NotCanonical",), message, "header")
