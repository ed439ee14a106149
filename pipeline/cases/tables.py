"""The tables of the case store. A column named ``sealed_…`` holds a text under the case's key."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

from pipeline.configuration import told as configuration

TABLES: Final = MetaData()

CONFIGURATION: Final = configuration.table("desk_configuration", TABLES)
"""What the audit log was last told of the desk's configuration."""

_NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts up only in a column that it calls INTEGER."""


def _case() -> Column[str]:
    return Column("case_id", String, ForeignKey("cases.id"), nullable=False, index=True)


def _number() -> Column[int]:
    return Column("number", _NUMBER, primary_key=True, autoincrement=True)


CASES: Final = Table(
    "cases",
    TABLES,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("id", String, unique=True, nullable=False),
    Column("requester", String, nullable=False),
    Column("team", String),
    Column("category", String, nullable=False),
    Column("policy", Integer, nullable=False),
    Column("made", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("wrapped_key", LargeBinary),
    Column("sealed_reason", LargeBinary),
    Column("sealed_reference", LargeBinary),
    Column("sealed_scope", LargeBinary),
    Column("sealed_asked", LargeBinary),
    Column("emergency", Boolean, nullable=False, default=False),
    Column("opened", BigInteger),
    Column("expires", BigInteger),
    Column("ended", BigInteger),
    Column("due", BigInteger),
    Column("ratify_by", BigInteger),
    Column("ratified", BigInteger),
)

REQUESTS: Final = Table(
    "requests",
    TABLES,
    _number(),
    _case(),
    Column("kind", String, nullable=False),
    Column("made_by", String, nullable=False),
    Column("team", String),
    Column("at", BigInteger, nullable=False),
    Column("needed", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("hours", Integer),
    Column("sealed_scope", LargeBinary),
    Column("sealed_told", LargeBinary),
)

DECISIONS: Final = Table(
    "decisions",
    TABLES,
    _number(),
    Column("request", ForeignKey("requests.number"), nullable=False, index=True),
    Column("made_by", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("approved", Boolean, nullable=False),
    Column("sealed_reason", LargeBinary),
    UniqueConstraint("request", "made_by"),
)

ENTRIES: Final = Table(
    "entries",
    TABLES,
    _number(),
    _case(),
    Column("kind", String, nullable=False),
    Column("made_by", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("sealed_text", LargeBinary),
)
"""What was added to a case, in order: notes, findings, exports, disclosures, corrections, holds."""

SHOWN: Final = Table(
    "shown",
    TABLES,
    Column("case_id", String, ForeignKey("cases.id"), primary_key=True),
    Column("record", LargeBinary, primary_key=True),
)
"""Which records a case has shown, by a digest of where they came from."""

ORDERS: Final = Table(
    "orders",
    TABLES,
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("made_by", String, nullable=False),
    Column("team", String),
    Column("at", BigInteger, nullable=False),
)
"""Days (since 1970-01-01) whose keys are to be destroyed, until a second person has agreed."""

HISTORY: Final = Table(
    "history",
    TABLES,
    _number(),
    Column("case_id", String, index=True),
    Column("entry", BigInteger, nullable=False),
    Column("leaf", String, nullable=False),
    Column("act", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""Acts that were carried out, each with its entry in the audit log: index and leaf hash."""
