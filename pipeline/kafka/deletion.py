"""Deleting records behind the committed offset: a raw topic is a pipe, not a store.

A broker that refuses, or is away, is asked again until it has deleted: else raw lines would stay
for their whole retention, and nobody would know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from aiokafka import TopicPartition
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from pipeline.logs import get

AGAIN_SECONDS: Final = 30.0
"""Pause after a failure."""

_log = get("deletion")


class Admin(Protocol):
    """What is needed of an ``AIOKafkaAdminClient``."""

    async def delete_records(
        self, records_to_delete: dict[TopicPartition, RecordsToDelete]
    ) -> object:
        """Delete the records before an offset in each partition; raises KafkaError."""


class Deletion:
    """Remembers up to which offset each partition may go, until the broker has let it go."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """``monotonic`` gives seconds."""
        self._monotonic = monotonic
        self._upto: dict[TopicPartition, int] = {}
        self._failing = False
        self._not_before = 0.0

    def add(self, partition: TopicPartition, offset: int) -> None:
        """Take note that the records before ``offset`` are no longer needed."""
        self._upto[partition] = max(offset, self._upto.get(partition, 0))

    async def run(self, admin: Admin) -> None:
        """Delete what is due; failures are logged once, kept, and tried again after a pause."""
        if not self._upto or (self._failing and self._monotonic() < self._not_before):
            return
        due, self._upto = self._upto, {}
        # A request goes wrong as a whole. After a failure each partition has its own, so that one
        # without a leader does not keep the records of the others.
        parts = [{tp: at} for tp, at in due.items()] if self._failing else [due]
        errors = [error for part in parts if (error := await self._delete(admin, part))]
        if errors and not self._failing:
            _log.warning("raw records stay for now: the broker does not delete", error=errors[0])
        elif self._failing and not errors:
            _log.info("raw records are deleted again")
        self._failing = bool(errors)
        self._not_before = self._monotonic() + AGAIN_SECONDS

    async def _delete(self, admin: Admin, upto: dict[TopicPartition, int]) -> Exception | None:
        try:
            await admin.delete_records(
                {tp: RecordsToDelete(before_offset=offset) for tp, offset in upto.items()}
            )
        except (KafkaError, NotImplementedError) as error:
            # Behind the log's end: it is another log by now, and there is nothing of ours in it.
            if not (len(upto) == 1 and isinstance(error, OffsetOutOfRangeError)):
                for partition, offset in upto.items():
                    self.add(partition, offset)
            return error
        return None
