"""A preview counts what the rules would touch, agrees with what they do, and shows no value."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import orjson
import pytest
import yaml
from typer.testing import CliRunner

from pipeline import declarations
from pipeline.cli.main import app
from pipeline.demo.search import Blob, search
from pipeline.demo.traffic import simulate
from pipeline.restricted import ScrubPreview, ScrubPreviewer

NOW = 1_800_000_000
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0"


def log(*targets: str, referrer: str = "-") -> bytes:
    """Combined lines of as many visitors."""
    return b"".join(
        f'192.0.2.{at % 250} - - [14/Jan/2027:10:05:03 +0000] "GET {target} HTTP/1.1" 200 7 '
        f'"{referrer}" "{AGENT}"\n'.encode()
        for at, target in enumerate(targets)
    )


def previewed(raw: bytes, rules: Path | None = None, site: str = "shop") -> ScrubPreview:
    made = ScrubPreviewer(rules, site, "combined", {})
    made.add(raw, NOW)
    return made.found()


def touched(found: ScrubPreview) -> dict[str, tuple[int, int]]:
    return {
        f"{each.name} in {each.field}": (each.lines, each.values)
        for each in (*found.rules, *found.detectors)
        if each.lines
    }


def test_rules_and_detectors_are_counted() -> None:
    found = previewed(
        log(
            "/order/12345",
            "/order/12345",
            "/order/678901",
            "/user/alice",
            "/a?q=b",
            "/x/alice%2540example.com",
            "/about",
            "/a?q=x&mail=bob@example.com",
        )
        + b"no line of a log\n"
    )
    assert (found.lines, found.requests) == (9, 8)
    assert (found.before, found.after, found.shown) == (6, 5, 5)
    assert touched(found) == {
        "id in path": (3, 2),
        "email in path": (1, 1),
        "names in path": (1, 1),
        "query in path": (2, 2),
        "email in target": (2, 2),
    }


def test_referrers_are_looked_into() -> None:
    found = previewed(log("/a", "/b", referrer="https://example.org/?name=Alice+Smith"))
    assert touched(found) == {"name in referrer": (2, 1)}


def test_rules_of_the_site_and_rare_segments_are_counted(tmp_path: Path) -> None:
    document = yaml.safe_load((declarations.folder() / "scrub/default.yaml").read_text("utf-8"))
    document["sites"] = [
        {
            "sites": ["shop"],
            "frequency": {"children": 20},
            "rules": [
                {"name": "tabs", "field": "query", "key": "tab", "action": "keep"},
                {"name": "gone", "field": "path", "prefix": "/internal", "action": "drop"},
            ],
        }
    ]
    rules = tmp_path / "rules.yaml"
    rules.write_text(yaml.safe_dump(document), encoding="utf-8")
    letters = "abcdefghijklmnoprstuvwyz"
    targets = ["/internal/x", "/a?tab=1", "/a?tab=2", *(f"/g/{c}ara" for c in letters)]
    found = previewed(log(*targets), rules)
    said = touched(found)
    assert said["gone in site rule"] == (1, 1)
    assert said["tabs in site rule"] == (2, 2)
    assert said["frequency in page"] == (len(letters), len(letters))
    assert found.after - found.shown == len(letters) - 1
    assert "gone in site rule" not in touched(previewed(log(*targets), rules, site="blog"))


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, object]:
    made = simulate(dt.datetime(2025, 3, 4, tzinfo=dt.UTC), seed=3, lines=1_500)
    file = tmp_path_factory.mktemp("log") / "access.log"
    file.write_bytes(b"\n".join(line for site in made.truth for line in made.of(site)) + b"\n")
    return file, made.plants


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_no_value_of_the_log_is_shown(
    planted: tuple[Path, tuple[object, ...]], options: list[str]
) -> None:
    file, plants = planted
    result = CliRunner().invoke(
        app, ["scrub", "preview", str(file), "--format", "combined", *options]
    )
    assert result.exit_code == 0, result.output
    assert search([Blob("output", result.stdout_bytes)], plants).clean  # type: ignore[arg-type]
    if options:
        said = orjson.loads(result.stdout_bytes)
        assert said["lines"] >= said["requests"] > 1_000
        assert said["pages"]["before"] > said["pages"]["after"] >= said["pages"]["shown"]
        assert {each["name"] for each in said["detectors"]} >= {"email", "card", "iban"}
        assert all(set(each) == {"name", "field", "lines", "values"} for each in said["rules"])


def test_a_missing_file_is_said_in_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["scrub", "preview", str(tmp_path / "none.log")])
    assert "does not exist" in str(result.exception)
    rules = CliRunner().invoke(
        app, ["scrub", "preview", __file__, "--format", "combined", "--rules", str(tmp_path / "r")]
    )
    assert "cannot be read" in str(rules.exception)
