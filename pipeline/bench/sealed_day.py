"""A simulated day in a vault: sealed and written by the product's own hands, as fast as they go.

Combined lines of 250 bytes or so, in order of time, from a fixed number of addresses of which the
first are met hundreds of thousands of times and the last hardly ever. A process for each partition
seals its share and flushes as the vault's worker would at the simulated time.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np
import orjson
import polars as pl
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pipeline.bench.generate import BROWSER_ODDS, stamps, written
from pipeline.bench.population import ADDRESSES, populate
from pipeline.keys.material import SealingKey
from pipeline.restricted import seal_records
from pipeline.rows import DAY, HOUR
from pipeline.simulate.draws import TIDE, Indices, draw, zipf
from pipeline.vault.manifest import VERSION
from pipeline.vault.writer import SegmentWriter

DATE: Final = dt.date(2025, 1, 6)
START: Final = (DATE - dt.date(1970, 1, 1)).days * DAY
SITES: Final = ("shop", "forum", "help")
_SITE_ODDS: Final = np.array([0.6, 0.9, 1.0])
_BATCH: Final = 48_000
_RECORDS_AN_ADDRESS: Final = 20
_LEAST_ADDRESSES: Final = 300_000
_REJECTED: Final = 0.005
_DONE: Final = "day.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """What kind of day: equal plans give equal records, though not equal bytes, sealed as they are.

    ``flush_bytes`` and ``flush_seconds`` are the vault's settings of these names.
    """

    records: int
    partitions: int
    flush_bytes: int
    flush_seconds: float
    seed: int = 7

    @property
    def addresses(self) -> int:
        """How many addresses the records are drawn from."""
        return max(_LEAST_ADDRESSES, self.records // _RECORDS_AN_ADDRESS)


@dataclass(frozen=True, slots=True)
class Day:
    """A day that was made: its vault, and how often each address is in it."""

    vault: Path
    plan: Plan
    counts: Indices

    def address(self, number: int) -> str:
        """Return the address of a number, an index of ``counts``."""
        return str(_addresses(self.plan)[number])


def key_of(seed: int) -> tuple[SealingKey, bytes]:
    """Return the benchmark's own sealing key, with its private half."""
    draws = random.Random(seed)  # noqa: S311 -- guards nothing: the records are made up
    private = X25519PrivateKey.from_private_bytes(draws.randbytes(32))
    public = private.public_key().public_bytes_raw()
    day = START // DAY
    key_id = f"{day}-{public.hex()[:12]}"
    key = SealingKey(key_id, day, public, draws.randbytes(32), START + DAY)
    return key, private.private_bytes_raw()


def make(folder: Path, plan: Plan) -> Day:
    """Return the day of this plan, made in a folder of its own under ``folder`` or found there."""
    name = f"{plan.records}-{plan.partitions}-{plan.flush_bytes}-{plan.flush_seconds:g}-{plan.seed}"
    home = folder / f"v{VERSION}-{name}"
    if not (home / _DONE).exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        os.environ["POLARS_MAX_THREADS"] = "1"  # a process for each core is what there is
        with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
            counts = sum(
                pool.map(partial(_partition, home / "vault", plan), range(plan.partitions))
            )
        np.save(home / "counts.npy", counts)
        (home / _DONE).write_bytes(orjson.dumps(asdict(plan)))
    return Day(home / "vault", plan, np.load(home / "counts.npy"))


def _partition(vault: Path, plan: Plan, partition: int) -> Indices:
    """Seal and write one partition's share; return how often each address is in it."""
    rng = np.random.default_rng([plan.seed, partition])
    people = populate(np.random.default_rng(plan.seed))
    addresses, odds = _addresses(plan), zipf(plan.addresses, 0.9)
    share = plan.records // plan.partitions + (partition < plan.records % plan.partitions)
    of_hour = rng.multinomial(share, np.array(TIDE) / sum(TIDE))
    counts = np.zeros(plan.addresses, np.int64)
    writer = SegmentWriter(str(vault), partition)
    sealed_offset, offset, flush = writer.open(), 0, plan.flush_seconds
    key, _ = key_of(plan.seed)
    moments = stamps(DATE)
    for hour, count in enumerate(of_hour.tolist()):
        seconds = np.sort(rng.integers(hour * HOUR, (hour + 1) * HOUR, count))
        for first, end in batches(seconds, flush):
            when = seconds[first:end]
            size = len(when)
            who = draw(rng, odds, size)
            counts += np.bincount(who, minlength=plan.addresses)
            client = addresses.gather(who)
            agent = people.browsers[who % ADDRESSES, draw(rng, BROWSER_ODDS, size)]
            raw = written(rng, people, client, agent, moments.gather(when)).cast(pl.Binary)
            site = pl.Series("site", SITES).gather(draw(rng, _SITE_ODDS, size))
            records = _records(raw, client, site, offset, START + hour * HOUR, rng)
            offset += size
            for message in seal_records(
                records, key, source=f"logs.web:{partition}", hour=START + hour * HOUR
            ):
                writer.add(sealed_offset, message)
                sealed_offset += 1
            if writer.pending_bytes >= plan.flush_bytes or (
                end == count or seconds[end] // flush != when[0] // flush
            ):
                writer.flush()
    writer.flush()
    return counts


def batches(seconds: Indices, flush_seconds: float) -> Iterator[tuple[int, int]]:
    """Yield [first, end) of what is sealed together: at most _BATCH, none across a flush."""
    edges = np.flatnonzero(np.diff(seconds // flush_seconds)) + 1
    for first, end in pairwise([0, *edges.tolist(), len(seconds)]):
        yield from ((at, min(at + _BATCH, end)) for at in range(first, end, _BATCH))


def _records(
    raw: pl.Series, client: pl.Series, site: pl.Series, offset: int, hour: int,
    rng: np.random.Generator,
) -> pl.DataFrame:  # fmt: skip
    """Return what ``seal`` takes; a few of the records are rejected, with their address."""
    rejected = pl.Series("rejected", rng.random(len(raw)) < _REJECTED)
    return pl.DataFrame([raw.alias("raw"), client, site, rejected]).select(
        "raw",
        "address",
        offset=pl.int_range(offset, offset + len(raw), dtype=pl.UInt64),
        line=pl.lit(0, pl.UInt32),
        site="site",
        label=pl.lit("web"),
        ingest=pl.lit("live"),
        format=pl.lit("combined"),
        outcome=pl.when("rejected").then(pl.lit("rejected")).otherwise(pl.lit("event")),
        reason=pl.when("rejected").then(pl.lit("bad_request")),
        policy=pl.lit(1, pl.UInt16),
        hour=pl.lit(hour, pl.Int64),
    )


def _addresses(plan: Plan) -> pl.Series:
    """Return distinct addresses: four of five private IPv4, the others of IPv6's documentation."""
    rng = np.random.default_rng(plan.seed)
    numbers = pl.Series("n", rng.permutation(1 << 24)[: plan.addresses].astype(np.uint32))
    low, middle, high = (numbers // 2**shift % 256 for shift in (0, 8, 16))
    frame = pl.DataFrame([high.alias("a"), middle.alias("b"), low.alias("c")]).with_row_index()
    return frame.select(
        pl.when(pl.col("index") % 5 == 1)
        .then(pl.format("2001:db8::{}:{}:{}", "a", "b", "c"))
        .otherwise(pl.format("10.{}.{}.{}", "a", "b", "c"))
        .alias("address")
    )["address"]
