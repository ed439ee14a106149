"""Days whose keys two people want gone before their time: what stands against it."""

from __future__ import annotations

from typing import Final

from pipeline.investigations.case_desk import CaseDesk

_DAY: Final = 86_400


def in_use(desk: CaseDesk, day: int) -> str | None:
    """Return why a day (since 1970-01-01 UTC) is not destroyed while it is sealed to, else None.

    The key service decides; this asks it beforehand for what `partywall keys status` tells anybody.
    """
    found = desk.keys.status()
    if found["sealed_to"] and day >= int(found["now"]) // _DAY:
        return "that day is still sealed to: stop the group first, or wait for the day's end"
    return None


def why_not(desk: CaseDesk, day: int) -> str | None:
    """Return why the end of a day is not ordered: it is in use, or has ended already."""
    if why := in_use(desk, day):
        return why
    keys = desk.keys.status()["keys"]
    if not any(one["kind"] == "sealing" and one["day"] == day for one in keys):
        return "no sealing key of that day lives: `partywall keys status` lists those that do"
    return None
