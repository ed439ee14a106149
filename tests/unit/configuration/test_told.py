"""A change of what is configured is in the audit log once, before whoever reads it goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import MetaData, Table, select

from pipeline import policy
from pipeline.audit.entry import Entry
from pipeline.audit.log import AuditLog, Written
from pipeline.configuration import parts, told
from pipeline.configuration.told import Told
from pipeline.database import Database
from pipeline.errors import UnavailableError
from pipeline.settings import Investigations, Keys, Oidc
from tests.support.databases import Place
from tests.unit.keys.making import Hands, log_in

SECRET = "secret-host.example.com"


class House:
    """A database, a log, and as many processes at them as are asked for."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.log: AuditLog = log_in(place.folder, Hands())
        self._open: list[Database] = []

    def process(self, log: told.Recording | None = None) -> tuple[Told, Database, Table]:
        database = self.place.open("case store")
        self._open.append(database)
        tables = MetaData()
        rows = told.table("some_configuration", tables)
        database.create(tables)
        return Told(database, rows, log or self.log, Hands(), "desk"), database, rows

    def tell(self, *found: parts.Part) -> list[Entry]:
        """Have a process of its own tell; return the entries that came of it."""
        before = self.log.size()
        self.process()[0].tell(found)
        return [entry for _, entry in self.log.entries(before)]

    def close(self) -> None:
        for database in self._open:
            database.close()


@pytest.fixture
def house(place: Place) -> Iterator[House]:
    made = House(place)
    yield made
    made.close()


def some(value: str, *, act: str = "config.some") -> parts.Part:
    def facts(before: parts.State | None, now: parts.State) -> list[parts.Facts]:
        return [{"changed": parts.changed(before, now)}]

    return parts.Part(act, lambda _: {"name": value}, facts)


def test_what_is_new_is_told_once_and_what_is_as_it_was_never(house: House) -> None:
    first = house.tell(some("a"), some("a", act="config.other"))
    assert [(e.actor, e.act, e.outcome) for e in first] == [
        ("config", "config.some", "allowed"),
        ("config", "config.other", "allowed"),
    ]
    assert house.tell(some("a"), some("a", act="config.other")) == []
    again = house.tell(some("b"), some("a", act="config.other"))
    assert [(e.act, dict(e.facts)) for e in again] == [
        ("config.some", {"seen_by": "desk", "changed": ["name"]})
    ]
    assert [e.act for e in house.tell(some("a"))] == ["config.some"], "a step back is a change too"


def test_of_many_processes_at_once_one_tells(house: House) -> None:
    """Each has seen that something is to be told before any of them tells it."""
    house.tell(some("before"))
    processes = [house.process()[0] for _ in range(6)]
    looked = threading.Barrier(len(processes))
    before = house.log.size()

    def begin(one: Told) -> None:
        looks = iter([looked.wait])

        def read(_: parts.State | None) -> parts.State:
            for wait in looks:
                wait(10)
            return {"name": "after"}

        one.tell([parts.Part("config.some", read, some("after").facts)])

    with ThreadPoolExecutor(len(processes)) as pool:
        list(pool.map(begin, processes))
    assert house.log.size() == before + 1


class Broken:
    """A log that takes nothing."""

    def extend(self, entries: Sequence[Entry]) -> list[Written]:
        del entries
        raise UnavailableError("the disk is full")


def test_no_entry_no_act_and_nothing_is_taken_for_told(house: House) -> None:
    house.tell(some("a"))
    broken, _, _ = house.process(Broken())
    broken.tell([some("a")])
    with pytest.raises(UnavailableError, match="disk is full"):
        broken.tell([some("b")])
    with pytest.raises(UnavailableError, match="disk is full"):
        broken.tell([some("b")])
    assert [e.act for e in house.tell(some("b"))] == ["config.some"]


