"""The release worker: the cells of closed hours in, what may be said of them out."""

from __future__ import annotations

import asyncio

import faust
import orjson
from faust.types import StreamT

from pipeline import policy
from pipeline.kafka import topics, worker
from pipeline.kafka.runs import RunLog
from pipeline.kafka.sizing import fitting
from pipeline.logs import get
from pipeline.metrics import CELLS_BATCHES, REPEATED, ROWS_RELEASED
from pipeline.release.partition import Partition, Said, Terms
from pipeline.rows import encode_rollups
from pipeline.settings import Settings

_log = get("release")


class Worker:
    """All cells partitions of this process."""

    def __init__(self, settings: Settings) -> None:
        """Read policy and topics; raises SettingsError."""
        current = policy.load(settings.policy).current
        declared = topics.declared(current.retention)
        self._origins = declared["events"].partitions
        windows = settings.windows
        self._terms = Terms(
            k=settings.k or current.k,
            lateness=windows.lateness_minutes * 60,
            hold=windows.hold_hours * 3600,
        )
        self._open: dict[int, tuple[Partition, RunLog]] = {}
        self.app = worker.app("release", settings.kafka, declared["cells"].partitions)
        self._table = self.app.Table("runs", partitions=declared["cells"].partitions)
        source = self.app.topic("cells", value_type=bytes, value_serializer="raw")
        self.app.agent(source, name="release")(worker.guard(self.run))
        self.app.on_partitions_revoked.connect(self._revoked)

    async def run(self, stream: StreamT[bytes]) -> None:
        """Apply each message once, in order."""
        async for event in stream.events():
            number, offset = worker.offset(event)
            partition, log = await self._state(number)
            if offset <= log.position:
                REPEATED.labels("release").inc()
                continue
            run, said = await asyncio.to_thread(partition.apply, offset, event.value)
            await self._send(number, said)
            span = await log.append(offset, run)
            keep_from = partition.keep_from
            first = next((s for s in log.spans if keep_from is not None and s.end >= keep_from), span)
            await log.drop_before(first)
            CELLS_BATCHES.inc()

    async def _state(self, number: int) -> tuple[Partition, RunLog]:
        if number not in self._open:
            log = RunLog(self._table, number)
            await log.clean()
            partition = Partition(self._terms, number, self._origins)
            runs = [(span.end, value) for span, _, value in log.read()]
            await asyncio.to_thread(partition.restore, runs)
            _log.info("partition opened", partition=number, position=log.position)
            self._open[number] = partition, log
        return self._open[number]

    async def _send(self, number: int, said: Said) -> None:
        for header, rows in said.rollups:
            for piece in fitting(rows, lambda part, h=header: encode_rollups(h, part)):
                await worker.send(self.app, "rollups", number, encode_rollups(header, piece))
            ROWS_RELEASED.labels(header.table).inc(rows.height)
        for (ingest, site), account in said.accounts.items():
            value = orjson.dumps(
                {
                    "ingest": ingest,
                    "site": site,
                    "counted": account.counted,
                    "released": account.released,
                    "withheld": account.withheld,
                }
            )
            await worker.send(self.app, "accounting", number, value, f"{ingest}/{site}".encode())

    async def _revoked(self, app: faust.App, revoked: set[object], **_: object) -> None:
        del app, revoked
        self._open.clear()
