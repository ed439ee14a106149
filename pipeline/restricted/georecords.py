"""What a record of an MMDB file says: the layouts of MaxMind, DB-IP, ip-location-db and ipinfo."""

from __future__ import annotations

import re
from typing import Final

from pipeline.settings import Places

UNKNOWN: Final = "(unknown)"

_LONGEST_NAME: Final = 64
_COUNTRY_CODE: Final = re.compile(r"[A-Za-z]{2}", re.ASCII)
_REGION_CODE: Final = re.compile(r"[A-Za-z0-9]{1,3}", re.ASCII)
_DISTRICT: Final = re.compile(r"\s*\([^()]*\)\s*\Z")


def country_of(record: object) -> str:
    """Return the ISO 3166-1 code of a record's country."""
    if not isinstance(record, dict):
        return UNKNOWN
    found: object = record.get("country_code") or record.get("country")
    if found is None:
        found = record.get("registered_country")
    if isinstance(found, dict):
        found = found.get("iso_code")
    return found.upper() if isinstance(found, str) and _COUNTRY_CODE.fullmatch(found) else UNKNOWN


def place_of(record: object, country: str, places: Places) -> str:
    """Return the region of a record, or its city, within ``country``.

    A region is its ISO 3166-2 code, else its name with the country. A city has its region behind
    it: there are many of one name, and one place must lie in one country.
    """
    if places == "none" or country == UNKNOWN or not isinstance(record, dict):
        return UNKNOWN
    region = _region(record, country)
    if places == "region":
        return region or UNKNOWN
    # DB-IP writes districts behind cities, in brackets: they are finer than a city.
    city = _DISTRICT.sub("", _name(record.get("city")))
    return f"{city}, {region or country}" if city else UNKNOWN


def provider_of(record: object) -> str:
    """Return the name of a record's network."""
    if not isinstance(record, dict):
        return UNKNOWN
    names = (_name(record.get(k)) for k in ("autonomous_system_organization", "as_name", "name"))
    return next(filter(None, names), UNKNOWN)


def _region(record: dict[object, object], country: str) -> str:
    divisions = record.get("subdivisions")
    largest = divisions[0] if isinstance(divisions, list) and divisions else None
    code = largest.get("iso_code") if isinstance(largest, dict) else record.get("region_code")
    if isinstance(code, str) and _REGION_CODE.fullmatch(code):
        return f"{country}-{code.upper()}"
    names = (_name(found) for found in (largest, *map(record.get, ("region", "state1"))))
    name = next(filter(None, names), "")
    return name and f"{name}, {country}"


def _name(found: object) -> str:
    """Return a name, the English one where there are several; "" where there is none."""
    if isinstance(found, dict):
        names = found.get("names")
        found = names.get("en") if isinstance(names, dict) else None
    return " ".join(found.split())[:_LONGEST_NAME] if isinstance(found, str) else ""
