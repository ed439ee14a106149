"""What a person's request was: a page that was seen, a file, or a failure."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline import declarations
from pipeline.restricted.segment import Segments


def segment(target: str, status: str = "200", method: str = "GET") -> str:
    described = pl.DataFrame(
        {"audience": ["human"], "status": [status], "method": [method], "page": ["/a"]}
    )
    return str(Segments().of(described, pl.Series([target])).item())


@pytest.mark.parametrize(
    "target",
    ["/", "/a", "/a.html", "/pdf", "/a.pdf/b", "/a.pdfs", "/a?file=b.pdf", "/feed.xml", "/a#b.zip"],
)
def test_what_ends_as_no_file_does_is_a_view(target: str) -> None:
    assert segment(target) == "view"
    assert segment(target, "404") == "failed"
    assert segment(target, "301") == segment(target, method="POST") == "request"


@pytest.mark.parametrize("kind", ["assets", "downloads"])
def test_what_browsers_fetch_and_what_people_take_away_is_no_view(kind: str) -> None:
    for ending in declarations.load("behaviour.yaml")[kind]:
        targets = (f"/a.{ending}", f"/b/a.min.{ending.upper()}?v=1", f"/a.{ending};s=1")
        assert {segment(target) for target in targets} == {"request"}, ending
        assert segment(f"/a.{ending}", "404") == "failed"
