"""What a wrapper says of itself is raw: hosts, tags, pods and labels never reach an event."""

from __future__ import annotations

import json

import pytest

from pipeline.restricted.formats import WRAPPERS
from tests.support import door

LINE = (
    '192.0.2.7 - - [14/Jan/2027:10:05:03 +0000] "GET /a HTTP/1.1" 200 7 "https://www.google.com/" '
    '"Mozilla/5.0"'
)
HOST, TAG, POD, NODE, IMAGE, USER, PEER = PLANTED = (
    "canary-host.example.org", "canarytag", "canary-pod-7d4b9c", "canary-node.internal",
    "canary/image:1.2", "canary-alice", "203.0.113.99",
)  # fmt: skip
SD = f'[origin@1 ip="{PEER}" user="{USER}" image="{IMAGE}" pod="{POD}"]'
K8S = {
    "pod_name": POD, "host": NODE, "pod_ip": PEER, "container_image": IMAGE,
    "labels": {"owner": USER, "tag": TAG}, "annotations": {"host": HOST},
}  # fmt: skip
WRAPPED = {
    "syslog3164": [
        f"<190>Jan 14 10:05:03 {HOST} {TAG}[{POD}]: {LINE}",
        f"2027-01-14T10:05:03Z {PEER} {TAG}: {LINE}",
        f"<190>Jan 14 10:05:03 {TAG}: {LINE}",
    ],
    "syslog5424": [
        f"<190>1 2027-01-14T10:05:03Z {HOST} {TAG} {POD} {USER} {SD} {LINE}",
        f"999 <190>1 2027-01-14T10:05:03Z {PEER} {TAG} {POD} {USER} {SD} {LINE}",
    ],
    "cri": [f"2027-01-14T10:05:03Z stdout F:{TAG} {LINE}"],
    "journal": [
        json.dumps({"MESSAGE": message, "_HOSTNAME": HOST, "SYSLOG_IDENTIFIER": TAG, "_UID": USER,
                    "CONTAINER_NAME": POD, "IMAGE_NAME": IMAGE, "PEER": PEER, "NODE": NODE})
        for message in (LINE, list(LINE.encode()))
    ],
    "docker": [
        json.dumps({"log": LINE + "\n", "attrs": {"tag": TAG, "image": IMAGE, "host": HOST}})
    ],
    "kubernetes": [
        json.dumps({key: LINE, "kubernetes": K8S, "stream": "stdout", "host": HOST, "file": USER})
        for key in ("log", "message")
    ],
}  # fmt: skip


def test_every_wrapper_is_planted() -> None:
    assert set(WRAPPED) == set(WRAPPERS)


@pytest.mark.parametrize("name", WRAPPED)
def test_nothing_of_the_envelope_leaves_the_room(name: str) -> None:
    """Events, sealed messages and counts are searched; a counted frame too long is a reject."""
    lines = [line for line in WRAPPED[name] for _ in range(3)]
    headers = [[("site", b"shop"), ("format", f"{name}.combined".encode())]] * len(lines)
    crossing = door.carry(door.splitter(), door.messages([x.encode() for x in lines], headers))
    rows = door.rows(crossing)
    cut = sum(line.startswith("999 ") for line in lines)
    assert rows.height == len(lines) - cut > 0
    assert set(rows["page"]) == {"/a"}
    for blob in door.blobs(crossing):
        for planted in PLANTED:
            assert planted.encode() not in blob.data, blob.where
    # Every row is the one that the bare line gives: nothing of the envelope counts either.
    bare = door.messages([LINE.encode()], [[("site", b"shop"), ("format", b"combined")]])
    alone = door.rows(door.carry(door.splitter(), bare)).drop("offset", "line")
    assert rows.drop("offset", "line").unique().equals(alone)
