"""A user agent is told by names from closed lists, or not told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.restricted.agent import BOT, UNKNOWN, Agent, Agents, a_bot, load_names
from pipeline.restricted.crawlers import kinds

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
    assert AGENTS.describe(header) == Agent("human", *wanted, "(none)")


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
    found = AGENTS.describe(header)
    assert found == a_bot(found.bot)
    assert found.bot in kinds()


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
    assert found.bot in ({"(none)"} if found.audience == "human" else set(kinds()))
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


CHROME = "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        (None, "no agent"), (" ", "no agent"),
        # As their makers write them; the sources stand in crawlers.yaml.
        ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.3; "
         "+https://openai.com/gptbot)", "ai training"),
        (f"{WINDOWS} Chrome/131.0.0.0 Safari/537.36; compatible; OAI-SearchBot/1.3; "
         "+https://openai.com/searchbot", "ai search"),
        ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; "
         "+https://openai.com/bot", "ai assistant"),
        ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; "
         "+claudebot@anthropic.com)", "ai training"),
        ("Mozilla/5.0 (compatible; Claude-User/1.0; +Claude-User@anthropic.com)", "ai assistant"),
        ("Mozilla/5.0 (compatible; Claude-SearchBot/1.0)", "ai search"),
        ("Mozilla/5.0 (compatible; PerplexityBot/1.0; +https://perplexity.ai/perplexitybot)",
         "ai search"),
        ("Mozilla/5.0 (compatible; Perplexity-User/1.0; +https://perplexity.ai/perplexity-user)",
         "ai assistant"),
        ("Mozilla/5.0 (compatible; MistralAI-User/1.0; +https://docs.mistral.ai/robots)",
         "ai assistant"),
        ("meta-externalagent/1.1 (+https://developers.facebook.com/docs/)", "ai training"),
        ("meta-externalfetcher/1.1", "ai assistant"), ("facebookexternalhit/1.1", "preview"),
        (f"{CHROME} (compatible; Amazonbot/0.1; +https://developer.amazon.com/support/amazonbot)",
         "ai training"),
        ("Mozilla/5.0 (compatible; Bytespider; spider-feedback@bytedance.com)", "ai training"),
        ("CCBot/2.0 (https://commoncrawl.org/faq/)", "ai training"),
        ("DuckAssistBot/1.2; (+http://duckduckgo.com/duckassistbot.html)", "ai search"),
        ("Mozilla/5.0 (compatible; ExaBot/1.0; +https://exa.ai)", "ai search"),
        ("Mozilla/5.0 (compatible; Exabot/3.0; +http://www.exabot.com/go/robot)", "search"),
        ("cohere-ai/1.0", "ai assistant"), ("Mozilla/5.0 (compatible; YouBot/1.0)", "ai search"),
        (f"{CHROME} Chrome/41.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; "
         "+http://www.google.com/bot.html)", "search"),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "search"),
        ("Mozilla/5.0 (compatible; Applebot/0.1; +http://www.apple.com/go/applebot)", "search"),
        ("GoogleOther", "research"), ("AdsBot-Google (+http://www.google.com/adsbot.html)", "ads"),
        ("FeedFetcher-Google; (+http://www.google.com/feedfetcher.html)", "feed"),
        # Names that the package knows.
        ("Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)", "search"),
        ("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", "seo"),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "preview"),
        ("Mozilla/5.0 (compatible; archive.org_bot +http://archive.org/details/archive.org_bot)",
         "archive"),
        ("Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.io/)", "scanner"),
        ("Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)", "monitor"),
        (f"{WINDOWS} HeadlessChrome/120.0.0.0 Safari/537.36", "automation"),
        ("curl/8.4.0", "library"), ("python-requests/2.31.0", "library"),
        # An assistant's name before that of the program it was made with.
        ("Claude-User python-httpx/0.27", "ai assistant"),
        # What is told by words alone, and by what is lacking.
        ("Tiny Tiny RSS/1.11", "feed"), ("eZ Publish Link Validator", "monitor"),
        ("some-tool/1.0", "other"), ("Mozilla/5.0 (compatible; BeetleBot; )", "other"),
    ],
)  # fmt: skip
def test_kinds_of_bots(header: str | None, kind: str) -> None:
    assert AGENTS.describe(header) == a_bot(kind)


@pytest.mark.parametrize(
    "header",
    [
        "Mozilla/5.0 (Linux; Android 16; Pixel 10 Build/CP1A.260305.018; wv) AppleWebKit/537.36 "
        "(KHTML, like Gecko) Version/4.0 Chrome/146.0 Mobile Safari/537.36 MetaIAB Facebook",
        "Mozilla/5.0 (Linux; Android 15; CPH2557 Build/AP3A.240617.008; wv) AppleWebKit/537.36 "
        "(KHTML, like Gecko) Version/4.0 Chrome/142.0 Mobile Safari/537.36 Instagram 406.0.0.58",
        f"{WINDOWS} Code/1.115.0 Chrome/142.0 Electron/39.8.5 Safari/537.36",
    ],
)
def test_a_browser_inside_another_program_is_a_persons(header: str) -> None:
    assert AGENTS.describe(header).audience == "human"
