"""``partywall.js`` in a real Chromium: what reaches the broker, what never does, what it keeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from pipeline.collect.beacons import NO_PSEUDONYM, NOBODY
from tests.support import chromium
from tests.support.shop import Shop, call, leave

Open = Callable[..., Shop]


def test_events_of_another_origin_arrive_in_batches(chrome: Chrome, open_shop: Open) -> None:
    """Twenty go at once and together, one that is alone after five seconds."""
    shop = open_shop()
    chrome.get(shop.page())
    call(chrome, "opened", times=19)
    shop.until("a batch", lambda: len(shop.events()) == 20)
    assert shop.collecting.outcomes() == {"acknowledged": 1}
    call(chrome, "closed")
    shop.until("the one after it", lambda: len(shop.events()) == 21)
    assert shop.events() == ["loaded", *["opened"] * 19, "closed"]
    assert shop.collecting.outcomes() == {"acknowledged": 2}


def test_what_an_event_says_of_page_and_browser(chrome: Chrome, open_shop: Open) -> None:
    """Coarse, and no query: it stays in the browser, as do the fragment and a referrer's query."""
    shop = open_shop()
    first = shop.page("first.html")
    chrome.get(f"{first}?session=Quilvantor#Quilvantor")
    second = shop.page("second.html")
    for width, height in ((1600, 900), (1000, 900), (500, 900)):
        chrome.set_window_size(width, height)
        call(chrome, "shown", {"chat_id": "c-1"})
    chrome.execute_script("location.href = arguments[0]", f"{second}?email=Quilvantor@example.org")
    shop.until(
        "both pages", lambda: shop.events().count("loaded") >= 1 and "shown" in shop.events()
    )
    leave(chrome)
    shop.until("both pages", lambda: shop.events().count("loaded") == 2)
    mine = [line for line in shop.lines() if line["event"]["page"].startswith(shop.origin)]
    assert "Quilvantor" not in str(mine)
    events = [line["event"] for line in mine]
    shown = [event for event in events if event["event"] == "shown"]
    assert [event["screen"] for event in shown] == ["large", "medium", "small"]
    assert {event["page"] for event in shown} == {first}
    assert {event["locale"] for event in events} == {"de-AT"}
    assert {event["widget_version"] for event in events} == {"2.1.0"}
    assert {event["v"] for event in events} == {1}
    assert {event.get("chat_id") for event in shown} == {"c-1"}
    assert [e["referrer"] for e in events if e["event"] == "loaded"] == [None, first]
    assert set().union(*events) == {
        "event", "v", "time", "page", "referrer", "locale", "screen", "widget_version", "chat_id"
    }  # fmt: skip


def test_of_a_page_elsewhere_only_the_origin_is_told(chrome: Chrome, open_shop: Open) -> None:
    shop = open_shop()
    elsewhere = shop.origin.replace("127.0.0.1", "localhost")
    shop.page("from.html")
    chrome.get(f"{elsewhere}/from.html?q=Quilvantor")
    page = shop.page()
    chrome.execute_script(
        "const link = document.createElement('a'); link.href = arguments[0];"
        "link.referrerPolicy = 'unsafe-url'; document.body.append(link); link.click();",
        page,
    )
    shop.until("the page is there", lambda: chrome.current_url == page)
    leave(chrome)
    shop.until("loaded", lambda: "loaded" in shop.events())
    [line] = [line for line in shop.lines() if line["event"]["page"] == page]
    assert line["event"]["referrer"] == f"{elsewhere}/"


def test_what_is_in_the_queue_goes_when_the_page_does(chrome: Chrome, open_shop: Open) -> None:
    """By navigation, and by closing the tab: no timer has run by then."""
    shop = open_shop()
    chrome.get(shop.page())
    call(chrome, "opened")
    leave(chrome)
    shop.until("navigation", lambda: shop.events() == ["loaded", "opened"])
    first = chrome.current_window_handle
    chrome.switch_to.new_window("tab")
    chrome.get(shop.page("tab.html"))
    call(chrome, "closed")
    chrome.close()
    chrome.switch_to.window(first)
    shop.until("closing", lambda: shop.events() == ["loaded", "opened", "loaded", "closed"])


