"""Every format is timed on lines that are all events, drawn as the whole way's are."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import pipeline.bench.templates as module
from pipeline import policy
from pipeline.bench.formats import LostLinesError, speeds
from pipeline.bench.templates import WRAPPED, Template, lines, templates, within
from pipeline.errors import SettingsError
from pipeline.restricted.formats import FORMATS, WRAPPERS, Context, parse


def test_every_format_has_a_template() -> None:
    assert sorted(template.name for template in templates()) == sorted(FORMATS)
    assert set(WRAPPED) <= set(WRAPPERS)


@pytest.mark.parametrize("template", list(templates()), ids=lambda template: template.name)
def test_its_lines_are_events_of_many_people(template: Template) -> None:
    made = lines(template, 2_000)
    assert made.equals(lines(template, 2_000))
    assert not made.equals(lines(template, 2_000, seed=8))
    said = {name: value.decode() for name, value in template.headers}
    context = Context(1_800_000_000, zone=said.get("zone", "UTC"), directive=said.get("fields", ""))
    found = parse(template.name, made, context)
    assert found["reject"].null_count() == 2_000
    assert found["address"].n_unique() > 1_000
    assert found["time"].n_unique() > 1_000
    assert found["target"].n_unique() > 300
    assert found["agent"].n_unique() > 300 or template.name == "common"
    agents = found["agent"].drop_nulls()
    assert not agents.str.contains("Mozilla/5.0[+%]").any()


def test_every_format_is_timed_and_combined_comes_first() -> None:
    found = list(speeds(policy.load(), 1_000))
    assert found[0].name == "combined"
    assert {speed.name for speed in found} == {*FORMATS, "docker.combined", "docker.nginx_json"}
    assert all(min(speed.split, speed.read, speed.bytes) > 0 for speed in found)


def test_lines_that_are_no_events_are_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = Template("common", "192.0.2.7 /products/chairs", (("format", b"common"),))
    monkeypatch.setattr("pipeline.bench.formats.templates", lambda: [bad])
    with pytest.raises(LostLinesError, match="of 1000 lines of common 0 are events"):
        list(speeds(policy.load(), 1_000))


def test_a_golden_line_without_what_is_drawn_is_named() -> None:
    with pytest.raises(SettingsError, match=r"golden\.yaml of odd: .* 192\.0\.2\.7"):
        lines(Template("odd", "198.51.100.1 /", ()), 10)


def test_a_wrapped_template_brings_its_name() -> None:
    template = within(next(iter(templates())), "docker")
    assert dict(template.headers)["format"] == template.name.encode()
    assert template.line.startswith('{"log": ')


def test_templates_are_those_of_the_golden_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first line that is an event, with what was said before it."""
    (tmp_path / "odd").mkdir()
    document = {
        "format": "odd",
        "zone": "Europe/Berlin",
        "lines": [
            {"line": "#Fields: a b", "event": None},
            {"line": "bad", "event": None},
            {"line": "good", "event": {"time": 1}},
            {"line": "another", "event": {"time": 1}},
        ],
    }
    (tmp_path / "odd" / "golden.yaml").write_text(yaml.safe_dump(document))
    monkeypatch.setattr(module, "_KNOWN", tmp_path)
    assert [(found.line, dict(found.headers)) for found in templates()] == [
        ("good", {"format": b"odd", "zone": b"Europe/Berlin", "fields": b"a b"})
    ]
