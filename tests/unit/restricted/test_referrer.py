"""Of a referrer only a public host and its kind remain."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import declarations
from pipeline.restricted.referrer import (
    KINDS,
    OwnHosts,
    Referrers,
    bare_host,
    is_own_host,
    may_be_named,
)

REFERRERS = Referrers()
OWN = OwnHosts({"example.com"})


@pytest.mark.parametrize(
    ("url", "name", "kind"),
    [
        (None, "(direct)", "direct"),
        ("-", "(direct)", "direct"),
        (" ", "(direct)", "direct"),
        ("https://www.google.com/search?q=my+name", "google.com", "search"),
        ("http://WWW.Google.co.uk:80/url?q=x", "google.co.uk", "search"),
        ("https://google.de", "google.de", "search"),
        ("https://mail.google.com/mail/u/0/", "mail.google.com", "mail"),
        ("https://google.evil-site.com/", "evil-site.com", "other"),
        ("https://fr.search.yahoo.com/search?p=x", "fr.search.yahoo.com", "search"),
        ("android-app://com.google.android.googlequicksearchbox/",
         "google.com", "search"),
        ("https://t.co/aBcDeF", "x.com", "social"),
        ("https://out.reddit.com/t3_x?url=y", "reddit.com", "social"),
        ("//blog.example.org/a", "blog.example.org", "other"),
        ("https://blog.example.org./a", "blog.example.org", "other"),
        ("https://blog.example.org?a#b", "blog.example.org", "other"),
        ("https://xn--mnchen-3ya.de/", "xn--mnchen-3ya.de", "other"),
        ("https://www.example.com/a", "(internal)", "internal"),
        ("http://EXAMPLE.com:8080", "(internal)", "internal"),
        ("https://shop.example.com/", "shop.example.com", "other"),
        # A label before the registered domain may be a user's name.
        ("https://alice.blogs.example/about", "blogs.example", "other"),
        ("https://alice.blogspot.co.uk/", "blogspot.co.uk", "other"),
        ("https://shop.example.co.uk/", "shop.example.co.uk", "other"),
        ("https://alice.news.blogs.example/", "news.blogs.example", "other"),
        ("https://blog.alice.blogs.example/", "blogs.example", "other"),
        ("https://co.uk/", "co.uk", "other"),
        ("https://alice.com.example/", "com.example", "other"),
        # Hosts that could stand for a person or a machine.
        ("http://192.0.2.7/admin", "(unnamed)", "other"),
        ("http://[2001:db8::1]:8080/", "(unnamed)", "other"),
        ("http://3221225991/", "(unnamed)", "other"),
        ("http://0xc0000207/", "(unnamed)", "other"),
        ("http://intranet/wiki", "(unnamed)", "other"),
        ("http://printer.local/", "(unnamed)", "other"),
        ("http://alices-laptop.lan/", "(unnamed)", "other"),
        ("http://7.2.0.192.in-addr.arpa/", "(unnamed)", "other"),
        ("http://ec2-192-0-2-7.compute-1.amazonaws.com/", "(unnamed)", "other"),
        ("http://192.0.2.7.nip.io/", "(unnamed)", "other"),
        ("http://ip192x0x2x7.isp.example.net/", "(unnamed)", "other"),
        ("http://c0000207.isp.example.net/", "(unnamed)", "other"),
        ("http://cust-88231.isp.example.net/", "(unnamed)", "other"),
        ("http://k3k702zokilj.cdn.example.net/", "(unnamed)", "other"),
        ("http://d41d8cd98f00b204e9800998ecf8427e.example.net/", "(unnamed)", "other"),
        ("http://202-555-0143.com/", "(unnamed)", "other"),
        ("http://555-0143.example.net/", "(unnamed)", "other"),
        ("http://4111-1111-1111-1111.com/", "(unnamed)", "other"),
        ("http://alice-at-gmail.com/", "(unnamed)", "other"),
        ("http://alice.at-example.com/", "(unnamed)", "other"),
        ("http://cb-00-71-07.isp.example/", "(unnamed)", "other"),
        ("http://2001-db8-85a3-8d3.isp.example/", "(unnamed)", "other"),
        ("http://qkzxvwjqxzkp.example/", "(unnamed)", "other"),
        ("http://blog-2013-2014.example/", "blog-2013-2014.example", "other"),
        ("http://wien.at.example/", "at.example", "other"),
        ("http://alice:secret@blog.example.org/", "(unnamed)", "other"),
        ("http://alice@example.com/", "(unnamed)", "other"),
        ("http://" + "a." * 40 + "example.org/", "(unnamed)", "other"),
        ("http://caf\u00e9.example.org/", "(unnamed)", "other"),
        ("http://exa%6Dple.org/", "(unnamed)", "other"),
        ("http://example.org\\@evil.example.net/", "example.org", "other"),
        ("alice@example.com", "(unnamed)", "other"),
        ("about:blank", "(unnamed)", "other"),
        ("http://", "(unnamed)", "other"),
        ("'><script>", "(unnamed)", "other"),
    ],
)  # fmt: skip
def test_named(url: str | None, name: str, kind: str) -> None:
    found = REFERRERS.describe(url, OWN)
    assert (found.name, found.kind) == (name, kind)


@pytest.mark.parametrize(
    ("url", "name", "kind"),
    [
        ("https://chatgpt.com/", "chatgpt.com", "ai"),
        ("https://chat.openai.com/c/1f2e", "chatgpt.com", "ai"),
        ("https://www.perplexity.ai/search/who-is-alice", "perplexity.ai", "ai"),
        ("https://claude.ai/chat/1f2e", "claude.ai", "ai"),
        ("https://gemini.google.com/app", "gemini.google.com", "ai"),
        ("https://copilot.microsoft.com/", "copilot.microsoft.com", "ai"),
        ("https://edgeservices.bing.com/", "edgeservices.bing.com", "ai"),
        ("android-app://com.openai.chatgpt/", "chatgpt.com", "ai"),
        ("https://outlook.live.com/mail/0/", "outlook.live.com", "mail"),
        ("https://de.mail.yahoo.com/", "de.mail.yahoo.com", "mail"),
        ("https://mail.yandex.ru/", "mail.yandex.ru", "mail"),
        ("https://deref-gmx.net/mail/client/x/dereferrer/?redirectUrl=y", "deref-gmx.net", "mail"),
        ("android-app://com.google.android.gm/", "mail.google.com", "mail"),
        ("ANDROID-APP://com.google.android.gm", "mail.google.com", "mail"),
        # Anybody's own webmail: the domain, as of any other host.
        ("https://webmail.example.org/?_task=mail&_uid=7", "webmail.example.org", "mail"),
        ("https://roundcube.alice.example.org/", "example.org", "mail"),
        ("https://mail.example.org/", "mail.example.org", "other"),
        ("https://l.facebook.com/l.php?u=x&h=AT0", "facebook.com", "social"),
        ("https://lm.facebook.com/", "facebook.com", "social"),
        ("android-app://com.facebook.katana/", "facebook.com", "social"),
        ("https://l.instagram.com/?u=x", "instagram.com", "social"),
        ("https://lnkd.in/aBc", "linkedin.com", "social"),
        ("https://youtu.be/aBc", "youtube.com", "social"),
        # An app that is not listed may carry its maker's name, one with odd letters anything.
        ("android-app://com.alice.diary/", "(app)", "other"),
        ("ios-app://1234567890/", "(unnamed)", "other"),
        ("android-app://c0000207.example/", "(unnamed)", "other"),
    ],
)
def test_assistants_mail_and_apps(url: str, name: str, kind: str) -> None:
    found = REFERRERS.describe(url, OWN)
    assert (found.name, found.kind) == (name, kind)


ADDRESSES = [
    "192-0-2-7", "192_0_2_7", "192x0x2x7", "7.2.0.192", "7-2-0-192", "ec2-192-0-2-7",
    "ip-192-0-2-7", "192-0-2-7-static", "host192-0-2-7", "dyn-192-000-002-007", "192000002007",
    "3221225991", "c0000207", "pc0000207", "ipc0000207", "xc0000207", "c0-00-02-07",
    "pdc2574bd", "ipfb695ffb", "host0beaffdf", "clientebebe8ad",
    "2001-db8-85a3-8d3-1319-8a2e", "2001-0db8-85a3-0000-0000-8a2e-0370-7334",
    "20010db885a3000000008a2e03707334",
]  # fmt: skip
"""192.0.2.7 and one of IPv6, as providers write their customers' addresses into names."""


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    "host",
    ["{}", "{}.example", "{}.example.net", "{}.dynamic.isp.example", "pool.{}.isp.example.net",
     "www.{}.co.uk", "{}.rev.example.com:8080", "blog.{}.example", "{}.webmail.example",
     "webmail.{}.example", "{}.google.com", "app.{}.example"],
)  # fmt: skip
@pytest.mark.parametrize("url", ["http://{}/", "//{}", "android-app://{}/", "http://{}?a#b"])
def test_an_address_in_a_host_is_never_named(address: str, host: str, url: str) -> None:
    found = REFERRERS.describe(url.format(host.format(address)))
    assert not re.search("[0-9]", found.name)


