"""A group takes over every setting that is not its own, and refuses those that are."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from pipeline import settings as tree
from pipeline.apps.carried import carried
from pipeline.apps.embedded import Group
from pipeline.errors import SettingsError

TAKEN: Final = """
split:
  zone: Europe/Berlin
  linger_ms: 500
  formats: {mine: {json: {address: ip, time: ts, target: path}}}
  own_hosts: {shop: [shop.example]}
  trusted_proxies: [private, {from: 192.0.2.0/24, header: x-real-ip}]
  behaviour: {pages_a_minute: 0}
windows: {lateness_minutes: 5}
vault: {flush_seconds: 3}
collect: {demo: false, sites: {shop: {origins: ['https://shop.example'], privacy: {gpc: ignore}}}}
log: {level: debug}
k: 12
"""
OTHERS: Final = (
    "kafka: {bootstrap: 'broker:9092'}", "kafka: {session_timeout_ms: 9000}",
    "keys: {url: 'http://keys:1'}", "keys: {store: /var/lib/keys}",
    "clickhouse: {url: 'http://clickhouse:8123'}", "clickhouse: {endpoint_port: 8123}",
    "vault: {url: /var/lib/vault}", "vault: {log: b}", "collect: {port: 80}",
    "metrics_host: 0.0.0.0", "metrics_port: 9100", "state_dir: /var/lib/state",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings file from outside, and none that ``load`` names stays."""
    monkeypatch.setenv("PARTYWALL_CONFIG", "to be put back")
    monkeypatch.delenv("PARTYWALL_CONFIG")


def overrides(folder: Path, text: str) -> dict[str, Any]:
    (folder / "own.yaml").write_text(text)
    return carried(tree.load(folder / "own.yaml"), tree.written())


def test_what_was_set_reaches_the_processes_of_a_group(tmp_path: Path) -> None:
    """Also where it is as usual, and a group has it otherwise."""
    given = overrides(tmp_path, TAKEN)
    asyncio.run(_start(Group(tmp_path / "data", given, processes=())))
    written = yaml.safe_load((tmp_path / "data/settings.yaml").read_text())
    for branch, wanted in yaml.safe_load(TAKEN).items():
        found = written[branch]
        assert found == wanted if branch == "k" else {**found, **wanted} == found
    assert written["split"]["delete_after_commit"] is False
    read = tree.load(tmp_path / "data/settings.yaml")
    assert read.collect.sites["shop"].privacy.gpc == "ignore"


async def _start(group: Group) -> None:
    async with group:
        pass


@pytest.mark.parametrize("text", OTHERS)
def test_what_a_group_has_of_its_own_is_refused_by_its_name(tmp_path: Path, text: str) -> None:
    [(branch, inner)] = yaml.safe_load(text).items()
    name = ".".join((branch, *inner)) if isinstance(inner, dict) else branch
    with pytest.raises(SettingsError, match=rf"^setting {name}: a group has its own; leave it out"):
        overrides(tmp_path, text)


def test_what_a_group_has_of_its_own_may_be_said_as_it_is_by_default(tmp_path: Path) -> None:
    given = overrides(
        tmp_path,
        "kafka: {bootstrap: '127.0.0.1:9092'}\ncollect: {port: 9320}\nstate_dir: data/state\n"
        "split: {delete_after_commit: true}\n",
    )
    assert given == {"collect": {}, "split": {}}


def test_what_the_machine_says_of_its_stages_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the container image does of metrics; what holds for a group counts from there too."""
    monkeypatch.setenv("PARTYWALL_METRICS_PORT", "9100")
    monkeypatch.setenv("PARTYWALL_KAFKA__BOOTSTRAP", "broker:9092")
    monkeypatch.setenv("PARTYWALL_SPLIT__ZONE", "Europe/Berlin")
    assert overrides(tmp_path, "k: 20") == {"k": 20, "split": {"zone": "Europe/Berlin"}}


def test_paths_hold_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = overrides(
        tmp_path,
        "policy: mine.yaml\nsplit: {scrub_rules: rules.yaml}\n"
        "collect: {sources: {edge: {token_file: token, sites: [shop]}}}\n",
    )
    assert given["policy"] == str(tmp_path / "mine.yaml")
    assert given["split"]["scrub_rules"] == str(tmp_path / "rules.yaml")
    assert given["collect"]["sources"]["edge"]["token_file"] == str(tmp_path / "token")
