"""No spelling hides a value from its detector, and what only looks like one is left alone."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.restricted.scrub import Scrubber
from pipeline.restricted.scrub.detectors import DETECTORS, finds
from pipeline.restricted.scrub.spelling import searchable

SCRUBBER = Scrubber()

# Numbers that https://arthurdejong.org/python-stdnum/doc/2.2/ has as examples, and those of
# https://docs.stripe.com/testing and of RFC 7519, section 6.1.
PUBLISHED = {
    "br-cpf": "390.533.447-05",
    "cn-ric": "360426199101010071",
    "es-nif": "54362315-K",
    "fi-hetu": "131052-308T",
    "fr-nir": "2 95 10 99 126 111 93",
    "gb-nino": "AB 12 34 56 C",
    "in-aadhaar": "2341 2341 2346",
    "it-cf": "RCCMNL83S18D969H",
    "kr-rrn": "971013-9019902",
    "nl-bsn": "1112.22.333",
    "pl-pesel": "44051401359",
    "se-personnummer": "880320-0016",
    "us-ssn": "536-90-4399",
    "iban": "GR16 0110 1050 0000 1054 7023 795",
    "card": "4242 4242 4242 4242",
    "jwt": "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UifQ.",
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_example_is_found(name: str) -> None:
    value = PUBLISHED[name]
    assert finds(name, value)
    assert finds(name, f"/pay/{quote(quote(value))}/now")
    assert finds(name, f"?a=b&ref={quote(value)}&c=d")


@pytest.mark.parametrize(
    ("name", "value"),
    [("card", "4242 4242 4242 4241"), ("iban", "GR17 0110 1050 0000 1054 7023 795"),
     ("nl-bsn", "111222334"), ("pl-pesel", "44051401358"), ("br-cpf", "390.533.447-06"),
     ("in-aadhaar", "234123412347"), ("es-nif", "54362315A"), ("it-cf", "RCCMNL83S18D969A"),
     ("se-personnummer", "880320-0017"), ("kr-rrn", "971013-9019903"), ("us-ssn", "000-12-3456"),
     ("gb-nino", "BG123456A"), ("fr-nir", "295109912611194"), ("cn-ric", "360426199113010071"),
     ("jwt", "eyJuYW1lIjoiYSJ9.abcdef.ghijkl"), ("uuid", "6f1c2a54-1b2c-4d5e-8f90-a1b2c3d4e5f6a"),
     ("email", "img@2x.png"), ("email", "@angular/core@17.1.0"), ("phone", "17.05.2014"),
     ("phone", "2014-05-17"), ("phone", "10.15.6.28"), ("coordinates", "200.726,727.959"),
     ("name", "filename=report"), ("name", "sort=name"), ("session", "inside=garden")],
)  # fmt: skip
def test_what_only_looks_like_one_is_none(name: str, value: str) -> None:
    assert not finds(name, value)


MAIL = "alice@example.com"
CARD = "4242424242424242"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("email", "alice%2540example.com"),
        ("email", "%61%6c%69%63%65%40%65%78%61%6d%70%6c%65%2e%63%6f%6d"),
        ("email", "alice@xn--mnchen-3ya.xn--p1ai"),
        ("email", "алиса@пример.рф"),
        ("email", "аlісе@ехаmрlе.com"),
        ("email", "alice\uff20example\uff0ecom"),
        ("email", "alice\ufe6bexample\u3002com"),
        ("email", "alice\u24d0example.com"),
        ("email", "ali\u200bce@exam\u00adple.com"),
        ("email", "alice\u200f@\u200eexample.com"),
        ("email", "\u202emoc.elpmaxe@ecila.org"),
        ("email", "%EF%BC%A1lice%EF%BC%A0example.com"),
        ("email", "alice%EF%BC%8540example.com"),
        ("email", "alice%4\u200b0example.com"),
        ("email", "alice&#64;example&#46;com"),
        ("email", "alice\\u0040example.com"),
        ("card", "４２４２４２４２４２４２４２４２"),
        ("card", "٤٢٤٢ ٤٢٤٢ ٤٢٤٢ ٤٢٤٢"),
        ("card", "4242\u20604242\u20604242\u20604242"),
        ("card", "４2４2٤٢४২4242-4242-4242"),
        ("card", "4\u0301242424242424242"),
        ("card", "4242\u30fc4242\u30fc4242\u30fc4242"),
        ("card", "%2534%2532" + CARD[2:]),
        ("iban", "ＤＥ89 3704 0044 0532 0130 00"),
        ("phone", "\u202a+44 20 7946 0123\u202c"),
        ("uuid", "6f1c2a54\u20131b2c\u20134d5e\u20138f90\u2013a1b2c3d4e5f6"),
        ("coordinates", "％2052.5200，13.4050"),
        ("name", "?first%5Fname=%D8%A7%D9%84%D9%8A%D8%B3"),
        ("session", "/a;JSESSIONID=A1B2C3D4E5F6"),
        ("session", "/(S(lit3py55t21z5v55vlm25s55))/home"),
    ],
)
def test_no_spelling_hides_a_value(name: str, text: str) -> None:
    assert finds(name, text)


@pytest.mark.parametrize(
    "text",
    ["аlісе@ехаmрlе.com", "alice\uff20example.com", "alice\u24d0example.com",
     "ali\u200bce@exam\u00adple.com", "alice\u200f@\u200eexample.com",
     "alice%2540xn--mnchen-3ya.de", "xn--alice@example-abc", "４２４２４２４２４２４２４２４２",
     "4242\u20604242\u20604242\u20604242",
     "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", "\u202e2424242424242424"],
)  # fmt: skip
def test_no_spelling_takes_a_value_through_the_rules_of_a_path(text: str) -> None:
    page = SCRUBBER.page(f"/x/{text}")
    assert not set("@4٤４") & set(page), page
    assert "alice" not in page


@pytest.mark.parametrize("name", sorted(DETECTORS))
@settings(max_examples=40)
@given(text=st.text(max_size=200))
def test_any_text_is_answered(name: str, text: str) -> None:
    assert finds(name, text) in {True, False}


@given(st.text(max_size=100))
def test_a_text_is_searchable_once_and_for_all(text: str) -> None:
    """What came out has nothing in it any more that has no width, or a digit of another script."""
    plain = searchable(text)
    assert not set(plain) & set("\u200b\u200c\u200d\u2060\ufeff\u00ad\u202e\u200f")
    assert all(c.isascii() for c in plain if c.isdecimal())
