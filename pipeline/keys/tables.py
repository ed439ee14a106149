"""The key store's tables, the same on SQLite and PostgreSQL. No column holds a secret in the clear.

``wrapped…`` columns are AES key wrap (RFC 3394) under the store's own key, which ``store_key``
holds wrapped by the key-encryption key. Moments are seconds since 1970 UTC, days count from then.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

from pipeline.configuration import told as configuration

TABLES: Final = MetaData()

key_configuration = configuration.table("key_configuration", TABLES)
"""What the audit log was last told of the key service's configuration."""

store_key = Table(
    "store_key",
    TABLES,
    Column("number", Integer, CheckConstraint("number = 1"), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
)
"""One row: the key that wraps every secret here, wrapped itself."""

sealing_keys = Table(
    "sealing_keys",
    TABLES,
    Column("key_id", String, primary_key=True),
    Column("day", BigInteger, nullable=False, unique=True),
    Column("made", BigInteger, nullable=False),
    Column("public", LargeBinary, nullable=False),
    Column("wrapped_private", LargeBinary, nullable=False),
    Column("wrapped_token", LargeBinary, nullable=False),
)
pseudonym_keys = Table(
    "pseudonym_keys",
    TABLES,
    Column("ingest", String, primary_key=True),
    Column("day", BigInteger, primary_key=True),
    Column("made", BigInteger, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
)
hold_keys = Table(
    "hold_keys",
    TABLES,
    Column("hold", String, primary_key=True),
    Column("case_id", String, nullable=False),
    Column("made", BigInteger, nullable=False),
    Column("public", LargeBinary, nullable=False),
    Column("wrapped_private", LargeBinary, nullable=False),
    Column("wrapped_token", LargeBinary, nullable=False),
    Column("releasing", Integer, nullable=False, default=0),
)
"""Keys of legal holds: they outlive their days, until the hold is released."""

spent = Table(
    "spent",
    TABLES,
    Column("ingest", String, primary_key=True),
    Column("day", BigInteger, primary_key=True),
)
"""Pseudonym keys that were destroyed: a second one would count its visitors twice."""

clocks = Table(
    "clocks",
    TABLES,
    Column("since", BigInteger, primary_key=True),
    Column("ahead", BigInteger, nullable=False),
)
"""How far the first of the sites' clocks went ahead of UTC (seconds), from when on: ``Rules``."""
ended = Table("ended", TABLES, Column("ingest", String, primary_key=True))

released_holds = Table("released_holds", TABLES, Column("hold", String, primary_key=True))
"""Holds that were released: a name is not used for a second key."""

receipts = Table(
    "receipts",
    TABLES,
    Column("digest", String, primary_key=True),
    Column("ordered", BigInteger, nullable=False),
    Column("note", LargeBinary, nullable=False),
    Column("entry", BigInteger),
    Column("leaf", String),
    Column("done", BigInteger),
    Column("wiped", BigInteger),
)
"""What was destroyed, as signed notes. ``entry`` and ``leaf`` say where the audit log has it;
``done`` when the rows were deleted; ``wiped`` when their bytes had left the files."""

grants = Table(
    "grants",
    TABLES,
    Column("case_id", String, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("category", String, nullable=False),
    Column("scope", LargeBinary, nullable=False),
    Column("requester", String, nullable=False),
    Column("approvals", LargeBinary, nullable=False),
    Column("opened", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("revoked", BigInteger),
)
"""The newest grant of each case; ``number`` counts its grants. Older ones are in the audit log."""

SECRET: Final = ("sealing_keys", "pseudonym_keys", "hold_keys")
"""Tables from which a deleted row has to leave the files."""