def test_events_wait_for_a_collector_that_is_away(chrome: Chrome, open_shop: Open) -> None:
    """Each arrives once, however often it was tried."""
    shop = open_shop()
    chrome.get(shop.page())
    shop.collecting.stop()
    call(chrome, "opened", times=19)
    call(chrome, "message_sent", {"by": "visitor", "length": 3}, times=25)
    time.sleep(1.5)  # the first tries fail; how many they are does not matter
    shop.collecting.start()
    shop.until("all of them", lambda: len(shop.events()) >= 45)
    leave(chrome)
    assert shop.events() == ["loaded", *["opened"] * 19, *["message_sent"] * 25]


def test_a_batch_whose_answer_was_lost_is_counted_once(chrome: Chrome, open_shop: Open) -> None:
    """The collector has it, the page does not know: it is told so when it comes again."""
    shop = open_shop()
    chrome.get(shop.page())
    chrome.execute_script(
        "const send = window.fetch; window.tries = 0;"
        "window.fetch = (...all) => send(...all).then((answer) => {"
        "  if (window.tries++ < 2) throw new TypeError('lost'); return answer; });"
    )
    call(chrome, "opened", times=19)
    shop.until("a third try", lambda: chrome.execute_script("return window.tries") == 3)
    assert len(shop.events()) == 20
    assert shop.collecting.outcomes() == {"acknowledged": 1, "repeated": 2}


def test_a_batch_that_waits_for_its_next_try_goes_with_the_page(
    chrome: Chrome, open_shop: Open
) -> None:
    shop = open_shop()
    chrome.get(shop.page())
    chrome.execute_script(
        "const real = window.fetch; window.fetch = (to, what) =>"
        " what.keepalive ? real(to, what) : Promise.reject(new TypeError('away'))"
    )
    call(chrome, "opened", times=19)
    call(chrome, "closed")
    leave(chrome)
    shop.until("both batches", lambda: len(shop.events()) == 21)
    assert shop.collecting.outcomes() == {"acknowledged": 2}


def test_who_opts_out_sends_nothing_any_more(chrome: Chrome, open_shop: Open) -> None:
    """Not what is in the queue, nor after the page is loaded anew; and what is kept is a flag."""
    shop = open_shop()
    chrome.get(shop.page())
    call(chrome, "opened")
    chrome.execute_script("partywall.optOut()")
    call(chrome, "message_sent", times=30)
    chrome.get(shop.page())
    call(chrome, "message_sent", times=30)
    assert kept(chrome) == {"local": [["partywall-opt-out", "1"]], "session": [], "databases": []}
    leave(chrome)
    chrome.get(shop.page())
    chrome.execute_script("partywall.optIn()")
    call(chrome, "closed")
    leave(chrome)
    shop.until("what came after", lambda: "closed" in shop.events())
    assert shop.events() == ["closed"]


def kept(chrome: Chrome) -> object:
    """What a page's origin holds in the browser, cookies apart."""
    return chrome.execute_async_script(
        "const done = arguments[0];"
        "indexedDB.databases().then((databases) => done({"
        "  local: Object.entries(localStorage), session: Object.entries(sessionStorage),"
        "  databases: databases }));"
    )


def test_no_cookie_and_nothing_else_is_kept(chrome: Chrome, open_shop: Open) -> None:
    """Neither of the page's origin nor of the collector's."""
    chrome.execute_cdp_cmd("Storage.clearCookies", {})  # those of other tests' pages
    shop = open_shop()
    chrome.get(shop.page())
    call(chrome, "opened", times=19)
    shop.until("a batch", lambda: len(shop.events()) == 20)
    everything = chrome.execute_cdp_cmd("Storage.getCookies", {})
    assert everything == {"cookies": []}
    assert kept(chrome) == {"local": [], "session": [], "databases": []}
    chrome.get(f"{shop.collecting.url}/demo")
    assert kept(chrome) == {"local": [], "session": [], "databases": []}
    leave(chrome)


def test_calls_before_the_script_is_there_are_not_lost(chrome: Chrome, open_shop: Open) -> None:
    shop = open_shop()
    text = (
        "<!doctype html><script>window.partywall = function () {"
        "(partywall.q = partywall.q || []).push(arguments) }; partywall('opened');</script>"
        f'<script async src="{shop.collecting.url}/partywall.js" data-site="shop"></script>'
    )
    (shop.folder / "early.html").write_text(text, encoding="utf-8")
    chrome.get(f"{shop.origin}/early.html")
    leave(chrome)
    shop.until("both", lambda: shop.events() == ["loaded", "opened"])