@pytest.mark.parametrize("value", ["192.0.2.7", "3221225991", "[2001:db8::7]", "alice@example.com"])
@pytest.mark.parametrize(
    "url",
    ["https://example.net/{}", "https://example.net/?q={}", "https://example.net/#{}",
     "https://example.net:443/a/{}?x={}", "android-app://com.google.android.gm/{}"],
)  # fmt: skip
def test_what_follows_the_host_is_dropped(url: str, value: str) -> None:
    assert REFERRERS.describe(url.format(value, value)).name in {"example.net", "mail.google.com"}


@pytest.mark.parametrize(
    ("host", "inside"),
    [
        ("example.com", True), ("www.example.com", True), ("shop.example.com", True),
        ("a.b.example.com:8443", True), ("SHOP.Example.com.", True), ("localhost", True),
        ("notexample.com", False), ("example.com.evil.example", False), ("example.org", False),
        ("a.localhost", False),
    ],
)  # fmt: skip
def test_a_star_stands_for_the_domain_and_every_host_under_it(host: str, inside: bool) -> None:
    own = OwnHosts({"*.Example.com", "example.com", "localhost"})
    assert (REFERRERS.describe(f"https://{host}/", own).kind == "internal") == inside


def test_every_alias_is_of_a_listed_host_and_every_host_is_listed_once() -> None:
    document = declarations.load("referrers.yaml")
    for alias, host in document["aliases"].items():
        assert REFERRERS.describe(f"https://{host}/").kind in KINDS, alias
    listed = [host for kind in KINDS for host in document[kind]]
    assert len(listed) == len(set(listed))


