"""The checks of options that come before anything is started; some bring the formats' parsers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Final

import maxminddb
import yaml

from pipeline.apps import trial
from pipeline.errors import SettingsError, UsageError
from pipeline.labels import PATTERN, WIDGET_SUFFIX
from pipeline.settings import OwnFormat, Split, Windows

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
    # By the list that split reads times with, whatever this machine's own is.
    _check_known("--zone", zone, lambda name: trial.check(Split(zone=name)))


def check_clock(zone: str | None) -> None:
    """Raise UsageError for a time zone by whose clock no day can be cut."""
    _check_known("--clock", zone, lambda name: Windows(zone=name).clocks())


def _check_known(option: str, zone: str | None, check: Callable[[str], object]) -> None:
    if zone is None:
        return
    try:
        check(zone)
    except SettingsError:
        raise UsageError(
            f"{option} {zone}: no time zone is called that; name one such as Europe/Berlin or UTC"
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
