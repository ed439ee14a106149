"""Who may do what on the broker, worked out from ``schemas/topics``: nothing is granted by hand.

``python deploy/kafka/grants.py list | apply | strimzi``: print the grants, make the broker's
access rules exactly these (signing in as PARTYWALL_KAFKA__USERNAME), or print the manifests of
``deploy/kubernetes/strimzi``. A principal is a stage, under its own name and credentials.

Kafka's Read, Write and Delete imply Describe. Numbers are those of the Kafka protocol guide
(ResourceType, PatternType, AclOperation, AclPermissionType).
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import yaml
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest_v1
from aiokafka.protocol.api import Request

from pipeline import declarations, policy, settings
from pipeline.errors import PartywallError
from pipeline.kafka import client, topics

_KINDS: Final = {"topic": 2, "group": 3}
_OPERATIONS: Final = {"Read": 3, "Write": 4, "Delete": 6, "Describe": 8, "DescribeConfigs": 10}
_ANY, _LITERAL, _ALLOW = 1, 3, 3
_CONTROLLER_SETTLES: Final = 30.0


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """``stage`` may do ``operation`` on the ``kind`` (topic or group) called exactly ``name``."""

    stage: str
    kind: str
    name: str
    operation: str


def declared() -> list[Grant]:
    """Return every grant that the topic files ask for, sorted."""
    grants: set[Grant] = set()
    names: list[str] = []
    readers: set[str] = set()
    for file in sorted((declarations.folder() / "topics").glob("*.yaml")):
        topic = yaml.safe_load(file.read_text(encoding="utf-8"))
        names.append(topic["name"])
        readers |= set(topic["readers"])
        for role, operation in (("writers", "Write"), ("readers", "Read"), ("trimmers", "Delete")):
            grants |= {Grant(s, "topic", topic["name"], operation) for s in topic.get(role, ())}
    groups = readers - {"status"}  # a stage's consumer group has its name
    grants |= {Grant(stage, "group", stage, "Read") for stage in groups}
    # Lag, watermarks and `doctor` are read from outside: names and numbers, never a message.
    grants |= {Grant("status", "group", name, "Describe") for name in groups}
    for name in names:
        grants |= {Grant("status", "topic", name, op) for op in ("Describe", "DescribeConfigs")}
    return sorted(grants)


def stages(grants: Iterable[Grant]) -> list[str]:
    """Return the principals that grants speak of, sorted."""
    return sorted({grant.stage for grant in grants})


async def apply(admin: AIOKafkaAdminClient, wanted: Iterable[Grant]) -> tuple[int, int]:
    """Make the broker's rules exactly ``wanted``; return how many were added and taken away."""
    want = {_rule(grant) for grant in wanted}
    have = await rules(admin)
    for rule in sorted(want - have):
        response = await _send(admin, CreateAclsRequest(*rule))
        _check(code for code, _ in response.creation_responses)
    for rule in sorted(have - want):
        response = await _send(admin, DeleteAclsRequest(*rule))
        _check(code for code, *_ in response.filter_responses)
    return len(want - have), len(have - want)


Rule = tuple[int, str, int, str, str, int, int]
"""Resource type, name, pattern type, principal, host, operation, permission."""


class _DescribeRules(Request[DescribeAclsRequest_v1]):  # type: ignore[misc] # untyped library
    """Asks for every rule. Held at version 1: aiokafka sends version 2 in the wrong encoding."""

    API_KEY = DescribeAclsRequest_v1.API_KEY

    def build(self, request_struct_class: type[DescribeAclsRequest_v1]) -> DescribeAclsRequest_v1:
        return request_struct_class(_ANY, None, _ANY, None, None, _ANY, _ANY)


async def rules(admin: AIOKafkaAdminClient) -> set[Rule]:
    """Return the rules that the broker has now."""
    response = await _send(admin, _DescribeRules())
    _check([response.error_code])
    return {
        (kind, name, pattern, principal, host, operation, permission)
        for kind, name, pattern, acls in response.resources
        for principal, host, operation, permission in acls
    }


