"""The analysts' console as a process: its own port, key and credentials.

It reads released tables and nothing else: as a user of a ClickHouse server who cannot write, or by
asking the process that owns the embedded engine. No other stage runs in it.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import partial
from typing import Final
from urllib.parse import quote, urlsplit

from pipeline import policy
from pipeline.apps.readers import Readers
from pipeline.clickhouse import remote
from pipeline.clickhouse.client import Engine
from pipeline.clickhouse.queries import QueryFn
from pipeline.clock import Clock, stopwatch, system_clock
from pipeline.console.api import routes
from pipeline.console.app import make_app
from pipeline.console.entrance import Entrance, Known, by_word, first_of
from pipeline.console.pages import Pages
from pipeline.console.rendering import Rendering
from pipeline.console.secret import read_or_make
from pipeline.console.signing import Signer
from pipeline.console.tokens import Tokens
from pipeline.errors import SettingsError
from pipeline.rates import Rates
from pipeline.serving.server import Server, listen
from pipeline.settings import Settings
from pipeline.views.answers import Desk, Remembering

_REMEMBERED: Final = 4096
"""How many tokens have a rate of their own."""
_LOOPBACK: Final = re.compile(r"localhost|127(\.\d{1,3}){3}|\[?::1\]?", re.ASCII)


class Worker:
    """Serves the console between ``start`` and ``stop``."""

    def __init__(self, settings: Settings, *, embedded: bool, clock: Clock = system_clock) -> None:
        """``embedded``: the group that starts this process runs on this machine alone."""
        self._settings = settings
        self._embedded = embedded
        self._clock = clock
        self._server: Server | None = None
        self._readers: Readers | None = None

    async def start(self) -> str:
        """Serve; return the origin, or the link that signs in; raises SettingsError."""
        own = self._settings.console
        zones = self._settings.windows.clocks()
        signer = Signer(read_or_make(own.key_file, "console.key_file"), self._clock)
        tokens = Tokens(own.tokens)
        known, word = self._known(tokens)
        run = Remembering(self._run(), stopwatch)
        listener = listen(own.host, own.port, "console")
        try:
            origin = self._origin(listener.getsockname()[1])
        except SettingsError:
            listener.close()
            raise
        made = policy.load(self._settings.policy, self._clock)
        k = policy.k_in_force(made, self._settings.k, lower=self._settings.lower_k)
        kept_days, crossings = made.current.retention.rollups_days, made.current.crossings
        pages = Pages(
            entrance=Entrance(origin, signer, known, dt.timedelta(hours=own.session_hours)),
            rendering=Rendering(),
            desk=Desk(run, self._clock, k, kept_days, crossings, self._settings.goals, zones),
            clock=self._clock,
            lateness=self._settings.windows.lateness_minutes,
        )
        api = routes(
            run,
            tokens,
            clock=self._clock,
            k=k,
            retention_days=kept_days,
            take=Rates(own.requests_per_minute, stopwatch, remembered=_REMEMBERED).take,
            rendering=pages.rendering,
            signed_in=pages.entrance.viewer,
            crossings=crossings,
            goals=self._settings.goals,
            zones=zones,
        )
        self._server = Server(make_app(pages, api), listener)
        await self._server.start()
        return origin if word is None else f"{origin}/enter?token={quote(word, safe='')}"

    async def stop(self) -> None:
        """Answer what is here, and close."""
        if self._server is not None:
            await self._server.stop()
        if self._readers is not None:
            self._readers.close()

    def _known(self, tokens: Tokens) -> tuple[Known, str | None]:
        """Return who may sign in, and the word of an embedded group's link."""
        own = self._settings.console
        if not self._embedded:
            if not own.tokens:
                raise SettingsError(
                    "setting console.tokens: name those who may sign in, each with a token_file "
                    "and sites"
                )
            return tokens.of, None
        for host in (own.host, urlsplit(own.origin or "http://localhost").hostname or ""):
            if not _LOOPBACK.fullmatch(host):
                raise SettingsError(
                    "setting console.host: the console of `partywall up` is served on 127.0.0.1 "
                    "alone; run the stage `console` to serve anybody else"
                )
        word = read_or_make(own.word_file, "console.word_file")
        return first_of(by_word(word, "you"), tokens.of), word

    def _run(self) -> QueryFn:
        """Return what asks the tables."""
        where, own = self._settings.clickhouse, self._settings.console
        if where.url is None:
            if not where.endpoint_port:
                raise SettingsError(
                    "setting clickhouse.url: name the server that the console reads from, or in "
                    "clickhouse.endpoint_port the port at which `load` answers for its engine"
                )
            return partial(remote.query, f"http://127.0.0.1:{where.endpoint_port}")
        self._readers = Readers(Engine(url=where.url, user=own.username, password=self._password()))
        return self._readers.rows

    def _password(self) -> str:
        path = self._settings.console.password_file
        if path is None:
            return ""
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(
                f"setting console.password_file: cannot be read ({error.strerror})"
            ) from None

    def _origin(self, port: int) -> str:
        own = self._settings.console
        if own.origin is not None:
            parts = urlsplit(own.origin)
            if parts.scheme != "https" and not _LOOPBACK.fullmatch(parts.hostname or ""):
                raise SettingsError("setting console.origin: give an https URL")
            return own.origin.lower()
        if not _LOOPBACK.fullmatch(own.host):
            raise SettingsError(
                "setting console.origin: say what browsers call the console, as in "
                "https://numbers.example.com"
            )
        host = f"[{own.host}]" if ":" in own.host else own.host
        return f"http://{host}:{port}"
