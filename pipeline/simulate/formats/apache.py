r"""Apache's common, combined and vhost_combined.

``LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\""``, without the last two
for common, and led by ``%v:%p`` with ``%O`` for ``%b`` for vhost_combined, as Debian ships it
(https://httpd.apache.org/docs/2.4/mod/mod_log_config.html). ``%b`` is ``-`` for no bytes.
"""

from __future__ import annotations

import polars as pl

from pipeline.simulate.formats.spec import NO_AGENT, NO_REFERRER, Format
from pipeline.simulate.formats.text import apache, in_quotes, or_dash, request_line, size_or_dash
from pipeline.simulate.formats.times import CLF, stamps


def _common(frame: pl.DataFrame, size: pl.Expr) -> pl.Expr:
    return pl.format(
        '{} - {} [{}] "{}" {} {}',
        "address", or_dash("user"), stamps(frame, CLF, local=True), request_line(), "status", size,
    )  # fmt: skip


def _common_lines(requests: pl.DataFrame) -> pl.Series:
    frame = in_quotes(requests, apache)
    return frame.select(_common(frame, size_or_dash())).to_series()


def _combined_lines(requests: pl.DataFrame) -> pl.Series:
    frame = in_quotes(requests, apache)
    line = pl.format(
        '{} "{}" "{}"', _common(frame, size_or_dash()), or_dash("referrer"), or_dash("agent")
    )
    return frame.select(line).to_series()


def _vhost_lines(requests: pl.DataFrame) -> pl.Series:
    frame = in_quotes(requests, apache)
    line = pl.format(
        '{}:443 {} "{}" "{}"',
        "host", _common(frame, pl.col("bytes")), or_dash("referrer"), or_dash("agent"),
    )  # fmt: skip
    return frame.select(line).to_series()


FORMATS = (
    Format("combined", _combined_lines, clf=True),
    Format("vhost_combined", _vhost_lines, clf=True),
    Format("common", _common_lines, frozenset({NO_AGENT, NO_REFERRER}), clf=True),
)
