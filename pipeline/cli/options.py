"""Options that several verbs share, and the checks that come before anything is started."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import maxminddb
import typer

from pipeline.errors import UsageError
from pipeline.labels import PATTERN
from pipeline.policy import Policy, k_in_force, shortfall

Config = Annotated[Path | None, typer.Option("--config", help="settings file (YAML)")]
Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="keep everything in this folder")
]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        help="auto, a format's name, or (report) an Apache LogFormat or nginx log_format string",
    ),
]
Site = Annotated[str, typer.Option("--site", metavar="NAME", help="the site the lines belong to")]
K = Annotated[
    int | None,
    typer.Option(
        "--k",
        min=1,
        help="fewest visitors behind a number: the policy's or more; 1 is not anonymous",
    ),
]
COUNTRY = Annotated[
    Path | None, typer.Option("--mmdb-country", help="MMDB file: address to country")
]
ASN = Annotated[Path | None, typer.Option("--mmdb-asn", help="MMDB file: address to provider")]
Zone = Annotated[
    str | None,
    typer.Option(
        "--zone",
        metavar="AREA/CITY",
        help="time zone of times that name none, as in Europe/Berlin",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="print JSON")]

_LABEL: Final = re.compile(PATTERN)


def is_layout(format_: str) -> bool:
    """Tell a format string from a format's name, which has neither of its signs."""
    return "%" in format_ or "$" in format_


def check_label(option: str, label: str) -> None:
    """Raise UsageError unless ``label`` may cross the wall."""
    if not _LABEL.fullmatch(label):
        raise UsageError(
            f"{option}: use up to 64 letters, digits, dots, dashes and underscores, a letter or "
            "digit first"
        )


def check_zone(zone: str | None) -> None:
    """Raise UsageError for a time zone that nobody knows."""
    if zone is None:
        return
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(
            f"--zone {zone}: no time zone is called that; name one such as Europe/Berlin or UTC"
        ) from None


def database(option: str, path: Path | None) -> str | None:
    """Return an MMDB file's full path; raises UsageError where it cannot be read as one."""
    if path is None:
        return None
    if not path.is_file():
        raise UsageError(f"{option} {path}: no such file")
    try:
        maxminddb.open_database(path).close()
    except (OSError, ValueError, maxminddb.InvalidDatabaseError):
        raise UsageError(f"{option} {path}: is no MMDB file that can be read") from None
    return str(path.resolve())


def k_asked_for(made: Policy, k: int | None) -> int:
    """Return the k to work with, and say so where it is below the policy's."""
    in_force = k_in_force(made, k, lower=True)
    note_k(made, in_force)
    return in_force


def note_k(made: Policy, k: int) -> None:
    """Say on standard error what numbers of ``k`` lack of what the policy promises, if anything."""
    lacking = shortfall(k, made.current.k)
    if lacking is not None:
        sys.stderr.write(f"partywall: note: {lacking}\n")
