"""How a time of one's own is written, in chrono's directives: checked before the first line.

https://docs.rs/chrono/latest/chrono/format/strftime/
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

import polars as pl

from pipeline.errors import SettingsError

_EVENING: Final = dt.datetime(2015, 5, 17, 22, 5, 43, tzinfo=dt.UTC)
"""Every part of it differs from every other, and it is after noon."""
_OFFSET: Final = re.compile("%[:#]?z")


def form(text: object) -> str:
    """Return a form for ``zoned_seconds``; raises SettingsError where it tells no whole time."""
    if not isinstance(text, str):
        raise SettingsError("form is a text such as '%Y-%m-%d %H:%M:%S'")
    moment = pl.Series([_EVENING])
    moment = moment if _OFFSET.search(text) else moment.dt.replace_time_zone(None)
    # What %#z reads (with and without a colon, or hours alone) it cannot write.
    read, written = _OFFSET.sub("%#z", text), _OFFSET.sub("%z", text)
    try:
        found = moment.dt.strftime(written).str.to_datetime(read, strict=False)
    except pl.exceptions.PolarsError:
        found = pl.Series([None], dtype=pl.Datetime)
    if "%s" in text or found.dt.epoch("s").to_list() != [int(_EVENING.timestamp())]:
        raise SettingsError(
            f"form {text!r} does not tell date and time of day to the second; write it as in "
            "'%d/%b/%Y %H:%M:%S' (a number of seconds needs no form)"
        )
    return read
