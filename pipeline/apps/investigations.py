"""The investigators' pages as a process: their own port, sessions and credentials.

It holds the token that borrows keys for cases, the case store and the audit log, and nothing of the
analytics; no other stage runs in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Final

from pipeline import policy
from pipeline.apps import keys as key_service
from pipeline.apps.case_desk import present_of
from pipeline.apps.desk import open_desk
from pipeline.audit.entry import Fact
from pipeline.audit.signing import read_vkey
from pipeline.cases.people import Directory
from pipeline.cases.present import Present
from pipeline.clock import Clock, stopwatch, system_clock
from pipeline.investigations import retention
from pipeline.investigations.desk import Desk
from pipeline.investigations.trail import Trail
from pipeline.serving.server import Server, listen
from pipeline.settings import Settings
from pipeline.web.app import make_app, make_sessions
from pipeline.web.choice import choose, own_origin
from pipeline.web.pages import PAGES, Work
from pipeline.web.sessions import Sessions

_SWEEP_SECONDS: Final = 30.0
_PURGE_SECONDS: Final = 3600.0


class Worker:
    """Serves the pages between ``start`` and ``stop``."""

    def __init__(self, settings: Settings, *, embedded: bool, clock: Clock = system_clock) -> None:
        """``embedded``: the group that starts this process runs on this machine alone."""
        self._settings = settings
        self._embedded = embedded
        self._clock = clock
        self._held = ExitStack()
        self._server: Server | None = None
        self._desk: Desk | None = None
        self._sessions: Sessions = make_sessions(settings.investigations, clock)

    async def start(self) -> str:
        """Serve, and return the pages' origin; raises SettingsError, UnavailableError."""
        try:
            return await self._start()
        except BaseException:
            self._held.close()
            raise

    async def run(self) -> None:
        """End sessions and purge cases whose time is over, again and again, until cancelled."""
        await asyncio.gather(self._sweeping(), self._purging())

    async def _sweeping(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            self._sessions.sweep()

    async def _purging(self) -> None:
        """Purge at the start, so that no restart puts it off, and every hour; pages are served."""
        assert self._desk is not None  # noqa: S101 -- it is there once start has returned
        while True:
            await asyncio.to_thread(retention.turn, self._desk)
            await asyncio.sleep(_PURGE_SECONDS)

    async def stop(self) -> None:
        """Stop searches, let go of what sessions hold, answer what is here, and close."""
        self._sessions.end_all()
        if self._server is not None:
            await self._server.stop()
        self._held.close()

    async def _start(self) -> str:
        settings, own = self._settings, self._settings.investigations
        if self._embedded and own.oidc is None and own.people is not None:
            Directory.make_default(own.people)
        listener = self._held.enter_context(listen(own.host, own.port, "investigations"))
        origin = own_origin(own, listener.getsockname()[1])
        listed: list[Present] = []  # the desk's, which is opened once the way to sign in is sound

        def who() -> Directory:
            return listed[0].directory()

        sign_in = choose(own, embedded=self._embedded, origin=origin, clock=self._clock, people=who)
        people = own.people if sign_in.way == "people" else None
        desk, office = self._held.enter_context(
            open_desk(settings, settings.keys.url, self._clock, people)
        )
        self._desk = desk
        if people is not None:
            listed.append(present_of(desk))
        places = key_service.places_of(settings.audit)
        gate, log = desk.cases.gate, office.log
        trail = Trail(gate, places.folder, read_vkey(places.vkey), (places.witness,))
        terms = policy.load(settings.policy, self._clock).current.investigations
        work = Work(desk, office, trail, terms)
        self._held.callback(work.close)

        def audit(act: str, actor: str, outcome: str, facts: Mapping[str, Fact]) -> None:
            log.record(actor, act, outcome, facts=facts)

        app = make_app(
            own,
            sign_in,
            work,
            PAGES,
            origin=origin,
            audit=audit,
            clock=self._clock,
            stopwatch=stopwatch,
            sessions=self._sessions,
            alarms=work.alarms,
            still=gate.still,
        )
        self._server = Server(app, listener)
        await self._server.start()
        return origin
