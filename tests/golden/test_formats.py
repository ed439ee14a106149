"""Every format's golden lines give just the events that stand beneath them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.restricted.formats import FORMATS, WRAPPERS
from tests.golden.formats import FILES, read, through


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_golden(file: Path) -> None:
    document = read(file)
    wanted = [entry["event"] for entry in document["lines"]]
    assert through(document) == wanted
    assert any(wanted)


def test_every_format_and_every_wrapper_has_its_folder_whole() -> None:
    for name, folder in [*((n, "known") for n in FORMATS), *((n, "wrappers") for n in WRAPPERS)]:
        found = [file.parent for file in FILES if file.parent.name == name]
        assert [home.parent.name for home in found] == [folder], name
        assert (found[0] / "README.md").is_file(), name
        assert folder == "wrappers" or (found[0] / "quirks.yaml").is_file(), name
