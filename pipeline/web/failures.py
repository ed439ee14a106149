"""What a person reads when something is refused or fails: what to do, and never content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pipeline.errors import PartywallError


@dataclass(frozen=True, slots=True)
class Trouble:
    """A page's status, title and sentence; all three are constant."""

    status: int
    title: str
    sentence: str


TROUBLES: Final = {
    "form": Trouble(
        400, "That form could not be read", "Go back, load the page again and send it once more."
    ),
    "host": Trouble(
        400,
        "Wrong address",
        "These pages are not served under this name. Use the address that you were given.",
    ),
    "usage": Trouble(
        400, "That cannot be done as it is", "Go back, mend what was filled in and send it again."
    ),
    "origin": Trouble(
        403,
        "Refused",
        "The request did not come from one of these pages, so nothing was done. "
        "Open the page here and send its form.",
    ),
    "token": Trouble(
        403,
        "That form is no longer good",
        "Nothing was done. Load the page again and send the form it shows you then.",
    ),
    "session": Trouble(
        403,
        "Your session has ended",
        "Nothing was done. Sign in again, and send the form once more.",
    ),
    "role": Trouble(
        403,
        "Not yours to do",
        "Your roles do not reach this page. The start page says what they reach.",
    ),
    "refused": Trouble(
        403, "Not allowed", "Ask for it on the case's page, and somebody else decides."
    ),
    "sign-in": Trouble(
        403,
        "You are not signed in",
        "The sign-in was not accepted. Begin again from the sign-in page; where that does not "
        "help, ask whoever runs these pages to look at your roles.",
    ),
    "missing": Trouble(404, "No such page", "Go to the start page and on from there."),
    "method": Trouble(405, "Not like that", "Go to the start page and on from there."),
    "large": Trouble(413, "That form is too large", "Send less at a time."),
    "rate": Trouble(429, "Too fast", "Nothing was done. Wait a little, then send it again."),
    "broken": Trouble(
        500,
        "That went wrong",
        "It is our fault and has been noted. Try again; where it stays, tell whoever runs these "
        "pages the time at which it happened.",
    ),
    "unavailable": Trouble(
        503, "Not at the moment", "A service this needs does not answer. Try again in a minute."
    ),
    "perhaps": Trouble(
        503,
        "Not at the moment",
        "A service this needs does not answer. What you sent may have been done all the same: "
        "look whether it was, and try again in a minute.",
    ),
    "audit": Trouble(
        503,
        "Not done",
        "The audit log cannot be written to, so nothing was done; try again, or tell whoever runs "
        "these pages.",
    ),
}

BY_STATUS: Final = {400: "form", 403: "role", 404: "missing", 405: "method", 413: "large"}
"""What a status of the router's own comes to."""


class TurnedAwayError(PartywallError):
    """A request ends here, with the trouble's page. ``seconds``: when to come again."""

    def __init__(self, trouble: str, seconds: int | None = None) -> None:
        super().__init__(trouble)
        self.trouble = trouble
        self.seconds = seconds
