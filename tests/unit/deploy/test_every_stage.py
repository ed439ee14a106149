"""A stage has its place behind the walls and in every deployment: a new one fails here first."""

from __future__ import annotations

import configparser
import re
from itertools import chain
from pathlib import Path
from typing import Final

import pytest
import yaml

from deploy.kafka import grants
from pipeline import policy
from pipeline.apps import STAGES
from pipeline.apps.embedded import PROCESSES
from pipeline.bench.run import _PROCESSES
from pipeline.kafka import topics
from pipeline.kafka.topics import READ_BY

TOP: Final = Path(__file__).parents[3]
GENERAL: Final = {"floors", "raw-types", "door", "reading-side"}
"""Contracts that are about no tier in particular."""


def _sources() -> dict[str, set[str]]:
    """Contract id → the modules that it holds back."""
    parser = configparser.ConfigParser()
    parser.read(TOP / ".importlinter", encoding="utf-8")
    prefix = "importlinter:contract:"
    return {
        name.removeprefix(prefix): set(parser[name].get("source_modules", "").split())
        for name in parser.sections()
        if name.startswith(prefix)
    }


def _text(name: str) -> str:
    return (TOP / name).read_text(encoding="utf-8")


def test_each_stage_is_a_file_of_its_name() -> None:
    for stage in STAGES:
        assert (TOP / f"pipeline/apps/{stage}.py").is_file()


PROCESSORS: Final = tuple(stage for stage in STAGES if stage != "investigations")
"""Those that records go through. The investigations are the reading side itself."""


@pytest.mark.parametrize("stage", PROCESSORS)
def test_walls_hold_each_stage(stage: str) -> None:
    """It cannot reach the vault's reading side, nor what the contract of its own tier forbids."""
    holding = {name for name, held in _sources().items() if f"pipeline.apps.{stage}" in held}
    assert "reading-side" in holding
    assert holding - GENERAL, f"no tier's contract names pipeline.apps.{stage}"


def test_general_contracts_are_told_from_those_of_a_tier() -> None:
    """A contract that is renamed does not turn into one of a tier by that."""
    assert set(_sources()) >= GENERAL


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_is_deployed_everywhere(stage: str) -> None:
    """By docker-compose.yml, in Kubernetes, under systemd, in the embedded group and the bench."""
    services = yaml.safe_load(_text("docker-compose.yml"))["services"]
    assert services[stage]["command"] == ["run", stage]

    manifests = list(yaml.safe_load_all(_text("deploy/kubernetes/stages.yaml")))
    [args] = [
        m["spec"]["template"]["spec"]["containers"][0]["args"]
        for m in manifests
        if m["metadata"].get("labels", {}).get("partywall/stage") == stage
    ]
    assert args == ["run", stage]

    if stage in {"keys", "console", "investigations"}:
        unit = _text(f"deploy/systemd/partywall-{stage}.service")
        assert f"partywall run {stage}\n" in unit
    else:
        about = _text("deploy/systemd/partywall@.service").partition("[Unit]")[0]
        assert re.search(rf"^# One stage .*\b{stage}\b", about, re.MULTILINE)
        # Keys has no network there; everybody else signs in to Kafka.
        policies = list(yaml.safe_load_all(_text("deploy/kubernetes/network.yaml")))
        [to_kafka] = [p for p in policies if p["metadata"]["name"] == "stages-to-kafka"]
        assert stage in to_kafka["spec"]["podSelector"]["matchExpressions"][0]["values"]
        assert stage in grants.stages(grants.declared())
        assert (stage in READ_BY) is (stage != "collect")

    # What nobody sends to has no part in a run over files.
    asked = {"collect", "console", "investigations"}
    for processes in (PROCESSES, _PROCESSES if stage not in asked else PROCESSES):
        assert stage in {name for process in processes for name in process}


def test_what_is_written_to_a_topic_is_read_by_a_stage() -> None:
    """Raw lines on a topic that nobody splits would lie there unsealed, and then be gone."""
    declared = topics.declared(policy.load().current.retention)
    own_state = {name for name, topic in declared.items() if topic.writers == topic.readers}
    assert {name for name in own_state if not name.endswith("-runs-changelog")} == set()
    assert set(declared) - own_state == {*chain.from_iterable(READ_BY.values()), "accounting"}
    assert all(
        stage in declared[topic].readers for stage, read in READ_BY.items() for topic in read
    )
