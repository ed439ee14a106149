"""What follows from what is declared once, and all who must know it agree.

A dimension that tells the audience and is not declared within it fails open: the traffic of bots
can be set against its cells, and whoever attacks what is declared would not try.
"""

from __future__ import annotations

from typing import Final

from pipeline.bench import oracle
from pipeline.events import AUDIENCE, DIMENSIONS, SCHEMA
from tests.support import door

AGENTS: Final = (
    "Mozilla/5.0 (Windows NT 10.0; rv:115.0) Gecko/20100101 Firefox/115.0",
    "Googlebot/2.1 (+http://www.google.com/bot.html)",
)


def test_a_dimension_in_which_bots_have_a_value_of_their_own_is_within_the_audience() -> None:
    """A person and a bot ask for the same: what differs follows from who asks, in every event."""
    line = '192.0.2.7 - - [13/Jan/2027:08:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "{}"'
    asked = door.messages([line.format(agent).encode() for agent in AGENTS])
    person, bot = door.rows(door.carry(door.splitter(), asked)).to_dicts()
    telling = {name for name in SCHEMA if person[name] != bot[name]}
    assert telling >= {
        AUDIENCE,
        "browser",
        "browser_version",
        "system",
        "device",
        "bot",
        "suspicion",
    }
    within = {name for name, parent in DIMENSIONS.items() if parent == AUDIENCE}
    assert within == telling & DIMENSIONS.keys()


def test_the_slow_reference_nests_by_its_own_word_and_it_is_the_declared_one() -> None:
    said = {**oracle.PARENTS, **dict.fromkeys(oracle.BY_AUDIENCE, AUDIENCE)}
    assert said == {name: parent for name, parent in DIMENSIONS.items() if parent is not None}
