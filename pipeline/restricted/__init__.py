"""The room behind the wall: raw lines come in, events and sealed records go out.

This door is closed: what is not in ``__all__`` is nobody else's business, and only the split
worker, the shipper, the benchmark, trials of formats and rules and the investigations (all of which
hold raw lines anyway) may knock.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from pipeline.errors import SettingsError
from pipeline.labels import WIDGET_SUFFIX
from pipeline.policy import Policy
from pipeline.restricted import formats
from pipeline.restricted.agent import Agent, Agents
from pipeline.restricted.behaviour import Behaviour, load_limits
from pipeline.restricted.campaign import Campaigns
from pipeline.restricted.describe import Describer
from pipeline.restricted.geo import Geo
from pipeline.restricted.glance import Look, look, oldest
from pipeline.restricted.lines import Label, RawMessages
from pipeline.restricted.proxies import read_proxies
from pipeline.restricted.records import RECORD, RecordReader
from pipeline.restricted.referrer import Referrer, Referrers, is_own_host
from pipeline.restricted.scrub import load_scrubber, method_name
from pipeline.restricted.scrub.preview import ScrubPreview, ScrubPreviewer
from pipeline.restricted.seal import seal as seal_records
from pipeline.restricted.seal import seal_again
from pipeline.restricted.split import Crossing, Reading, Splitter
from pipeline.restricted.trial import Listed, Trial, listing, trial
from pipeline.restricted.widget import read as widget
from pipeline.settings import NO_GOALS, Goals, Split
from pipeline.shown import is_zone
from pipeline.zones import ALL_UTC, Zones

__all__ = [
    "RECORD",
    "Crossing",
    "Label",
    "Listed",
    "Look",
    "RawMessages",
    "Reading",
    "RecordReader",
    "ScrubPreview",
    "ScrubPreviewer",
    "Splitter",
    "Trial",
    "check",
    "check_goals",
    "describers",
    "listing",
    "look",
    "oldest",
    "open_reader",
    "open_splitter",
    "seal_again",
    "seal_records",
    "try_lines",
]


def open_splitter(
    settings: Split,
    policy: Policy,
    partitions: int,
    *,
    sealing: bool = True,
    goals: Goals = NO_GOALS,
    zones: Zones = ALL_UTC,
) -> Splitter:
    """Furnish the room; raises SettingsError for rules, schemas or databases that cannot be read.

    ``partitions`` is the number of partitions of ``events``; ``goals`` and ``zones`` are those of
    all sites.
    """
    widget.packaged()
    _check_names(settings)
    check_goals(goals)
    for zone in zones.every():
        if not is_zone(zone):
            raise SettingsError(f"setting windows: no column of times can be read as of {zone}")
    describer = Describer(
        load_scrubber(settings.scrub_rules),
        Agents(),
        Referrers(),
        Geo(
            settings.mmdb_country,
            settings.mmdb_asn,
            settings.datacentres,
            places=settings.places,
        ),
        goals,
    )
    return Splitter(
        describer,
        Behaviour(load_limits(settings.behaviour.model_dump())),
        policy,
        Label(settings.site, settings.source, settings.format, settings.ingest, settings.zone),
        partitions=partitions,
        max_line_bytes=settings.max_line_bytes,
        own_hosts={site: frozenset(hosts) for site, hosts in settings.own_hosts.items()},
        sealing=sealing,
        sites=settings.sites,
        ingests=settings.ingests,
        known=formats.known(settings.formats),
        proxies=read_proxies(settings.trusted_proxies),
        zones=zones,
    )


def open_reader(settings: Split, zones: Zones = ALL_UTC) -> RecordReader:
    """Return what reads opened lines as ``settings`` have them read; raises SettingsError."""
    check(settings)
    return RecordReader(
        formats.known(settings.formats),
        read_proxies(settings.trusted_proxies),
        Geo(settings.mmdb_country, settings.mmdb_asn, settings.datacentres),
        zones,
    )


def check(settings: Split) -> None:
    """Raise SettingsError for names, formats, proxies, a zone or rules that are no good."""
    _check_names(settings)
    formats.known(settings.formats)
    read_proxies(settings.trusted_proxies)
    if settings.scrub_rules is not None:
        load_scrubber(settings.scrub_rules)


def _check_names(settings: Split) -> None:
    """Raise SettingsError for what nothing else would refuse when it is made."""
    for site in (settings.site, *(settings.sites or ())):
        if site.endswith(WIDGET_SUFFIX):
            raise SettingsError(
                f"setting split.site {site}: a name that ends in {WIDGET_SUFFIX} is given by split "
                "alone; give another"
            )
    if settings.places != "none" and settings.mmdb_country is None:
        raise SettingsError(
            f"setting split.places: {settings.places} is read from the file of countries: set "
            "split.mmdb_country to an MMDB file that knows them"
        )
    for host in chain.from_iterable(settings.own_hosts.values()):
        if not is_own_host(host):
            raise SettingsError(
                f"setting split.own_hosts: {host!r} is no host name; give one as in shop.example "
                "or *.shop.example"
            )
    if not is_zone(settings.zone):
        raise SettingsError(
            f"setting split.zone: there is no time zone {settings.zone!r}; name one "
            "as in Europe/Berlin"
        )


def check_goals(goals: Goals) -> None:
    """Raise SettingsError for goals that nothing could ever reach."""
    known = widget.packaged().events
    for site, named in goals.items():
        if site.endswith(WIDGET_SUFFIX):
            plain = site.removesuffix(WIDGET_SUFFIX)
            raise SettingsError(
                f"setting goals.{site}: a widget's goals are its site's; put them under {plain}"
            )
        for name, goal in named.items():
            for event in goal.event:
                if event not in known:
                    raise SettingsError(
                        f"setting goals.{site}.{name}: there is no event {event}; "
                        f"choose from {', '.join(sorted(known))}"
                    )


def try_lines(name: str, lines: list[bytes], format_: str, settings: Split, now: int) -> Trial:
    """Tell what a format finds in a file's first lines, as ``settings`` have them read.

    Raises InputError where the format is not known or not plain, SettingsError as
    ``open_splitter`` does.
    """
    check(settings)
    context = formats.Context(
        now, zone=settings.zone, proxies=read_proxies(settings.trusted_proxies)
    )
    return trial(name, lines, format_, context, formats.known(settings.formats))


def describers() -> tuple[
    Callable[[str | None], str],
    Callable[[str | None], Agent],
    Callable[[str | None], Referrer],
    Callable[[str | None], str],
    Callable[[str | None], str],
]:
    """Return what is said of one page, agent, referrer, method and campaign, for the reference."""
    scrubber = load_scrubber()
    return (
        scrubber.page,
        Agents().describe,
        Referrers().describe,
        method_name,
        Campaigns(scrubber.page).describe,
    )
