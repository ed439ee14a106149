"""Each writer writes what its maker's documentation says, and this project's readers read it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import orjson
import polars as pl
import pytest

from pipeline.errors import UsageError
from pipeline.restricted import formats as readers
from pipeline.simulate.files import DIRECTIVE
from pipeline.simulate.formats import FORMATS, WRAPPERS, named
from tests.unit.simulate.conftest import Simulated
from tests.unit.simulate.odd import frame

GOLDEN: Final = dict(
    line.split("\t", 1) for line in (Path(__file__).parent / "golden.tsv").read_text().splitlines()
)
"""A format's or wrapper's name → the line of ``odd.ODD``, or ``WRAPPED`` in its wrapper."""
WRAPPED: Final = 'a "b" \\x <ü>'
NOW: Final = 1_900_000_000
JSON: Final = (
    "nginx_json",
    "caddy",
    "traefik_json",
    "gcp",
    "azure_frontdoor",
    "fastly",
    "cloudflare",
)


@pytest.mark.parametrize("name", FORMATS)
def test_a_request_full_of_odd_values_is_written_as_documented(name: str) -> None:
    assert FORMATS[name].write(frame()).to_list() == [GOLDEN[name]]


@pytest.mark.parametrize("name", WRAPPERS)
def test_a_line_is_wrapped_as_documented(name: str) -> None:
    assert WRAPPERS[name](frame(), pl.Series([WRAPPED])).to_list() == [GOLDEN[name]]


def test_the_journal_lists_the_bytes_of_a_message_with_control_characters() -> None:
    wrapped = WRAPPERS["journal"](frame(), pl.Series(["\x16\x03 ü"]))
    assert orjson.loads(wrapped[0])["MESSAGE"] == list("\x16\x03 ü".encode())


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("combined", '"-" 400 157 "-" "-"'),
        ("nginx", '"" 400 157 "-" "-"'),
        ("nginx_json", '"request":"",'),
        ("haproxy", 'http-in/<NOSRV> -1/-1/-1/-1/0 400 157 - - PR-- 1/1/1/1/0 0/0 {||} "<BADREQ>"'),
    ],
)
def test_what_was_no_request_is_said_to_be_none(name: str, part: str) -> None:
    nothing = frame(
        method=None, target=None, protocol=None, referrer=None, agent=None, status=400, bytes=157
    )
    assert part in FORMATS[name].write(nothing)[0]


@pytest.mark.parametrize("name", JSON)
def test_every_good_line_of_a_json_format_is_an_object(simulated: Simulated, name: str) -> None:
    content, truth = simulated.file("shop", name)
    objects = 0
    for line in content.splitlines():
        try:
            objects += isinstance(orjson.loads(line), dict)
        except orjson.JSONDecodeError:
            continue
    shapeless = truth["rejected"]["not_this_format"] + truth["ignored"]["empty"]
    assert objects == truth["lines"] - shapeless


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_lines_of_every_file_add_up(simulated: Simulated, name: str) -> None:
    for file in [name, *(f"{wrapper}.{name}" for wrapper in WRAPPERS)]:
        if f"shop/{file}.log" not in simulated.truth["sites"]["shop"]["files"]:
            continue
        content, truth = simulated.file("shop", file)
        others = sum({**truth["rejected"], **truth["ignored"]}.values())
        assert content.count(b"\n") == truth["lines"] == truth["events"] + others
        assert truth["ignored"].get(DIRECTIVE, 0) == content.count(b"\n#") + content.startswith(
            b"#"
        )


IN_WRAPPERS: Final = [
    f"{outer}.{name}" for outer in WRAPPERS for name in ("combined", "nginx_json")
]


def test_whoever_can_be_read_can_be_written() -> None:
    assert set(FORMATS) | {"widget"} == set(readers.FORMATS)
    assert set(WRAPPERS) == set(readers.WRAPPERS)


@pytest.mark.parametrize("name", [*sorted(FORMATS), *IN_WRAPPERS])
def test_our_readers_find_what_was_written(simulated: Simulated, name: str) -> None:
    content, truth = simulated.file("shop", name)
    lines = pl.Series(content.decode("utf-8", "replace").split("\n")[:-1])
    read = readers.parse(name, lines, readers.Context(NOW))
    good = read.filter(pl.col("reject").is_null())
    rejects = dict(read["reject"].drop_nulls().value_counts().iter_rows())
    assert rejects == truth["rejected"] | {k: n for k, n in truth["ignored"].items() if n}
    assert good["bytes"].sum() == truth["bytes"]
    assert dict(good["status"].value_counts().iter_rows()) == truth["statuses"]
    if "method" not in truth["lacks"]:
        methods = dict(good["method"].fill_null("(none)").value_counts().iter_rows())
        assert methods == truth["methods"]
    day = pl.from_epoch(good["time"], "s").dt.date().cast(pl.String)
    assert dict(day.value_counts().iter_rows()) == truth["hits_daily"]


@pytest.mark.parametrize("name", [*sorted(FORMATS), *IN_WRAPPERS])
def test_auto_tells_every_file_that_was_written(simulated: Simulated, name: str) -> None:
    content, _ = simulated.file("shop", name)
    lines = pl.Series(content.decode("utf-8", "replace").split("\n")[:1_000])
    same = {"nginx": "combined", "icecast": "combined"}
    outer, _, inner = name.rpartition(".")
    assert readers.detect(lines).format == f"{outer}{'.' * bool(outer)}{same.get(inner, inner)}"


@pytest.mark.parametrize("name", ["apache2", "combined,nothing", "docker.", "box.combined", ""])
def test_an_unknown_format_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="--format"):
        named(name)
