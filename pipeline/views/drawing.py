"""Templates of cards, and what they draw with. Whoever draws has a folder of their own beside them.

Every value is escaped, and one that is missing is an error. What could steer the direction of a
line, or is no letter at all, is replaced: values are what strangers wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.views import wording
from pipeline.views.cards import HEADS
from pipeline.views.lists import label
from pipeline.views.live import within
from pipeline.views.view import METRICS

HERE: Final = Path(__file__).parent
WORLD: Final = HERE / "static/world.svg"
STYLE: Final = HERE / "static/cards.css"


def environment(templates: Path, *, world: Callable[[], str], alone: bool) -> Environment:
    """Return what draws cards and the templates of a folder.

    ``world`` says where the map of the world is, and is followed by ``#`` and a country. ``alone``:
    the page has no script, and nothing to fetch.
    """
    made = Environment(
        loader=FileSystemLoader([templates, HERE / "templates"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_plain,
    )
    made.globals |= {
        "world": world,
        "alone": alone,
        "figure": wording.figure,
        "short": wording.short,
        "states": wording.STATES,
        "heads": HEADS,
        "metrics": METRICS,
        "within": within,
    }
    made.filters |= {
        "day": wording.day,
        "json": lambda value: orjson.dumps(value).decode(),
        "label": label,
        "shortened": wording.shortened,
    }
    return made


def _plain(value: object) -> object:
    if isinstance(value, str) and not isinstance(value, Markup):
        return wording.plain(value)
    return value
