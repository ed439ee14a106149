"""What is said in chats: by visitors, by the site's agents, and by one spammer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from pipeline.simulate.hits import MICROS

_ASKED: Final = (
    "Is the oak chair back in stock?",
    "Where is my order? I am waiting since Monday",
    "Können Sie nach Österreich liefern?",
    'The page says "sold out", is that right?',
    "thank you 🙂",
    "ok",
    "",
)
_ANSWERED: Final = (
    "Let me look that up.",
    "It ships tomorrow.",
    "Anything else?",
    "You are welcome.",
)
_SPAM: Final = "Cheap followers!!! https://spam.example/buy?ref=4711 best prices, click now"
_NAMES: Final = ("Visitor", "belmar", "corvan", "delora", "Kelmir", "Róvan")

Row = dict[str, Any]


def chat(rng: np.random.Generator, time: int, chat_id: str) -> Iterator[Row]:
    """Yield what happens after a visitor opens the widget; ``time`` in microseconds."""
    yield {"event": "opened", "time": time}
    time += int(rng.integers(2, 40)) * MICROS
    name = _NAMES[int(rng.integers(len(_NAMES)))]
    who = {"chat_id": chat_id, "visitor_name": name, "visitor_email": f"{name.lower()}@example.org"}
    ask = _ASKED[int(rng.integers(len(_ASKED)))]
    dice = rng.random()
    if dice < 0.3:  # noqa: PLR2004 - shares of the visits that open the widget
        yield {"event": "closed", "time": time}
    elif dice < 0.42:  # noqa: PLR2004
        yield {"event": "offline_form", "time": time, "text": ask, **who}
    else:
        yield {"event": "chat_requested", "time": time, "text": ask, **who}
        yield from _talk(rng, time, who)


def _talk(rng: np.random.Generator, time: int, who: Row) -> Iterator[Row]:
    agent = f"agent-{int(rng.integers(1, 9))}"
    waited = int(rng.integers(3, 90))
    time += waited * MICROS
    yield {"event": "chat_started", "time": time, "agent_id": agent, "waited": waited, **who}
    for turn in range(int(rng.integers(2, 14))):
        time += int(rng.integers(4, 60)) * MICROS
        mine = turn % 2 == 0
        said = _ANSWERED if mine else _ASKED
        text = said[int(rng.integers(len(said)))]
        sent = {"by": "agent", "agent_id": agent} if mine else {"by": "visitor"}
        yield {
            "event": "message_sent",
            "time": time,
            "text": text,
            "length": len(text),
            **sent,
            **who,
        }
    dice = rng.random()
    if dice < 0.3:  # noqa: PLR2004 - shares of the chats
        yield {"event": "rated", "time": time + MICROS, "rating": int(rng.integers(1, 6)), **who}
    if dice < 0.1:  # noqa: PLR2004
        mailed = {
            "event": "transcript_mailed",
            "recipient": who["visitor_email"],
            "agent_id": agent,
        }
        yield {"time": time + 2 * MICROS, **mailed, **who}
    yield {"event": "closed", "time": time + 3 * MICROS, "agent_id": agent, **who}


def spam(rng: np.random.Generator, time: int, chat_id: str) -> Iterator[Row]:
    """Yield a chat in which one side says the same again and again, faster than people type."""
    who = {"chat_id": chat_id, "visitor_name": "promo"}
    yield {"event": "opened", "time": time}
    yield {"event": "chat_requested", "time": time + MICROS, "text": _SPAM, **who}
    yield {
        "event": "chat_started",
        "time": time + 2 * MICROS,
        "agent_id": "agent-1",
        "waited": 1,
        **who,
    }
    for number in range(int(rng.integers(12, 30))):
        at = time + 3 * MICROS + number * 1_500_000
        sent = {"by": "visitor", "text": _SPAM, "length": len(_SPAM)}
        yield {"event": "message_sent", "time": at, **sent, **who}
    yield {"event": "closed", "time": time + 60 * MICROS, "agent_id": "agent-1", **who}
