"""A digest goes out once by each way, on time, and what fails is waited out."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from clickhouse_connect.driver.client import Client

from pipeline.clickhouse.queries import QueryFn
from pipeline.clock import Clock
from pipeline.digest import rounds
from pipeline.digest.rounds import Terms, follow, send_round
from pipeline.digest.sent import held
from pipeline.errors import SettingsError, UnavailableError, UsageError
from pipeline.settings import Digest, DigestEmail, DigestWebhook, Windows
from pipeline.zones import Zones
from pipeline.zones import clock as clock_in
from tests.support.released import Released
from tests.unit.digest.conftest import WEEK, Hook, Mailbox, fill, secured

TUESDAY = dt.datetime(2026, 11, 24, 6, 0, tzinfo=dt.UTC)


def at(moment: dt.datetime) -> Clock:
    return lambda: moment


def terms(
    mailbox: Mailbox | None,
    hook: Hook | None,
    now: dt.datetime = TUESDAY,
    token: Path | None = None,
) -> Terms:
    email = mailbox and DigestEmail(
        host="127.0.0.1",
        port=mailbox.port,
        security="none",
        sender="Partywall <stats@shop.example>",
        to=["desk@shop.example", "boss@shop.example"],
    )
    webhook = hook and DigestWebhook(url=hook.url, token_file=token)
    return Terms(Digest(email=email, webhook=webhook), 10, None, at(now))


@pytest.fixture
def week(client: Client) -> None:
    fill(Released(client), WEEK.before.first, WEEK.last)


@pytest.mark.usefixtures("week")
async def test_it_goes_out_once_by_each_way_whoever_asks_again(
    query: QueryFn, mailbox: Mailbox, hook: Hook, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("made-up-token\n")
    for _ in range(3):
        with held(tmp_path / "state") as sent:
            assert await send_round(query, terms(mailbox, hook, token=token), sent) == ()
    (mail,), (body,), (headers,) = mailbox.mails.kept, hook.bodies, hook.headers
    assert mail["Subject"] == "shop 2026-W47: page views 1,400 (as before)"
    assert mail["X-RcptTo"] == "desk@shop.example, boss@shop.example"
    assert mail["Message-ID"] == "<partywall-shop-2026-W47@shop.example>"
    plain, page = mail.get_payload()
    assert (plain.get_content_type(), page.get_content_type()) == ("text/plain", "text/html")
    assert "1,400" in plain.get_payload(decode=True).decode()
    assert "1,400" in page.get_payload(decode=True).decode()
    assert (body["week"], body["site"], body["numbers"][0]["value"]) == ("2026-W47", "shop", 1400)
    assert headers["Authorization"] == "Bearer made-up-token"
    assert headers["Idempotency-Key"] == '"partywall-shop-2026-W47"'


@pytest.mark.usefixtures("week")
@pytest.mark.parametrize("status", [302, 401, 500])
async def test_what_one_way_refuses_is_left_and_the_other_is_not_sent_twice(
    query: QueryFn, mailbox: Mailbox, hook: Hook, tmp_path: Path, status: int
) -> None:
    hook.status = status
    with held(tmp_path) as sent:
        left = await send_round(query, terms(mailbox, hook), sent)
        assert left == (f"shop: webhook: it answered {status}",)
        assert len(hook.bodies) == 1, "a redirect is not followed"
        hook.status = 204
        assert await send_round(query, terms(mailbox, hook), sent) == ()
    assert (len(mailbox.mails.kept), len(hook.bodies)) == (1, 2)
    assert hook.bodies[0] == hook.bodies[1]


@pytest.mark.usefixtures("week")
async def test_a_mail_server_that_is_away_is_waited_out_with_growing_pauses(
    query: QueryFn, mailbox: Mailbox, tmp_path: Path
) -> None:
    mailbox.mails.away = True
    pauses: list[float] = []

    class Enough(Exception):  # noqa: N818 -- no error
        pass

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 4:
            mailbox.mails.away = False
        if len(pauses) == 6:
            raise Enough

    with held(tmp_path) as sent, pytest.raises(Enough):
        await follow(lambda: send_round(query, terms(mailbox, None), sent), pause, lambda: 3600.0)
    assert pauses == [60, 120, 240, 480, 3600, 3600]
    assert len(mailbox.mails.kept) == 1


async def test_an_engine_that_is_away_is_waited_out_too() -> None:
    pauses: list[float] = []

    async def away() -> tuple[str, ...]:
        raise UnavailableError("clickhouse: no connection")

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 8:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await follow(away, pause, lambda: 1.0)
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600]


@pytest.mark.usefixtures("week")
@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_that_wants_tls_and_a_password_gets_both(
    query: QueryFn, tmp_path: Path, security: Literal["starttls", "tls"]
) -> None:
    """A wrong password and a certificate that nobody vouches for are left, and nothing is sent."""
    ca_file, password, wrong = (tmp_path / name for name in ("ca.pem", "password", "wrong"))
    password.write_text("made-up\n")
    wrong.write_text("something else\n")
    async with secured(ca_file, security, "partywall", "made-up") as box:
        email = DigestEmail(
            host="localhost",
            port=box.port,
            security=security,
            username="partywall",
            password_file=password,
            ca_file=ca_file,
            sender="stats@shop.example",
            to=["desk@shop.example"],
        )
        for change, left in (
            ({"password_file": wrong}, ("shop: mail server: it answered 535",)),
            ({"ca_file": None}, ("shop: mail server: SSLCertVerificationError",)),
        ):
            about = Digest(email=email.model_copy(update=change))
            with held(tmp_path / "state") as sent:
                assert await send_round(query, Terms(about, 10, None, at(TUESDAY)), sent) == left
        assert box.mails.kept == []
        with held(tmp_path / "state") as sent:
            about = Digest(email=email)
            assert await send_round(query, Terms(about, 10, None, at(TUESDAY)), sent) == ()
        assert len(box.mails.kept) == 1


@pytest.mark.parametrize(
    ("now", "week"),
    [
        (dt.datetime(2026, 11, 24, 5, 59, tzinfo=dt.UTC), "2026-W46"),
        (dt.datetime(2026, 11, 24, 6, 0, tzinfo=dt.UTC), "2026-W47"),
        (dt.datetime(2026, 11, 29, 23, 59, tzinfo=dt.UTC), "2026-W47"),
        (dt.datetime(2026, 11, 30, 0, 0, tzinfo=dt.UTC), "2026-W47"),
        (dt.datetime(2026, 12, 1, 6, 0, tzinfo=dt.UTC), "2026-W48"),
    ],
)
def test_the_week_that_is_over_is_due_from_its_weekday_and_hour_on(
    now: dt.datetime, week: str
) -> None:
    found, since = rounds.due(Digest(), now)
    assert str(found) == week
    assert dt.timedelta() <= now - since < dt.timedelta(days=7)
    assert 0 < rounds.until_due(Digest(), now) <= 3600


def test_a_week_is_over_by_the_sites_own_clock() -> None:
    """On a Monday at seven in London it is Sunday evening in Honolulu."""
    now = at(dt.datetime(2026, 11, 23, 7, tzinfo=dt.UTC))
    zones = Zones("UTC", {"isle": "Pacific/Honolulu", "shop": "Asia/Tokyo"})
    about = Terms(Digest(), 10, None, now, zones)
    weeks = {site: str(rounds.over(about, site)) for site in ("isle", "shop", "blog")}
    assert weeks == {"isle": "2026-W46", "shop": "2026-W47", "blog": "2026-W47"}


@pytest.mark.parametrize("zone", ["Etc/GMT+12", "Pacific/Kiritimati"])
def test_the_wait_for_a_sunday_is_long_enough_wherever_it_ends(zone: str) -> None:
    """Also where the digest is due in the first hour of Monday, UTC, and days are held longest."""
    monday = WEEK.last + dt.timedelta(days=1)
    moment = dt.datetime.combine(monday, dt.time(), dt.UTC)
    longest = Windows(hold_hours=21)
    held_for = dt.timedelta(minutes=longest.lateness_minutes, hours=longest.hold_hours)
    week, since = rounds.due(Digest(weekday="monday", hour=0), moment)
    closed = next(
        end
        for hours in range(-14, 13)
        if clock_in(at(end := moment + dt.timedelta(hours=hours)), zone)().date() == monday
    )
    assert week == WEEK
    assert closed + held_for < since + rounds.WAIT_FOR_SUNDAY


async def test_it_waits_for_its_sunday_to_close_but_not_for_ever(
    client: Client, query: QueryFn, mailbox: Mailbox, tmp_path: Path
) -> None:
    fill(Released(client), WEEK.first, WEEK.last - dt.timedelta(days=1))
    with held(tmp_path) as sent:
        left = await send_round(query, terms(mailbox, None), sent)
        assert left == ("shop: waits for 2026-11-22 to close",)
        later = TUESDAY + rounds.WAIT_FOR_SUNDAY
        assert await send_round(query, terms(mailbox, None, later), sent) == ()
    (mail,) = mailbox.mails.kept
    assert "6 of 7 days" in mail.get_payload()[0].get_payload(decode=True).decode()


def test_one_process_sends_from_a_folder(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(UsageError, match="another process"), held(tmp_path):
        pass


def test_a_damaged_note_of_what_was_sent_is_told_and_sends_nothing(tmp_path: Path) -> None:
    (tmp_path / "digest.json").write_text("{not json")
    with pytest.raises(UsageError, match="mend it, or remove it"), held(tmp_path):
        pass


async def test_nowhere_to_send_is_a_mistake_of_the_settings(query: QueryFn, tmp_path: Path) -> None:
    with held(tmp_path) as sent, pytest.raises(SettingsError, match=r"digest\.email"):
        await send_round(query, terms(None, None), sent)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: DigestEmail(
            host="m", security="none", username="u", sender="a@b.example", to=["c@d.example"]
        ),
        lambda: DigestEmail(host="m", sender="a@b.example\r\nBcc: x@y.example", to=["c@d.example"]),
        lambda: DigestEmail(host="m", sender="a@b.example", to=[]),
        lambda: DigestWebhook(url="http://hooks.example/x", token_file=Path("t")),
        lambda: DigestWebhook(url="http://127.0.0.1.example/x", token_file=Path("t")),
        lambda: DigestWebhook(url="https://user@hooks.example/"),
    ],
)
def test_settings_that_would_give_a_secret_away_are_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        wrong()
