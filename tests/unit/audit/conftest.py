"""These tests sync thousands of small files: in memory, if there is room."""

from __future__ import annotations

from tests.support.memory import tmp_path

__all__ = ["tmp_path"]
