r"""Lines of one's own as a regular expression, whose named groups are the slots of a layout.

The syntax is that of Rust (https://docs.rs/regex/latest/regex/#syntax), which never looks back and
so takes no line twice: no look-around and no back-references. Groups without a name are passed
over; where there is a ``request`` its parts beside it are not read. Escapes (``\"``, ``\xhh``)
within a request, a path, a referrer and an agent are undone.
"""

from __future__ import annotations

import polars as pl

from pipeline.errors import SettingsError
from pipeline.restricted.formats.fields import Context, Read
from pipeline.restricted.formats.layouts import HALVES, SLOTS, TIMES, joined_times, typed, undone
from pipeline.restricted.formats.localtime import zoned_seconds
from pipeline.restricted.formats.own.forms import form
from pipeline.restricted.formats.pieces import unescaped


def reader(regex: object, written: object = None) -> Read:
    """Return what reads lines by ``regex``; raises SettingsError where it could give no event.

    ``written`` is the form of the group ``when``, or of ``day`` and ``clock`` with a space between.
    """
    if not isinstance(regex, str):
        raise SettingsError("regex takes one regular expression, as text")
    names = _groups(regex)
    when = form(written) if written is not None else ""
    if bool(when) != ("when" in names or HALVES.issubset(names)):
        raise SettingsError("regex: a group called when needs a form, and a form that group")
    beside = {"method", "target", "path", "query"} if "request" in names else set()
    wanted = [name for name in names if name in SLOTS and name not in beside]

    def read(lines: pl.Series, context: Context) -> pl.DataFrame:
        found = undone(lines.str.extract_groups(regex).struct.unnest().select(wanted), unescaped)
        if when:
            stamp = found["when"] if "when" in names else joined_times(found)
            found = found.with_columns(zoned_seconds(stamp, when, context))
        who = [name for name in ("address", "forwarded_for") if name in names]
        found = found.with_columns(pl.coalesce(who).alias("who"))
        return typed(found, "who")

    return read


def _groups(regex: str) -> list[str]:
    """Return the names of the groups; raises SettingsError for what reads no log."""
    try:
        shape = pl.Series([""]).str.extract_groups(regex).dtype
    except pl.exceptions.PolarsError as error:
        # The last line says what is wrong, those before it show where.
        last = str(error).strip().splitlines()[-1].removeprefix("error: ")
        raise SettingsError(f"regex: {last}") from None
    names = [field.name for field in shape.fields] if isinstance(shape, pl.Struct) else []
    unknown = [name for name in names if name not in SLOTS and not name.isdigit()]
    if unknown:
        raise SettingsError(
            f"regex: no field is called {unknown[0]}: name groups {', '.join(sorted(SLOTS))}"
        )
    if not {"address", "forwarded_for"}.intersection(names):
        raise SettingsError("regex needs a group for the client's address: (?P<address>…)")
    if not set(TIMES).intersection(names) and not HALVES.issubset(names):
        raise SettingsError(f"regex needs a group for the time: {', '.join(TIMES)}")
    return names
