"""What follows from what is declared once, and all who must know it agree.

Every dimension is broken down within a segment, or the traffic of bots could be set against the
cells in which they have a value of their own.
"""

from __future__ import annotations

from typing import Final

from pipeline.bench import oracle
from pipeline.events import BOT, DIMENSIONS, SCHEMA, SEGMENT, VIEW
from tests.support import door

AGENTS: Final = (
    "Mozilla/5.0 (Windows NT 10.0; rv:115.0) Gecko/20100101 Firefox/115.0",
    "Googlebot/2.1 (+http://www.google.com/bot.html)",
)


def test_a_bot_is_told_from_a_person_by_its_segment_in_every_event() -> None:
    """A person and a bot ask for the same: what differs follows from who asks."""
    line = '192.0.2.7 - - [13/Jan/2027:08:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "{}"'
    asked = door.messages([line.format(agent).encode() for agent in AGENTS])
    person, bot = door.rows(door.carry(door.splitter(), asked)).to_dicts()
    telling = {name for name in SCHEMA if person[name] != bot[name]}
    assert telling >= {SEGMENT, "browser", "system", "device", "bot", "suspicion"}
    assert (person[SEGMENT], bot[SEGMENT]) == (VIEW, BOT)


def test_the_slow_reference_nests_by_its_own_word_and_it_is_the_declared_one() -> None:
    assert {
        name: parent for name, parent in DIMENSIONS.items() if parent is not None
    } == oracle.PARENTS