def test_own_hosts_may_be_odd() -> None:
    found = REFERRERS.describe("http://localhost:8080/a", OwnHosts({"localhost"}))
    assert found[:2] == ("(internal)", "internal")


@pytest.mark.parametrize(
    "host",
    ["shop.example", "*.Shop.example", "www.shop.example.:8080", "localhost", "my_host",
     "192.0.2.7", "[2001:db8::7]:443", " shop.example "],
)  # fmt: skip
def test_what_may_be_an_own_host_is_found_as_one(host: str) -> None:
    assert is_own_host(host)
    url = f"https://{host.strip().removeprefix('*.')}/a"
    assert REFERRERS.describe(url, OwnHosts({host})).kind == "internal"


@pytest.mark.parametrize(
    "host", ["", "a b", "*", "*.", "a..b", "a/b", "user@a", "https://a", "a:b"]
)
def test_what_no_referrer_could_have_is_no_own_host(host: str) -> None:
    assert not is_own_host(host)


def test_without_own_hosts_nothing_is_internal() -> None:
    assert REFERRERS.describe("https://www.example.com/").kind == "other"


@pytest.mark.parametrize("text", ["www.Example.com", "example.com.", "example.com:443"])
def test_one_spelling_of_a_host(text: str) -> None:
    assert bare_host(text) == "example.com"


@given(st.lists(st.from_regex(r"[a-z]{1,9}", fullmatch=True), min_size=2, max_size=5))
def test_a_host_is_named_by_its_end_and_words_we_chose(labels: list[str]) -> None:
    name = REFERRERS.describe(f"https://{'.'.join(labels)}/").name
    if name == "(unnamed)" or REFERRERS.describe(f"https://{name}/").kind != "other":
        return
    *front, _, _ = name.split(".")
    assert labels[-len(name.split(".")) :] == name.split(".")
    assert len(front) <= 2
    assert all(label in REFERRERS._services | {labels[-3]} for label in front)
    if len(labels[-1]) != 2 or labels[-2] not in REFERRERS._registries:
        assert set(front) <= REFERRERS._services


@given(st.text(max_size=100) | st.builds("https://{}/{}?q={}".format, *(st.text(max_size=40),) * 3))
def test_any_text_gives_a_public_host_or_none(url: str) -> None:
    found = REFERRERS.describe(url, OWN)
    assert found.kind in {*KINDS, "direct", "internal", "other"}
    assert found.name in {"(direct)", "(internal)", "(unnamed)", "(app)"} or may_be_named(
        found.name
    )
    assert (found.name == "(direct)") == (found.kind == "direct")
    assert (found.name == "(internal)") == (found.kind == "internal")
