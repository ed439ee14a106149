"""The page that led to a failed request, of the site's own; of others no more than that it was one.

It goes through the rules for pages like any page: those of the site, then what is rare there.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.restricted.distinct import distinct
from pipeline.restricted.referrer import path_of
from pipeline.restricted.scrub import NO_PAGE
from pipeline.restricted.scrub.pages import Pages
from pipeline.restricted.segment import FAILED

NO_ORIGIN: Final = "(none)"
"""Of requests that did not fail, and of a widget's events."""
ELSEWHERE: Final = "(elsewhere)"
"""Of other sites, and of the site's own where a referrer names no page of it."""
DIRECT: Final = "(direct)"

_UNCOUNTED: Final = "404"
"""Only who asks for a page counts as its visitor: a referrer is what a client says."""


def came_from(
    pages: Pages, site: str, described: pl.DataFrame, referrer: pl.Series, visitors: pl.Series
) -> pl.Series:
    """Return where each request came from.

    ``described`` has segment and referrer_kind; ``referrer`` (String) are the raw URLs.
    """
    found = pl.repeat(NO_ORIGIN, len(referrer), dtype=pl.String, eager=True).alias("came_from")
    failed = described["segment"] == FAILED
    if not failed.any():
        return found
    kind = described["referrer_kind"]
    found = found.set(failed, ELSEWHERE).set(failed & (kind == "direct"), DIRECT)
    rows = (failed & (kind == "internal")).arg_true()
    if rows.is_empty():
        return found
    codes, urls = distinct(referrer.gather(rows))
    targets = [path_of(url or "") for url in urls]
    page = pl.Series("page", pages.many(site, targets), dtype=pl.String).gather(codes)
    uncounted = pl.repeat(_UNCOUNTED, len(rows), dtype=pl.String, eager=True)
    origin = pages.by_frequency(site, page, visitors.gather(rows), uncounted)
    # What stands behind the host and is no path names no page, yet the request did fail.
    return found.scatter(rows, origin.set(origin == NO_PAGE, ELSEWHERE))
