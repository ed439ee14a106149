"""What a visitor asks for: a walk over pages, their assets, and requests full of personal data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Final
from urllib.parse import quote

from pipeline.demo.plants import Garden

_PAGES: Final = (
    "/", "/products", "/products/chairs", "/products/tables", "/products/lamps", "/about",
    "/contact", "/blog", "/blog/choosing-a-chair", "/blog/oak-or-ash", "/help", "/help/returns",
    "/help/shipping", "/cart", "/checkout", *(f"/products/item-{n}" for n in range(1, 200)),
)  # fmt: skip
_CHAT_PAGES: Final = (
    "/widget/open", "/widget/frame", "/widget/poll", "/widget/close", "/embed/demo", "/",
)  # fmt: skip
_ASSETS: Final = ("/static/site.css", "/static/app.js", "/static/logo.svg", "/favicon.ico")
_SHOP: Final = "https://shop.example"
_REFERRERS: Final = (
    ("-", 40),
    ("https://www.google.com/", 22),
    ("https://www.bing.com/", 5),
    ("https://duckduckgo.com/", 4),
    ("https://www.facebook.com/", 6),
    ("https://t.co/abc", 4),
    ("https://www.reddit.com/r/furniture/", 3),
    ("https://news.example/reviews/chairs", 3),
)
_PERSONAL: Final = 0.45
"""Share of the sessions in which a request carries a personal value of its own."""


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """One request and its answer. ``bytes`` is of the body, 0 where none was sent."""

    site: str
    target: str
    referrer: str = "-"
    method: str = "GET"
    status: int = 200
    bytes: int = 0
    asset: bool = False
    login: bool = False


def session(rng: Random, garden: Garden, *, bot: bool) -> Iterator[Request]:
    """Yield the requests of one visit, from the page it lands on to the page it leaves from."""
    referrer = "-" if bot else _landing(rng, garden)
    for step in range(1 + min(30, int(rng.expovariate(0.35)))):
        page = _zipf(rng, _PAGES)
        yield _answer(rng, Request("shop", page, referrer))
        if step == 0 and not bot:
            for asset in _ASSETS[: rng.randrange(3)]:
                yield _answer(rng, Request("shop", asset, f"{_SHOP}{page}", asset=True))
        referrer = f"{_SHOP}{page}"
    if not bot and rng.random() < 0.25:  # noqa: PLR2004 - share of the visits that open the chat
        for page in rng.choices(_CHAT_PAGES, k=rng.randint(1, 4)):
            yield _answer(rng, Request("chat", page, referrer))
    if not bot and rng.random() < _PERSONAL:
        request = rng.choice(_MAKERS)(rng, garden)
        if request.referrer == "-":
            request = replace(request, referrer=referrer)
        yield _answer(rng, request)


def _landing(rng: Random, garden: Garden) -> str:
    """Return where a visit comes from; one in ten search engines passes on what was typed."""
    hosts, weights = zip(*_REFERRERS, strict=True)
    referrer: str = rng.choices(hosts, weights)[0]
    if referrer.endswith(".com/") and rng.random() < 0.1:  # noqa: PLR2004
        return f"{referrer}search?q=chair+{garden.word('search term')}"
    return referrer


def _answer(rng: Random, request: Request) -> Request:
    """Fill in status and bytes: mostly 200, sometimes known already, gone, moved or broken."""
    draw = rng.random()
    if request.asset and draw < 0.3:  # noqa: PLR2004 - shares of the answers
        return replace(request, status=304)
    if draw < 0.03:  # noqa: PLR2004
        return replace(request, status=404, bytes=rng.randint(200, 500))
    if draw < 0.04:  # noqa: PLR2004
        return replace(request, status=301, bytes=rng.randint(150, 300))
    if draw < 0.045:  # noqa: PLR2004
        return replace(request, status=500, bytes=rng.randint(300, 900))
    return replace(request, bytes=int(rng.lognormvariate(9, 1.2)) + 64)


def _zipf(rng: Random, pages: tuple[str, ...]) -> str:
    """Return a page; its odds fall with its rank, about as 1/rank."""
    return pages[int(len(pages) ** rng.random()) - 1]


def _shop(target: str, *, referrer: str = "-", method: str = "GET", login: bool = False) -> Request:
    return Request("shop", target, referrer, method, login=login)


def _broken(page: str) -> Request:
    """Return a request for a page that is gone, from a link on a page of the site's own."""
    return Request("shop", "/products/gone", f"{_SHOP}{page}", status=404)