def test_a_page_that_is_not_listed_sends_nothing(chrome: Chrome, open_shop: Open) -> None:
    shop = open_shop(origins=["https://shop.example.com"])
    chrome.get(shop.page())
    call(chrome, "opened", times=19)
    shop.until("the refusal", lambda: shop.collecting.outcomes().get("origin", 0) >= 1)
    leave(chrome)
    assert shop.events() == []


@pytest.mark.parametrize("signal", ["gpc", "dnt"])
def test_a_privacy_signal_is_heard_in_the_browser(
    signal: str, open_shop: Open, tmp_path: Path
) -> None:
    """Nothing is asked of the collector at all. Left to it, it counts without a pseudonym."""
    chromium.need()
    shop = open_shop(privacy={"gpc": "anonymous", "dnt": "anonymous"})
    with chromium.browser(tmp_path / "profile", do_not_track=signal == "dnt") as chrome:
        if signal == "gpc":  # Chromium has no switch for it
            chrome.execute_cdp_cmd("Network.enable", {})
            chrome.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {"Sec-GPC": "1"}})
            source = "Object.defineProperty(navigator, 'globalPrivacyControl', {get: () => true})"
            chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
        chrome.get(shop.page())
        call(chrome, "opened", times=40)
        leave(chrome)
        chrome.get(shop.page("left.html", 'data-signals="collector"'))
        call(chrome, "closed", times=19)
        shop.until("what is counted", lambda: len(shop.events()) == 20)
    assert shop.events() == ["loaded", *["closed"] * 19]
    assert shop.collecting.outcomes() == {"acknowledged": 1}
    mine = [line for line in shop.lines() if line["event"]["page"].startswith(shop.origin)]
    assert {(line["address"], line["agent"], line["privacy"]) for line in mine} == {
        (NOBODY, None, NO_PSEUDONYM)
    }


@pytest.mark.parametrize("signal", ["Sec-GPC", "DNT"])
def test_a_page_that_leaves_it_to_the_collector_is_dropped_there(
    signal: str, chrome: Chrome, open_shop: Open
) -> None:
    shop = open_shop()
    chrome.execute_cdp_cmd("Network.enable", {})
    chrome.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {signal: "1"}})
    try:
        chrome.get(shop.page(attributes='data-signals="collector"'))
        call(chrome, "opened", times=19)
        shop.until("it is dropped", lambda: shop.collecting.outcomes() == {"dropped": 1})
    finally:
        chrome.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {}})
        leave(chrome)
    assert shop.events() == []


def test_of_a_link_to_another_host_the_origin_is_told_where_the_page_asks_for_it(
    chrome: Chrome, open_shop: Open
) -> None:
    """Not the path, nor who it is for; and nothing of a link within the site, or of no page."""
    shop = open_shop()
    links = (
        "https://alice:Quilvantor@www.parcels.example:8443/track/Quilvantor?to=Quilvantor#Quilvantor",
        "/Quilvantor",
        "mailto:Quilvantor@example.org",
    )
    follow = (
        "for (const address of arguments[0]) { const link = document.createElement('a');"
        "link.href = address; link.innerHTML = '<b>there</b>'; document.body.append(link);"
        "link.addEventListener('click', (event) => { event.preventDefault();"
        "  event.stopPropagation(); }); link.firstChild.click(); }"
    )
    for name, attributes in (("plain.html", ""), ("asking.html", "data-outbound")):
        chrome.get(shop.page(name, attributes))
        chrome.execute_script(follow, links)
        leave(chrome)
    shop.until("both pages", lambda: shop.events().count("loaded") == 2 and len(shop.events()) > 2)
    assert sorted(shop.events()) == ["loaded", "loaded", "outbound"]
    [event] = [event for event in shop.told() if event["event"] == "outbound"]
    assert event["target"] == "https://www.parcels.example:8443/"
    assert event["page"].endswith("/asking.html")
    assert "Quilvantor" not in str(shop.lines())
