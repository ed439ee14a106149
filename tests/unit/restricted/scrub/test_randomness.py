"""Made-up strings are told from words, within the limits that docs/scrubbing.md names."""

from __future__ import annotations

import base64
import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.restricted.scrub.randomness import (
    hides_text,
    looks_made_up,
    looks_random,
    looks_serial,
)

WORDS = [
    "index", "presentations", "installing", "consumer", "logstash", "puppetconf", "googledotcom",
    "Elasticsearch", "JavaScript", "ReadyToWear", "MacBookPro", "proofsocietyisdoomed", "jquery",
    "monolithic", "strengths", "lengthways", "internationalisation", "Wikipedia", "v2beta1",
    "html5shiv", "mp3player", "utf8mb4", "2014review", "covid19", "web2print", "README", "FAQ",
]  # fmt: skip


@pytest.mark.parametrize("word", WORDS)
def test_words_stay(word: str) -> None:
    assert not looks_random(word)


@given(st.text(st.sampled_from(string.printable[:-5]), min_size=9, max_size=60))
def test_base64_of_text_is_seen(text: str) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        encoded = encode(text.encode()).decode()
        assert hides_text(encoded)
        assert hides_text(encoded.rstrip("="))


def test_most_random_tokens_are_seen() -> None:
    rng = random.Random(20150517)
    for size, share in ((12, 0.75), (16, 0.9), (22, 0.98), (32, 0.99)):
        tokens = ["".join(rng.choices(string.ascii_letters + string.digits, k=size))
                  for _ in range(2_000)]  # fmt: skip
        seen = sum(map(looks_random, tokens)) / len(tokens)
        assert seen >= share, f"{seen:.3f} of tokens of {size}"


def test_digests_are_seen() -> None:
    assert looks_random("9f86d081884c7d659a2feaa0c55ad015")


@pytest.mark.parametrize(
    "run", ["ABCD-EFGH-IJKL", "A1B2-C3D4-E5F6", "ab12-cd34-word", "qkzx-vwjq-xzkp-bqvj"]
)
def test_serial_numbers_are_seen(run: str) -> None:
    assert looks_serial(run)


@pytest.mark.parametrize("run", ["make-your-home-page", "this-that-2014", "Four-Word-Long-Name"])
def test_words_of_one_length_stay(run: str) -> None:
    assert not looks_serial(run)
    assert not looks_made_up(run)
