"""What the lines of a web server say, counted by plain Python: a second opinion for the tests.

Nothing is shared with the pipeline but what one value is called: a page, a user agent, a referrer,
a campaign. The definitions are those of docs/analytics.md.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from pipeline.restricted import describers

# On purpose not the product's grammar.
_LINE: Final = re.compile(
    r"^(?P<address>\S+) \S+ \S+ \[(?P<stamp>[^]]+)\] "
    r"\"(?:(?P<method>[A-Z]+) (?P<target>\S+) HTTP/[\d.]+|[^\"]*)\" "
    r"(?P<status>\d{3}) (?P<size>\d+|-) "
    r"\"(?P<referrer>(?:[^\"\\]|\\.)*)\" \"(?P<agent>(?:[^\"\\]|\\.)*)\"$"
)
_ESCAPED: Final = re.compile(r"\\x([0-9a-fA-F]{2})|\\(.)")
_ASSETS: Final = frozenset(
    "avif bmp css eot gif ico jpeg jpg js map mjs mp4 otf png svg ttf wasm webm webmanifest webp "
    "woff woff2".split()
)
DOWNLOADS: Final = frozenset(
    "7z aac apk asc asf asx avi azw3 bin bz2 csv deb dmg doc docx epub exe flv gz gzip iso "
    "jar key md5 midi mobi mov mp2 mp3 mp4 mpeg mpg msi msp odb odf odg odp ods odt ogg ogv "
    "pdf pkg pps ppt pptx rar rpm rtf sha256 sha512 sig tar tbz2 tgz torrent txt wav webm wma "
    "wmv wpd xls xlsx xz zip zst".split()
)
_FILES: Final = _ASSETS | DOWNLOADS
_PAUSE: Final = dt.timedelta(minutes=30)
_NONE: Final = "(none)"
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """A line; ``visitor`` is an address and a user agent of one day."""

    moment: dt.datetime
    visitor: tuple[str, ...]
    segment: str
    size: int
    path: str
    page: str
    campaign: str
    referrer: str
    referrer_kind: str
    device: str
    status: str
    came_from: str = _NONE

    @property
    def day(self) -> str:
        """The day of the site that it counts for."""
        return f"{self.moment:%Y-%m-%d}"


@dataclass(slots=True)
class Visit:
    """Page views in order."""

    views: list[Request]

    @property
    def seconds(self) -> int:
        """From the first view to the last."""
        return int((self.views[-1].moment - self.views[0].moment).total_seconds())


@dataclass(slots=True)
class Sums:
    """What is added up of one row of an answer."""

    visitors: set[Hashable] = field(default_factory=set)
    pageviews: int = 0
    hits: int = 0
    bytes: int = 0
    visits: int = 0
    bounces: int = 0
    seconds: int = 0
    exits: int = 0

    def metric(self, name: str) -> float | None:
        """Return a metric as an answer has it; None for a rate of nothing."""
        rates = {
            "bounce_rate": (self.bounces, self.visits),
            "views_per_visit": (self.pageviews, self.visits),
            "visit_duration": (self.seconds, self.visits),
            "exit_rate": (self.exits, self.pageviews),
        }
        if name in rates:
            top, bottom = rates[name]
            return round(top / bottom, 4) if bottom else None
        if name == "visitors":
            return len(self.visitors)
        return int(getattr(self, {"entries": "visits"}.get(name, name)))


class Describe:
    """The pipeline's names for values, each asked for once."""

    def __init__(self, own_hosts: Iterable[str] = ()) -> None:
        page, agent, referrer, _, campaign = describers()
        self.page: Final = cache(page)
        self.agent: Final = cache(agent)
        self.referrer: Final = cache(referrer)
        self.campaign: Final = cache(campaign)
        self.own: Final = frozenset(own_hosts)


def requests(lines: Iterable[str], describe: Describe, zone: str = "UTC") -> Iterator[Request]:
    """Yield the requests of ``lines``, on the zone's clock; those of another shape are left out."""
    clock = ZoneInfo(zone)
    for line in lines:
        match = _LINE.match(line.rstrip("\n"))
        if match is None:
            continue
        moment = dt.datetime.strptime(match["stamp"], "%d/%b/%Y:%H:%M:%S %z").astimezone(clock)
        target, method, agent = match["target"], match["method"], _header(match["agent"])
        said, referrer = describe.agent(agent), _header(match["referrer"])
        came = describe.referrer(referrer)
        inside = came.host in describe.own
        page = describe.page(target)
        path = "" if target is None else re.split("[?#]", target)[0]
        seen = method == "GET" and page != _NONE and not _file(path)
        segment = _segment(said.audience, match["status"], seen=seen)
        yield Request(
            moment=moment,
            visitor=(f"{moment:%Y-%m-%d}", subscriber(match["address"]), match["agent"]),
            segment=segment,
            size=0 if match["size"] == "-" else int(match["size"]),
            path=path,
            page=page,
            campaign=describe.campaign(target),
            referrer="(internal)" if inside else came.name,
            referrer_kind="internal" if inside else came.kind,
            device=said.device,
            status=match["status"],
            came_from=_NONE
            if segment != "failed"
            else "(direct)"
            if came.kind == "direct"
            else _own_page(referrer or "", describe)
            if inside
            else "(elsewhere)",
        )


