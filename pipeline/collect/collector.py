"""Requests in, answers out: each with events or lines is begun once and ended once in the accounts.

Answers are 202 for events and 200 for pushed lines, and only once the broker has acknowledged all.
No answer sets a cookie, and none repeats what it was sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from pipeline import clients, logs, rates
from pipeline.clock import Clock, Stopwatch
from pipeline.collect import beacons, bodies, pages, signals, uploads
from pipeline.collect.accounts import Accounts
from pipeline.collect.bodies import Budget
from pipeline.collect.cors import Origins
from pipeline.collect.outbox import Message, Outbox
from pipeline.collect.refusals import (
    ACKNOWLEDGED,
    AGAIN,
    DROPPED,
    FAULT,
    REFUSED,
    REPEATED,
    TEST,
    RefusedError,
)
from pipeline.collect.repeats import Repeats
from pipeline.kafka.topics import WEB, WIDGET
from pipeline.labels import LIVE
from pipeline.settings import Collect, CollectSite

SOURCE: Final = "collector"
FORMAT: Final = "widget"
DEMO_SITE: Final = "demo"
_EVENTS: Final = "/v1/events"
_LOGS: Final = "/v1/logs"
_RETRY_SECONDS: Final = "5"
_CLIENTS_REMEMBERED: Final = 65_536

_log = logs.get("collect")
Take = Callable[[web.BaseRequest, "_Case"], Awaitable[str]]


class _Case:
    """What is known of one request so far: its site, once it has named one of ours."""

    __slots__ = ("lines", "site")

    def __init__(self) -> None:
        self.site = ""
        self.lines = 0


class Collector:
    """Answers requests; ``accounts`` says what became of them."""

    def __init__(
        self,
        settings: Collect,
        outbox: Outbox,
        budget: Budget,
        clock: Clock,
        stopwatch: Stopwatch,
    ) -> None:
        """Raises SettingsError for a token or a network that cannot be read."""
        self._settings = settings
        self._outbox = outbox
        self._budget = budget
        self._clock = clock
        self._sites: dict[str, CollectSite] = dict(settings.sites)
        self._origins = Origins({name: site.origins for name, site in self._sites.items()})
        self._sources = uploads.Sources(settings.sources)
        self._trusted = clients.networks(settings.trusted_proxies, "collect.trusted_proxies")
        self._rates = rates.Rates(
            settings.rate_per_minute, stopwatch, remembered=_CLIENTS_REMEMBERED
        )
        self._repeats = Repeats()
        self._script = pages.script()
        self._demo = pages.demo() if settings.demo else None
        self.accounts = Accounts()

    def at(self, url: str) -> None:
        """Learn where we are: the demonstration's page is one of our own."""
        if self._demo is not None:
            port = url.rpartition(":")[2]
            own = [url, f"http://127.0.0.1:{port}", f"http://localhost:{port}"]
            self._sites.setdefault(DEMO_SITE, CollectSite(origins=own))
            self._origins = Origins({name: site.origins for name, site in self._sites.items()})

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, without saying by which version of what."""
        response = await self._answer(request)
        response.headers["Server"] = "partywall"
        return response

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path, method = request.path, request.method
        if path == _EVENTS and method == "OPTIONS":
            headers = self._origins.preflight(request.query.get("site"), _origin(request))
            return web.Response(status=204, headers=headers)
        if path == _EVENTS and method == "POST":
            return await self._counted(request, self._events, 202)
        if path == _LOGS and method == "POST":
            return await self._counted(request, self._logs, 200)
        if method in {"GET", "HEAD"}:
            return self._page(request, path)
        return web.Response(status=405 if path in {_EVENTS, _LOGS} else 404)

    def _page(self, request: web.BaseRequest, path: str) -> web.Response:
        if path == "/partywall.js":
            return self._script.answer(request)
        if path == "/demo" and self._demo is not None:
            return self._demo.answer(request)
        if path == "/.well-known/fastly/logging/challenge" and self._settings.fastly_services:
            return web.Response(text=uploads.fastly_challenge(self._settings.fastly_services))
        return web.Response(status=404)

    async def _counted(self, request: web.BaseRequest, take: Take, good: int) -> web.Response:
        self.accounts.begin()
        case = _Case()
        outcome = FAULT
        try:
            outcome = await take(request, case)
        except RefusedError as error:
            outcome = error.reason
        except asyncio.CancelledError:
            outcome = "incomplete"
            raise
        except Exception as error:  # noqa: BLE001 -- one request's fault must not be everybody's
            _log.error("a request failed", error=error)
        finally:
            self.accounts.end(case.site, outcome)
        headers = {"Cache-Control": "no-store"}
        if take == self._events:
            headers |= self._origins.headers(case.site or None, _origin(request))
        if outcome in REFUSED:
            status, why = REFUSED[outcome]
            if outcome in AGAIN:
                headers["Retry-After"] = _RETRY_SECONDS
            response = web.json_response({"error": why}, status=status, headers=headers)
            if not request.content.is_eof():
                response.force_close()
            return response
        if outcome == DROPPED:
            return web.Response(status=204, headers=headers)
        return web.json_response({"accepted": case.lines}, status=good, headers=headers)

    async def _events(self, request: web.BaseRequest, case: _Case) -> str:
        settings = self._settings
        peer = request.remote or ""
        forwarded_for = _joined(request, "X-Forwarded-For")
        if self._rates.take(clients.client(peer, forwarded_for, self._trusted)):
            raise RefusedError("rate")
        if (named := request.query.get("site")) is not None:
            self._enter(case, named, request)
            # Whoever asks for nothing to be kept is not even read.
            if self._signal(case, request) == "drop":
                return DROPPED
        with self._budget.share() as share:
            body = await bodies.read(request, settings.max_body_bytes, settings.read_seconds, share)
            encoding = request.headers.get("Content-Encoding", "")
            body = bodies.unpack(body, encoding, settings.max_body_bytes, share)
            beacon = beacons.parse(body, settings.max_events)
            if not case.site:
                self._enter(case, beacon.site, request)
            signal = self._signal(case, request)
            if signal == "drop":
                return DROPPED
            known = beacon.batch and self._repeats.find(case.site, beacon.batch)
            delivery = known or self._deliver_events(
                case.site,
                beacon,
                beacons.Sender()
                if signal == "anonymous"
                else beacons.Sender(
                    peer,
                    request.headers.get("User-Agent"),
                    forwarded_for,
                    _joined(request, "Forwarded"),
                ),
                beacons.NO_PSEUDONYM if signal == "anonymous" else None,
            )
        case.lines = len(beacon.events)
        await self._acknowledged(delivery)
        return REPEATED if known else ACKNOWLEDGED

    def _deliver_events(
        self, site: str, beacon: beacons.Beacon, sender: beacons.Sender, privacy: str | None
    ) -> asyncio.Task[bool]:
        lines = beacons.wrap(beacon, sender, self._now(), privacy)
        message = Message(lines, len(beacon.events))
        delivery = self._deliver(WIDGET, site, SOURCE, FORMAT, [message])
        if beacon.batch:
            self._repeats.add(site, beacon.batch, delivery)
        return delivery

    async def _logs(self, request: web.BaseRequest, case: _Case) -> str:
        settings = self._settings
        source = self._sources.of(request.headers.get("Authorization", ""))
        case.site = self._sources.site(source, request.query.get("site"))
        format_ = self._sources.format(source, request.query.get("format"))
        with self._budget.share() as share:
            body = await bodies.read(
                request, settings.max_upload_bytes, settings.read_seconds, share
            )
            encoding = request.headers.get("Content-Encoding", "")
            body = await asyncio.to_thread(
                bodies.unpack, body, encoding, settings.max_lines_bytes, share
            )
            if uploads.is_test(body[:64]):
                return TEST
            messages = list(uploads.messages(body))
            delivery = self._deliver(WEB, case.site, source, format_, messages)
            del body
        case.lines = sum(message.lines for message in messages)
        await self._acknowledged(delivery)
        return ACKNOWLEDGED

    def _deliver(
        self, topic: str, site: str, source: str, format_: str, messages: list[Message]
    ) -> asyncio.Task[bool]:
        headers = [
            ("site", site.encode()),
            ("source", source.encode()),
            ("format", format_.encode()),
            ("ingest", LIVE.encode()),
            ("shipped", str(self._now()).encode()),
        ]
        return self._outbox.deliver(
            topic,
            messages,
            headers,
            lambda lines, taken: self.accounts.settle(topic, site, lines, acknowledged=taken),
        )

    async def _acknowledged(self, delivery: asyncio.Task[bool]) -> None:
        """Wait as long as a sender may be kept waiting; the delivery goes on without him."""
        done, _ = await asyncio.wait({delivery}, timeout=self._settings.ack_seconds)
        if not done or not delivery.result():
            raise RefusedError("unacknowledged")

    def _enter(self, case: _Case, site: str | None, request: web.BaseRequest) -> None:
        """Note whose events they are; raises RefusedError where this page may not send them."""
        if site is None or site not in self._sites:
            raise RefusedError("unknown_site")
        case.site = site
        if not self._origins.allows(site, _origin(request)):
            raise RefusedError("origin")

    def _signal(self, case: _Case, request: web.BaseRequest) -> str:
        return signals.policy(request.headers, self._sites[case.site].privacy)

    def _now(self) -> int:
        return int(self._clock().timestamp() * 1000)


def _origin(request: web.BaseRequest) -> str | None:
    return request.headers.get("Origin")


def _joined(request: web.BaseRequest, name: str) -> str | None:
    """Return a header that may come several times, as one: a proxy may add its own below."""
    found = request.headers.getall(name, [])
    return ", ".join(found) if found else None
