"""What an analyst is shown of the demonstration: the console's pages with all their cards."""

from __future__ import annotations

import html
import re
from typing import Final
from urllib.parse import quote, urlsplit

import aiohttp
import orjson

from pipeline.demo.search import Blob
from pipeline.errors import UnavailableError
from pipeline.labels import WIDGET_SUFFIX

_PATIENCE: Final = aiohttp.ClientTimeout(total=60)
_CARDS: Final = re.compile(r'"(/sites/[^"]+/cards/[^"]+)"')
_PERIODS: Final = ("7d", "yesterday")


async def seen(link: str) -> list[Blob]:
    """Return the pages of all sites and their cards, as the browser behind ``link`` gets them.

    Raises UnavailableError where the console does not show one.
    """
    found = []
    # The console is at an address of numbers, whose cookies are kept on request alone.
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(origin(link), cookie_jar=jar, timeout=_PATIENCE) as session:
        parts = urlsplit(link)
        await _fetched(session, f"{parts.path}?{parts.query}")
        listed = orjson.loads((await _fetched(session, "/v1/sites")).data)["sites"]
        for site in (one["site"] for one in listed if not one["site"].endswith(WIDGET_SUFFIX)):
            for period in _PERIODS:
                where = f"/sites/{quote(site, safe='')}?period={period}"
                page = await _fetched(session, where)
                found.append(page)
                cards = dict.fromkeys(_CARDS.findall(page.data.decode()))
                found += [await _fetched(session, html.unescape(card)) for card in cards]
    return found


def origin(link: str) -> str:
    """Return where a link leads to, without what it says there: the word in it signs in."""
    parts = urlsplit(link)
    return f"{parts.scheme}://{parts.netloc}"


async def _fetched(session: aiohttp.ClientSession, where: str) -> Blob:
    try:
        async with session.get(where, allow_redirects=False) as answer:
            answer.raise_for_status()
            body = await answer.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise UnavailableError(f"console: {type(error).__name__}") from None
    if answer.status != 200:  # noqa: PLR2004 -- what leads elsewhere is no page
        raise UnavailableError(f"console: it answered {answer.status}")
    return Blob(f"the console's {urlsplit(where).path}", body)