def _chat(target: str, *, referrer: str = "-", method: str = "GET") -> Request:
    return Request("chat", target, referrer, method)


def _all_bytes(text: str) -> str:
    """Return ``text`` with each byte percent-encoded, as careful clients send it."""
    return "".join(f"%{byte:02x}" for byte in text.encode())


_MAKERS: Final[tuple[Callable[[Random, Garden], Request], ...]] = (
    lambda _, g: _shop(f"/unsubscribe/{g.email()}"),
    lambda _, g: _shop(f"/account/{quote(g.email(), safe='')}/orders"),
    lambda _, g: _shop(f"/subscribe?email={g.email()}&list=news", method="POST"),
    lambda _, g: _shop(f"/login?email={quote(g.email(), safe='')}", method="POST"),
    lambda _, g: _shop(f"/login?next=%2Fcart&email={_all_bytes(g.email())}"),
    lambda _, g: _shop(f"/go?to=%2Flogin%3Femail%3D{quote(quote(g.email(), safe=''), safe='')}"),
    lambda _, g: _shop(f"/search?name={g.name()}+{g.name()}"),
    lambda _, g: _chat(f"/widget/start?name={g.name()}%20{g.name().upper()}"),
    lambda _, g: _shop(f"/reset/{g.token()}"),
    lambda _, g: _shop(f"/api/v1/me?access_token={g.token()}"),
    lambda _, g: _shop(f"/cart;jsessionid={g.hexadecimal('session cookie').upper()}"),
    lambda _, g: _chat(f"/widget/poll?PHPSESSID={g.hexadecimal('session cookie', 26)}"),
    lambda _, g: _shop(f"/callback?phone=%2B{g.phone()}", method="POST"),
    lambda _, g: _shop(f"/call/+{g.phone()}"),
    lambda _, g: _shop(f"/orders/{g.uuid()}"),
    lambda _, g: _chat(f"/widget/open?visitor={g.uuid()}&page=%2Fproducts"),
    lambda _, g: _shop(f"/user/{g.word('user name')}/profile"),
    lambda _, g: _shop(f"/~{g.word('user name')}/"),
    lambda _, g: _shop(f"/users/{g.word('user name')}_{g.word('user name')}"),
    lambda _, __: _shop("/admin/orders", login=True),
    lambda _, g: _shop(f"/pay?card={g.card()}&amount=49", method="POST"),
    lambda _, g: _shop(f"/pay/{g.card()}/receipt"),
    lambda _, g: _shop("/", referrer=f"https://mail.example/inbox?user={g.word('user name')}"),
    lambda _, g: _shop("/help", referrer=f"https://crm.example/c/{g.email()}?tab=2#notes"),
    lambda _, g: _shop("/", referrer=f"http://{g.word('user name')}:{g.token()}@intra.example/"),
    lambda _, g: _shop("/", referrer=f"http://{_ec2(g)}.compute-1.amazonaws.com/start"),
    lambda _, g: _shop("/about", referrer=f"http://{g.ipv4('198.18.0.0/15', 'host')}/links"),
    lambda _, g: _shop("/", referrer=f"http://[{g.ipv6('host')}]:8080/"),
    lambda _, g: _broken(f"/reset/{g.token()}?email={g.email()}"),
    lambda _, g: _broken(f"/account/{quote(g.email(), safe='')}/orders#{g.word('user name')}"),
    lambda _, g: _broken(f"/user/{g.word('user name')}/profile"),
    lambda _, g: _shop(f"/whois/{g.ipv4('198.18.0.0/15', 'address in path')}"),
    lambda _, g: _shop(f"/abuse/report?ip={quote(g.ipv6('address in path'), safe='')}"),
    lambda _, g: _chat(f"/widget/chat/{g.hexadecimal('chat id', 20)}/messages?since=0"),
    lambda _, g: _chat(f"/widget/chat/{g.token('chat id', 16)}", method="POST"),
    lambda r, g: _chat(
        f"/widget/message?text=my+name+is+{g.word('message')}+room+{r.randint(1, 9)}"
    ),
    lambda _, g: _chat("/widget/frame", referrer=f"{_SHOP}/orders/{g.uuid()}?key={g.token()}"),
)


def _ec2(garden: Garden) -> str:
    """Return the name a cloud gives the machine at a planted address."""
    return "ec2-" + garden.ipv4("198.18.0.0/15", "host").replace(".", "-")
