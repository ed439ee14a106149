"""The slow reference: what a file comes to, in plain Python, one line after another.

It shares the per-value describers with the pipeline (what ``Chrome/120`` is called is not in
question) and nothing else: its own regular expression, its own time, dictionaries and sets.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from pipeline.errors import PartywallError
from pipeline.events import DIMENSIONS

Row = dict[str, str | int]
"""One row of :data:`pipeline.rows.CELLS`, by column."""

_LINE: Final = re.compile(
    rb"(\S+) \S+ \S+ \[(\d\d)/(\w{3})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\] "
    rb'"(\S+) (\S+) HTTP/[\d.]+" (\d{3}) (\d+|-) "([^"]*)" "([^"]*)"'
)
_MONTHS: Final = {
    name: number
    for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)
}
_FILES: Final = frozenset(
    b"avif bmp css eot gif ico jpeg jpg js map mjs mp4 otf png svg ttf wasm webm webmanifest webp "
    b"woff woff2 "
    b"7z aac apk asc asf asx avi azw3 bin bz2 csv deb dmg doc docx epub exe flv gz gzip iso "
    b"jar key md5 midi mobi mov mp2 mp3 mp4 mpeg mpg msi msp odb odf odg odp ods odt ogg ogv "
    b"pdf pkg pps ppt pptx rar rpm rtf sha256 sha512 sig tar tbz2 tgz torrent txt wav webm wma "
    b"wmv wpd xls xlsx xz zip zst".split()
)
_FIRST_ERROR: Final = 400
_NOT_MODIFIED: Final = 304
_HOUR: Final = 3600
T = TypeVar("T")
H = TypeVar("H")
_DAY: Final = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class Describers:
    """What the pipeline says of one value, uncached; each is called once a distinct value.

    ``page``: target → page. ``agent``: header (None where ``-``) → audience, browser, version,
    system, device, kind of bot. ``referrer``: URL (None where ``-``) → host, kind; further fields
    are ignored. ``method``: as written → name. ``campaign``: target → campaign. ``place``: address
    → country, provider.
    """

    page: Callable[[str], str]
    agent: Callable[[str | None], Sequence[str]]
    referrer: Callable[[str | None], Sequence[str | None]]
    method: Callable[[str], str]
    campaign: Callable[[str], str]
    place: Callable[[str], Sequence[str]] = lambda _: ("(unknown)", "(unknown)")


@dataclass(slots=True)
class Count:
    """Lines read, by outcome."""

    lines: int = 0
    events: int = 0
    rejected: int = 0
    bytes: int = 0


@dataclass(slots=True, repr=False)
class _Memory:
    """Descriptions by raw value; ``visitors`` numbers (subscriber, agent, day)."""

    pages: dict[bytes, str] = field(default_factory=dict)
    agents: dict[bytes, Sequence[str]] = field(default_factory=dict)
    referrers: dict[bytes, Sequence[str | None]] = field(default_factory=dict)
    methods: dict[bytes, str] = field(default_factory=dict)
    campaigns: dict[bytes, str] = field(default_factory=dict)
    places: dict[bytes, Sequence[str]] = field(default_factory=dict)
    subscribers: dict[bytes, str] = field(default_factory=dict)
    days: dict[tuple[bytes, ...], int] = field(default_factory=dict)
    visitors: dict[tuple[str, bytes, int], int] = field(default_factory=dict)


def rows(
    lines: Iterable[bytes], site: str, describers: Describers, count: Count | None = None
) -> Iterator[Row]:
    """Yield one row per hour, visitor and profile of ``lines``, in order of first appearance.

    A visitor is an address (of IPv6 its first 64 bits) and a user agent on one day (UTC) at one
    site. ``lines`` may end in newlines; ``count`` is filled in on the way. Memory grows with the
    number of rows.
    """
    if set(_PROFILE) != set(DIMENSIONS):
        raise PartywallError("the slow reference does not know every dimension of event.yaml")
    memory, count = _Memory(), count or Count()
    cells: dict[tuple[str | int, ...], list[int]] = {}
    for line in lines:
        count.lines += 1
        match = _LINE.fullmatch(line.rstrip(b"\r\n"))
        if match is None:
            count.rejected += 1
            continue
        count.events += 1
        size = int(match[14]) if match[14] != b"-" else 0
        count.bytes += size
        cell = cells.setdefault(_profile(match, describers, memory), [0, 0])
        cell[0] += 1
        cell[1] += size
    names = ("hour", "segment", "visitor", "second", *_PROFILE)
    for key, (hits, size) in cells.items():
        row: Row = {"site": site, **dict(zip(names, key, strict=True))}
        row["hits"], row["bytes"] = hits, size
        yield row


_NO_WIDGET: Final = {
    "event": "request", "detail": "(none)", "locale": "(none)", "screen": "(none)",
    "widget_version": "(none)",
}  # fmt: skip
"""What is said of every line, since a web server knows of no widget."""

_PROFILE: Final = (
    "goal", "page", "referrer_kind", "referrer", "came_from", "campaign", "browser", "system",
    "device", "bot", "suspicion", "country", "place", "provider", "status", "method",
    "response_time", *_NO_WIDGET,
)  # fmt: skip


def _subscriber(address: str) -> str:
    if ":" not in address:
        return address
    return ":".join(ipaddress.IPv6Address(address).exploded.split(":")[:4])


def _profile(match: re.Match[bytes], say: Describers, memory: _Memory) -> tuple[str | int, ...]:
    address, agent = match[1], match[16]
    time = _time(match, memory)
    person = (_known(memory.subscribers, address, _subscriber, bytes.decode), agent, time // _DAY)
    visitor = memory.visitors.setdefault(person, len(memory.visitors))
    audience, browser, _, system, device, bot = _known(memory.agents, agent, say.agent, _header)
    referrer, kind, *_ = _known(memory.referrers, match[15], say.referrer, _header)
    country, provider = _known(memory.places, address, say.place, bytes.decode)
    page = _known(memory.pages, match[12], say.page, bytes.decode)
    method = _known(memory.methods, match[11], say.method, bytes.decode)
    segment = "bot" if audience == "bot" else _segment(match, page)
    return (
        time // _HOUR * _HOUR,
        segment,
        visitor,
        time % _HOUR if segment == "view" else 0,
        # The bench sets no goals, and no hosts of the site's own.
        "(none)",
        page,
        kind or "",
        referrer or "",
        _came_from(segment, kind),
        _known(memory.campaigns, match[12], say.campaign, bytes.decode),
        browser,
        system,
        device,
        bot,
        # Nobody in the file asks for as much as would make anybody suspect, whatever the order in
        # which its partitions are read; the flag depends on that order otherwise.
        "(bot)" if audience == "bot" else "(none)",
        country,
        "(unknown)",  # the bench's databases know no regions
        provider,
        match[13].decode(),
        # What asked for no page is no request: its method is not named either.
        "(none)" if page == "(none)" else method,
        "(none)",  # combined lines say nothing of it
        *_NO_WIDGET.values(),
    )


def _segment(match: re.Match[bytes], page: str) -> str:
    """Return what a person's request was."""
    status = int(match[13])
    if status >= _FIRST_ERROR:
        return "failed"
    file = match[12].partition(b"?")[0].partition(b"#")[0].rpartition(b"/")[2].partition(b";")[0]
    no_page = b"." in file and file.rpartition(b".")[2].lower() in _FILES
    seen = status // 100 == 2 or status == _NOT_MODIFIED  # noqa: PLR2004 -- 2xx
    asks = match[11] == b"GET" and page != "(none)" and not no_page
    return "view" if asks and seen else "request"


def _came_from(segment: str, kind: str | None) -> str:
    """Return where a request came from that failed."""
    if segment != "failed":
        return "(none)"
    return "(direct)" if kind == "direct" else "(elsewhere)"


def _known(
    known: dict[bytes, T], raw: bytes, describe: Callable[[H], T], read: Callable[[bytes], H]
) -> T:
    """Return what ``describe`` says of ``raw``, asked once."""
    if raw not in known:
        known[raw] = describe(read(raw))
    return known[raw]


def _header(raw: bytes) -> str | None:
    return None if raw in (b"-", b"") else raw.decode()


def _time(match: re.Match[bytes], memory: _Memory) -> int:
    """Return seconds since 1970 UTC; midnights are remembered, since they cost most."""
    date = match.group(2, 3, 4)
    midnight = memory.days.get(date)
    if midnight is None:
        day = dt.datetime(int(date[2]), _MONTHS[date[1]], int(date[0]), tzinfo=dt.UTC)
        midnight = memory.days[date] = int(day.timestamp())
    offset = (int(match[9]) * 60 + int(match[10])) * 60
    clock = (int(match[5]) * 60 + int(match[6])) * 60 + int(match[7])
    return midnight + clock + (offset if match[8] == b"-" else -offset)
