r"""Where a value stands in a JSON object: ``req.headers."user-agent"[0]``.

Keys are parted by dots; a key with dots, brackets or quotes in it stands in double quotes or has a
backslash before each of them; ``[0]`` is the first of a list, ``[-1]`` the last.
"""

from __future__ import annotations

import re
from typing import Final

from pipeline.errors import SettingsError

Step = str | int
Path = tuple[Step, ...]
"""Keys and places in lists, from the outside in."""

_STEP: Final = re.compile(
    r"""(?P<dot>\.?)(?:"(?P<quoted>(?:[^"\\]|\\.)+)"|(?P<bare>(?:[^."\[\]\\]|\\.)+))"""
    r"|\[(?P<place>-?[0-9]{1,4})\]"
)
_ESCAPE: Final = re.compile(r"\\(.)")


def path(text: str) -> Path:
    """Return the steps of a path; raises SettingsError where ``text`` is none."""
    steps: list[Step] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None or (found["place"] is None and bool(found["dot"]) != bool(steps)):
            break
        if found["place"] is not None:
            steps.append(int(found["place"]))
        else:
            steps.append(_ESCAPE.sub(r"\1", found["quoted"] or found["bare"]))
        at = found.end()
    if at < len(text) or not steps:
        raise SettingsError(
            f"{text!r} is no path: write keys with dots between, as in request.headers, a key "
            "with dots in it in double quotes, and [0] for the first of a list"
        )
    return tuple(steps)
