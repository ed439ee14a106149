"""The rollup worker: events in, the cells of closed hours out."""

from __future__ import annotations

import asyncio
from typing import Final

from faust.types import StreamT

from pipeline import policy
from pipeline.events import DIMENSION_PURPOSES
from pipeline.kafka import topics, worker
from pipeline.kafka.runs import Changelog, RunLog
from pipeline.kafka.sizing import fitting, partition_of
from pipeline.logs import get
from pipeline.metrics import EVENTS_BATCHES, REPEATED
from pipeline.purposes import Refusals
from pipeline.rollups.clocks import by_zone
from pipeline.rollups.compact import Housekeeping
from pipeline.rollups.rollup import Cut, Rollup
from pipeline.rows import CellsHeader, framed, pack_cells, pack_minutes
from pipeline.settings import Settings

_log = get("rollup")
_CHANGELOG: Final = "rollup-runs-changelog"


class Worker:
    """All events partitions of this process."""

    def __init__(self, settings: Settings) -> None:
        """Read policy and topics; raises SettingsError."""
        self._policy = policy.load(settings.policy)
        declared = topics.declared(self._policy.current.retention)
        self._sources = topics.raw_sources(declared)
        self._cells = declared["cells"]
        self._lateness = settings.windows.lateness_minutes * 60
        self._refusals = Refusals(self._policy, DIMENSION_PURPOSES)
        self.app = worker.app("rollup", settings.kafka, declared["events"].partitions)
        self._runs = Changelog(self.app, settings.kafka, _CHANGELOG)
        source = self.app.topic("events", value_type=bytes, value_serializer="raw")
        self.app.agent(source, name="rollup")(worker.guard(self.run))
        self._held = worker.Held(self.app, self._open)

    async def run(self, stream: StreamT[bytes]) -> None:
        """Apply each message once, in order."""
        async for event in worker.each(stream):
            partition, offset = worker.offset(event)
            rollup, log, keeping = await self._held.of(partition)
            if offset <= log.position:
                REPEATED.labels("rollup").inc()
                continue
            await worker.follows(self.app, event, log.position, _CHANGELOG)
            run, cut, passed = await asyncio.to_thread(rollup.apply, offset, event.value)
            if passed is not None:
                await self._send(partition, passed, minutes=True)
            if cut is not None:
                await self._send(partition, cut)
            span = await log.append(offset, run)
            await keeping.added(span, len(run))
            if cut is not None:
                await keeping.dropped(rollup)
            EVENTS_BATCHES.inc()

    async def _open(self, partition: int) -> tuple[Rollup, RunLog, Housekeeping]:
        log = await RunLog.open(self._runs, partition)
        rollup = Rollup(self._sources, self._lateness, self._refusals)
        await asyncio.to_thread(rollup.restore, [(after, v) for _, after, v in log.read()])
        _log.info("partition opened", partition=partition, position=log.position)
        return rollup, log, Housekeeping(log)

    async def _send(self, origin: int, cut: Cut, *, minutes: bool = False) -> None:
        pack = pack_minutes if minutes else pack_cells
        sites = cut.cells["site"].unique().to_list()
        home = {site: partition_of(site, self._cells.partitions) for site in sites}
        for partition in range(self._cells.partitions):
            mine = [site for site in sites if home[site] == partition]
            cells = cut.cells.filter(cut.cells["site"].is_in(mine))
            first = 0
            for zone, rows in by_zone(cells):
                for height, body in fitting(rows, pack):
                    upto = first + height
                    last = upto == cells.height
                    header = CellsHeader(
                        origin=origin,
                        position=cut.position,
                        first=first,
                        ingest=cut.ingest,
                        watermark=cut.watermark if last else None,
                        end=cut.end and last,
                        minutes=minutes,
                        zone=zone,
                    )
                    await worker.send(self.app, "cells", partition, framed(header, body))
                    first = upto
