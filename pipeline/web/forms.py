"""Forms as browsers send them without script: small, in UTF-8, urlencoded, nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from pipeline.web.failures import TurnedAwayError

MOST_BYTES: Final = 256 * 1024
MOST_FIELDS: Final = 500
_TYPE: Final = "application/x-www-form-urlencoded"


class Form:
    """What was filled in. Its repr shows names of fields alone."""

    def __init__(self, fields: Sequence[tuple[str, str]] = ()) -> None:
        self._fields: Mapping[str, list[str]] = {}
        found: dict[str, list[str]] = {}
        for name, value in fields:
            found.setdefault(name, []).append(value)
        self._fields = found

    def one(self, name: str) -> str:
        """Return the field's value without blanks around it, "" where there is none."""
        return next(iter(self._fields.get(name, [])), "").strip()

    def all(self, name: str) -> list[str]:
        """Return each value of a field that may be there several times."""
        return [value.strip() for value in self._fields.get(name, [])]

    def __repr__(self) -> str:
        return f"Form({', '.join(sorted(self._fields))})"


async def read(request: Request) -> Form:
    """Read a POST's body; raises TurnedAwayError where it is no form, or too large a one."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise TurnedAwayError("form")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                raise TurnedAwayError("large")
        fields = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except (ValueError, ClientDisconnect):
        raise TurnedAwayError("form") from None
    return Form(fields)
