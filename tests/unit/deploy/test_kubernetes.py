"""The manifests fit each other: what one enforces the others keep, what one names is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import yaml

from pipeline.apps import STAGES

FOLDER: Final = Path(__file__).parents[3] / "deploy/kubernetes"
Manifest = dict[str, Any]


def read(name: str) -> list[Manifest]:
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


WORKLOADS: Final[dict[str, Manifest]] = {
    m["metadata"]["labels"]["partywall/stage"]: m
    for m in read("stages.yaml")
    if m["kind"] in {"Deployment", "StatefulSet"}
}
POLICIES: Final[dict[str, Manifest]] = {
    m["metadata"]["name"]: m["spec"]
    for m in [*read("network.yaml"), *read("s3/network.yaml"), *read("oidc/network.yaml")]
}


def container(stage: str) -> Manifest:
    [found] = WORKLOADS[stage]["spec"]["template"]["spec"]["containers"]
    return dict(found)


def environment(stage: str) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in container(stage)["env"]}


def test_the_brokers_pods_are_admitted_to_the_namespace() -> None:
    """It enforces `restricted`, which Strimzi's containers do not meet unless they are told to."""
    [namespace] = read("namespace.yaml")
    assert namespace["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}
    pool, cluster = read("strimzi/cluster.yaml")
    operators = cluster["spec"]["entityOperator"]["template"]
    for made in (
        pool["spec"]["template"]["kafkaContainer"],
        operators["topicOperatorContainer"],
        operators["userOperatorContainer"],
    ):
        assert made["securityContext"] == {
            "runAsNonRoot": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        }


@pytest.mark.parametrize("stage", ["load", "console"])
def test_a_stage_finds_clickhouse_in_the_namespace_it_may_reach(stage: str) -> None:
    """A bare service name is looked up in the stage's own namespace, where there is none."""
    host = urlsplit(environment(stage)["PARTYWALL_CLICKHOUSE__URL"]).hostname
    assert host == "clickhouse.statistics"
    [egress] = POLICIES[f"{stage}-to-clickhouse"]["egress"]
    assert egress["to"] == [
        {"namespaceSelector": {"matchLabels": {"partywall/statistics": "true"}}}
    ]
    readme = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    assert "kubectl label namespace statistics partywall/statistics=true" in readme


@pytest.mark.parametrize("stage", ["keys", "vault", "investigations"])
def test_what_keeps_files_of_its_own_runs_once(stage: str) -> None:
    """Two keys stores would lend different keys; two vaults would each lack half the chain."""
    spec = WORKLOADS[stage]["spec"]
    assert spec["volumeClaimTemplates"][0]["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert spec["replicas"] == 1


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_looked_at_and_counted(stage: str) -> None:
    """Ready once it has joined, ended when its loop stands still, scraped by name of the port."""
    made = container(stage)
    command = ["python", "/app/healthcheck.py"]
    assert made["readinessProbe"]["exec"]["command"] == [*command, "ready"]
    assert made["livenessProbe"]["exec"]["command"] == command
    assert {"name": "metrics", "containerPort": 9100} in made["ports"]


def test_metrics_are_served_to_monitoring_and_to_nobody_else() -> None:
    [ingress] = POLICIES["metrics-from-monitoring"]["ingress"]
    assert ingress == {
        "from": [{"namespaceSelector": {"matchLabels": {"partywall/monitoring": "true"}}}],
        "ports": [{"protocol": "TCP", "port": 9100}],
    }
    letting = {name for name, spec in POLICIES.items() if "ingress" in spec}
    assert letting == {
        "metrics-from-monitoring",
        "keys-from-borrowers",
        "collect-from-front",
        "console-from-front",
        "investigations-from-front",
    }
    image = (FOLDER.parent / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^ +PARTYWALL_METRICS_HOST=0\.0\.0\.0 ", image, re.MULTILINE), "not loopback"
    assert re.search(r"^ +PARTYWALL_METRICS_PORT=9100$", image, re.MULTILINE)


def test_only_vault_and_sign_in_get_out_of_the_cluster() -> None:
    out = {
        name: spec["podSelector"]["matchLabels"]
        for name, spec in POLICIES.items()
        for rule in spec.get("egress", ())
        if any("ipBlock" in peer for peer in rule.get("to", [{"ipBlock": "anywhere"}]))
    }
    assert out == {
        "vault-to-s3": {"partywall/stage": "vault"},
        "investigations-to-provider": {"partywall/stage": "investigations"},
    }


def test_split_checks_public_keys_with_a_vkey_that_a_person_has_brought() -> None:
    """Its secrets are read-only, and what a new pod meets first is nobody to be trusted."""
    path = Path(environment("split")["PARTYWALL_KEYS__VERIFIER"])
    mounted = {m["mountPath"]: m["name"] for m in container("split")["volumeMounts"]}
    volumes = {v["name"]: v for v in WORKLOADS["split"]["spec"]["template"]["spec"]["volumes"]}
    name = volumes[mounted[str(path.parent)]]["configMap"]["name"]
    readme = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    assert f"create configmap {name} --from-file={path.name}" in readme
