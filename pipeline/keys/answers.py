"""Takes the key service's answers apart, and says what a refusal is to whoever asked."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from pipeline.errors import (
    IntegrityError,
    PartywallError,
    RefusedError,
    SettingsError,
    UsageError,
)
from pipeline.keys.asking import Sought, Wanted
from pipeline.keys.material import KEY_BYTES, TOKEN_BYTES


def error_of(status: int, why: str) -> PartywallError:
    """Return what a refused request is to whoever asked."""
    if status == 401:  # noqa: PLR2004
        return SettingsError("key service: refuses our token; check keys.investigations_token_file")
    if status == 403:  # noqa: PLR2004
        return RefusedError(why)
    if status == 422:  # noqa: PLR2004
        return IntegrityError(why)
    return UsageError(f"key service: {why}")


def taken(body: bytes) -> dict[str, Any]:
    """Return an answer's JSON object; raises IntegrityError where it is none."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise IntegrityError("key service: the answer is no JSON") from error
    if not isinstance(answer, dict):
        raise IntegrityError("key service: the answer is no JSON object")
    return answer


def why_of(answer: Mapping[str, Any]) -> str:
    """Return the reason that an answer gives."""
    return str(answer.get("error", "no reason given"))


def wanted_json(one: Wanted) -> dict[str, object]:
    """Return a question for tokens as JSON can hold it."""
    return {
        "key_id": one.key_id,
        "site": one.site,
        "first_day": one.first_day,
        "last_day": one.last_day,
        "untimed": one.untimed,
    }


def halves(wanted: Sequence[Wanted]) -> list[list[Wanted]]:
    """Cut a question in two: by its parts, or the days of its only part."""
    if len(wanted) > 1:
        middle = len(wanted) // 2
        return [list(wanted[:middle]), list(wanted[middle:])]
    [one] = wanted
    if one.first_day == one.last_day:
        raise UsageError("tokens: one day of one site has too many; name fewer networks")
    middle = (one.first_day + one.last_day) // 2
    return [
        [Wanted(one.key_id, one.site, one.first_day, middle)],
        [Wanted(one.key_id, one.site, middle + 1, one.last_day, one.untimed)],
    ]


def sought(row: Mapping[str, Any], addresses: Sequence[str]) -> Sought:
    """Return a row of tokens, each with its address; raises IntegrityError where they differ."""
    joined = _bytes(row["tokens"])
    if len(joined) != TOKEN_BYTES * len(addresses):
        raise IntegrityError("key service: the answer holds other tokens than addresses")
    tokens = [joined[at : at + TOKEN_BYTES] for at in range(0, len(joined), TOKEN_BYTES)]
    return Sought(row["key_id"], row["site"], row["day"], dict(zip(tokens, addresses, strict=True)))


def key_of(text: object) -> bytes:
    """Return a key of KEY_BYTES; raises IntegrityError for anything else."""
    key = _bytes(text)
    if len(key) != KEY_BYTES:
        raise IntegrityError("key service: the answer holds no key")
    return key


def text_of(data: bytes) -> str:
    """Return bytes as base64."""
    return base64.b64encode(data).decode("ascii")


def _bytes(text: object) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except ValueError:
        raise IntegrityError("key service: the answer holds no base64") from None
