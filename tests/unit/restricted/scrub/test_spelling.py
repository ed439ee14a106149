"""However a path is spelt, the rules see one spelling."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.restricted.scrub.spelling import ODD, decoded, segments_of


@pytest.mark.parametrize(
    "written",
    ["@", "%40", "%2540", "\\u0040", "\\\\u0040", "%5Cu0040", "\\u{40}", "\\x40", "%u0040", "&#64;",
     "&#x40;", "&#064;", "&commat;", "&amp;#64;", "%26%2364%3B", "\N{FULLWIDTH COMMERCIAL AT}"],
)  # fmt: skip
def test_the_at_sign(written: str) -> None:
    assert decoded(f"/alice{written}example") == "/alice@example"


@pytest.mark.parametrize(
    "dash",
    ["-", "\N{HYPHEN}", "\N{NON-BREAKING HYPHEN}", "\N{FIGURE DASH}", "\N{EN DASH}", "\N{EM DASH}",
     "\N{MINUS SIGN}", "\N{SMALL HYPHEN-MINUS}", "\N{FULLWIDTH HYPHEN-MINUS}", "\\u2013",
     "\\xe2\\x80\\x93", "%E2%80%93", "\N{KATAKANA-HIRAGANA PROLONGED SOUND MARK}"],
)  # fmt: skip
def test_dashes(dash: str) -> None:
    assert decoded(f"/202{dash}555") == "/202-555"


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("/\N{FULLWIDTH DIGIT TWO}\N{CIRCLED DIGIT ZERO}", "/20"),
        ("/2\N{COMBINING ACUTE ACCENT}0\N{VARIATION SELECTOR-16}2", "/202"),
        ("/cafe\N{COMBINING ACUTE ACCENT}", "/caf\N{LATIN SMALL LETTER E WITH ACUTE}"),
        ("/2014年05月17日", "/2014年05月17日"),
        ("/202ㅡ555", "/202-555"),
        ("/コーヒー", "/コーヒー"),
        ("/a\N{SOFT HYPHEN}b\N{ZERO WIDTH SPACE}", f"/a{ODD}b{ODD}"),
        ("/\\u{110000}", f"/{ODD}"),
        ("/100%", "/100%"),
    ],
)
def test_look_alikes(written: str, seen: str) -> None:
    assert decoded(written) == seen


@given(st.text(st.characters(max_codepoint=0x7F), max_size=30), st.integers(0, 5))
def test_percent_encoding_is_undone_as_often_as_it_was_done(text: str, rounds: int) -> None:
    path = "/" + "".join(c for c in text if c not in "%\\&")
    written = path
    for _ in range(rounds):
        written = quote(written)
    assert decoded(written) == path


def test_what_is_encoded_too_often_is_odd() -> None:
    written = "/alice\\u0040example"
    for _ in range(6):
        written = quote(written)
    assert "\\u" not in decoded(written)


_part = st.sampled_from(["a", "b", ".", "..", "...", "", "user"])


@given(st.lists(_part, min_size=1, max_size=8))
def test_dot_segments_are_resolved_as_the_standard_says(parts: list[str]) -> None:
    """RFC 3986, section 5.2.4; empty segments count there, and are dropped afterwards."""
    rest, out = "/" + "/".join(parts), ""
    while rest:
        if rest.startswith("/./") or rest == "/.":
            rest = "/" + rest[3:]
        elif rest.startswith("/../") or rest == "/..":
            rest, out = "/" + rest[4:], out.rpartition("/")[0]
        else:
            head, slash, tail = rest[1:].partition("/")
            rest, out = slash + tail, f"{out}/{head}"
    segments, ends = segments_of("/" + "/".join(parts))
    assert segments == [part for part in out.split("/") if part]
    assert ends == out.endswith("/")


@pytest.mark.parametrize(
    ("path", "segments"),
    [
        ("/a;id=1/b", ["a", "b"]),
        ("/a&b/c", ["a", "c"]),
        ("/bob&co@example/c", ["bob&co@example", "c"]),
        ("/user/..;x=1/alice", ["alice"]),
        ("/a\\..\\b", ["b"]),
        ("", []),
    ],
)
def test_segments_lose_their_parameters(path: str, segments: list[str]) -> None:
    assert segments_of(path)[0] == segments
