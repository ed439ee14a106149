"""Log formats: lines of text into columns, or a reason why not.

``known`` has a folder a format, with its grammar, page, golden lines and quirks; ``wrappers`` what
others put around a line; ``own`` makes formats of the strings that servers are configured with. A
format turns a column of lines into FIELDS; what all of them must promise (an address that is one, a
time in range) is checked once, in ``fields``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import polars as pl

from pipeline.errors import SettingsError
from pipeline.restricted.formats.detect import Detection, detect_among
from pipeline.restricted.formats.fields import (
    FIELDS,
    MAX_LINE_BYTES,
    RAW_SCHEMA,
    REJECTS,
    Context,
    Format,
    check,
)
from pipeline.restricted.formats.known import (
    alb,
    azure_frontdoor,
    caddy,
    cloudflare,
    cloudfront,
    combined,
    common,
    elb,
    fastly,
    gcp,
    haproxy,
    haproxy_https,
    icecast,
    iis,
    netscaler,
    nginx,
    nginx_json,
    nginx_main,
    s3,
    shoutcast,
    traefik,
    traefik_json,
    varnish,
    vhost_combined,
    w3c,
    widget,
)
from pipeline.restricted.formats.own import compiled
from pipeline.restricted.formats.wrappers import MAX_DEPTH, WRAPPERS, wrapped
from pipeline.settings import OwnFormat

__all__ = [
    "AUTO",
    "FIELDS",
    "FORMATS",
    "MAX_LINE_BYTES",
    "RAW_SCHEMA",
    "REJECTS",
    "WRAPPERS",
    "Context",
    "Detection",
    "Format",
    "alone",
    "detect",
    "find",
    "known",
    "parse",
    "parse_and_tell",
]

AUTO: Final = "auto"
"""Stands for whichever format the first lines are in."""

FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {
        entry.FORMAT.name: entry.FORMAT
        for entry in (
            varnish, traefik, nginx_main, combined, vhost_combined, common, nginx, icecast,
            haproxy, haproxy_https, alb, elb, s3,
            cloudfront, iis, netscaler, shoutcast, w3c,
            nginx_json, caddy, traefik_json, gcp, azure_frontdoor, fastly, cloudflare, widget,
        )
    }
)  # fmt: skip
"""Name → format, in the order in which ``auto`` prefers them."""


def known(own: Mapping[str, OwnFormat]) -> Mapping[str, Format]:
    """Return all formats by name: one's own (``split.formats``) and those built in.

    Raises SettingsError for one that can give no event, or under a name that is taken.
    """
    for name in own:
        if name in FORMATS or name == AUTO:
            raise SettingsError(f"setting split.formats.{name}: this name is taken; give another")
    return {**{name: compiled(name, said) for name, said in own.items()}, **FORMATS}


def find(
    name: str, among: Mapping[str, Format] = FORMATS, *, depth: int = MAX_DEPTH
) -> Format | None:
    """Return the format of that name, which may have up to ``depth`` wrappers in front, with dots.

    ``syslog5424.docker.combined``: Docker's JSON within syslog.
    """
    if name in among:
        return among[name]
    outer, _, inner = name.partition(".")
    wrapper = WRAPPERS.get(outer)
    form = find(inner, among, depth=depth - 1) if wrapper is not None and depth else None
    if wrapper is None or form is None or not form.wrappable:
        return None
    return wrapped(wrapper, form)


def parse(
    name: str, lines: pl.Series, context: Context, *, among: Mapping[str, Format] = FORMATS
) -> pl.DataFrame:
    """Return RAW_SCHEMA, a row per line, in order; no text makes it raise.

    ``lines`` is a String column without line ends. A ``name`` that ``find`` does not know raises
    SettingsError.
    """
    form = find(name, among)
    if form is None:
        raise SettingsError(f"no format {name!r}: choose one of {', '.join(among)}")
    return check(form.read(lines, context), lines, context)


def parse_and_tell(
    name: str, lines: pl.Series, context: Context, *, among: Mapping[str, Format] = FORMATS
) -> tuple[pl.DataFrame, pl.Series]:
    """Return what ``parse`` does, and of each line what reads it when it stands alone.

    That is the format's name, then `` zone=…`` and `` fields=…`` where the format's own would not
    do (String); ``alone`` understands it.
    """
    form = find(name, among)
    if form is None:
        raise SettingsError(f"no format {name!r}: choose one of {', '.join(among)}")
    said = form.read(lines, context)
    reads = name if context.zone == "UTC" else f"{name} zone={context.zone}"
    told = pl.repeat(reads, lines.len(), dtype=pl.String, eager=True)
    if "fields" in said.columns:
        fields = pl.concat_str(pl.lit(f"{reads} fields="), said["fields"].fill_null(""))
        told = pl.select(fields).to_series()
    return check(said, lines, context), told.alias("format")


def alone(told: str) -> tuple[str, str, str]:
    """Return name, zone and directive of what ``parse_and_tell`` said of a line."""
    head, _, directive = told.partition(" fields=")
    name, _, zone = head.partition(" zone=")
    return name, zone or "UTC", directive


def detect(
    sample: pl.Series, among: Mapping[str, Format] = FORMATS, *, directive: str = ""
) -> Detection:
    """Guess the format of the first lines of a file (String column); see ``Detection``.

    ``directive`` is what a ``#Fields:`` line before them said, "" where nothing is known.
    """
    return detect_among(among, sample, directive)
