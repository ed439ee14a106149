r"""Docker's ``json-file`` logging driver: ``{"log":"…\n","stream":"stdout","time":"…"}``.

https://docs.docker.com/engine/logging/drivers/json-file/. A line over 16 KiB is cut in several; no
piece but the last ends in a newline, and none of them is whole.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.restricted.formats.jsonlines import table
from pipeline.restricted.formats.wrappers.wrapper import Wrapper


def _unwrap(lines: pl.Series) -> pl.Series:
    found = table(lines, ("log",), lambda line: (line.get("log"),))["log"]
    whole = found.str.ends_with("\n").fill_null(value=False)
    return found.str.strip_suffix("\n").set(~whole, None)


WRAPPER: Final = Wrapper("docker", "Docker's json-file", _unwrap)
