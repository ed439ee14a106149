"""What the docs say of each detector is what it does, and it does enough."""

from __future__ import annotations

from collections import Counter

import pytest

from pipeline.restricted.scrub.detectors import DETECTORS, WIDE
from pipeline.restricted.scrub.numbers import NATIONAL
from tests.support.scrub_corpus import KINDS, corpus
from tests.support.scrub_figures import NAMES, PAGE, TABLE, computed, table
from tests.support.scrub_spellings import ENCODINGS, SCRIPTS

LEAST_RECALL = 0.98
LEAST_PRECISION = {"nl-bsn": 0.93, "in-aadhaar": 0.95, "card": 0.96}
"""One in ten or eleven numbers of the right length passes these check digits by chance."""


def test_the_docs_say_what_is_computed() -> None:
    found = TABLE.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None
    assert found[0] == table(), "run `python -m tests.support.scrub_figures --write`"


@pytest.mark.parametrize("name", NAMES)
def test_a_detector_finds_enough_and_takes_little_else(name: str) -> None:
    assert computed()[name].recall >= LEAST_RECALL
    assert computed()[name].precision >= LEAST_PRECISION.get(name, 0.98)


def test_the_corpus_is_as_large_and_as_mixed_as_the_docs_say() -> None:
    values = list(corpus())
    assert len(values) >= 20_000
    assert len(SCRIPTS) >= 12
    assert set(Counter(value.encoding for value in values)) == set(ENCODINGS)
    assert len({value.text for value in values if value.kind}) > 14_000
    assert any("xn--" in value.text for value in values)
    assert [*corpus()] == values


def test_every_detector_is_measured_or_is_one_that_only_rules_are_made_of() -> None:
    assert set(DETECTORS) == set(NAMES) | WIDE
    assert set(NATIONAL) < set(KINDS)


@pytest.mark.parametrize("name", sorted(DETECTORS))
def test_the_docs_name_every_detector(name: str) -> None:
    assert f"`{name}`" in PAGE.read_text(encoding="utf-8")
