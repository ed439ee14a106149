"""The closed vocabulary: what may be asked, under which names, and which two things go together.

docs/analytics.md defines each word, beside what other tools call it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from pipeline import declarations, policy
from pipeline.events import DIMENSIONS as COUNTED
from pipeline.rows import OTHER, THEN

__all__ = ["COUNTED", "OTHER"]

VIEW: Final = "view"
REQUEST: Final = "request"
FAILED: Final = "failed"
BOT: Final = "bot"
SEGMENTS: Final = (VIEW, REQUEST, FAILED, BOT)
PEOPLE: Final = (VIEW, REQUEST, FAILED)
"""The segments that people's requests are in."""
AUDIENCES: Final = ("human", "bot")
WIDGET: Final = ".widget"
"""How the names of sites end whose requests are events of a chat widget."""

GOAL: Final = "goal"
NO_GOAL: Final = "(none)"
CONVERSIONS: Final = "conversions"
CONVERSION_RATE: Final = "conversion_rate"

VISITS: Final = frozenset(
    "visits views_per_visit bounces bounce_rate visit_duration entries exits exit_rate".split()
)
"""Metrics made of visits: of closed days alone, and of page views alone."""
METRICS: Final[MappingProxyType[str, str]] = MappingProxyType(
    {
        "visitors": "people who view pages, or who do what is filtered: of each day, added up",
        "pageviews": "people's page views",
        "hits": "requests of people, or of the segment or audience asked for",
        "bytes": "bytes of the bodies sent with those requests",
        "failures": "people's requests answered with 400 or more",
        "visits": "page views of one visitor with pauses of less than half an hour",
        "views_per_visit": "page views of the visits, by their number",
        "bounces": "visits of a single page view",
        "bounce_rate": "share of the visits that are bounces, from 0 to 1",
        "visit_duration": "mean seconds from a visit's first to its last page view",
        "entries": "visits that began here",
        "exits": "visits that ended here",
        "exit_rate": "share of the page views that a visit ended with, from 0 to 1",
        CONVERSIONS: "people's requests that reach a goal of the site's",
        CONVERSION_RATE: "visitors who reach a goal, of all who view pages, from 0 to 1",
        "visit_duration_p50": "seconds within which half of the visits of several views were over",
        "response_time_p50": "milliseconds within which half of the answers were given",
        "response_time_p95": "milliseconds within which 95 % of the answers were given",
        "response_time_p99": "milliseconds within which 99 % of the answers were given",
    }
)
"""Metric → what it counts."""
RATES: Final = frozenset(
    {"views_per_visit", "bounce_rate", "visit_duration", "exit_rate", CONVERSION_RATE}
)
LATENCY: Final[MappingProxyType[str, float]] = MappingProxyType(
    {"response_time_p50": 0.5, "response_time_p95": 0.95, "response_time_p99": 0.99}
)
"""Metric of response times → which share of the answers it bounds."""
MEDIAN: Final = "visit_duration_p50"
QUANTILES: Final[MappingProxyType[str, float]] = MappingProxyType({**LATENCY, MEDIAN: 0.5})
"""Metric that a histogram tells → which share of what is counted it bounds."""
METRIC_ALIASES: Final[MappingProxyType[str, str]] = MappingProxyType(
    {
        "visitor_days": "visitors",
        "views": "pageviews",
        "moves": "pageviews",
        "requests": "hits",
        "events": "hits",
        "bandwidth": "bytes",
        "errors": "failures",
        "duration": "visit_duration",
        "median_duration": MEDIAN,
        "entrances": "entries",
    }
)

TIMES: Final = ("time:hour", "time:day", "time:week", "time:month")
ROLES: Final = ("entry_page", "exit_page", "visit_role", "visit_length")
"""Dimensions that are made of the role a page view has in its visit."""
STATUS_CLASS: Final = "status_class"
NEXT_PAGE: Final = "next_page"
CLICK_PATH: Final = "click_path"
SEVERAL_VIEWS: Final[list[object]] = ["contains", CLICK_PATH, [THEN]]
"""A filter: the paths of more than one view, since of one page alone the entry pages tell."""
DIMENSIONS: Final = (
    *COUNTED, STATUS_CLASS, *ROLES, NEXT_PAGE, CLICK_PATH, "segment", "audience", *TIMES,
)  # fmt: skip
DIMENSION_ALIASES: Final[MappingProxyType[str, str]] = MappingProxyType(
    {
        "source": "referrer",
        "channel": "referrer_kind",
        "os": "system",
        "isp": "provider",
        "language": "locale",
        "landing_page": "entry_page",
        "path": "click_path",
        "hour": "time:hour",
        "day": "time:day",
        "week": "time:week",
        "month": "time:month",
    }
)
OF_A_VISITOR: Final = frozenset(
    {"browser", "system", "device", "country", "place", "provider", "bot"}
)
"""Dimensions of which a visitor of a day has one value: a pseudonym is of an address and an agent.
So visitors of several values add up, and all page views of a visit agree."""

OPERATORS: Final = ("is", "is_not", "contains", "starts_with", "ends_with", "not_ends_with")
SEARCHING: Final = frozenset({"contains", "starts_with", "ends_with", "not_ends_with"})
"""Operators for values of a dimension that is grouped by."""

CROSSINGS: Final[policy.Crossings] = MappingProxyType(dict(policy.load(None).current.crossings))
"""Segment → dimension → what ``pair_daily`` has it together with, by the packaged policy; ``role``
is ``visit_role``."""

VALUE: Final = "value"
ZERO: Final = "zero"
WITHHELD: Final = "withheld"
EXPIRED: Final = "expired"
NOT_YET_CLOSED: Final = "not_yet_closed"
STATES: Final = (VALUE, ZERO, WITHHELD, EXPIRED, NOT_YET_CLOSED)

_FILES: Final = declarations.load("behaviour.yaml")
DOWNLOADS: Final = tuple(f".{ending}" for ending in _FILES["downloads"])
"""Ends of paths that people take away with them."""
ASSETS: Final = tuple(f".{ending}" for ending in _FILES["assets"])
"""Ends of paths that browsers fetch by themselves for a page."""


def is_widget(site: str) -> bool:
    """Tell whether a site's requests are events of a chat widget."""
    return site.endswith(WIDGET)
