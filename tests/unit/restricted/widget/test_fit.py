"""Split holds a line against what the schemas say, by the word of a JSON Schema validator."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from pipeline import declarations
from pipeline.restricted.formats import Context
from pipeline.restricted.widget import read, schema
from tests.unit.restricted.widget.envelopes import said, wrapped

FOLDER = declarations.folder() / "widget/v1"
NOW = 1_800_000_000
EVENTS = {event.name: event for event in schema.load().events}


@cache
def validator() -> Draft202012Validator:
    documents = [json.loads(p.read_text(encoding="utf-8")) for p in FOLDER.glob("*.json")]
    resources = [(d["$id"], Resource.from_contents(d)) for d in documents]
    [envelope] = [d for d in documents if d["$id"].endswith("/envelope.json")]
    return Draft202012Validator(envelope, registry=Registry().with_resources(resources))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_each_schema_is_one(path: Path) -> None:
    Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


_odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 7),
    st.integers(-(2**70), 2**70),
    st.sampled_from([0.5, 3.0, 1e30, -1.0, 1_799_920_890_123.0, float(2**60)]),
    st.sampled_from(["", "x", "visitor", "agent", "é" * 33, "x" * 201, "y" * 8_193, "z" * 33_000]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["a", "b"]), st.integers(), max_size=2),
)
_names = sorted({name for event in EVENTS.values() for name in event.shapes} | {"else"})
_event = st.builds(
    lambda name, version, properties: {"event": name, "v": version, **properties},
    st.sampled_from([*EVENTS, *EVENTS, "ordered", 7, None]),
    st.sampled_from([1, 1, 1, 1, 1.0, 2, "1", True, None]),
    st.dictionaries(st.sampled_from(_names), _odd, max_size=3).map(
        lambda given: {"by": "agent", "rating": 4, "code": "script", **given}
    ),
)
_around = st.dictionaries(
    st.sampled_from(["received", "address", "agent", "privacy"]), _odd, max_size=1
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(_event, _around), min_size=1, max_size=6))
def test_lines_fit_for_split_where_they_fit_for_a_validator(
    made: list[tuple[dict[str, object], dict[str, object]]],
) -> None:
    lines = [wrapped(event, **around) for event, around in made]
    # A number that no JSON of 64 bits can say is a float to split, and so it is to the validator.
    wanted = [validator().is_valid(json.loads(line)) for line in lines]
    found = read.packaged().read(pl.Series(lines))["matched"].to_list()
    assert found == wanted


def test_each_line_is_judged_by_itself() -> None:
    """A bad neighbour changes nothing of a good line, whatever is bad in it."""
    good = wrapped(said("rated", rating=5, text="fine", locale="fr"))
    bad = [
        wrapped(said("rated", rating=6)),
        wrapped(said("rated")),
        wrapped(said("rated", rating=5, text=7)),
        wrapped(said("rated", rating=5, custom="x")),
        wrapped(said("unheard")),
        wrapped(said("opened"), received=None),
        wrapped(said("opened"), privacy="drop"),
        "{",
    ]
    lines = [line for other in bad for line in (good, other)]
    found = read.packaged().parse(pl.Series(lines), Context(NOW))
    alone = pl.concat(read.packaged().parse(pl.Series([line]), Context(NOW)) for line in lines)
    assert found.equals(alone)
    assert found["reject"].to_list()[1::2] == [
        "bad_event", "bad_event", "bad_event", "bad_event", "unknown_event", "not_this_format",
        "opted_out", "not_this_format",
    ]  # fmt: skip
    assert set(found["detail"].to_list()[::2]) == {"rating_5"}
    assert set(found["detail"].to_list()[1::2]) == {None}


def test_a_property_of_another_event_is_unknown_and_raw() -> None:
    """A rating that comes with no rating is neither held against its schema nor told."""
    found = read.packaged().parse(
        pl.Series([wrapped(said("opened", rating="nonsense", by=7, length=3, code="network"))]),
        Context(NOW),
    )
    assert found["reject"].to_list() == [None]
    assert found["detail"].to_list() == ["(none)"]
    assert found["event"].to_list() == ["opened"]
