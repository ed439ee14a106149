"""Raw records whose deletion failed are not forgotten, and somebody is told once."""

from __future__ import annotations

import pytest
from aiokafka import TopicPartition
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import KafkaError, LeaderNotAvailableError, OffsetOutOfRangeError

from pipeline.kafka.deletion import AGAIN_SECONDS, Deletion

ONE, TWO = TopicPartition("logs.web", 0), TopicPartition("logs.web", 1)


class Broker:
    """Deletes, but for the partitions that fail."""

    def __init__(self) -> None:
        self.fails: dict[TopicPartition, type[KafkaError]] = {}
        self.deleted: dict[TopicPartition, int] = {}
        self.asked = 0
        self.now = 0.0

    async def delete_records(
        self, records_to_delete: dict[TopicPartition, RecordsToDelete]
    ) -> None:
        self.asked += 1
        for partition, records in records_to_delete.items():
            if partition in self.fails:
                raise self.fails[partition]
            self.deleted[partition] = records.before_offset


@pytest.fixture
def broker() -> Broker:
    return Broker()


async def test_a_failure_is_said_once_and_made_up_for_without_new_records(
    broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    deletion = Deletion(lambda: broker.now)
    broker.fails[ONE] = LeaderNotAvailableError
    deletion.add(ONE, 5)
    for _ in range(3):
        await deletion.run(broker)
        broker.now += AGAIN_SECONDS
    assert broker.asked == 3
    shown = capsys.readouterr()
    assert (shown.out + shown.err).count("raw records stay") == 1
    broker.fails.clear()
    await deletion.run(broker)
    assert broker.deleted == {ONE: 5}
    await deletion.run(broker)
    assert broker.asked == 4, "what is deleted is not deleted again"


async def test_a_broker_that_fails_is_not_asked_with_every_batch(broker: Broker) -> None:
    deletion = Deletion(lambda: broker.now)
    broker.fails[ONE] = LeaderNotAvailableError
    for offset in range(1, 9):
        deletion.add(ONE, offset)
        await deletion.run(broker)
    assert broker.asked == 1
    broker.fails.clear()
    broker.now += AGAIN_SECONDS
    deletion.add(ONE, 3)
    await deletion.run(broker)
    assert broker.deleted == {ONE: 8}, "an older offset takes nothing back"


async def test_one_partition_does_not_keep_the_records_of_another(broker: Broker) -> None:
    deletion = Deletion(lambda: broker.now)
    broker.fails[ONE] = LeaderNotAvailableError
    for partition in (ONE, TWO):
        deletion.add(partition, 7)
    await deletion.run(broker)
    broker.now += AGAIN_SECONDS
    await deletion.run(broker)
    assert broker.deleted == {TWO: 7}


async def test_offsets_of_a_log_that_is_gone_are_given_up(broker: Broker) -> None:
    deletion = Deletion(lambda: broker.now)
    broker.fails[ONE] = OffsetOutOfRangeError
    deletion.add(ONE, 7)
    for _ in range(4):
        await deletion.run(broker)
        broker.now += AGAIN_SECONDS
    assert broker.asked <= 2
