"""A bundle's contents and a signer, for tests."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from dataclasses import dataclass, field

import polars as pl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline.evidence.bundle import Contents, Custody
from pipeline.evidence.note import Verifier, _hash

MADE = dt.datetime(2024, 5, 2, 9, 30, tzinfo=dt.UTC)
SCOPE = b'{"fields":["time","address","path"],"first":1,"last":2,"sites":["shop.example"]}'


@dataclass(frozen=True)
class Key:
    """A signer from a seed."""

    name: str = "example.com/evidence"
    private: Ed25519PrivateKey = field(
        default_factory=lambda: Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    )

    @property
    def verifier(self) -> Verifier:
        public = self.private.public_key().public_bytes_raw()
        return Verifier(self.name, _hash(self.name, public), public)

    def sign(self, text: str) -> bytes:
        data = self.verifier.hash + self.private.sign(text.encode())
        return f"{text}\n\u2014 {self.name} {base64.b64encode(data).decode()}\n".encode()


SIGNER = Key()
OTHER = Key(private=Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))


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
