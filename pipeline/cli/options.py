"""Options that several verbs share, and the checks that come before anything is started."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final

import maxminddb
import typer
import yaml

from pipeline.apps import trial
from pipeline.errors import SettingsError, UsageError
from pipeline.labels import PATTERN, WIDGET_SUFFIX
from pipeline.policy import Policy, k_in_force, shortfall
from pipeline.settings import OwnFormat, Split

Config = Annotated[Path | None, typer.Option("--config", help="settings file (YAML)")]
Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="keep everything in this folder")
]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        help="auto, a format's name, or (report) an Apache LogFormat or nginx log_format string, "
        "or a YAML file with a map or a regex",
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
DATACENTRES = Annotated[
    Path | None,
    typer.Option("--datacentres", help="networks of data centres: one a line, or an MMDB file"),
]
Zone = Annotated[
    str | None,
    typer.Option(
        "--zone",
        metavar="AREA/CITY",
        help="time zone of times that name none, as in Europe/Berlin",
    ),
]
SiteFrom = Annotated[
    str | None,
    typer.Option(
        "--site-from",
        metavar="folder|file",
        help="each input's folder, or its own name up to a dot, is the name of its site",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="print JSON")]

_LABEL: Final = re.compile(PATTERN)
_OWN: Final = "own"
"""What a format is called that was described and not named."""
_YAML: Final = frozenset({".yaml", ".yml"})


def own_format(format_: str) -> OwnFormat | None:
    """Return a format that is described and not named; None for a name.

    Raises UsageError for a YAML file that cannot be read as a mapping.
    """
    if "%" in format_ or "$" in format_:  # no name has either sign
        return format_
    path = Path(format_)
    if path.suffix not in _YAML:
        return None
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--format {path}: {error.strerror}; name a YAML file") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise UsageError(f"--format {path}: is no YAML that can be read") from None
    if not isinstance(said, dict):
        raise UsageError(f"--format {path}: holds no mapping; begin it with json: or regex:")
    return said


def with_own(
    format_: str, formats: Mapping[str, OwnFormat] | None = None
) -> tuple[str, dict[str, OwnFormat]]:
    """Return a format's name and ``formats`` of one's own, one that is described among them.

    Raises UsageError as ``own_format`` does.
    """
    described = own_format(format_)
    if described is None:
        return format_, dict(formats or {})
    return _OWN, {**(formats or {}), _OWN: described}


def check_label(option: str, label: str) -> None:
    """Raise UsageError unless ``label`` may cross the wall."""
    if not _LABEL.fullmatch(label):
        raise UsageError(
            f"{option}: use up to 64 letters, digits, dots, dashes and underscores, a letter or "
            "digit first"
        )
    if option == "--site" and label.endswith(WIDGET_SUFFIX):
        raise UsageError(
            f"{option}: {WIDGET_SUFFIX} ends the names that split gives to widgets; leave it out"
        )


def check_site_from(part: str | None) -> None:
    """Raise UsageError for anything but the two that a site may come from."""
    if part not in {None, "folder", "file"}:
        raise UsageError(f"--site-from {part}: say folder or file")


def check_zone(zone: str | None) -> None:
    """Raise UsageError for a time zone that nobody knows."""
    if zone is None:
        return
    try:
        # By the list that split reads times with, whatever this machine's own is.
        trial.check(Split(zone=zone))
    except SettingsError:
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


def networks(option: str, path: Path | None) -> str | None:
    """Return the full path of a file of networks; raises UsageError where it cannot be read."""
    if path is None or path.suffix == ".mmdb":
        return database(option, path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise UsageError(f"{option} {path}: no such file") from None
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"{option} {path}: is no text that can be read") from None
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        try:
            ip_network(text or "::/0", strict=False)
        except ValueError:
            raise UsageError(
                f"{option} {path}: line {number} is no network; write one as in 192.0.2.0/24"
            ) from None
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
