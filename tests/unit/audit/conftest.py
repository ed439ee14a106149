"""These tests sync thousands of small files: in memory, if there is room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.memory import folder_in_memory


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """The folder of a test, in memory where that has room."""
    with folder_in_memory(tmp_path) as folder:
        yield folder
