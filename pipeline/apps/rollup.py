"""The rollup worker: events in, the cells of closed hours out."""

from __future__ import annotations

import asyncio

import faust
from faust.types import StreamT

from pipeline import policy
from pipeline.events import DIMENSION_PURPOSES
from pipeline.kafka import topics, worker
from pipeline.kafka.runs import RunLog
from pipeline.kafka.sizing import fitting, partition_of
from pipeline.logs import get
from pipeline.metrics import EVENTS_BATCHES, REPEATED
from pipeline.rollups.compact import Housekeeping
from pipeline.purposes import Refusals
from pipeline.rollups.rollup import Cut, Rollup
from pipeline.rows import CellsHeader, encode_cells
from pipeline.settings import Settings

_log = get("rollup")


class Worker:
    """All events partitions of this process."""

    def __init__(self, settings: Settings) -> None:
        """Read policy and topics; raises SettingsError."""
        self._policy = policy.load(settings.policy)
        declared = topics.declared(self._policy.current.retention)
        self._sources = topics.sources(declared["logs.web"])
        self._cells = declared["cells"]
        self._lateness = settings.windows.lateness_minutes * 60
        self._refusals = Refusals(self._policy, DIMENSION_PURPOSES)
        self._open: dict[int, tuple[Rollup, RunLog, Housekeeping]] = {}
        self.app = worker.app("rollup", settings.kafka, declared["events"].partitions)
        self._table = self.app.Table("runs", partitions=declared["events"].partitions)
        source = self.app.topic("events", value_type=bytes, value_serializer="raw")
        self.app.agent(source, name="rollup")(worker.guard(self.run))
        self.app.on_partitions_revoked.connect(self._revoked)

    async def run(self, stream: StreamT[bytes]) -> None:
        """Apply each message once, in order."""
        async for event in stream.events():
            partition, offset = worker.offset(event)
            rollup, log, keeping = await self._state(partition)
            if offset <= log.position:
                REPEATED.labels("rollup").inc()
                continue
            run, cut = await asyncio.to_thread(rollup.apply, offset, event.value)
            if cut is not None:
                await self._send(partition, cut)
            span = await log.append(offset, run)
            await keeping.added(span, len(run))
            if cut is not None:
                await keeping.dropped(rollup)
            EVENTS_BATCHES.inc()

    async def _state(self, partition: int) -> tuple[Rollup, RunLog, Housekeeping]:
        if partition not in self._open:
            log = RunLog(self._table, partition)
            await log.clean()
            rollup = Rollup(self._sources, self._lateness, self._refusals)
            await asyncio.to_thread(rollup.restore, [(after, v) for _, after, v in log.read()])
            _log.info("partition opened", partition=partition, position=log.position)
            self._open[partition] = rollup, log, Housekeeping(log)
        return self._open[partition]

    async def _send(self, origin: int, cut: Cut) -> None:
        sites = cut.cells["site"].unique().to_list()
        home = {site: partition_of(site, self._cells.partitions) for site in sites}
        for partition in range(self._cells.partitions):
            mine = [site for site in sites if home[site] == partition]
            cells = cut.cells.filter(cut.cells["site"].is_in(mine))
            head = CellsHeader(origin, cut.position, 0, 1, cut.ingest, None)
            pieces = list(fitting(cells, lambda rows, h=head: encode_cells(h, rows)))
            for part, piece in enumerate(pieces):
                last = part == len(pieces) - 1
                header = CellsHeader(
                    origin=origin,
                    position=cut.position,
                    part=part,
                    parts=len(pieces),
                    ingest=cut.ingest,
                    watermark=cut.watermark if last else None,
                    end=cut.end and last,
                )
                await worker.send(self.app, "cells", partition, encode_cells(header, piece))

    async def _revoked(self, app: faust.App, revoked: set[object], **_: object) -> None:
        del app, revoked
        self._open.clear()
