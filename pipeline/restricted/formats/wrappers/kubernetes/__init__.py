"""What Fluent Bit and Vector make of a container's line: an object, with ``kubernetes`` in it.

Fluent Bit (https://docs.fluentbit.io/manual/pipeline/filters/kubernetes) puts the line under
``log``, Vector (https://vector.dev/docs/reference/configuration/sources/kubernetes_logs/) under
``message``. A parser of theirs may have made an object of it: it is written out again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import orjson
import polars as pl

from pipeline.restricted.formats.jsonlines import Picked, table
from pipeline.restricted.formats.wrappers.wrapper import Wrapper


def _pick(line: Mapping[str, object]) -> Picked | None:
    get = line.get
    # The runtime cut the line; Fluent Bit's two parsers of CRI call the tag differently.
    if type(get("kubernetes")) is not dict or get("logtag") == "P" or get("_p") == "P":
        return None
    inner = get("log")
    if inner is None:
        inner = get("message")
    if type(inner) is dict:
        return (orjson.dumps(inner).decode(),)
    return (inner,) if type(inner) is str else None


def _unwrap(lines: pl.Series) -> pl.Series:
    return table(lines, ("line",), _pick)["line"].str.strip_suffix("\n")


WRAPPER: Final = Wrapper("kubernetes", "a Kubernetes envelope of Fluent Bit or Vector", _unwrap)
