"""The release worker: the cells of closed hours in, what may be said of them out."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from faust.types import StreamT

from pipeline import policy
from pipeline.kafka import topics, worker
from pipeline.kafka.runs import Changelog, RunLog
from pipeline.kafka.sizing import fitting
from pipeline.logs import get
from pipeline.metrics import CELLS_BATCHES, REPEATED, ROWS_RELEASED
from pipeline.release.condense import condense
from pipeline.release.crossings import check
from pipeline.release.ingests import Terms
from pipeline.release.partition import Partition, Said
from pipeline.rows import Statement, encode_statement, framed, pack_rollups
from pipeline.settings import Settings

_log = get("release")
_CHANGELOG: Final = "release-runs-changelog"


class Worker:
    """All cells partitions of this process."""

    def __init__(self, settings: Settings) -> None:
        """Read policy and topics; raises SettingsError."""
        made = policy.load(settings.policy)
        declared = topics.declared(made.current.retention)
        self._origins = declared["events"].partitions
        windows = settings.windows
        k = policy.k_in_force(made, settings.k, lower=settings.lower_k)
        self._terms = Terms(
            k=k,
            lateness=windows.lateness_minutes * 60,
            hold=windows.hold_hours * 3600,
            place_floor=policy.floor_in_force(made, k),
            crossings=made.current.crossings,
        )
        check(self._terms.crossings)
        self.app = worker.app("release", settings.kafka, declared["cells"].partitions)
        self._runs = Changelog(self.app, settings.kafka, _CHANGELOG)
        source = self.app.topic("cells", value_type=bytes, value_serializer="raw")
        self.app.agent(source, name="release")(worker.guard(self.run))
        self._held = worker.Held(self.app, self._open)

    async def run(self, stream: StreamT[bytes]) -> None:
        """Apply each message once, in order."""
        async for event in worker.each(stream):
            number, offset = worker.offset(event)
            partition, log = await self._held.of(number)
            if offset <= log.position:
                REPEATED.labels("release").inc()
                continue
            await worker.follows(self.app, event, log.position, _CHANGELOG)
            run, said = await asyncio.to_thread(partition.apply, offset, event.value)
            await self._send(number, offset, said)
            span = await log.append(offset, run)
            keep_from = partition.keep_from
            kept = (s for s in log.spans if keep_from is not None and s.end >= keep_from)
            first = next(kept, span)
            await log.drop_before(first)
            await condense(log, partition)
            CELLS_BATCHES.inc()

    async def _open(self, number: int) -> tuple[Partition, RunLog]:
        log = await RunLog.open(self._runs, number)
        partition = Partition(self._terms, number, self._origins)
        runs = [(span.end, value) for span, _, value in log.read()]
        await asyncio.to_thread(partition.restore, runs)
        _log.info("partition opened", partition=number, position=log.position)
        return partition, log

    async def _send(self, number: int, position: int, said: Said) -> None:
        for header, rows in said.rollups:
            for _, body in fitting(rows, partial(pack_rollups, header.table)):
                await worker.send(self.app, "rollups", number, framed(header, body))
            ROWS_RELEASED.labels(header.table).inc(rows.height)
        for (ingest, site), account in said.accounts.items():
            statement = Statement(
                ingest, site, position, account.counted, account.released, account.withheld
            )
            value = encode_statement(statement)
            await worker.send(self.app, "accounting", number, value, f"{ingest}/{site}".encode())
