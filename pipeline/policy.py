"""The policy file: which purposes, which k and which retention were in force when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

import yaml

from pipeline import declarations
from pipeline.clock import Clock, system_clock
from pipeline.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Retention:
    """How long each tier may live."""

    raw_topic_hours: int
    pseudonymous_hours: int
    vault_days: int
    rollups_days: int


@dataclass(frozen=True, slots=True)
class Category:
    """A reason to open a case: how many must approve it, and the purpose that it serves.

    ``purpose`` is None where the law asks for it (legal process, requests of a person), so that
    no purpose has to have been announced.
    """

    approvers: int
    purpose: str | None


MOST_EMERGENCY_MINUTES: Final = 60
PLACE_FLOOR: Final = 50
"""Visitors that a region or city needs where a policy does not say."""

Crossings = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Segment → dimension → what it is released together with (docs/release.md, pairs)."""

CATEGORIES: Final[Mapping[str, Category]] = MappingProxyType(
    {
        "abuse": Category(1, "abuse"),
        "service_problem": Category(1, "operation"),
        "policy_enforcement": Category(1, "abuse"),
        "legal_process": Category(2, None),
        "data_subject_request": Category(1, None),
    }
)
"""The reasons the policy knows, unless a policy file lists its own."""


@dataclass(frozen=True, slots=True)
class Investigations:
    """Reasons for a case, and how long it may do what.

    A case is open for ``open_hours`` from its approval, with extensions for ``most_open_hours`` in
    all; an emergency for ``emergency_minutes``, to be ratified within ``ratify_hours``. A person's
    request is answered within ``answer_days``; ended cases are purged after ``purge_days``.
    """

    categories: dict[str, Category]
    open_hours: int = 72
    most_open_hours: int = 336
    emergency_minutes: int = 60
    ratify_hours: int = 24
    answer_days: int = 30
    purge_days: int = 365


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the policy. ``effective`` is aware, UTC; ``k`` counts distinct visitors.

    ``place_floor`` is what a region or city needs of them.
    """

    version: int
    effective: dt.datetime
    purposes: frozenset[str]
    k: int
    retention: Retention
    investigations: Investigations = field(default_factory=lambda: Investigations(dict(CATEGORIES)))
    crossings: Crossings = field(default_factory=dict)
    place_floor: int = PLACE_FLOOR


@dataclass(frozen=True, slots=True)
class Policy:
    """All versions, oldest first, and when they were read (None: all are taken to be in force)."""

    versions: tuple[Version, ...]
    read: dt.datetime | None = None

    @property
    def current(self) -> Version:
        """The newest version in force at the reading: its k and retention are carried out."""
        begun = [v for v in self.versions if self.read is None or v.effective <= self.read]
        return begun[-1]

    def at(self, moment: dt.datetime) -> Version | None:
        """Return the version in force at ``moment``, or None before the first."""
        return next((v for v in reversed(self.versions) if v.effective <= moment), None)

    def first_with(self, purpose: str) -> int | None:
        """Return the version that introduced ``purpose``, or None where none names it.

        A purpose that a version drops and a later one names again counts from the later one.
        """
        since: int | None = None
        for version in self.versions:
            if purpose not in version.purposes:
                since = None
            elif since is None:
                since = version.version
        return since


def k_in_force(policy: Policy, wanted: int | None, *, lower: bool = False) -> int:
    """Return ``wanted`` visitors, or the policy's where it is None; raises SettingsError.

    A k of one's own may be higher than the policy's. The only lower one is 1, for trials: that is
    seen at once and called not anonymous, while a 2 would pass for a protection. With ``lower``
    any is taken: somebody has asked for it by name, for a group of their own.
    """
    k = policy.current.k
    if wanted is not None and 1 < wanted < k and not lower:
        raise SettingsError(
            f"k {wanted} is below the policy's {k}: take {k} or more, or 1 for a trial that is not "
            "anonymous"
        )
    return wanted or k


def floor_in_force(policy: Policy, k: int) -> int:
    """Return how many visitors a region or city needs, under a ``k`` in force.

    Never less than anything else; and a trial that is not anonymous shows all there is.
    """
    return 1 if k == 1 else max(k, policy.current.place_floor)


def shortfall(k: int, promised: int) -> str | None:
    """Say what numbers released under ``k`` are worth where the policy promises more, else None.

    ``k`` is of one or more visitors, and 1 is not anonymous whatever the policy says.
    """
    if k == 1:
        return "not anonymous: with k = 1 a number may stand for a single visitor"
    if k < promised:
        return (
            f"below the policy's k of {promised}: with k = {k} a number may stand for {k} visitors"
        )
    return None


def load(path: Path | None = None, clock: Clock = system_clock) -> Policy:
    """Read a policy file, the packaged default where ``path`` is None; raises SettingsError."""
    return read(path, clock)[0]


def read(path: Path | None = None, clock: Clock = system_clock) -> tuple[Policy, bytes]:
    """Return what ``load`` does, and the very bytes that it was read from."""
    source = path or declarations.folder() / "policy/default.yaml"
    try:
        said = source.read_bytes()
        document = yaml.safe_load(said.decode("utf-8"))
        versions = tuple(_version(entry) for entry in document["versions"])
    except OSError as error:
        raise SettingsError(f"policy {source}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise SettingsError(
            f"policy {source}: each version needs version, effective, purposes, k, retention"
        ) from error
    numbers = [v.version for v in versions]
    dates = [v.effective for v in versions]
    if not versions or numbers != sorted(set(numbers)) or dates != sorted(dates):
        raise SettingsError(f"policy {source}: list versions once each, oldest first")
    if min(v.k for v in versions) < 1:
        raise SettingsError(f"policy {source}: k must be 1 or more")
    if min(v.place_floor for v in versions) < 1:
        raise SettingsError(f"policy {source}: place_floor must be 1 or more")
    _check_categories(source, versions)
    now = clock()
    if dates[0] > now:
        raise SettingsError(f"policy {source}: no version is in force yet; let the first begin now")
    return Policy(versions, now), said


def _check_categories(source: Path, versions: tuple[Version, ...]) -> None:
    for version in versions:
        cases = version.investigations
        if any(category.approvers < 1 for category in cases.categories.values()):
            raise SettingsError(f"policy {source}: every category of cases needs an approver")
        if not 0 < cases.open_hours <= cases.most_open_hours:
            raise SettingsError(f"policy {source}: open_hours may not be over most_open_hours")
        if cases.purge_days < 1:
            raise SettingsError(f"policy {source}: purge_days must be 1 or more")
        if not 0 < cases.emergency_minutes <= MOST_EMERGENCY_MINUTES:
            raise SettingsError(
                f"policy {source}: emergency_minutes may be {MOST_EMERGENCY_MINUTES} at most"
            )


def _version(entry: dict[str, object]) -> Version:
    effective = entry["effective"]
    if not isinstance(effective, dt.datetime):
        raise TypeError("effective")
    retention = entry["retention"]
    if not isinstance(retention, dict):
        raise TypeError("retention")
    return Version(
        version=int(str(entry["version"])),
        effective=effective.astimezone(dt.UTC)
        if effective.tzinfo
        else effective.replace(tzinfo=dt.UTC),
        purposes=frozenset(str(p) for p in entry["purposes"]),  # type: ignore[attr-defined]
        k=int(str(entry["k"])),
        retention=Retention(**{str(k): int(v) for k, v in retention.items()}),
        investigations=_investigations(entry.get("investigations")),
        crossings=_crossings(entry.get("crossings")),
        place_floor=int(str(entry.get("place_floor", PLACE_FLOOR))),
    )


def _crossings(entry: object) -> Crossings:
    """Read the pairs; a policy that says nothing of them has those of the packaged one."""
    if entry is None:
        entry = declarations.load("policy/default.yaml")["versions"][-1]["crossings"]
    if not isinstance(entry, dict):
        raise TypeError("crossings")
    return {
        str(segment): {str(name): tuple(map(str, others)) for name, others in found.items()}
        for segment, found in entry.items()
    }


def _investigations(entry: object) -> Investigations:
    """Read how cases are handled; a policy that says nothing of it has what is in CATEGORIES."""
    if entry is None:
        return Investigations(dict(CATEGORIES))
    if not isinstance(entry, dict):
        raise TypeError("investigations")
    said = dict(entry)
    named = said.pop("categories", None)
    categories = dict(CATEGORIES)
    if named is not None:
        categories = {
            str(name): Category(int(one["approvers"]), one.get("purpose"))
            for name, one in named.items()
        }
    return Investigations(categories, **{str(name): int(value) for name, value in said.items()})
