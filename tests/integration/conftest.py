"""What tests of whole stages start from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kafka_server import KafkaServer, missing
from tests.support.reported import Ask, Reported, asking


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[KafkaServer]:
    """A broker of this test's own: stages know one set of topic names."""
    if reason := missing():
        if os.environ.get("NEED_KAFKA_TESTS"):
            pytest.fail(reason)
        pytest.skip(reason)
    with KafkaServer(tmp_path / "kafka") as server:
        yield server


@pytest.fixture(scope="module")
def ask(reported: Reported) -> Iterator[Ask]:
    """What asks of the report that a module has made."""
    with asking(reported) as asked:
        yield asked
