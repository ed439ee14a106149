"""A user agent is told by names from closed lists, or not told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.restricted.agent import A_BOT, BOT, UNKNOWN, Agent, Agents, load_names

NAMES = load_names()
AGENTS = Agents(NAMES)
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
ANDROID = (
    "Mozilla/5.0 (Linux; Android 13; {}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0"
)


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (f"{WINDOWS} Chrome/120.0.0.0 Safari/537.36", ("Chrome", "120", "Windows", "desktop")),
        (f"{WINDOWS} Chrome/120.0.0.0 Safari/537.36 Edg/120.0",
         ("Edge", "120", "Windows", "desktop")),
        ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0",
         ("Firefox", "115", "Ubuntu", "desktop")),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "Version/17.1 Safari/605.1.15", ("Safari", "17", "Mac OS X", "desktop")),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
         "Gecko) Version/17.1 Mobile/15E148 Safari/604.1",
         ("Mobile Safari", "17", "iOS", "mobile")),
        ("Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "Version/16.6 Mobile/15E148 Safari/604.1", ("Mobile Safari", "16", "iOS", "tablet")),
        (ANDROID.format("Pixel 7") + " Mobile Safari/537.36",
         ("Chrome Mobile", "120", "Android", "mobile")),
        (ANDROID.format("SM-X200") + " Safari/537.36", ("Chrome", "120", "Android", "tablet")),
        ("Opera/9.80 (J2ME/MIDP; Opera Mini/9.80) Presto/2.5",
         ("Opera Mini", "9", UNKNOWN, "mobile")),
        ("MAUI WAP Browser", (UNKNOWN, UNKNOWN, UNKNOWN, "mobile")),
        ("Mozilla/5.0 (Unheard; Of)", (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)),
    ],
)  # fmt: skip
def test_people(header: str, wanted: tuple[str, str, str, str]) -> None:
    assert AGENTS.describe(header) == Agent("human", *wanted)


@pytest.mark.parametrize(
    "header",
    [
        None, "", "   ",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 6_0 like Mac OS X) AppleWebKit/536.26 (KHTML, like "
        "Gecko) Version/6.0 Mobile/10A5376e Safari/8536.25 (compatible; Googlebot-Mobile/2.1)",
        "UniversalFeedParser/4.2-pre-314-svn +http://feedparser.org/", "Tiny Tiny RSS/1.11",
        "Mozilla/5.0 (compatible; Ezooms/1.0; help@moz.com)", "Mozilla/4.0 (compatible;)",
        "Chef Client/10.18.2 (ruby-1.9.3-p327; ohai-6.16.0; x86_64-linux)", "curl/8.4.0",
        "python-requests/2.31.0", "Go-http-client/1.1", "Ruby", "Wget/1.21", "portscout/0.8.1",
        f"{WINDOWS} HeadlessChrome/120.0.0.0 Safari/537.36", "Mozilla/5.0", "some-tool/1.0",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.0)",
        "facebookexternalhit/1.1", "Java/17.0.1", "okhttp/4.9.3",
    ],
)  # fmt: skip
def test_bots(header: str | None) -> None:
    """A missing header counts as a bot: every browser sends one."""
    assert AGENTS.describe(header) == A_BOT


@given(
    st.text(max_size=200)
    | st.builds(
        "{}/{} CFNetwork/{} Darwin/19.0".format,
        st.text(max_size=40),
        st.text(max_size=9),
        st.text(),
    )
    | st.builds("Mozilla/5.0 (Linux; Android 9; {}) {}/{}".format, st.text(), st.text(), st.text())
)
def test_nothing_of_the_header_gets_through(header: str) -> None:
    found = AGENTS.describe(header)
    assert found.audience in {"human", "bot"}
    assert found.browser in NAMES.browsers | {UNKNOWN, BOT}
    assert found.system in set(NAMES.systems) | {UNKNOWN, BOT}
    assert found.device in {"desktop", "mobile", "tablet", "bot", UNKNOWN}
    version = found.browser_version
    assert version in {UNKNOWN, BOT} or (version.isdigit() and len(version) <= 3)


@pytest.mark.parametrize(
    "header",
    [
        "alice.example/1.0 CFNetwork/1410.0.3 Darwin/22.6.0",
        f"{WINDOWS} Chrome/2025550143.0 Safari/537.36",
    ],
)
def test_free_text_in_a_product_is_not_a_name(header: str) -> None:
    assert "alice" not in str(AGENTS.describe(header))
    assert "2025550143" not in str(AGENTS.describe(header))


def test_many_answers_in_order() -> None:
    headers = ["curl/8", f"{WINDOWS} Chrome/120.0 Safari/537.36", None, "curl/8"]
    assert AGENTS.many(headers) == [AGENTS.describe(header) for header in headers]
