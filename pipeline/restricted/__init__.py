"""The room behind the wall: raw lines come in, events and sealed records go out.

This door is closed: what is not in ``__all__`` is nobody else's business, and only the split
worker, the shipper and the benchmark (which hold raw lines anyway) may knock.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.errors import SettingsError
from pipeline.labels import WIDGET_SUFFIX
from pipeline.policy import Policy
from pipeline.restricted import formats
from pipeline.restricted.agent import Agent, Agents
from pipeline.restricted.describe import Describer
from pipeline.restricted.geo import Geo
from pipeline.restricted.glance import Look, look, oldest
from pipeline.restricted.lines import Label, RawMessages
from pipeline.restricted.referrer import Referrer, Referrers
from pipeline.restricted.scrub import load_scrubber, method_name
from pipeline.restricted.split import Crossing, Reading, Splitter
from pipeline.restricted.widget import read as widget
from pipeline.settings import Split

__all__ = [
    "Crossing",
    "Label",
    "Look",
    "RawMessages",
    "Reading",
    "Splitter",
    "describers",
    "look",
    "oldest",
    "open_splitter",
]


def open_splitter(
    settings: Split, policy: Policy, partitions: int, *, sealing: bool = True
) -> Splitter:
    """Furnish the room; raises SettingsError for rules, schemas or databases that cannot be read.

    ``partitions`` is the number of partitions of ``events``.
    """
    widget.packaged()
    for site in (settings.site, *(settings.sites or ())):
        if site.endswith(WIDGET_SUFFIX):
            raise SettingsError(
                f"setting split.site {site}: a name that ends in {WIDGET_SUFFIX} is given by split "
                "alone; give another"
            )
    describer = Describer(
        load_scrubber(settings.scrub_rules),
        Agents(),
        Referrers(),
        Geo(settings.mmdb_country, settings.mmdb_asn),
    )
    return Splitter(
        describer,
        policy,
        Label(settings.site, settings.source, settings.format, settings.ingest),
        partitions=partitions,
        max_line_bytes=settings.max_line_bytes,
        own_hosts={site: frozenset(hosts) for site, hosts in settings.own_hosts.items()},
        sealing=sealing,
        sites=settings.sites,
        ingests=settings.ingests,
        known=formats.known(settings.formats),
    )


def describers() -> tuple[
    Callable[[str | None], str],
    Callable[[str | None], Agent],
    Callable[[str | None], Referrer],
    Callable[[str | None], str],
]:
    """Return what is said of one page, agent, referrer and method: for the slow reference."""
    return load_scrubber().page, Agents().describe, Referrers().describe, method_name
