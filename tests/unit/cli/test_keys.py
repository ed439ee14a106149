"""``partywall keys`` says what lives and what died, and is alarmed by what should be dead."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
import sqlite3
from pathlib import Path

import pytest
from rich.console import Console

from pipeline import policy
from pipeline.apps import keys as service
from pipeline.apps.desk import open_room
from pipeline.apps.folder import settings_of
from pipeline.apps.key_service import key_service_of
from pipeline.cases.reading import Order
from pipeline.cli import doctor, status
from pipeline.clock import Clock, system_clock
from pipeline.database import Database
from pipeline.errors import UnavailableError
from pipeline.keys.service import KeyService
from pipeline.keys.store import Store
from pipeline.labels import LIVE
from pipeline.settings import Settings
from tests.support.key_service import ThreadedService
from tests.unit.cli.conftest import Partywall


def store_of(data: Path, clock: Clock = system_clock) -> Store:
    settings = settings_of(data)
    return service.open_store(settings, service.audit_log(settings.audit, clock), clock)


def ago(**by: float) -> Clock:
    moment = system_clock() - dt.timedelta(**by)
    return lambda: moment


def test_status_lists_what_lives_and_until_when(partywall: Partywall, data: Path) -> None:
    store = store_of(data)
    sealing = store.sealing()
    store.pseudonym_keys(LIVE, [sealing.day])
    store.hold_key("h-1", "case-1")
    store.close()
    said = partywall("keys", "status", "--data", data, "--json")
    assert said.code == 0
    found = json.loads(said.out)
    kinds = {row["kind"]: row for row in found["keys"] if row["kind"] != "sealing"}
    assert set(kinds) == {"pseudonym", "hold"}
    assert (kinds["hold"]["hold"], kinds["hold"]["case"]) == ("h-1", "case-1")
    assert kinds["hold"]["until"] == "its hold is released"
    assert found["overdue"] == 0
    for secret in (sealing.token_key, sealing.public):
        assert secret.hex() not in said.out
    shown = partywall("keys", "status", "--data", data)
    assert shown.code == 0
    assert re.search(r"\d+ d \d+ h", shown.out), "days, where hours would be hundreds"
    assert all(word in shown.out for word in ("sealing", "pseudonym", LIVE, "h-1", "0 destruct"))


def test_where_nothing_runs_what_is_due_dies_when_somebody_looks(
    partywall: Partywall, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = store_of(data, ago(days=100))
    old.sealing()
    old.pseudonym_keys("b1", [5])
    old.close()
    said = partywall("keys", "expire", "--data", data)
    assert "retention: 2 keys (pseudonym, sealing) of 1970-01-06 to " in said.out
    assert said.out.endswith(": gone\n2 keys destroyed\n")
    monkeypatch.setattr("pipeline.cli.keys.system_clock", ago(minutes=-1))
    assert partywall("keys", "expire", "--data", data).out == "0 keys destroyed\n"
    said = partywall("keys", "status", "--data", data, "--json")
    today = f"{system_clock():%Y-%m-%d}"  # tomorrow's may have been made ahead, of an evening
    kept = json.loads(said.out.splitlines()[-1])["keys"]
    assert [key for key in kept if key["day"] <= today] == []
    said = partywall("keys", "receipts", "--data", data)
    assert said.code == 0
    assert "retention: 2 keys" in said.out
    assert said.out.strip().endswith(": gone")
    assert partywall("audit", "verify", "--data", data).code == 0
    assert "keys.destroy  allowed" in partywall("audit", "show", "--data", data).out


def test_a_destruction_that_was_missed_is_an_alarm_and_1(
    partywall: Partywall, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the keys' bytes cannot leave the file, since somebody reads it all the time."""
    monkeypatch.setattr("pipeline.database._PRAGMAS", ("journal_mode=WAL", "busy_timeout=10"))
    old = store_of(data, ago(hours=1))
    old.pseudonym_keys("b1", [5])
    reader = sqlite3.connect(data / "keys/keys.sqlite", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM pseudonym_keys").fetchone()
    with pytest.raises(UnavailableError, match="being read"):
        old.end_ingest("b1")
    old.close()
    said = partywall("keys", "status", "--data", data)
    assert said.code == 1
    assert "ALARM: 1 key or its traces should be gone" in said.out
    told = partywall("keys", "status", "--data", data, "--json")
    assert (told.code, json.loads(told.out.splitlines()[-1])["overdue"]) == (1, 1)
    assert "not finished" in partywall("keys", "receipts", "--data", data).out
    reader.close()
    assert partywall("keys", "status", "--data", data).code == 0


def test_without_an_audit_log_that_holds_nothing_is_done(partywall: Partywall, data: Path) -> None:
    store_of(data).close()
    (data / "audit").mkdir(exist_ok=True)
    (data / "audit/checkpoint").write_bytes(b"not a checkpoint\n")
    for verb in ("status", "expire"):
        said = partywall("keys", verb, "--data", data)
        assert (said.code, said.out) == (1, "")


def test_a_receipt_that_was_changed_is_named_and_1(partywall: Partywall, data: Path) -> None:
    store = store_of(data)
    store.pseudonym_keys("b1", [5])
    store.end_ingest("b1")
    store.close()
    assert partywall("keys", "receipts", "--data", data).code == 0
    database = Database(data / "keys/keys.sqlite", "key store")
    with database.writing() as connection:
        connection.exec_driver_sql(
            "UPDATE receipts SET note = CAST(replace(note, 'ingest ended', 'ingest kept!') AS BLOB)"
        )
    database.close()
    said = partywall("keys", "receipts", "--data", data)
    assert said.code == 1
    assert "does not verify" in said.out


@pytest.mark.parametrize("note", [b"x", b"x\n{}\n", b"", b"x\n\xff\n"])
def test_a_receipt_that_is_none_any_more_is_named_beside_the_good_ones(
    partywall: Partywall, data: Path, note: bytes
) -> None:
    store = store_of(data)
    for ingest in ("b1", "b2"):
        store.pseudonym_keys(ingest, [5])
        store.end_ingest(ingest)
    bad = store.receipts()[0].digest
    store.close()
    database = Database(data / "keys/keys.sqlite", "key store")
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE receipts SET note = ? WHERE digest = ?", (note, bad))
    database.close()
    said = partywall("keys", "receipts", "--data", data)
    assert said.code == 1
    assert len(said.out.splitlines()) == 2
    assert f"receipt {bad}: " in said.out
    assert "ingest ended: 1 key (pseudonym)" in said.out
    assert partywall("keys", "receipts", "--data", data, "--json").code == 1


def test_a_service_that_is_away_is_no_all_clear_and_none_is_made_up(
    partywall: Partywall, tmp_path: Path
) -> None:
    """Without a data folder the settings' own service is asked: an empty new store says nothing."""
    for verb in ("status", "receipts", "expire"):
        assert "investigations_token_file" in partywall("keys", verb).complaint
    (tmp_path / "data/keys").mkdir(parents=True)
    (tmp_path / "data/keys/investigations.token").write_text("t" * 40)
    for verb in ("status", "receipts", "expire"):
        said = partywall("keys", verb)
        assert (said.code, said.out) == (1, "")
        assert "key service does not answer" in said.err
    assert [p.name for p in (tmp_path / "data/keys").iterdir()] == ["investigations.token"]


def test_two_people_destroy_a_day_before_its_time(partywall: Partywall, data: Path) -> None:
    store = store_of(data)
    key = store.sealing()
    store.close()
    day = (dt.date(1970, 1, 1) + dt.timedelta(days=key.day)).isoformat()
    words = ("keys", "destroy", day, "--data", data)
    assert "--reason" in partywall(*words, "--as", "privacy-officer").complaint
    for person in ("investigator", "auditor", "approver"):
        refused = partywall(*words, "--as", person, "--reason", "r")
        assert (refused.code, "privacy_officer" in refused.err) == (3, True)
    said = partywall(*words, "--as", "privacy-officer", "--reason", "an order's reason")
    assert (said.code, "a second person agrees" in said.out) == (0, True)
    for person in ("investigator", "auditor"):
        assert partywall(*words, "--as", person).code == 3
    store = store_of(data)
    assert store.private_key(key.key_id) is not None, "one person's word changes nothing"
    store.close()
    said = partywall(*words, "--as", "approver")
    assert (said.code, "1 sealing key destroyed" in said.out) == (0, True)
    store = store_of(data)
    assert store.private_key(key.key_id) is None
    store.close()
    assert "ordered: 1 key (sealing)" in partywall("keys", "receipts", "--data", data).out
    log = partywall("audit", "show", "--data", data).out
    assert "an order's reason" not in log
    assert partywall("audit", "verify", "--data", data).code == 0


def test_an_order_for_a_day_that_has_no_keys_is_refused_at_once(
    partywall: Partywall, data: Path
) -> None:
    store_of(data).close()
    words = ("keys", "destroy", "2020-02-02", "--data", data, "--as", "privacy-officer")
    said = partywall(*words, "--reason", "r")
    assert (said.code, said.out) == (3, "")
    assert "no sealing key of that day lives" in said.err
    assert len(said.err.splitlines()) == 1
    log = partywall("audit", "show", "--data", data, "--act", "keys.destroy_day").out
    assert "privacy-officer  keys.destroy_day  refused" in log
    agreed = partywall(*words[:-1], "approver", "--reason", "r")
    assert "by order of the role privacy_officer" in agreed.err, "there is nothing to agree to"


def put_an_order(data: Path, day: int) -> None:
    """Put an order down as it was given while no group ran."""
    with open_room(settings_of(data)) as room, room.desk.cases.gate.store.writing() as store:
        store.order(Order(day, "privacy-officer", "privacy", 0))


def test_a_day_that_a_group_seals_to_is_refused_at_the_order(
    partywall: Partywall, data: Path
) -> None:
    store = store_of(data)
    today = store.sealing()
    day = (dt.date(1970, 1, 1) + dt.timedelta(days=today.day)).isoformat()
    settings = settings_of(data)
    log = service.audit_log(settings.audit, system_clock)
    tokens = {
        "split": service.token(settings.keys.token_file),
        "investigations": service.token(settings.keys.investigations_token_file),
    }
    rules = policy.load().current.investigations
    signer = service.signer(settings.keys.signing_key)
    running = KeyService(store, tokens, rules, system_clock, signer, log)
    with ThreadedService(running, settings.keys.url):
        said = partywall(
            "keys", "destroy", day, "--data", data, "--as", "privacy-officer", "--reason", "r"
        )
        assert (said.code, "that day is still sealed to" in said.err) == (3, True)
        put_an_order(data, today.day)
        said = partywall("keys", "destroy", day, "--data", data, "--as", "approver")
        assert (said.code, "that day is still sealed to" in said.err) == (3, True)
    told = partywall("audit", "show", "--data", data, "--act", "keys.destroy_day").out
    assert "approver  keys.destroy_day  refused" in told
    assert store.private_key(today.key_id) is not None
    store.close()


def test_doctor_and_status_take_a_hold_s_key_for_alive_and_tell_what_is_overdue(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The service's own word counts: a hold's key has no end to compare with the time."""
    monkeypatch.setattr("pipeline.database._PRAGMAS", ("journal_mode=WAL", "busy_timeout=10"))
    old = store_of(data, ago(hours=1))
    old.pseudonym_keys("b1", [5])
    old.hold_key("h-1", "case-1")
    settings = settings_of(data)
    service.token(settings.keys.token_file)
    reader = sqlite3.connect(data / "keys/keys.sqlite", isolation_level=None)

    async def looked(settings: Settings) -> tuple[list[str], object]:
        findings = [f"{f.state}: {f.say}" async for f in doctor._keys(settings)]
        return findings, await status._keys(settings)

    def look() -> tuple[list[str], str]:
        with key_service_of(settings) as url:
            keys = settings.keys.model_copy(update={"url": url})
            own = settings.model_copy(update={"keys": keys})
            findings, found = asyncio.run(looked(own))
        assert isinstance(found, dict)
        status._show_keys(Console(), found)
        return findings, capsys.readouterr().out

    findings, shown = look()
    assert not [finding for finding in findings if finding.startswith("problem")], findings
    assert "its hold h-1 is released" in shown
    assert "ALARM" not in shown

    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM pseudonym_keys").fetchone()
    with pytest.raises(UnavailableError, match="being read"):
        old.end_ingest("b1")
    findings, shown = look()
    assert [f for f in findings if f.startswith("problem: 1 key is overdue")], findings
    assert "ALARM: 1 key is overdue" in shown
    reader.close()
    old.close()


def test_a_folder_without_keys_is_a_mistake(partywall: Partywall, tmp_path: Path) -> None:
    assert "no data of a group" in partywall("keys", "status", "--data", tmp_path).complaint
