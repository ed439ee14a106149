"""Who sees what, what a page says, and what it escapes."""

from __future__ import annotations

import html
import re

import httpx2
import orjson
import pytest

from pipeline.clickhouse.queries import QueryFn
from pipeline.serving.shield import CONTENT_SECURITY_POLICY
from pipeline.zones import Zones
from tests.support.console_data import HOSTILE
from tests.support.console_pages import TEAM, WORD, app_of
from tests.support.pages import Moment
from tests.unit.console.conftest import ORIGIN

PAGES = ("/", "/sites/shop", "/sites/shop/cards/devices", "/v1/query?site=shop", "/v1/sites")


def said(answer: httpx2.Response) -> str:
    """What a page says, without its marks."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.text)))


async def _share(browser: httpx2.AsyncClient, query: str = "", days: str = "7") -> httpx2.Response:
    return await browser.post(
        "/sites/shop/share", data={"query": query, "days": days}, headers={"origin": ORIGIN}
    )


def _link(answer: httpx2.Response) -> str:
    found = re.search(r"<textarea[^>]*>([^<]+)</textarea>", answer.text)
    assert found is not None
    return found[1].removeprefix(ORIGIN)


@pytest.mark.parametrize("path", PAGES)
async def test_nobody_sees_a_number_without_signing_in(
    stranger: httpx2.AsyncClient, path: str
) -> None:
    answer = await stranger.get(path)
    assert answer.status_code in {303, 401, 404}
    assert not re.search(r"\d,\d{3}", answer.text)


@pytest.mark.parametrize("token", ["", "wrong", WORD + "x", WORD.upper(), "ä" * 9])
async def test_a_wrong_word_lets_nobody_in(stranger: httpx2.AsyncClient, token: str) -> None:
    answer = await stranger.get("/enter", params={"token": token})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_the_cookie_is_kept_from_scripts_and_from_other_sites(
    stranger: httpx2.AsyncClient,
) -> None:
    answer = await stranger.get("/enter", params={"token": WORD})
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert WORD not in cookie


async def test_a_team_sees_its_own_sites(stranger: httpx2.AsyncClient) -> None:
    answer = await stranger.post("/sign-in", data={"token": TEAM}, headers={"origin": ORIGIN})
    assert answer.headers["location"] == "/"
    assert (await stranger.get("/")).headers["location"] == "/sites/blog"
    page = await stranger.get("/sites/blog")
    assert page.status_code == 200
    assert "shop" not in page.text
    for path in ("/sites/shop", "/sites/shop/cards/pages", "/sites/docs"):
        assert (await stranger.get(path)).status_code == 404
    data = {"query": "", "days": "7"}
    answer = await stranger.post("/sites/shop/share", data=data, headers={"origin": ORIGIN})
    assert answer.status_code == 404
    assert (await stranger.get("/v1/query?site=shop")).status_code == 403
    assert (await stranger.get("/v1/query?site=shop.widget")).status_code == 403
    assert "shop" not in (await stranger.get("/v1/sites")).text


async def test_a_session_ends_and_signing_out_takes_the_cookie_back(
    browser: httpx2.AsyncClient, moment: Moment
) -> None:
    assert (await browser.get("/sites/shop")).status_code == 200
    moment.move(hours=12)
    assert (await browser.get("/sites/shop")).headers["location"] == "/sign-in"
    answer = await browser.post("/sign-out", headers={"origin": ORIGIN})
    assert "Max-Age=0" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"origin": "https://evil.example"}, {"origin": "null"},
        {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
        {"origin": "null", "sec-fetch-site": "same-site"},
    ],
)  # fmt: skip
async def test_a_form_of_another_site_does_nothing(
    browser: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    for path in ("/sites/shop/share", "/sign-out", "/sign-in"):
        answer = await browser.post(path, data={"days": "7", "token": WORD}, headers=headers)
        assert answer.status_code == 400
        assert "set-cookie" not in answer.headers


async def test_every_answer_is_closed_to_what_is_not_ours(browser: httpx2.AsyncClient) -> None:
    for path in (*PAGES, "/nowhere", "/sites/shop?period=never", "/static/x/console.css"):
        answer = await browser.get(path)
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert "style=" not in answer.text
        assert not re.search(r"<script(?![^>]*\bsrc=)", answer.text)
    assert (await browser.get("/", headers={"host": "evil.example"})).status_code == 400


async def test_a_page_says_its_numbers_and_what_became_of_them(
    browser: httpx2.AsyncClient,
) -> None:
    text = said(await browser.get("/sites/shop?period=7d"))
    assert "22–28 Nov 2026" in text
    assert "with 15–21 Nov 2026" in text
    for word in ("Visitors", "Bounce rate", "/products/garden-hose", "Direct", "Newest hour"):
        assert word in text
    asked = {"site": "shop", "date_range": "7d", "metrics": "pageviews"}
    found = orjson.loads((await browser.get("/v1/query", params=asked)).content)
    views = found["totals"]["metrics"][0]
    assert views > 1000
    whole = await browser.get("/sites/shop?period=7d&metric=pageviews&cards=all")
    assert f'title="{views:,}"' in whole.text


async def test_without_script_every_card_is_on_one_page(browser: httpx2.AsyncClient) -> None:
    first = await browser.get("/sites/shop")
    assert 'href="/sites/shop?cards=all"' in first.text
    whole = await browser.get("/sites/shop?cards=all")
    assert "data-waits" not in whole.text
    text = said(whole)
    for word in (
        "United States", "Chat requested", "Chrome", "404 Not Found", "AI training", "1-3 min",
        "08:00–09:00 UTC", "The next one comes at about 12:00 UTC",
    ):  # fmt: skip
        assert word in text


async def test_a_page_is_by_its_sites_clock_and_says_whose_that_is(
    run: QueryFn, moment: Moment
) -> None:
    """On the island it is twenty to two, tomorrow; its neighbours are asked as ever."""
    zones = Zones("UTC", {"shop": "Pacific/Kiritimati"})
    transport = httpx2.ASGITransport(app_of(run, ORIGIN, moment, zones))
    async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as browser:
        await browser.get("/enter", params={"token": WORD})
        shop = await browser.get("/sites/shop?cards=all&period=yesterday")
        other = await browser.get("/sites/blog?cards=all")
        cards = [await browser.get(f"/sites/shop/cards/{name}") for name in ("live", "newest")]
        made = await _share(browser)
        shared = await browser.get(_link(made))
    text = said(shop)
    assert shop.text.count('max="2026-11-30"') == 2
    assert "29 Nov 2026" in text
    assert "Hour, Pacific/Kiritimati" in text
    assert html.unescape(shop.text).count('"zone":"Pacific/Kiritimati"') == 1
    for answer in (shop, cards[0]):
        assert "01:10–01:40 Pacific/Kiritimati, by minutes" in said(answer)
    for answer in (shop, cards[1]):
        assert "08:00–09:00 Pacific/Kiritimati, 29 Nov 2026" in said(answer)
        assert "at about 02:00 Pacific/Kiritimati" in said(answer)
    for answer in (made, shared):
        assert re.search("until 7 Dec 2026, 01:40 Pacific/Kiritimati", said(answer))
    for answer in (shop, *cards, made, shared):
        assert "UTC" not in answer.text
    assert "11:10–11:40 UTC, by minutes" in said(other)
    assert other.text.count('max="2026-11-29"') == 2


async def test_a_hostile_page_name_is_a_name(browser: httpx2.AsyncClient) -> None:
    answers = [
        await browser.get("/sites/shop?cards=all"),
        await browser.get("/sites/shop/cards/pages?pages=exit"),
        await browser.get("/sites/shop", params={"page": HOSTILE, "cards": "all"}),
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text
    assert HOSTILE in html.unescape(answers[-1].text)


async def test_what_is_not_there_says_why_in_its_place(browser: httpx2.AsyncClient) -> None:
    today = await browser.get("/sites/shop?period=today")
    assert 'popovertarget="why-not_yet_closed"' in today.text
    small = await browser.get("/sites/docs?cards=all")
    assert 'popovertarget="why-folded"' in small.text
    for answer in (today, small):
        for name in set(re.findall(r'popovertarget="([\w-]+)"', answer.text)):
            assert answer.text.count(f'id="{name}"') == 1
    assert "at least 10 different visitors" in said(today)


async def test_what_is_not_counted_together_says_so(browser: httpx2.AsyncClient) -> None:
    answer = await browser.get("/sites/shop?country=DE&cards=all")
    text = said(answer)
    assert "Top pages: not counted together with country." in text
    assert "Desktop" in text, "the tab that can be shown with it is in front"
    assert "withheld" in text, "nobody knows how many of them rated a chat"


async def test_a_link_shows_its_view_and_no_other(
    browser: httpx2.AsyncClient, stranger: httpx2.AsyncClient
) -> None:
    link = _link(await _share(browser, "period=7d&country=DE"))
    stranger.cookies.clear()
    answer = await stranger.get(link)
    text = said(answer)
    assert "22–28 Nov 2026" in text
    assert "Germany" in text
    assert "A shared page, good until 6 Dec 2026, 11:40 UTC" in text
    links = set(re.findall(r'href="(/[^"#]*)', answer.text))
    assert all(one.startswith((link, "/static/")) or one == "/" for one in links), links
    assert "<form" not in answer.text
    same = await stranger.get(f"{link}?country=US&period=90d&compare=off")
    assert said(same) == text
    whole = await stranger.get(f"{link}?cards=all")
    assert "data-waits" not in whole.text
    assert "Desktop" in said(whole)
    other = await stranger.get(f"{link}/cards/devices?devices=browser")
    assert "not counted together" in said(other)
    assert (await stranger.get("/sites/shop")).status_code == 303
    assert (await stranger.get("/v1/query?site=shop")).status_code == 401


async def test_a_link_that_has_ended_says_when(browser: httpx2.AsyncClient, moment: Moment) -> None:
    link = _link(await _share(browser, days="1"))
    moment.move(days=1, seconds=-1)
    assert (await browser.get(link)).status_code == 200
    moment.move(seconds=1)
    answer = await browser.get(link)
    assert answer.status_code == 410
    assert "It was good until 30 Nov 2026, 11:40 UTC" in said(answer)
    assert (await browser.get(f"{link}/cards/devices")).status_code == 404
    assert (await browser.get(f"{link[:-2]}xx")).status_code == 404


async def test_a_link_cannot_be_good_for_longer_than_is_offered(
    browser: httpx2.AsyncClient,
) -> None:
    for days in ("", "91", "-1", "7.5"):
        assert (await _share(browser, days=days)).status_code == 400
    assert (await _share(browser, "period=never")).status_code == 400


async def test_an_export_is_the_same_question_at_the_api(browser: httpx2.AsyncClient) -> None:
    page = await browser.get("/sites/shop?period=7d&referrer_kind=search")
    found = [html.unescape(h) for h in re.findall(r'href="(/v1/query[^"]+)"', page.text)]
    assert len(found) == 9
    rows = [(await browser.get(h)) for h in found if h.endswith("format=csv")]
    assert all(row.status_code == 200 for row in rows)
    assert rows[0].text.splitlines()[0].startswith("time:day,visitors,")
    assert rows[1].text.splitlines()[0].startswith("page,visitors,")


async def test_a_site_that_is_not_there_is_no_page(browser: httpx2.AsyncClient) -> None:
    for path in ("/sites/none", "/sites/shop.widget", "/sites/shop/cards/none", "/sites/"):
        assert (await browser.get(path)).status_code == 404


async def test_the_api_tells_what_it_answers_without_a_token(
    stranger: httpx2.AsyncClient,
) -> None:
    assert (await stranger.get("/v1/docs")).status_code == 200


async def test_the_last_half_hour_is_asked_for_again_on_ones_own_page_alone(
    browser: httpx2.AsyncClient,
) -> None:
    """Whoever was sent a link, or has kept a page, asks nothing by looking at it."""
    own = await browser.get("/sites/shop/cards/live")
    assert 'data-again="/sites/shop/cards/live"' in own.text
    link = _link(await _share(browser))
    shared = await browser.get(f"{link}/cards/live")
    assert shared.status_code == 200
    assert "data-again" not in shared.text
    assert said(own) == said(shared)
    assert "A bar waits until 10 visitors are in it and 10 others have come after it" in said(own)


async def test_bars_are_as_wide_as_their_minutes_and_what_is_not_told_is_no_bar(
    browser: httpx2.AsyncClient,
) -> None:
    card = (await browser.get("/sites/shop/cards/live")).text
    lanes = {
        html.unescape(name): re.findall(
            r'class="(step|gap)" x="([^"]+)" width="([^"]+)"', re.sub(r'y="[^"]+" ', "", lane)
        )
        for name, lane in re.findall(r"<h3>([^<]+)</h3>(.*?)</svg>", card, re.DOTALL)
    }
    assert list(lanes) == [
        "Page views", "Page views, 3xx", "Other requests, 2xx", "Failed, 4xx", "Failed, 5xx",
        "Bots, 2xx",
    ]  # fmt: skip
    assert len(lanes["Page views"]) == 28  # 27 minutes of one, and three that wait
    assert [kind for kind, _, _ in lanes["Failed, 4xx"]] == ["step", "step", "step", "gap"]
    assert [float(wide) for _, _, wide in lanes["Failed, 4xx"]] == [0.88, 10.88, 10.88, 6.88]
    assert [kind for kind, _, _ in lanes["Failed, 5xx"]] == ["gap"]
    assert re.search(r"answers took: half 10 to 50 ms, 95 % 50 ms or longer", card)
    assert "<td>10 to 50 ms</td><td>50 ms or longer</td><td>50 ms or longer</td>" in card
    nothing = await browser.get("/sites/docs/cards/live")
    assert "<details" not in nothing.text
    assert "not yet" in nothing.text
