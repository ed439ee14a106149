"""What the pages work with: the desk, where exports go, the audit log, hands for searches."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, ParamSpec, TypeVar

from starlette.concurrency import run_in_threadpool

from pipeline.investigations.desk import Desk
from pipeline.investigations.export import Office
from pipeline.investigations.trail import Trail
from pipeline.policy import Investigations
from pipeline.web.visits import Alarm, Visit
from pipeline.web.wording import moment

P = ParamSpec("P")
T = TypeVar("T")

SEARCHES: Final = 4
"""Searches at a time, whoever asks; further ones wait."""


def _hands() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(SEARCHES, thread_name_prefix="search")


@dataclass(frozen=True, slots=True)
class Work:
    """What handlers find in ``visit.desk``; nothing of it waits for an event loop."""

    desk: Desk
    office: Office
    trail: Trail
    terms: Investigations
    hands: ThreadPoolExecutor = field(default_factory=_hands, repr=False)

    def alarms(self) -> tuple[Alarm, ...]:
        """Return the emergencies that nobody has ratified yet, for everybody to see."""
        with self.desk.cases.gate.store.reading() as store:
            found = store.unratified()
        now = self.desk.cases.gate.now()
        return tuple(
            Alarm(
                f"Emergency access: {who} opened {case} alone. "
                + (
                    f"An approver has to ratify it by {moment(by)}."
                    if now <= by
                    else f"It was not ratified by {moment(by)}, and is flagged for good."
                ),
                f"/cases/{case}",
            )
            for case, who, by in found
        )

    def close(self) -> None:
        """Take no more searches; those under way have been stopped with their sessions."""
        self.hands.shutdown(wait=False, cancel_futures=True)


AtDesk = Visit[Work]
"""One request of one person, with the desk."""


async def aside(do: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do something that takes its time on a thread, and return what comes of it."""
    return await run_in_threadpool(do, *args, **kwargs)
