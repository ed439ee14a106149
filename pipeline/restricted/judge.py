"""What becomes of a line: an event, a reject or something ignored, with the reason.

Every line gets exactly one outcome, and keeps it: the accounts and the vault's index say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from pipeline.policy import Policy
from pipeline.restricted import formats
from pipeline.restricted.widget import read as widget

EVENT: Final = "event"
REJECTED: Final = "rejected"
IGNORED: Final = "ignored"
UNKNOWN_LABEL: Final = "unknown_label"
REASONS: Final = frozenset(
    {"empty", "no_policy", "no_purpose", "too_late", "too_long", "unknown_format", UNKNOWN_LABEL}
) | frozenset((*formats.REJECTS, *widget.REASONS))
"""Why a line is not an event: the closed list."""

PseudonymKeys = Mapping[tuple[str, int], bytes | None]
"""(ingest, day since 1970 on the site's clock) → key, None where it is gone."""


def judge(frame: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Give each line its outcome, its reason and the policy in force when it was written.

    ``frame`` has reject, too_long, empty and time; returned with reason, policy and outcome.
    """
    version = pl.lit(None, pl.UInt16)
    permitted = pl.lit(value=False)
    for entry in policy.versions:
        since = pl.col("time") >= int(entry.effective.timestamp())
        version = pl.when(since).then(pl.lit(entry.version, pl.UInt16)).otherwise(version)
        allowed = "statistics" in entry.purposes
        permitted = pl.when(since).then(pl.lit(allowed)).otherwise(permitted)
    reason = (
        pl.when("too_long")
        .then(pl.lit("too_long"))
        .when("empty")
        .then(pl.lit("empty"))
        .when(pl.col("reject").is_not_null())
        .then("reject")
        .when(version.is_null())
        .then(pl.lit("no_policy"))
        .when(~permitted)
        .then(pl.lit("no_purpose"))
    )
    frame = frame.with_columns(reason.alias("reason"), version.alias("policy"))
    ignored = pl.col("reason").is_in(
        ["empty", "directive", "no_policy", "no_purpose", widget.OPTED_OUT]
    )
    return frame.with_columns(
        pl.when(pl.col("reason").is_null())
        .then(pl.lit(EVENT))
        .when(ignored)
        .then(pl.lit(IGNORED))
        .otherwise(pl.lit(REJECTED))
        .alias("outcome")
    )


def too_late(frame: pl.DataFrame, keys: PseudonymKeys) -> pl.DataFrame:
    """Ignore the events of days whose key is gone: nobody can be told apart there any more."""
    gone = [pair for pair, key in keys.items() if key is None]
    if not gone or frame.is_empty():
        return frame
    late = pl.any_horizontal(
        (pl.col("ingest") == ingest) & (pl.col("day") == day) for ingest, day in gone
    ) & (pl.col("outcome") == EVENT)
    return frame.with_columns(
        pl.when(late).then(pl.lit("too_late")).otherwise("reason").alias("reason"),
        pl.when(late).then(pl.lit(IGNORED)).otherwise("outcome").alias("outcome"),
    )


def outcomes(frame: pl.DataFrame) -> dict[tuple[str, str, str], int]:
    """Return the lines by (site, outcome, reason)."""
    if frame.is_empty():
        return {}
    counted = frame.group_by("site", "outcome", pl.col("reason").fill_null("")).len()
    return {(site, outcome, reason): lines for site, outcome, reason, lines in counted.iter_rows()}


def sources(frame: pl.DataFrame) -> dict[tuple[str, str], tuple[int, int]]:
    """Return by (site, source) the lines, and those of them rejected for what is in them."""
    if frame.is_empty():
        return {}
    rejected = (pl.col("outcome") == REJECTED).sum()
    told = frame.filter(pl.col("reason").fill_null("") != UNKNOWN_LABEL)
    counted = told.group_by("site", "source").agg(pl.len(), rejected.alias("rejected"))
    return {(site, source): (lines, bad) for site, source, lines, bad in counted.iter_rows()}
