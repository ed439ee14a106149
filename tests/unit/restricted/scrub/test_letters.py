"""Words are told from drawn letters, in the languages that people write titles in."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.restricted.scrub.letters import is_drawn

WORDS = """
accessibility announcements cryptography internationalisation microservices neighbourhood
responsibilities straightforward troubleshooting Bundesverfassungsgericht Datenschutzerklaerung
Rechtsschutzversicherung Straßenverkehr ontwikkelingssamenwerking vooruitstrevend
anticonstitutionnellement renseignements desarrollosostenible responsabilidades
universitariamente odpowiedzialnosc przedsiebiorstwo bezpieczenstwo nejzajimavejsi
zaměstnanci tietosuojaseloste yhteystiedot megszentségtelenithetetlen adatvedelmi
kullaniciadi gizlilikpolitikasi barcamprochester proofsocietyisdoomed phpmyadminsetup
""".split()


@pytest.mark.parametrize("word", [word for word in WORDS if word.isascii()])
def test_words_are_written(word: str) -> None:
    assert not is_drawn(word)
    assert not is_drawn(word.upper())


def test_most_drawn_letters_are_told() -> None:
    rng = random.Random(20150517)
    for size, share in ((12, 0.9), (16, 0.94), (32, 0.99)):
        words = ["".join(rng.choices(string.ascii_lowercase, k=size)) for _ in range(2_000)]
        assert sum(map(is_drawn, words)) / len(words) >= share, size


@given(st.lists(st.from_regex(r"[A-Za-z]{4}", fullmatch=True), min_size=1))
def test_any_letters_in_any_groups_are_judged_alike_in_any_order(words: list[str]) -> None:
    assert is_drawn(*words) == is_drawn(*reversed(words)) == is_drawn(*map(str.swapcase, words))
