"""Old data serves no new purpose: what was collected under an older policy is not told.

The policy promises that a purpose applies only to data collected after it was announced. Each
event field and each breakdown dimension names its purpose; where a row was collected under a
version older than the one that brought the purpose, the value is replaced.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.errors import SettingsError
from pipeline.policy import Policy

NOT_COLLECTED: Final = "(not collected)"
"""Stands where a text exists but was collected for other purposes; a number is 0 then."""


class Refusals:
    """For each column, the policy version from which on its purpose holds."""

    def __init__(self, policy: Policy, purposes: dict[str, str]) -> None:
        """``purposes``: column → purpose. Raises SettingsError for one that no version names."""
        self._since: dict[str, int] = {}
        for name, purpose in purposes.items():
            since = policy.first_with(purpose)
            if since is None:
                raise SettingsError(
                    f"{name}: the policy's newest version does not name its purpose, {purpose}"
                )
            self._since[name] = since

    def apply(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Return the batch with refused values replaced; ``policy`` is the version in force."""
        oldest = batch["policy"].min()
        late = {n: v for n, v in self._since.items() if isinstance(oldest, int) and v > oldest}
        if not late:
            return batch
        return batch.with_columns(
            pl.when(pl.col("policy") >= since)
            .then(pl.col(name))
            .otherwise(_nothing(batch.schema[name]))
            .alias(name)
            for name, since in late.items()
        )


def _nothing(dtype: pl.DataType) -> pl.Expr:
    text = isinstance(dtype, (pl.String, pl.Categorical))
    return pl.lit(NOT_COLLECTED if text else 0, dtype)