def test_a_kill_between_entry_and_memory_tells_twice_and_not_never(house: House) -> None:
    class Killed(Told):
        def _put(self, *_: object) -> None:
            raise KeyboardInterrupt

    one, database, rows = house.process()
    killed = Killed(database, rows, house.log, Hands(), "desk")
    with pytest.raises(KeyboardInterrupt):
        killed.tell([some("a")])
    assert house.log.size() == 1
    one.tell([some("a")])
    assert house.log.size() == 2
    with database.reading() as connection:
        row = connection.execute(select(rows)).one()
    assert (row.act, row.entry) == ("config.some", 1)


def test_a_reading_is_told_as_it_is_under_the_lock(house: House) -> None:
    """A file that is written again between the first look and the lock is told as it is then."""
    texts = iter(["old", "new"])

    def read(_: parts.State | None) -> parts.State:
        return {"text": next(texts)}

    house.tell(parts.Part("config.some", read, lambda _, now: [{"text": now["text"]}]))
    assert [e.facts["text"] for _, e in house.log.entries()] == ["new"]


def settings_with(**own: object) -> parts.Part:
    return parts.settings({"investigations": Investigations(**own), "keys": Keys()})


def everything(log: AuditLog) -> str:
    return "\n".join(str(entry) for _, entry in log.entries())


@pytest.mark.parametrize(
    ("own", "names"),
    [
        ({"host": SECRET}, ["investigations.host"]),
        ({"port": 9341}, ["investigations.port"]),
        ({"store": f"postgresql+psycopg://me@{SECRET}/cases"}, ["investigations.store"]),
        ({"people": Path("/srv") / SECRET}, ["investigations.people"]),
        (
            {"oidc": Oidc(issuer=f"https://{SECRET}", client_id=SECRET)},
            [
                "investigations.oidc",
                *(f"investigations.oidc.{name}" for name in sorted(Oidc.model_fields)),
            ],
        ),
    ],
)
def test_settings_are_told_by_name_and_never_by_value(
    house: House, own: dict[str, object], names: list[str]
) -> None:
    (first,) = house.tell(settings_with())
    assert "changed" not in first.facts
    (entry,) = house.tell(settings_with(**own))
    assert entry.facts["changed"] == names
    assert SECRET not in everything(house.log)
    assert "9341" not in everything(house.log)
    (back,) = house.tell(settings_with())
    assert back.facts["digest"] == first.facts["digest"] != entry.facts["digest"]


def test_a_word_of_the_provider_is_a_value(house: House) -> None:
    """Which of its words makes an approver is the operator's; that the map changed is told."""

    def mapped(**words: str) -> parts.Part:
        oidc = Oidc(issuer="https://id.example.com", client_id="c", role_map=words)
        return settings_with(oidc=oidc)

    house.tell(mapped(soc="investigator"))
    (entry,) = house.tell(mapped(soc="approver", boss="approver"))
    assert entry.facts["changed"] == ["investigations.oidc.role_map"]
    assert "boss" not in everything(house.log)


def test_a_digest_says_nothing_without_the_store_s_salt() -> None:
    first, second = settings_with().read(None), settings_with().read(None)
    assert set(first.values()).isdisjoint(second.values())
    digests = [settings_with().facts(None, state)[0]["digest"] for state in (first, second)]
    assert digests[0] != digests[1]
    assert settings_with().read(first) == first


POLICY = """
versions:
  - version: 1
    effective: 2026-01-01T00:00:00Z
    purposes: [statistics, abuse, operation]
    k: 10
    retention: {raw_topic_hours: 6, pseudonymous_hours: 48, vault_days: 90, rollups_days: 400}
"""


def test_every_byte_of_a_policy_counts(house: House, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"

    def written(text: str) -> Callable[[], parts.Part]:
        path.write_text(text, encoding="utf-8")
        return lambda: parts.policy(*policy.read(path))

    (first,) = house.tell(written(POLICY)())
    assert (first.facts["version"], "sha256_before" in first.facts) == (1, False)
    assert house.tell(written(POLICY)()) == []
    (entry,) = house.tell(written(POLICY + "# a word\n")())
    assert entry.facts["sha256_before"] == first.facts["sha256"] != entry.facts["sha256"]
    assert (entry.facts["version_before"], entry.facts["version"]) == (1, 1)