async def settled(admin: AIOKafkaAdminClient, wanted: Iterable[Grant]) -> None:
    """Return once the broker's authorizer has caught up with the controller."""
    want = {_rule(grant) for grant in wanted}
    async with asyncio.timeout(_CONTROLLER_SETTLES):
        while await rules(admin) != want:  # noqa: ASYNC110 -- only the broker knows
            await asyncio.sleep(0.05)


class _Indented(yaml.SafeDumper):
    """Writes lists indented below their key, as the linter wants them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002 -- PyYAML's signature
        del indentless
        super().increase_indent(flow, indentless=False)


def strimzi(grants: Iterable[Grant]) -> str:
    """Return Strimzi's KafkaTopic and KafkaUser manifests, one YAML document each."""
    retention = policy.load().current.retention
    grants = list(grants)
    documents = [_kafka_topic(topic) for topic in topics.declared(retention).values()]
    documents += [_kafka_user(stage, grants) for stage in stages(grants)]
    head = "# Written by `python deploy/kafka/grants.py strimzi` from schemas/topics: edit those.\n"
    return head + "".join(
        "---\n" + yaml.dump(d, Dumper=_Indented, sort_keys=False) for d in documents
    )


def _rule(grant: Grant) -> Rule:
    operation = _OPERATIONS[grant.operation]
    principal = f"User:{grant.stage}"
    return (_KINDS[grant.kind], grant.name, _LITERAL, principal, "*", operation, _ALLOW)


async def _send(admin: AIOKafkaAdminClient, request: Request[Any]) -> Any:  # noqa: ANN401 -- untyped
    return await admin._send_request(request)  # noqa: SLF001 -- it has no method for these


def _check(codes: Iterable[int]) -> None:
    if code := next((code for code in codes if code), None):
        raise PartywallError(f"the broker refuses the access rules: error {code}")


def _labels(name: str) -> dict[str, object]:
    return {"name": name, "labels": {"strimzi.io/cluster": "partywall"}}


def _kafka_topic(topic: topics.Topic) -> dict[str, object]:
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaTopic",
        "metadata": _labels(topic.name),
        "spec": {
            "partitions": topic.partitions,
            "replicas": 3,
            "config": {**topics.configuration(topic), "min.insync.replicas": "2"},
        },
    }


def _kafka_user(stage: str, grants: list[Grant]) -> dict[str, object]:
    mine: dict[tuple[str, str], list[str]] = {}
    for grant in grants:
        if grant.stage == stage:
            mine.setdefault((grant.kind, grant.name), []).append(grant.operation)
    acls = [
        {
            "resource": {"type": kind, "name": name, "patternType": "literal"},
            "operations": operations,
            "host": "*",
        }
        for (kind, name), operations in mine.items()
    ]
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaUser",
        "metadata": _labels(stage),
        "spec": {
            "authentication": {"type": "scram-sha-512"},
            "authorization": {"type": "simple", "acls": acls},
        },
    }


async def _apply_here() -> None:
    admin = client.admin(settings.load().kafka)
    await admin.start()
    try:
        added, removed = await apply(admin, declared())
        await settled(admin, declared())
    finally:
        await admin.close()
    sys.stdout.write(f"access rules: {len(declared())}, added {added}, removed {removed}\n")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Access rules from schemas/topics")
    parser.add_argument("what", choices=("list", "apply", "strimzi"))
    what = parser.parse_args().what
    if what == "apply":
        asyncio.run(_apply_here())
    elif what == "strimzi":
        sys.stdout.write(strimzi(declared()))
    else:
        lines = (f"{g.stage:8} {g.operation:16} {g.kind} {g.name}\n" for g in declared())
        sys.stdout.writelines(lines)


if __name__ == "__main__":
    main()
