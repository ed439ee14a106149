"""docker-compose.yml gives each stage its own credentials, and keeps the tiers apart."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.kafka import grants
from pipeline.settings import Settings

TOP = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((TOP / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
NO_CLIENTS_OF_KAFKA = {
    "kafka", "topics", "keys", "clickhouse", "console", "digest", "grafana", "investigations",
}  # fmt: skip
STAGES = sorted(set(SERVICES) - NO_CLIENTS_OF_KAFKA)


def _secrets(service: str) -> set[str]:
    return set(SERVICES[service].get("secrets", ()))


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_signs_in_as_itself_with_its_own_secret_only(stage: str) -> None:
    """User name, password file and mounted secret are the stage's; no other broker secret is."""
    environment = SERVICES[stage]["environment"]
    assert environment["PARTYWALL_KAFKA__USERNAME"] == stage
    assert environment["PARTYWALL_KAFKA__PASSWORD_FILE"] == f"/run/secrets/kafka_{stage}"
    assert {s for s in _secrets(stage) if s.startswith("kafka_")} == {f"kafka_{stage}"}
    assert stage in grants.stages(grants.declared())


def test_the_broker_knows_every_principal_of_the_topic_files_and_no_more() -> None:
    """Users made on the first start = stages of the topic files + broker + admin."""
    users = {s.removeprefix("kafka_") for s in _secrets("kafka")}
    assert users == {*grants.stages(grants.declared()), "broker", "admin"}


def test_only_those_who_need_a_secret_hold_it() -> None:
    """A borrower's token: it and the key service. The loader's password: it and ClickHouse."""
    holders: dict[str, set[str]] = {}
    for service in SERVICES:
        for secret in _secrets(service):
            holders.setdefault(secret, set()).add(service)
    assert holders["keys_split_token"] == {"keys", "split"}
    assert holders["keys_investigations_token"] == {"keys", "investigations"}
    assert holders["oidc_client"] == {"investigations"}
    assert holders["clickhouse_loader"] == {"clickhouse", "load"}
    assert holders["clickhouse_analyst"] == {"clickhouse", "console", "digest", "grafana"}
    assert holders["console_token"] == {"console"}
    assert holders["smtp"] == {"digest"}
    assert holders["grafana_admin"] == {"grafana"}
    assert holders["kafka_admin"] == {"kafka", "topics"}
    assert set(holders) == set(COMPOSE["secrets"])


def test_split_finds_the_key_service_s_vkey_in_a_folder_that_service_alone_writes_to() -> None:
    vkey = "/run/partywall/service.vkey"
    for service in ("keys", "split"):
        assert SERVICES[service]["environment"]["PARTYWALL_KEYS__VERIFIER"] == vkey
    mounts = {
        name: [v for v in s.get("volumes", ()) if str(v).startswith("keys-door:")]
        for name, s in SERVICES.items()
    }
    assert mounts.pop("keys") == ["keys-door:/run/partywall"]
    assert all(m.endswith(":ro") for found in mounts.values() for m in found)


def test_no_network_joins_the_raw_side_and_the_statistics() -> None:
    """Only the broker stands on both sides of door 1, only load and console by ClickHouse."""
    on = {name: set(s.get("networks", ())) for name, s in SERVICES.items()}
    assert {n for n, nets in on.items() if {"restricted", "open"} <= nets} == {"kafka"}
    assert {n for n, nets in on.items() if "statistics" in nets} == {
        "load",
        "clickhouse",
        "console",
    }
    assert SERVICES["keys"]["network_mode"] == "none"
    ways_out = {n for n, spec in COMPOSE["networks"].items() if not spec.get("internal")}
    out = {n for n, nets in on.items() if nets & ways_out}
    assert out == {"clickhouse", "collect", "console", "digest", "grafana", "investigations"}
    assert on["console"] == {"statistics", "numbers"}
    assert on["grafana"] == on["digest"] == {"desk"}
    assert "front" in on["collect"]
    assert {n for n, nets in on.items() if "cases" in nets} == {"investigations"}
    assert on["investigations"] == {"cases"}


def test_nobody_but_its_owner_mounts_a_store() -> None:
    """Key store, case store and their keys are mounted once each; the vault once to be written."""
    owners: dict[str, set[str]] = {}
    for name, service in SERVICES.items():
        for volume in service.get("volumes", ()):
            owners.setdefault(volume.split(":")[0], set()).add(name)
    assert owners["vault-segments"] == {"vault", "investigations"}
    reading = SERVICES["investigations"]["volumes"]
    assert "vault-segments:/var/lib/partywall/vault:ro" in reading
    assert owners["cases"] == owners["cases-kek"] == {"investigations"}
    assert owners["keys-store"] == owners["keys-kek"] == {"keys"}
    assert owners["keys-door"] == {"keys", "split", "investigations"}
    assert owners["clickhouse-data"] == {"clickhouse"}


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_containers_are_closed(service: str) -> None:
    """Read-only root, no capability, no new privileges; published ports on loopback only."""
    spec = SERVICES[service]
    assert spec["read_only"] is True
    assert spec["cap_drop"] == ["ALL"]
    assert spec["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in spec.get("ports", ()))


def _variables() -> set[str]:
    text = "".join(
        path.read_text(encoding="utf-8")
        for path in (
            TOP / "docker-compose.yml",
            TOP / "deploy/Dockerfile",
            *sorted((TOP / "deploy/kubernetes").glob("*.yaml")),
            *sorted((TOP / "deploy/systemd").glob("*.service")),
            *sorted((TOP / "deploy/systemd").glob("*.d/*.conf")),
        )
    )
    return set(re.findall(r"PARTYWALL_[A-Z_]+", text))


@pytest.mark.parametrize("variable", sorted(_variables()))
def test_every_variable_names_a_setting(variable: str) -> None:
    """A deployment file cannot set what does not exist."""
    branch, _, leaf = variable.removeprefix("PARTYWALL_").lower().partition("__")
    field = Settings.model_fields[branch]
    if leaf:
        assert field.annotation is not None
        assert leaf in field.annotation.model_fields


def test_secrets_are_made_once_and_fit_the_broker(tmp_path: Path) -> None:
    """Every secret that compose mounts is made; a second run changes none."""
    script = tmp_path / "secrets-make"
    shutil.copy(TOP / "deploy/compose/secrets-make", script)
    subprocess.run([script], check=True, capture_output=True)
    made = {p.name: p.read_text(encoding="ascii") for p in (tmp_path / "secrets").iterdir()}
    assert set(made) == set(COMPOSE["secrets"])
    assert len(set(made.values())) == len(made)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32,}", value) for value in made.values())
    subprocess.run([script], check=True, capture_output=True)
    assert made == {p.name: p.read_text(encoding="ascii") for p in (tmp_path / "secrets").iterdir()}
