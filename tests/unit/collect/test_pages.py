"""The script as it is served: small, kept for an hour, from nowhere else, and without a trace."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from pipeline.collect import pages
from tests.support import collecting
from tests.support.collecting import serving

SMALL = 2048
BANNED = (
    r"document\.cookie|doc\.cookie|cookieStore|sessionStorage|indexedDB|canvas|AudioContext|plugins"
    r"|hardwareConcurrency|deviceMemory|getTimezoneOffset|userAgent|screen\.|\beval\b|\.search\b"
    r"|\.hash\b|location\.href"
)


async def test_it_is_under_two_kilobytes_on_the_wire(tmp_path: Path) -> None:
    async with serving(collecting.settings(tmp_path)) as served:
        head = {"Accept-Encoding": "gzip, br"}
        async with served.session.get(f"{served.url}/partywall.js", headers=head) as answer:
            body = await answer.read()
            assert answer.headers["Content-Encoding"] == "gzip"
            assert len(body) < SMALL
            assert gzip.decompress(body) == pages.script().body
            assert "max-age=3600" in answer.headers["Cache-Control"]
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert answer.headers["Vary"] == "Accept-Encoding"
            head["If-None-Match"] = answer.headers["ETag"]
        async with served.session.get(f"{served.url}/partywall.js", headers=head) as answer:
            assert answer.status == 304
            assert await answer.read() == b""
        head = {"Accept-Encoding": "identity"}
        async with served.session.get(f"{served.url}/partywall.js", headers=head) as answer:
            assert await answer.read() == pages.script().body


def test_it_asks_the_browser_for_nothing_that_tells_people_apart() -> None:
    """Cookies, storage beside the flag, canvas, fonts, clock, agent, query: none is named."""
    text = pages.script().body.decode()
    code = re.sub(r"//.*", "", text)
    assert re.findall(BANNED, code) == []
    assert set(re.findall(r"localStorage\.(\w+)\((\w+)", code)) == {
        ("getItem", "FLAG"),
        ("setItem", "FLAG"),
        ("removeItem", "FLAG"),
    }


@pytest.mark.parametrize("name", ["partywall.js", "demo.html"])
def test_it_loads_nothing_from_elsewhere(name: str) -> None:
    text = (Path(pages.__file__).parent / "static" / name).read_text(encoding="utf-8")
    assert "//cdn" not in text
    # A link that a visitor may follow loads nothing.
    assert not re.search(r"""(src|<link[^>]*href)\s*=\s*["']?(https?:)?//""", text)


async def test_the_demonstration_is_there_where_it_is_wanted(tmp_path: Path) -> None:
    made = collecting.settings(tmp_path, demo=True)
    async with serving(made) as served:
        async with served.session.get(f"{served.url}/demo") as answer:
            assert answer.status == 200
            assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        body = b'{"event":"shown","v":1}'
        for origin, status in ((served.url, 202), ("https://else.example", 403)):
            answered = await served.post("/v1/events?site=demo", body, Origin=origin)
            assert answered.status == status
