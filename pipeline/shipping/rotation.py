"""What a rotated log's name says: which set it belongs to, and how old it is in there.

``access.log``, ``access.log.1``, ``access.log.2.gz``, ``access.log-20150517.gz`` and
``access.2015-05-17.log`` are one set, ``access.log``. Names as logrotate(8), Apache's rotatelogs,
newsyslog(8) and log4j make them: https://man7.org/linux/man-pages/man8/logrotate.8.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

PACKED: Final = (".gz", ".bz2", ".xz", ".zst", ".tgz")
_DAY: Final = r"(?:19|20)\d{2}(?P<dash>-?)(?:0[1-9]|1[0-2])(?P=dash)(?:0[1-9]|[12]\d|3[01])"
_TIME: Final = r"(?:[-_T.]?(?:[01]\d|2[0-3])(?:[-:.]?[0-5]\d){0,2})?"
_SECONDS: Final = r"1\d{9}"  # logrotate's dateformat -%s
_WHEN: Final = rf"(?P<when>{_DAY}{_TIME}|{_SECONDS})"
_AT_THE_END: Final = re.compile(rf"(?P<base>.+?)[-._]{_WHEN}(?:\.(?P<count>\d{{1,4}}))?")
_INSIDE: Final = re.compile(
    rf"(?P<base>.+?)[-._]{_WHEN}(?:[-.](?P<count>\d{{1,4}}))?(?P<end>\.[A-Za-z]\w*)"
)
_COUNTED: Final = re.compile(r"(?P<base>.+?)\.(?P<count>\d{1,4})")


@dataclass(frozen=True, slots=True)
class Place:
    """A file's place in its set. ``age`` sorts the oldest first; the current file comes last.

    ``packed`` is the name's own word for it, not what the bytes say.
    """

    base: str
    age: tuple[int, str, int]
    packed: bool


def place(name: str) -> Place:
    """Read a file's name, without its folder."""
    stem = name
    for end in PACKED:
        if stem.lower().endswith(end) and len(stem) > len(end):
            stem = stem[: -len(end)]
    packed = stem != name
    for pattern in (_AT_THE_END, _INSIDE):
        if found := pattern.fullmatch(stem):
            digits = re.sub(r"\D", "", found["when"])
            base = found["base"] + (found.groupdict().get("end") or "")
            return Place(base, (0, digits.ljust(14, "0"), int(found["count"] or 0)), packed)
    if found := _COUNTED.fullmatch(stem):
        # The larger the number, the older the file.
        return Place(found["base"], (1, "", -int(found["count"])), packed)
    return Place(stem, (2, "", 0), packed)
