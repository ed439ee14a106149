"""Options that several verbs share. Nothing is checked here, so nothing but Typer is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

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
    Path | None,
    typer.Option("--mmdb-country", help="MMDB file: address to country, or region and city too"),
]
PLACES = Annotated[
    Literal["none", "region", "city"] | None,
    typer.Option("--places", help="which of them that file is asked for besides the country"),
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
