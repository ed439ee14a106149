"""SQLite and PostgreSQL promise the same: all or nothing, one writer, no value in a message."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table, func, select, text

from pipeline.database import Database
from pipeline.errors import IntegrityError, SettingsError, UnavailableError
from tests.support.databases import Place

TABLES = MetaData()
BOXES = Table(
    "boxes",
    TABLES,
    Column("number", Integer, primary_key=True),
    Column("label", String),
    Column("content", LargeBinary),
)
SECRET = b"\x07a-secret-that-no-message-quotes\x00\xff"


@pytest.fixture
def database(place: Place) -> Iterator[Database]:
    made = place.open()
    made.create(TABLES)
    yield made
    made.close()


def put(database: Database, number: int, content: bytes = SECRET) -> None:
    with database.writing() as connection:
        connection.execute(BOXES.insert().values(number=number, content=content))


def count(database: Database) -> int:
    with database.reading() as connection:
        return connection.execute(select(func.count()).select_from(BOXES)).scalar_one()


def test_what_was_written_is_there_for_another(database: Database, place: Place) -> None:
    put(database, 1)
    other = place.open()
    assert count(other) == 1
    other.close()


def test_a_failure_half_way_leaves_nothing(database: Database) -> None:
    def two_and_fail() -> None:
        with database.writing() as connection:
            connection.execute(BOXES.insert().values(number=1))
            connection.execute(BOXES.insert().values(number=2))
            raise LookupError

    with pytest.raises(LookupError):
        two_and_fail()
    assert count(database) == 0


def test_a_broken_rule_is_told_without_the_row(database: Database) -> None:
    put(database, 1)
    with pytest.raises(IntegrityError) as caught:
        put(database, 1)
    assert "boxes" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert "secret" not in repr(caught.value)


def test_a_statement_that_fails_is_told_without_its_values(database: Database) -> None:
    with pytest.raises((UnavailableError, IntegrityError)) as caught, database.writing() as c:
        c.execute(text("SELECT * FROM none WHERE a = :a"), {"a": "secret"})
    assert "secret" not in repr(caught.value)


def test_writers_come_one_after_the_other(database: Database, place: Place) -> None:
    """Each adds one to what it reads: none is lost, and none is refused."""
    put(database, 0, b"0")

    def add() -> None:
        mine = place.open()
        for _ in range(10):
            with mine.writing() as connection:
                seen = connection.execute(select(BOXES.c.content)).scalar_one()
                connection.execute(BOXES.update().values(content=b"%d" % (int(seen) + 1)))
        mine.close()

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as connection:
        assert connection.execute(select(BOXES.c.content)).scalar_one() == b"40"


def test_a_reader_sees_one_moment(database: Database, place: Place) -> None:
    put(database, 1)
    other = place.open()
    with database.reading() as connection:
        query = select(func.count()).select_from(BOXES)
        assert connection.execute(query).scalar_one() == 1
        put(other, 2)
        assert connection.execute(query).scalar_one() == 1
    assert count(database) == 2
    other.close()


def test_a_writer_that_waits_too_long_is_told(
    database: Database, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.database._PRAGMAS", ("busy_timeout=50",))
    monkeypatch.setattr("pipeline.database._POSTGRES_OPTIONS", "-c lock_timeout=50ms")
    other = place.open()
    with database.writing(), pytest.raises(UnavailableError, match="key store: "):
        put(other, 2)
    put(other, 2)
    other.close()


def test_deleted_rows_leave_the_files_and_the_others_stay(database: Database, place: Place) -> None:
    """A plain vacuum of PostgreSQL would pass where all rows go: it drops empty pages."""
    contents = {number: SECRET + bytes([number]) * 300 for number in range(50)}
    for number, content in contents.items():
        put(database, number, content)
    assert all(content in place.bytes_at_rest() for content in contents.values())
    with database.writing() as connection:
        connection.execute(BOXES.delete().where(BOXES.c.number % 3 != 0))
    database.wipe("boxes")
    at_rest = place.bytes_at_rest()
    assert {n for n, content in contents.items() if content in at_rest} == set(range(0, 50, 3))
    assert count(database) == 17


def test_what_a_reader_still_sees_is_no_wiped_row(database: Database, place: Place) -> None:
    """PostgreSQL copies it into the new file and says so in passing; SQLite keeps its log."""
    put(database, 1)
    other = place.open()
    with database.reading() as reader:
        # PostgreSQL waits for who reads this very table; whoever reads another holds it up unseen.
        reader.execute(text("SELECT count(*) FROM boxes" if place.is_sqlite else "SELECT 1"))
        with other.writing() as connection:
            connection.execute(BOXES.delete())
        with pytest.raises(UnavailableError, match="wiped at the next try"):
            other.wipe("boxes")
        assert SECRET in place.bytes_at_rest()
    other.wipe("boxes")
    assert SECRET not in place.bytes_at_rest()
    other.close()


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("postgresql+psycopg://owner:pw@host/keys", "holds a password"),
        ("postgresql+psycopg://owner@host/keys?password=pw", "holds a password"),
        ("mysql://host/keys", "sqlite:///PATH or postgresql"),
        ("postgresql://host/keys", "sqlite:///PATH or postgresql"),
        ("sqlite://", "sqlite:///PATH or postgresql"),
        ("://", "cannot be read"),
    ],
)
def test_places_that_are_none_are_refused(where: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told) as caught:
        Database(where, "key store")
    assert "pw" not in str(caught.value)


def test_a_server_that_is_away_is_waited_for(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="key store: OperationalError"):
        Database(f"postgresql+psycopg://owner@/keys?host={tmp_path}", "key store")


def test_a_password_file_that_is_missing_is_named(tmp_path: Path) -> None:
    where = f"postgresql+psycopg://owner@/keys?host={tmp_path}"
    with pytest.raises(SettingsError, match="none: No such file"):
        Database(where, "key store", tmp_path / "none")


def test_a_url_of_a_sqlite_file_names_the_same_file(tmp_path: Path) -> None:
    Database(f"sqlite:///{tmp_path}/deep/keys.sqlite", "key store").close()
    assert (tmp_path / "deep/keys.sqlite").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "deep").stat().st_mode & 0o777 == 0o700
