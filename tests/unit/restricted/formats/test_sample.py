"""The real sample parses to the facts counted independently in its README."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest

from pipeline.restricted.formats import Context, detect, known, parse

SAMPLE = Path(__file__).parents[4].parent / "shared/data/apache_logs.gz"
NOW = 1_800_000_000

pytestmark = pytest.mark.skipif(not SAMPLE.exists(), reason="the public sample is not here")


@pytest.fixture(scope="module")
def lines() -> pl.Series:
    with gzip.open(SAMPLE, "rt", encoding="utf-8", errors="replace", newline="\n") as file:
        return pl.Series(file.read().removesuffix("\n").split("\n"))


def test_facts(lines: pl.Series) -> None:
    found = parse("combined", lines, Context(NOW))
    assert found["reject"].drop_nulls().to_list() == ["not_this_format"]
    rows = found.filter(pl.col("reject").is_null())
    assert len(rows) == 9_999
    assert rows["bytes"].sum() == 2_747_282_505
    assert rows["address"].n_unique() == 1_753
    assert dict(rows["status"].value_counts().iter_rows()) == {
        "200": 9_125, "304": 445, "404": 213, "301": 164, "206": 45, "500": 3, "403": 2, "416": 2,
    }  # fmt: skip
    assert rows["method"].null_count() == 0


@pytest.mark.parametrize(
    "text",
    [
        r"%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-agent}i\"",
        '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
        '"$http_referer" "$http_user_agent"',
    ],
)
def test_the_servers_own_string_reads_it_as_the_format_does(text: str, lines: pl.Series) -> None:
    found = parse("mine", lines, Context(NOW), among=known({"mine": text}))
    assert found.equals(parse("combined", lines, Context(NOW)))


def test_detected(lines: pl.Series) -> None:
    assert detect(lines).format == "combined"
