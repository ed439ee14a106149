"""GoAccess counts the same in the real sample: days, pages, statuses and referring sites."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter, defaultdict
from typing import Any

import pytest

from tests.support.command import FAR_TOO_LONG, partywall
from tests.support.plain_truth import Describe
from tests.support.reported import SAMPLE, Ask, Reported, needs_sample, of_site


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    folder = tmp_path_factory.mktemp("reported")
    text = partywall(
        folder, "report", SAMPLE, "--k", 1, "--data", "kept", "--site", "sample", "--json",
    )  # fmt: skip
    return Reported(folder, json.loads(text))


@pytest.fixture(scope="module")
def goaccess(reported: Reported, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What GoAccess counts in the lines of the sample that are whole.

    It takes a line whose end is missing, and leaves visitors out who met nothing but errors,
    unless it is told otherwise. Queries are cut off, as scrubbing does.
    """
    program = shutil.which("goaccess")
    if program is None:
        pytest.skip("goaccess is not installed")
    folder = tmp_path_factory.mktemp("goaccess")
    whole = [line for line in reported.lines("sample") if line.endswith('"\n')]
    (folder / "log").write_text("".join(whole), encoding="utf-8")
    subprocess.run(
        [
            program, "log", "-o", "found.json", "--log-format=COMBINED", "--no-global-config",
            "--no-progress", "--4xx-to-unique-count", "--no-query-string", "--max-items=5000",
        ],
        cwd=folder, env={"TZ": "UTC", "LC_ALL": "C"}, capture_output=True, check=True,
        timeout=FAR_TOO_LONG,
    )  # fmt: skip
    # It writes the bytes of paths as they came.
    found: dict[str, Any] = json.loads((folder / "found.json").read_text(encoding="latin-1"))
    return found


@needs_sample
def test_goaccess_counts_the_same_days(reported: Reported, goaccess: dict[str, Any]) -> None:
    """Visitors, hits and bytes, people and bots together."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in of_site(reported, "sample"):
        for name in ("hits", "visitors", "bytes"):
            found[row["window_start"][:10].replace("-", "")][name] += row[name]
    assert found == {
        row["data"]: {name: row[name]["count"] for name in ("hits", "visitors", "bytes")}
        for row in goaccess["visitors"]["data"]
    }


@needs_sample
def test_goaccess_lists_the_same_pages(ask: Ask, goaccess: dict[str, Any]) -> None:
    """The hundred with the most hits, under the name that scrubbing gives; of the sum, all.

    GoAccess decodes what is percent-encoded before it is scrubbed here; that changes a few names.
    """
    describe, theirs = Describe(), Counter[str]()
    for panel in ("requests", "static_requests", "not_found"):
        for row in goaccess[panel]["data"]:
            theirs[describe.page(row["data"])] += row["hits"]["count"]
    everybody = [["is", "segment", ["view", "request", "failed", "bot"]]]
    ours = ask("sample", ["hits"], "page", filters=everybody)
    assert sum(row["hits"] for row in ours.values()) == theirs.total()
    for page, hits in theirs.most_common(100):
        assert ours[page,]["hits"] == hits, page


@needs_sample
def test_goaccess_lists_the_same_statuses(ask: Ask, goaccess: dict[str, Any]) -> None:
    everybody = [["is", "segment", ["view", "request", "failed", "bot"]]]
    ours = ask("sample", ["hits"], "status", filters=everybody)
    theirs = {
        (row["data"].partition(" ")[0],): {"hits": row["hits"]["count"]}
        for kind in goaccess["status_codes"]["data"]
        for row in kind["items"]
    }
    assert ours == theirs


@needs_sample
def test_goaccess_lists_the_same_referring_sites(ask: Ask, goaccess: dict[str, Any]) -> None:
    """The twenty with the most hits; a name may stand for several hosts, as www and without."""
    describe, theirs = Describe(), Counter[str]()
    for row in goaccess["referring_sites"]["data"]:
        theirs[describe.referrer(f"http://{row['data']}/").name] += row["hits"]["count"]
    everybody = [["is", "segment", ["view", "request", "failed", "bot"]]]
    ours = ask("sample", ["hits"], "referrer", filters=everybody)
    for name, hits in theirs.most_common(20):
        assert ours[name,]["hits"] == hits, name
