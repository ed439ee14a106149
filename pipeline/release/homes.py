"""Which clock a day of a site is closed by: that under which its first rows came, for ever.

A site that is given another zone has a day of which some rows come by the old clock and some by the
new one. Two ledgers that both released it would each tell a part of it as if it were the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from pipeline.rows import DAY

Stays = list[tuple[int, str]]
"""Last day (its start) and zone of each time that a site had one zone, in the order of both."""


class Homes:
    """The zones of each site of an ingest, by day: of its minutes and its hours alike."""

    def __init__(self) -> None:
        self._stays: dict[str, Stays] = {}

    def saved(self) -> dict[str, Stays]:
        """Return what ``restore`` takes, as JSON has it."""
        return self._stays

    def restore(self, saved: Mapping[str, Iterable[tuple[int, str]]]) -> None:
        """Go on from what was saved."""
        self._stays = {
            site: [(int(last), zone) for last, zone in stays] for site, stays in saved.items()
        }

    def parted(self, rows: pl.DataFrame, zone: str) -> dict[str, pl.DataFrame]:
        """Return rows of cells that came by ``zone`` under the zones that they are of."""
        if rows.is_empty():
            return {}
        keys = rows.select("site", day=pl.col("hour") // DAY * DAY)
        days = keys.unique().sort("site", "day", descending=[False, True])
        # The newest day of a site first: days before it are of the same stay, unless of an old one.
        found = [
            (site, day, self._home(str(site), int(day), zone)) for site, day in days.iter_rows()
        ]
        if len({home for *_, home in found}) == 1:
            return {found[0][2]: rows}
        told = pl.DataFrame(found, {**keys.schema, "home": pl.String()}, orient="row")
        homes = keys.join(told, on=["site", "day"], how="left", maintain_order="left")["home"]
        return {str(home): rows.filter(homes == home) for home in homes.unique().sort()}

    def _home(self, site: str, day: int, zone: str) -> str:
        stays = self._stays.setdefault(site, [])
        for last, home in stays:
            if day <= last:
                return home
        if stays and stays[-1][1] == zone:
            stays[-1] = (day, zone)
        else:
            stays.append((day, zone))
        return zone
