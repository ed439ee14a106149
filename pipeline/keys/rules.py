"""When a key may be made and when it dies. The clock decides, nobody asks.

================  =====================================  ==========================================
key               may be made                            is destroyed
================  =====================================  ==========================================
sealing, token    on its day, or in the last AHEAD       ``vault_days`` after its day began
                  of the day before
pseudonym, live   until it is due, at most a day ahead   ``pseudonymous_hours`` after its day began
                                                         on the clock that is ahead of all others
pseudonym, else   once, for a day that is not ahead      ``pseudonymous_hours`` after it was made,
                                                         or when the ingest ends
hold              when a legal hold is placed            when the hold is released
================  =====================================  ==========================================

The days of pseudonyms are those of the sites' clocks, all others UTC. Retentions count from the
*start* of the day, so that no record outlives the hours or days that the policy names, not even the
first of its day; the last of the day lives a day less. Due times are worked out from the policy at
each check and not stored: a shorter retention acts at once.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from pipeline.errors import SettingsError
from pipeline.labels import LIVE
from pipeline.policy import Policy
from pipeline.zones import ALL_UTC, Zones, offsets

HOUR: Final = 3600
DAY: Final = 24 * HOUR
MOST_PSEUDONYMOUS_HOURS: Final = 48
AHEAD: Final = 8 * HOUR
"""How long before its day a sealing key is made, so that midnight needs no service."""
GRACE: Final = 10 * 60
"""How long a key may be due and still be there before somebody has to look."""
_DAY_HOURS: Final = 24


def day_of(moment: dt.datetime) -> int:
    """Return the days since 1970-01-01 UTC at ``moment``."""
    return seconds(moment) // DAY


def seconds(moment: dt.datetime) -> int:
    """Return whole seconds since 1970 UTC."""
    return int(moment.timestamp())


@dataclass(frozen=True, slots=True)
class Rules:
    """The retentions that keys obey, in seconds."""

    pseudonymous: int
    vault: int
    policy: int = 0
    """The version of the policy that says so."""
    ahead: int = 0
    """How long before midnight UTC the first site's day begins; negative where all begin after."""
    before: tuple[tuple[int, int], ...] = ()
    """What ``ahead`` was, and from which moment on, ascending: a key dies no later than by what
    was so when it was made, whatever is set since."""

    @classmethod
    def of(cls, policy: Policy, zones: Zones = ALL_UTC, now: int = 0) -> Rules:
        """Take the retentions of the policy in force, and how far the sites' clocks are apart.

        ``now`` (seconds since 1970) is the beginning of the year whose summer times count. Raises
        SettingsError for what is impossible.
        """
        retention = policy.current.retention
        if not _DAY_HOURS < retention.pseudonymous_hours <= MOST_PSEUDONYMOUS_HOURS:
            raise SettingsError(
                "policy: set pseudonymous_hours to 25 to 48, since a key serves a whole day and "
                "must be gone after two"
            )
        if retention.vault_days < 1:
            raise SettingsError("policy: set vault_days to 1 or more")
        least, greatest = offsets(zones.every(), now)
        if DAY + greatest - least >= retention.pseudonymous_hours * HOUR:
            raise SettingsError(
                "setting windows.zones: the sites' clocks are so far apart that the pseudonym key "
                "of a day would be gone before the day is over everywhere; run the sites that are "
                "furthest apart with services of their own"
            )
        return cls(
            retention.pseudonymous_hours * HOUR,
            retention.vault_days * DAY,
            policy.current.version,
            greatest,
        )

    def sealing_due(self, day: int) -> int:
        """Return when the sealing and token key of ``day`` must be gone, seconds since 1970."""
        return day * DAY + self.vault

    def pseudonym_due(self, ingest: str, day: int, made: int) -> int:
        """Return when a pseudonym key made at ``made`` must be gone, seconds since 1970."""
        if ingest != LIVE:
            return made + self.pseudonymous
        then = [ahead for since, ahead in self.before if since <= made]
        return day * DAY - max([self.ahead, *then[-1:]]) + self.pseudonymous

    def may_make_sealing(self, day: int, now: int) -> bool:
        """Tell whether the sealing key of ``day`` may be made at ``now``."""
        return day * DAY - AHEAD <= now < (day + 1) * DAY

    def may_make(self, ingest: str, day: int, now: int) -> bool:
        """Tell whether a pseudonym key for ``day`` may be made at ``now``."""
        return 0 <= day * DAY <= now + DAY and self.pseudonym_due(ingest, day, now) > now
