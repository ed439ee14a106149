"""What others wrote is as it was built, and named with its licence."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from pipeline.views import countries

TOP = Path(__file__).parents[3]
ROOMS = TOP / "pipeline"
MADE = json.loads((ROOMS / "console/vendored.json").read_text(encoding="utf-8"))


def test_what_is_vendored_is_what_the_build_wrote() -> None:
    for name, about in MADE.items():
        assert hashlib.sha256((ROOMS / name).read_bytes()).hexdigest() == about["sha256"], name
        assert about["licence"]
    there = {str(p.relative_to(ROOMS)) for p in (ROOMS / "console/static/vendor").iterdir()}
    assert there < set(MADE)


def test_the_build_asks_for_the_versions_that_are_vendored() -> None:
    wanted = json.loads((TOP / "deploy/console/package.json").read_text())["dependencies"]
    for about in MADE.values():
        name, version = about["from"].split()
        assert wanted[name] == version


def test_every_country_of_the_map_has_a_name_and_a_shape() -> None:
    shapes = set(re.findall(r'id="([A-Z]{2})"', (ROOMS / "views/static/world.svg").read_text()))
    shaded = dict(countries.shades(dict.fromkeys([*shapes, "ZZ"], 7)))
    assert set(shaded) == shapes
    assert len(shapes) > 230
    assert all(countries.name(code) != code for code in shapes)
    assert countries.name("ZZ") == "ZZ"


def test_shades_halve_from_the_largest() -> None:
    numbers = {"US": 160, "DE": 81, "FR": 80, "GB": 40, "AT": 11, "MT": 1, "IS": 0}
    assert dict(countries.shades(numbers)) == {
        "US": 5, "DE": 5, "FR": 4, "GB": 3, "AT": 2, "MT": 1,
    }  # fmt: skip


def test_our_own_files_load_nothing_from_elsewhere() -> None:
    rooms = (ROOMS / "console", ROOMS / "views")
    ours = [p for r in rooms for p in (*r.glob("static/*.*"), *r.glob("templates/*.html"))]
    for path in ours:
        found = re.findall(r"(?:https?:)?//[\w.-]+", path.read_text(encoding="utf-8"))
        assert set(found) <= {"http://www.w3.org"}, path.name
