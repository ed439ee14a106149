"""The log files of containerd and CRI-O: ``2016-10-06T00:17:09.669794202Z stdout F `` in front.

https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md. The
tag ``P`` marks a piece of a line over 16 KiB; the last piece has ``F`` like any whole line.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.restricted.formats.wrappers.wrapper import Wrapper

_LINE: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9:]{4,6}) (?:stdout|stderr) "
    r"F(?::\S*)? (.*)$"
)


def _unwrap(lines: pl.Series) -> pl.Series:
    return lines.str.extract(_LINE)


WRAPPER: Final = Wrapper("cri", "container log files (CRI)", _unwrap)