def _own_page(referrer: str, say: Describe) -> str:
    """Return which page of the site's own a referrer is, (elsewhere) where it is none."""
    page = say.page(re.sub("^[a-z]+://[^/?#\\s]+", "", referrer))
    return "(elsewhere)" if page == _NONE else page


def _header(text: str) -> str | None:
    if text in {"-", ""}:
        return None
    raw = _ESCAPED.sub(lambda m: chr(int(m[1], 16)) if m[1] else m[2], text)
    try:
        # A server writes the bytes of what is not ASCII one by one.
        return raw.encode("latin-1").decode() if not raw.isascii() else raw
    except (UnicodeEncodeError, UnicodeDecodeError):
        return raw


def subscriber(address: str) -> str:
    """Return an address, of IPv6 its network."""
    number = ipaddress.ip_address(address)
    return address if number.version == 4 else str(int(number) >> 64)


def _file(path: str) -> bool:
    _, dot, ending = path.partition(";")[0].rpartition("/")[2].rpartition(".")
    return bool(dot) and ending.lower() in _FILES


def _segment(audience: str, status: str, *, seen: bool) -> str:
    if audience == "bot":
        return "bot"
    if status >= "400":
        return "failed"
    return "view" if seen and (status.startswith("2") or status == "304") else "request"


def visits(views: Iterable[Request]) -> list[Visit]:
    """Cut page views into visits, visitor by visitor and day by day."""
    of: defaultdict[tuple[str, ...], list[Request]] = defaultdict(list)
    for view in views:
        of[view.visitor].append(view)
    found: list[Visit] = []
    for mine in of.values():
        mine.sort(key=lambda view: (view.moment, view.page))
        campaign, before = _NONE, None
        for view in mine:
            another = view.campaign not in {_NONE, campaign}
            if before is None or another or view.moment - before.moment > _PAUSE:
                found.append(Visit([]))
            found[-1].views.append(view)
            campaign = view.campaign if view.campaign != _NONE else campaign
            before = view
    return found


By = Callable[[Request], Key]


def counted(rows: Iterable[Request], by: By) -> dict[Key, Sums]:
    """Return the sums by what ``by`` says of a request; a visit counts by its first view."""
    rows = list(rows)
    sums: defaultdict[Key, Sums] = defaultdict(Sums)
    views = [row for row in rows if row.segment == "view"]
    for row in rows:
        if row.segment != "bot":
            sums[by(row)].hits += 1
            sums[by(row)].bytes += row.size
    for view in views:
        sums[by(view)].visitors.add(view.visitor)
        sums[by(view)].pageviews += 1
    for visit in visits(views):
        first = sums[by(visit.views[0])]
        first.visits += 1
        first.bounces += len(visit.views) == 1
        first.seconds += visit.seconds
        sums[by(visit.views[-1])].exits += 1
    return dict(sums)


def median_length(rows: Iterable[Request]) -> int | None:
    """Return the longest that visits of the median's class last; None for the last class.

    Of visits of several views, each counted by itself.
    """
    lengths = sorted(
        visit.seconds
        for visit in visits(row for row in rows if row.segment == "view")
        if len(visit.views) > 1
    )
    middle = lengths[(len(lengths) - 1) // 2]
    return next((most for most in (10, 30, 60, 180, 600, 1800) if middle <= most), None)


def moves(rows: Iterable[Request]) -> Counter[Key]:
    """Return how often a page was seen right after another one in a visit."""
    found = Counter[Key]()
    for visit in visits(row for row in rows if row.segment == "view"):
        found.update((one.page, two.page) for one, two in pairwise(visit.views))
    return found


def ways(rows: Iterable[Request]) -> Counter[Key]:
    """Return how many visits began with each way through up to five pages, and ended with it."""
    found = Counter[Key]()
    for visit in visits(row for row in rows if row.segment == "view"):
        pages = [view.page for view in visit.views]
        found[" > ".join(pages if len(pages) <= 5 else [*pages[:5], "…"]),] += 1
    return found


def by_names(*names: str) -> By:
    """Return what tells requests apart by their properties."""
    return lambda request: tuple(str(getattr(request, name)) for name in names)
