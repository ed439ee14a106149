"""The cards of a page: what each is called, its tabs, and what each tab asks for.

A tab is a question with a dimension; what is clicked in it narrows the page to that value, if the
dimension can be filtered by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.analytics.words import SEVERAL_VIEWS

FAILED: Final[list[object]] = ["is", "segment", ["failed"]]
STEPS: Final = ("shown", "opened", "chat_requested", "chat_started", "rated")
"""Events of a chat widget, in the order in which it is followed."""
WAITS: Final = (
    "waited_up_to_10_s", "waited_11_to_30_s", "waited_31_to_60_s", "waited_1_to_3_min",
    "waited_3_to_10_min", "waited_over_10_min",
)  # fmt: skip
"""How long people waited for a chat to start, the shortest first."""
FUNNEL: Final[list[object]] = ["is", "event", list(STEPS)]
WAITED: Final[list[object]] = ["is", "detail", list(WAITS)]
TO_OTHERS: Final = "outbound_"
"""What a link to another site is called by, before the name of its host."""
LED_TO: Final[list[object]] = ["starts_with", "detail", [TO_OTHERS]]
LEFT: Final[list[object]] = ["is", "event", ["outbound"]]
BOTS: Final[list[object]] = ["is", "audience", ["bot"]]


@dataclass(frozen=True, slots=True)
class Tab:
    """One question of a card. ``head`` is the column of its values; the first metric has bars."""

    name: str
    title: str
    head: str
    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]
    only: tuple[list[object], ...] = ()
    without: tuple[str, ...] = ()
    """Values that are left out of the list: those that say there is none."""
    named: tuple[str, ...] = ()
    """Values that are asked for by name, in the order of the list: each has a row, also of none."""


@dataclass(frozen=True, slots=True)
class Card:
    """A part of the page. ``kind``: which template draws it; ``widget``: it is of a chat widget."""

    name: str
    title: str
    tabs: tuple[Tab, ...]
    kind: str = "list"
    wide: bool = False
    widget: bool = False

    def tab(self, name: str | None) -> Tab:
        """Return the tab of that name, the first one for none."""
        return next((tab for tab in self.tabs if tab.name == name), self.tabs[0])


HEADS: Final[Mapping[str, str]] = {
    "visitors": "Visitors",
    "visits": "Visits",
    "pageviews": "Views",
    "hits": "Requests",
    "events": "Events",
    "entries": "Visits",
    "exits": "Visits",
    "bounce_rate": "Bounce rate",
    "exit_rate": "Exit rate",
    "conversions": "Reached",
    "conversion_rate": "Of visitors",
}
"""What a column of a metric is headed with."""

_SEEN: Final = ("visitors", "pageviews")
_BEGAN: Final = ("entries", "bounce_rate")
_ENDED: Final = ("exits", "exit_rate")
_ASKED: Final = ("hits", "visitors")
_REACHED: Final = ("conversions", "visitors", "conversion_rate")
GOALS: Final = "goals"
"""The card of sites that have goals."""
REGIONS: Final = Tab("place", "Regions and cities", "Region or city", ("place",), _SEEN)
"""The tab of sites whose visitors' regions or cities are known."""
_NONE: Final = ("(none)",)
_OF_FAILED: Final = (FAILED,)
_OF_BOTS: Final = (BOTS,)

CARDS: Final = (
    Card(
        "pages",
        "Pages",
        (
            Tab("top", "Top pages", "Page", ("page",), _SEEN),
            Tab(
                "entry",
                "Entry pages",
                "Visits began at",
                ("entry_page",),
                _BEGAN,
            ),
            Tab("exit", "Exit pages", "Visits ended at", ("exit_page",), _ENDED),
            Tab("path", "Paths", "Visits went", ("click_path",), ("visits",), (SEVERAL_VIEWS,)),
        ),
    ),
    Card(
        "sources",
        "Sources",
        (
            Tab("channel", "Channels", "Channel", ("referrer_kind",), _SEEN),
            Tab("source", "Sources", "Source", ("referrer",), _SEEN, (), _NONE),
            Tab("campaign", "Campaigns", "Campaign", ("campaign",), _SEEN, (), ("(none)",)),
        ),
    ),
    Card(
        "places",
        "Places",
        (
            Tab("country", "Countries", "Country", ("country",), _SEEN),
            Tab("provider", "Providers", "Internet provider", ("provider",), _SEEN),
            REGIONS,
        ),
        kind="places",
        wide=True,
    ),
    Card(GOALS, "Goals", (Tab("reached", "Goals", "Goal", ("goal",), _REACHED),)),
    Card(
        "flow",
        "From page to page",
        (Tab("next", "Moves", "From", ("page", "next_page"), ("pageviews",)),),
        kind="flow",
        wide=True,
    ),
    Card(
        "funnel",
        "Chat funnel",
        (Tab("steps", "Steps", "Step", ("event",), ("visitors", "hits"), (FUNNEL,)),),
        kind="funnel",
        widget=True,
    ),
    Card(
        "waiting",
        "Waiting for a chat",
        (
            Tab(
                "waits",
                "Waiting times",
                "How long",
                ("detail",),
                ("events", "visitors"),
                (WAITED,),
                named=WAITS,
            ),
        ),
        widget=True,
    ),
    Card(
        "outbound",
        "Outbound links",
        (
            Tab("to", "Led to", "Site", ("detail",), ("events", "visitors"), (LED_TO,)),
            Tab("left", "From pages", "Page", ("page",), ("events", "visitors"), (LEFT,)),
        ),
        widget=True,
    ),
    Card(
        "devices",
        "Devices",
        (
            Tab("browser", "Browsers", "Browser", ("browser",), _SEEN),
            Tab("system", "Systems", "System", ("system",), _SEEN),
            Tab("device", "Devices", "Device", ("device",), _SEEN),
        ),
    ),
    Card(
        "lengths",
        "Length of visits",
        (Tab("spans", "Lengths", "From first to last page", ("visit_length",), ("visits",)),),
    ),
    Card(
        "answers",
        "Status and response times",
        (Tab("statuses", "Statuses", "Answered with", ("status_class",), ("hits",)),),
        kind="answers",
    ),
    Card(
        "failures",
        "Failures",
        (
            Tab("status", "Statuses", "Answered with", ("status",), _ASKED, _OF_FAILED),
            Tab("where", "Pages", "Page", ("page",), _ASKED, _OF_FAILED),
            Tab("came", "Came from", "Led there from", ("came_from",), _ASKED, _OF_FAILED, _NONE),
        ),
    ),
    Card(
        "bots",
        "Bots",
        (
            Tab("purpose", "Purposes", "Purpose", ("bot",), _ASKED, _OF_BOTS),
            Tab("fetched", "Pages", "Page", ("page",), _ASKED, _OF_BOTS),
        ),
    ),
)

TABS: Final = {card.name: tuple(tab.name for tab in card.tabs) for card in CARDS}
"""Card → names of its tabs, the usual one first."""


def card(name: str) -> Card | None:
    """Return the card of that name."""
    return next((one for one in CARDS if one.name == name), None)
