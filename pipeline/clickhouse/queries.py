"""Named queries and a person's own SQL, answered read-only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Final

import orjson
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, Error

from pipeline import declarations
from pipeline.clickhouse import sql, syntax
from pipeline.clickhouse.client import Engine, connect, error_name, taming
from pipeline.clickhouse.vocabulary import DATABASE, Foreign, uncallable
from pipeline.errors import UnavailableError, UsageError

Row = dict[str, object]
"""Column name → JSON value, in the query's column order.

Times are ``YYYY-MM-DD hh:mm:ss``, those of windows by the site's clock.
"""

QueryFn = Callable[[str], list[Row]]
"""Answers SQL or the name of a named query; raises UsageError or UnavailableError."""

_TRAILER: Final = re.compile(r"\s*\(version [^)]*(?:\([^)]*\))?[^)]*\)\.?")
_OURS: Final = re.compile(
    r": In scope SELECT formatQuerySingleLine\(.*\)\.(?= \([A-Z_]+\))", re.DOTALL
)
ROWS: Final = "JSONEachRow"


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """A query people ask often; ``about`` is the comment its file starts with."""

    name: str
    about: str
    sql: str


@cache
def named() -> dict[str, NamedQuery]:
    """Return the queries of ``schemas/clickhouse/queries`` by name."""
    found = {}
    for path in sorted((declarations.folder() / "clickhouse/queries").glob("*.sql")):
        first, _, body = path.read_text(encoding="utf-8").partition("\n")
        found[path.stem] = NamedQuery(path.stem, first.removeprefix("--").strip(), body.strip())
    return found


def resolve(text: str) -> str:
    """Return the SQL that a name stands for, or ``text`` itself; UsageError for a wrong name."""
    name = text.strip().rstrip(";")
    if not re.fullmatch(r"[\w-]+", name):
        return text
    try:
        return named()[name.replace("-", "_")].sql
    except KeyError:
        raise UsageError(f"no query is called that; choose from {', '.join(named())}") from None


def decoded(answer: bytes) -> list[Row]:
    """Return the rows of an answer in the format ``ROWS``; UsageError where it is no table."""
    try:
        return [orjson.loads(line) for line in answer.splitlines()]
    except orjson.JSONDecodeError:
        raise UsageError("query: the answer is no table; leave EXPLAIN AST out") from None


class Reader:
    """Answers statements that only read, through a connection that cannot do anything else.

    One call at a time. What runs is never a person's own text: the engine writes it anew, and what
    it wrote is looked at twice, by ``sql`` and as the engine's own tree by ``syntax``.
    """

    def __init__(self, opening: Callable[[], Client]) -> None:
        """Take what opens a client with ``read_only``; raises as it does, and UnavailableError."""
        self._opening = opening
        self._client: Client | None = None
        with taming("opening"), self._lent() as client:
            self._foreign = Foreign(
                _column(client, "SELECT name FROM system.functions"),
                _column(client, "SELECT name FROM system.databases"),
            )
            self._refused = uncallable(_column(client, "SELECT name FROM system.table_functions"))

    @classmethod
    def open(cls, engine: Engine) -> Reader:
        """Open a read-only connection of its own; raises as ``client.connect`` does."""
        return cls(lambda: connect(engine, read_only=True))

    def rows(self, text: str) -> list[Row]:
        """Return the rows of SQL or of a named query.

        Raises UsageError where it is wrong or not allowed, UnavailableError where nothing answers.
        """
        statement = resolve(text)
        if sql.has_format(statement):
            raise UsageError("query: leave the FORMAT clause out; rows come as they are")
        return decoded(self.raw(statement, ROWS))

    def raw(self, statement: str, default_format: str) -> bytes:
        """Return the engine's answer in the statement's own FORMAT, else in ``default_format``.

        Raises as ``rows`` does.
        """
        if not re.fullmatch(r"[A-Za-z0-9]+", default_format):
            raise UsageError("query: a format's name has letters and digits only")
        asked = sql.literal(sql.reading(statement, self._refused))
        with self._lent() as client, _answered():
            anew = f"SELECT formatQuerySingleLine({asked}) FORMAT TSVRaw"
            written = sql.reading(client.raw_query(anew).decode(), self._refused)
            if not sql.is_listing(written):
                tree = client.raw_query(f"EXPLAIN AST {written}")
                syntax.check(tree.decode().rstrip("\n"), self._foreign)
            if not sql.has_format(written):
                written += f"\nFORMAT {default_format}"
            return bytes(client.raw_query(written))

    @contextmanager
    def _lent(self) -> Iterator[Client]:
        """Lend the connection, and keep it only if nothing went wrong.

        An engine in process holds back the rows of a query that fails half-way, and puts them
        before those of the next one on the same connection.
        """
        client, self._client = self._client or self._opening(), None
        try:
            client.database = DATABASE
            yield client
        except BaseException:
            client.close()
            raise
        self._client = client

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()


def _column(client: Client, query: str) -> list[str]:
    return [str(value) for (value,) in client.query(query).result_rows]


@contextmanager
def _answered() -> Iterator[None]:
    """Tell a person's slip from an engine that fails."""
    try:
        yield
    except Error as error:
        if error.code is None:
            raise UnavailableError("clickhouse: the query got no answer") from None
        raise UsageError(f"query: {_one_line(error)}") from None
    except ClickHouseError as error:
        raise UnavailableError(f"clickhouse: the query failed ({error_name(error)})") from None


def _one_line(error: Error) -> str:
    """Return what the engine says of a person's own query, without its stack and version."""
    message = _OURS.sub("", str(error).rpartition("DB::Exception: ")[2])
    return " ".join(_TRAILER.sub("", message).split())[:300] or error_name(error)
