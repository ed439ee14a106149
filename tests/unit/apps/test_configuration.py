"""Whoever reads a changed configuration, at a desk or for keys, tells the log first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from pipeline.apps import keys as key_service
from pipeline.apps.folder import places, settings_of
from pipeline.apps.investigations import Worker
from pipeline.audit.places import Places
from pipeline.audit.reading import Reader
from pipeline.audit.seal import make_auditor
from pipeline.audit.signing import make_signer, read_signer, read_vkey, write_vkey
from pipeline.clock import system_clock
from pipeline.errors import IntegrityError, PartywallError
from pipeline.settings import Settings
from tests.support.pages import Browser
from tests.unit.apps.changing import Folder, change_people


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "data")


ALL = ("config.policy", "config.settings", "config.keys")


def test_the_first_start_tells_everything_and_the_next_nothing(folder: Folder) -> None:
    folder.sit()
    first = [*(("keys", act) for act in ALL), *(("desk", act) for act in ALL)]
    assert folder.told() == [*first, ("desk", "config.people")]
    folder.sit()
    assert folder.told() == []


def change_policy(folder: Folder) -> None:
    folder.policy.write_bytes(folder.policy.read_bytes() + b"# a word\n")


def change_settings(folder: Folder) -> None:
    folder.set(searches_per_minute=77)


def change_evidence_key(folder: Folder) -> None:
    key = folder.path / "keys/evidence.key"
    key.unlink()
    make_signer(key, "partywall/evidence")


def change_auditors(folder: Folder) -> None:
    own = Places.under(folder.path)
    own.auditor.unlink()
    own.auditor_public.unlink()
    make_auditor(own.auditor, own.auditor_public)


def change_service_key(folder: Folder) -> None:
    key = folder.path / "keys/service.key"
    key.unlink()
    make_signer(key, "partywall/keys")
    vkey = key.with_suffix(".vkey")
    vkey.unlink()
    write_vkey(vkey, read_signer(key).verifier)


@pytest.mark.parametrize(
    ("change", "told", "said"),
    [
        (change_policy, [("keys", "config.policy"), ("desk", "config.policy")], "sha256_before"),
        (
            change_people,
            [("desk", "config.people")],
            "investigator: approver, investigator (abuse); before: investigator (abuse)",
        ),
        (change_settings, [("desk", "config.settings")], "investigations.searches_per_minute"),
        (change_evidence_key, [("desk", "config.keys")], "partywall/evidence+"),
        (change_auditors, [("desk", "config.keys")], "'auditors'"),
        (change_service_key, [("keys", "config.keys")], "partywall/keys+"),
    ],
)
def test_each_change_is_told_once_before_the_next_act(
    folder: Folder, change: Callable[[Folder], None], told: list[tuple[str, str]], said: str
) -> None:
    folder.sit()
    folder.news()
    change(folder)
    folder.sit()
    entries = folder.news()
    assert [(entry.facts["seen_by"], entry.act) for entry in entries] == told
    assert all(said in str(dict(entry.facts)) for entry in entries)
    assert "77" not in str([entry.facts.get("changed") for entry in entries])
    folder.sit()
    assert folder.told() == []


@pytest.mark.parametrize("change", [change_policy, change_people, change_settings])
def test_where_the_log_cannot_be_written_nobody_sits_down(
    folder: Folder, change: Callable[[Folder], None]
) -> None:
    folder.sit()
    folder.news()
    change(folder)
    checkpoint = folder.path / "audit/checkpoint"
    away = checkpoint.rename(folder.path / "away")
    with pytest.raises(PartywallError, match="audit log"):
        folder.sit()
    away.rename(checkpoint)
    folder.sit()
    assert folder.told() != []


def test_the_key_store_is_nobody_s_before_the_log_knows_of_its_policy(folder: Folder) -> None:
    folder.sit()
    change_policy(folder)
    settings = settings_of(folder.path)
    log = key_service.audit_log(settings.audit, system_clock)
    (folder.path / "audit/checkpoint").rename(folder.path / "away")
    with pytest.raises(IntegrityError, match="audit log"):
        key_service.open_store(settings, log, system_clock)


async def test_on_the_pages_a_role_that_was_taken_away_ends_the_session(tmp_path: Path) -> None:
    tree = places(tmp_path)
    tree["investigations"] |= {"port": 0}
    settings = Settings(**tree)
    people = tmp_path / "people.yaml"
    worker = Worker(settings, embedded=True)
    origin = await worker.start()
    browser = Browser.at(origin)
    reader = Reader(settings.audit.folder, read_vkey(settings.audit.vkey))

    def told() -> list[tuple[str, str]]:
        return [(entry.actor, entry.act) for _, entry in reader.entries()][4:]

    try:
        await browser.sign_in("auditor")
        await browser.get("/")
        assert (browser.title, told()) == ("Cases", [("auditor", "login")])
        listed = yaml.safe_load(people.read_text(encoding="utf-8"))
        listed["auditor"]["roles"] = ["approver"]
        people.write_text(yaml.safe_dump(listed), encoding="utf-8")
        await browser.get("/audit")
        assert browser.title == "Sign in"
        assert told() == [("auditor", "login"), ("config", "config.people")]
        await browser.sign_in("auditor")
        await browser.get("/")
        assert browser.title == "Cases"
        people.write_text("nobody", encoding="utf-8")
        await browser.get("/")
        assert browser.title == "Not at the moment"
        await browser.http.aclose()
    finally:
        await worker.stop()
    acts = [("auditor", "login"), ("config", "config.people"), ("auditor", "login")]
    assert told() == acts
