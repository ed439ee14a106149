"""The API in OpenAPI 3.1, from the vocabulary itself.

Source: https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from pipeline.analytics import ranges, step_times, words
from pipeline.analytics.query import MOST_ROWS

_TEXTS: Final = {"type": "array", "items": {"type": "string"}}
_RANGES: Final = {
    "type": "array",
    "description": "Of quantiles: from and to, of response times in milliseconds, of visits in "
    "seconds; to is null where there is no end.",
    "items": {"type": ["array", "null"], "items": {"type": ["integer", "null"]}},
}
_ZONE: Final = {
    "type": "string",
    "description": "The time zone (IANA) by whose clock all times are.",
    "examples": ["Europe/Berlin"],
}
_EXAMPLE: Final = {
    "site": "shop",
    "metrics": ["visitors", "pageviews"],
    "date_range": "7d",
    "dimensions": ["page"],
    "filters": [["is", "referrer_kind", ["search"]]],
    "order": [["visitors", "desc"]],
    "limit": 100,
}
_PARAMETERS: Final = {
    "site": ("The site asked about.", "shop"),
    "metrics": ("Names with commas between.", "visitors,pageviews"),
    "date_range": (f"{ranges.NAMES}, or two days with a comma between.", "7d"),
    "dimensions": ("Two names at most, with a comma between.", "page"),
    "filter": (
        "Any number of times: NAME=VALUE, or with != (is not), ~ (contains), ^= (starts with), "
        "$= (ends with); | between values.",
        "referrer_kind=search",
    ),
    "order": ("NAME:desc or NAME:asc, with commas between.", "visitors:desc"),
    "limit": (f"Rows of a page, {MOST_ROWS} at most.", "100"),
    "after": ("The token of the next page, from the answer before.", ""),
    "compare": ("previous_period: as many days directly before.", "previous_period"),
    "format": ("json, csv or arrow; else what the Accept header says.", "json"),
}
_ERRORS: Final = {
    "400": "A word is wrong or they do not go together",
    "401": "No token, or nobody's",
    "403": "The token does not reach the site",
    "413": "The question is too large",
    "429": "Too many requests; Retry-After says when to come again",
    "503": "The tables do not answer",
}


@cache
def document() -> dict[str, Any]:
    """Return the description of the API."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Partywall: released numbers",
            "version": "1",
            "description": "Counts of visits and requests, each of at least k visitors.",
        },
        "security": [{"token": []}],
        "paths": {
            "/v1/query": {
                "get": _operation("Ask with parameters", parameters=_parameters()),
                "post": _operation("Ask with JSON", requestBody=_body()),
            },
            "/v1/live": {
                "get": {
                    "summary": "The last half hour of a site, in steps of minutes",
                    "parameters": _parameters()[:1],
                    "responses": _responses({"$ref": "#/components/schemas/Live"}, tables=False),
                }
            },
            "/v1/sites": {
                "get": {
                    "summary": "The sites that the token reaches, with their first and last day",
                    "responses": _responses({"type": "object"}),
                }
            },
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Query": _query(), "Answer": _answer(), "Live": _live(), "Error": _error(),
            },
        },
    }  # fmt: skip


def _operation(summary: str, **more: object) -> dict[str, Any]:
    responses = _responses({"$ref": "#/components/schemas/Answer"})
    return {"summary": summary, "responses": responses, **more}


def _responses(schema: dict[str, Any], *, tables: bool = True) -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    found: dict[str, Any] = {
        "200": {
            "description": "The answer",
            "content": {
                "application/json": {"schema": schema},
                **({"text/csv": {}, "application/vnd.apache.arrow.stream": {}} if tables else {}),
            },
        }
    }
    return found | {
        status: {"description": said, "content": error} for status, said in _ERRORS.items()
    }


def _parameters() -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "query",
            "required": name == "site",
            "description": said,
            "schema": {"type": "string"},
            **({"example": example} if example else {}),
        }
        for name, (said, example) in _PARAMETERS.items()
    ]


def _body() -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Query"}
    return {
        "required": True,
        "content": {"application/json": {"schema": schema, "example": _EXAMPLE}},
    }


def _query() -> dict[str, Any]:
    metrics = [*words.METRICS, *words.METRIC_ALIASES]
    dimensions = [*words.DIMENSIONS, *words.DIMENSION_ALIASES]
    return {
        "type": "object",
        "required": ["site"],
        "additionalProperties": False,
        "properties": {
            "site": {"type": "string"},
            "metrics": {"type": "array", "items": {"enum": metrics}},
            "date_range": {
                "oneOf": [
                    {"type": "string", "description": ranges.NAMES},
                    _TEXTS | {"minItems": 2, "maxItems": 2},
                ]
            },
            "dimensions": {"type": "array", "maxItems": 2, "items": {"enum": dimensions}},
            "filters": {
                "type": "array",
                "items": {
                    "type": "array",
                    "prefixItems": [
                        {"enum": list(words.OPERATORS)}, {"enum": dimensions}, _TEXTS
                    ],
                },
            },
            "order": {
                "type": "array",
                "items": {
                    "type": "array",
                    "prefixItems": [{"type": "string"}, {"enum": ["asc", "desc"]}],
                },
            },
            "limit": {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": 100},
            "after": {"type": ["string", "null"]},
            "compare": {"enum": ["previous_period", None]},
        },
    }  # fmt: skip


def _answer() -> dict[str, Any]:
    line = {
        "type": "object",
        "properties": {
            "dimensions": _TEXTS,
            "metrics": {"type": "array", "items": {"type": ["number", "null"]}},
            "states": {"type": "array", "items": {"enum": list(words.STATES)}},
            "ranges": _RANGES,
            "compare": {"type": "array", "items": {"type": ["number", "null"]}},
            "compare_states": {"type": "array", "items": {"enum": list(words.STATES)}},
            "compare_ranges": _RANGES,
        },
    }
    return {
        "type": "object",
        "properties": {
            "site": {"type": "string"},
            "date_range": _TEXTS,
            "zone": _ZONE,
            "dimensions": _TEXTS,
            "metrics": _TEXTS,
            "results": {"type": "array", "items": line},
            "totals": line,
            "next": {"type": ["string", "null"]},
            "notes": _TEXTS,
            "k": {"type": "integer"},
        },
    }


def _live() -> dict[str, Any]:
    number = {"type": ["integer", "null"]}
    step = {
        "from": {"type": "string"},
        "to": {"type": "string"},
        "segment": {"enum": list(words.SEGMENTS)},
        "status_class": {"type": "string"},
        "state": {"enum": list(words.STATES)},
        "visitors": number,
        "hits": number,
        "bytes": number,
        "response_times": {"type": "object", "additionalProperties": {"type": "integer"}},
        **dict.fromkeys(step_times.COLUMNS, number),
    }
    return {
        "type": "object",
        "properties": {
            "site": {"type": "string"},
            "from": {"type": "string"},
            "to": {"type": "string"},
            "zone": _ZONE,
            "steps": {"type": "array", "items": {"type": "object", "properties": step}},
            "k": {"type": "integer"},
        },
    }


def _error() -> dict[str, Any]:
    return {"type": "object", "properties": {"error": {"type": "string"}}}
