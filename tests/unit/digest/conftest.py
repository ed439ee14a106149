"""A site's weeks in an engine of their own, and the ways out of the house."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import ssl
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiosmtpd.handlers import Message
from aiosmtpd.smtp import SMTP, AuthResult
from clickhouse_connect.driver.client import Client
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from pipeline.clickhouse.client import Engine, connect
from pipeline.clickhouse.migrations import migrate
from pipeline.clickhouse.queries import QueryFn, Reader
from pipeline.clock import system_clock
from pipeline.digest.weeks import Week
from tests.support.released import Released, roles

WEEK = Week.named("2026-W47")
KNOWN = {"bounce": 30, "entry": 50, "between": 70, "exit": 50}


def fill(
    rows: Released, first: dt.date, last: dt.date, *, hidden: tuple[dt.date, ...] = ()
) -> None:
    """Release days alike: 200 page views, 80 visits, 40 of 640 requests failed, 100 of bots.

    Of ``hidden`` days only the traffic of people is shown.
    """
    day = first
    while day <= last:
        at = dt.datetime.combine(day, dt.time(), dt.UTC)
        if day in hidden:
            rows.traffic(at, human=640)
        else:
            rows.segments(at, view=200, failed=40, request=400, bot=100)
            rows.pairs(at, "view", "segment", "role", roles(KNOWN))
            rows.breakdown(at, "view", "page", {"/a": 120, "/<b>": 40, "(other)": 40})
            rows.breakdown(at, "failed", "page", {"/gone": 40})
            search = {("search.example", role): n // 2 for role, n in KNOWN.items()}
            rows.pairs(at, "view", "referrer", "role", search)
        day += dt.timedelta(days=1)
    rows.write()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with closing(connect(Engine(path=tmp_path / "clickhouse"))) as client:
        migrate(client, rollups_days=1100)
        yield client


@pytest.fixture
def query(client: Client, tmp_path: Path) -> Iterator[QueryFn]:
    assert client.ping()
    with closing(Reader.open(Engine(path=tmp_path / "clickhouse"))) as reader:
        yield reader.rows


class Mails(Message):
    """Keeps what a mail server was given; refuses while ``away``."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Any] = []
        self.away = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ANN401, N802 -- aiosmtpd's
        if self.away:
            return "451 4.3.0 come back later"
        answer: str = await super().handle_DATA(server, session, envelope)
        return answer

    def handle_message(self, message: Any) -> None:  # noqa: ANN401 -- aiosmtpd's
        self.kept.append(message)


@dataclass
class Mailbox:
    port: int
    mails: Mails


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    """A mail server on the loopback."""
    mails = Mails()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(partial(SMTP, mails, hostname="mail"), "127.0.0.1", 0)
    async with server:
        yield Mailbox(server.sockets[0].getsockname()[1], mails)


def certified(path: Path) -> ssl.SSLContext:
    """Return what a server on localhost answers with; its certificate is written to ``path``."""
    key, now = ec.generate_private_key(ec.SECP256R1()), system_clock()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(made.public_bytes(Encoding.PEM))
    both = path.with_suffix(".both")
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    both.write_bytes(private + made.public_bytes(Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(both)
    return context


@asynccontextmanager
async def secured(
    ca_file: Path, security: str, username: str, password: str
) -> AsyncIterator[Mailbox]:
    """Run a mail server that takes nothing without TLS and a password."""
    mails, context = Mails(), certified(ca_file)

    def checked(_: object, __: object, ___: object, ____: object, given: Any) -> AuthResult:  # noqa: ANN401 -- aiosmtpd's
        right = (given.login, given.password) == (username.encode(), password.encode())
        return AuthResult(success=right, handled=False)

    def made() -> SMTP:
        about: dict[str, Any] = {
            "hostname": "mail",
            "authenticator": checked,
            "auth_required": True,
        }
        if security == "starttls":
            return SMTP(mails, **about, tls_context=context, require_starttls=True)
        with warnings.catch_warnings():
            # aiosmtpd sees no TLS that is there before SMTP begins, and warns
            warnings.simplefilter("ignore")
            return SMTP(mails, **about, auth_require_tls=False)

    server = await asyncio.get_running_loop().create_server(
        made, "localhost", 0, family=socket.AF_INET, ssl=context if security == "tls" else None
    )
    async with server:
        yield Mailbox(server.sockets[0].getsockname()[1], mails)


@dataclass
class Hook:
    """What a webhook was posted; it answers with ``status``."""

    url: str = ""
    status: int = 200
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    """A webhook on the loopback."""
    found = Hook()

    async def take(request: web.Request) -> web.Response:
        found.bodies.append(await request.json())
        found.headers.append(dict(request.headers))
        location = {"Location": found.url} if found.status == 302 else {}
        return web.Response(status=found.status, headers=location)

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield found
    await runner.cleanup()
