"""Writers of every log format, after their makers' documentation and nobody's reader.

One module a family. ``named`` finds a format, plain (``nginx_json``) or wrapped
(``docker.nginx_json``).
"""

from __future__ import annotations

from typing import Final

from pipeline.errors import UsageError
from pipeline.simulate.formats import (
    apache,
    aws,
    caddy,
    cloud,
    haproxy,
    nginx,
    streaming,
    traefik,
    w3c,
)
from pipeline.simulate.formats.spec import Format
from pipeline.simulate.formats.wrappers import WRAPPERS

__all__ = ["ALL", "FORMATS", "WRAPPERS", "Format", "named"]

_FAMILIES: Final = (apache, nginx, caddy, traefik, w3c, aws, haproxy, cloud, streaming)
FORMATS: Final[dict[str, Format]] = {
    entry.name: entry for family in _FAMILIES for entry in family.FORMATS
}
_WRAPPED_OF_ALL: Final = ("combined", "nginx_json")
ALL: Final = "all"


def named(names: str) -> list[tuple[Format, str | None]]:
    """Return the formats, each with its wrapper, of a list with commas; raises UsageError.

    ``all`` is every format, and two of them in every wrapper.
    """
    wanted = [name.strip() for name in names.split(",")]
    if wanted == [ALL]:
        wanted = [*FORMATS, *(f"{wrap}.{name}" for wrap in WRAPPERS for name in _WRAPPED_OF_ALL)]
    return [_named(name) for name in dict.fromkeys(wanted)]


def _named(name: str) -> tuple[Format, str | None]:
    wrapper, _, plain = name.rpartition(".")
    if plain not in FORMATS:
        raise UsageError(f"--format: there is no {plain!r}: choose from {', '.join(FORMATS)}, all")
    if wrapper and wrapper not in WRAPPERS:
        raise UsageError(
            f"--format: nothing wraps as {wrapper!r}: choose from {', '.join(WRAPPERS)}"
        )
    return FORMATS[plain], wrapper or None
