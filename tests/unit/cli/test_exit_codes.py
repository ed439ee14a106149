"""What a verb found goes to the caller as an exit code, however Typer carries it there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pipeline.cli import doctor, main, status
from pipeline.cli.findings import Finding
from pipeline.settings import Settings, Vault
from tests.unit.cli.conftest import Partywall


@pytest.fixture
def alone(tmp_path: Path, unused_tcp_port: int) -> Path:
    """Settings of a machine on which nothing runs."""
    config = tmp_path / "partywall.yaml"
    config.write_text(
        f"kafka: {{bootstrap: '127.0.0.1:{unused_tcp_port}'}}\nvault: {{url: '{tmp_path}/vault'}}\n"
    )
    return config


def test_doctor_ends_with_1_on_a_problem(partywall: Partywall, alone: Path) -> None:
    """And says of a vault and of a clock that nothing can be told of them, not that all is well."""
    said = partywall("doctor", "--config", alone, "--json")
    assert said.code == 1
    found = {one["about"]: one for one in json.loads(said.out)}
    assert found["kafka"]["state"] == "problem"
    assert found["vault"]["state"] == "warning"
    assert "there is no folder" in found["vault"]["say"]
    assert found["clock"]["state"] == "warning"


@pytest.mark.parametrize(("state", "code"), [("ok", 0), ("warning", 0), ("problem", 1)])
def test_a_warning_alone_is_no_reason_to_fail(
    partywall: Partywall, monkeypatch: pytest.MonkeyPatch, state: str, code: int
) -> None:
    async def examine(_: Settings, *, embedded_engine: bool) -> list[Finding]:
        del embedded_engine
        return [Finding("settings", "ok", ""), Finding("disk", state, "")]  # type: ignore[arg-type]

    monkeypatch.setattr(doctor, "_examine", examine)
    assert partywall("doctor").code == code


@pytest.mark.parametrize("code", [0, 1, 3, 130])
def test_the_code_a_verb_ends_with_is_the_commands(
    partywall: Partywall, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """Typer hands it back, and an interrupt as one too, instead of ending the process."""
    ended = {False: code}
    monkeypatch.setattr(main, "app", lambda *, standalone_mode, **_: ended.get(standalone_mode))
    assert partywall("anything").code == code


@pytest.mark.parametrize("words", [[], ["topics"], ["vault"]])
def test_help_without_being_asked_is_help_alone(partywall: Partywall, words: list[str]) -> None:
    said = partywall(*words)
    assert said.code == 2
    assert "Usage: " in said.out
    assert said.err == ""


def test_a_vault_that_cannot_be_seen_is_not_counted(partywall: Partywall, alone: Path) -> None:
    """A folder that is not mounted looks like one without records."""
    said = partywall("vault", "status", "--config", alone)
    assert (said.code, said.out) == (1, "")
    assert "there is no folder" in said.err
    (alone.parent / "vault").mkdir()
    said = partywall("vault", "status", "--config", alone)
    assert said.code == 0
    assert said.out.startswith("0 segments")


def test_lines_of_a_vault_that_cannot_be_seen_are_not_counted_as_none(tmp_path: Path) -> None:
    """As in a container that has no part of it: an empty table would say that nothing came."""
    unseen = Settings(vault=Vault(url=str(tmp_path / "nowhere")))
    assert "there is no folder" in str(status._outcomes(unseen))
    assert status._outcomes(Settings(vault=Vault(url=str(tmp_path)))) == []


def test_status_says_by_site_why_lines_are_no_events() -> None:
    """Over sources and ingests, the commonest reason first."""
    counted = [
        ("shop", "event", None, 90),
        ("shop", "ignored", "too_late", 70),
        ("shop", "rejected", "unknown_format", 3),
        ("shop", "rejected", "bad_time", 2),
        ("shop", "rejected", "bad_time", 10),
        ("blog", "rejected", "bad_time", 1),
    ]
    outcomes = [
        {"site": site, "source": f"{at}.log", "outcome": outcome, "reason": reason}
        | {"records": records}
        for at, (site, outcome, reason, records) in enumerate(counted)
    ]
    assert [tuple(row.values()) for row in status._reasons(outcomes)] == [
        ("blog", "rejected", "bad_time", 1),
        ("shop", "rejected", "bad_time", 12),
        ("shop", "rejected", "unknown_format", 3),
        ("shop", "ignored", "too_late", 70),
    ]


def test_doctor_minds_files_of_ours_that_others_may_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the key service does: who mounts a secret into a container says who sees it."""
    secret = tmp_path / "token"
    secret.touch()
    secret.chmod(0o444)
    assert doctor._is_open(secret)
    secret.chmod(0o400)
    assert not doctor._is_open(secret)
    secret.chmod(0o444)
    monkeypatch.setattr(os, "geteuid", lambda: secret.stat().st_uid + 1)
    assert not doctor._is_open(secret)
