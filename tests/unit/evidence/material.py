"""A bundle's contents and a signer, for tests."""

from __future__ import annotations

import datetime as dt
import hashlib

import polars as pl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline.audit.signing import Signer
from pipeline.evidence.bundle import Contents, Custody

MADE = dt.datetime(2024, 5, 2, 9, 30, tzinfo=dt.UTC)
SCOPE = b'{"fields":["time","address","path"],"first":1,"last":2,"sites":["shop.example"]}'


SIGNER = Signer("example.com/evidence", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = Signer("example.com/evidence", Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))


def some_records(rows: int = 3) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "time": [1_714_550_400 + n for n in range(rows)],
            "address": [f"192.0.2.{n % 256}" for n in range(rows)],
            "path": [None if n % 3 == 2 else f"/page/{n}" for n in range(rows)],
            "bot": [n % 2 == 0 for n in range(rows)],
        }
    )


def contents(records: pl.DataFrame | None = None, *, case: str = "case-7") -> Contents:
    return Contents(
        case=case,
        requester="investigator",
        reason="abuse",
        made=MADE,
        records=some_records() if records is None else records,
        scope=SCOPE,
        scope_sha256=hashlib.sha256(SCOPE).hexdigest(),
        policy=b"versions:\n  - version: 1\n",
        policy_versions=(1,),
        custody=(
            Custody(MADE - dt.timedelta(hours=1), "investigator", "search", {"records": 3}),
            Custody(MADE, "investigator", "export", {"records": 3, "held": False, "note": None}),
        ),
        audit={"index": 12, "proof": ["00"], "checkpoint": "example.com/audit\n13\n"},
    )
