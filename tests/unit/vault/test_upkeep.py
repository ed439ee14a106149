"""Days are bound into volumes that change no answer, and go when they are past their time."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import IntegrityError
from pipeline.investigations.lookup import fetch, hours, rows, tokens_of, wanted
from pipeline.investigations.open import open_frame
from pipeline.investigations.segments import Effort
from pipeline.restricted.seal import seal
from pipeline.vault import upkeep as keeping
from pipeline.vault.binding import Made, Run
from pipeline.vault.binding import bound as binding
from pipeline.vault.building import built, counts_of
from pipeline.vault.check import check
from pipeline.vault.erasures import Erasure, Erasures
from pipeline.vault.manifest import Chain, Entry
from pipeline.vault.segments import Segment
from pipeline.vault.standing import Standing, standing
from pipeline.vault.status import vault_status
from pipeline.vault.storage import LocalStorage, Storage
from pipeline.vault.upkeep import Done, unbind, upkeep
from pipeline.vault.volumes import Volumes
from pipeline.vault.writer import SegmentWriter
from tests.unit.sealed.records import HOUR, START, Day, day_key, records
from tests.unit.vault.broken import Killed

FOLDER = "sealed-0"
SITES = ("site0", "site1")
WHOLE = (START, START + 23 * HOUR)
FIRST = 20_000
KEPT = 30
"""Days the policy keeps the vault, in these tests."""


def key(day: int) -> Day:
    made = day_key(day)
    return replace(made, key=replace(made.key, key_id=f"{day}-{day:x}", day=day))


def night_after(day: int, hours: int = 2) -> dt.datetime:
    return dt.datetime.fromtimestamp((day + 1) * 24 * HOUR + hours * HOUR, dt.UTC)


def flush(writer: SegmentWriter, number: int, day: int, size: int = 20) -> None:
    """Seal some records under the day's key and flush them."""
    made = records(range(number * size, (number + 1) * size))
    for message in seal(made, key(day).key, source="logs.web:0", hour=START):
        writer.add(number, message)
    writer.flush()


def filled(storage: Storage, *days: int) -> SegmentWriter:
    """A chain with a flush for each of ``days``, in this order."""
    writer = SegmentWriter(storage, 0)
    writer.open()
    for number, day in enumerate(days):
        flush(writer, number, day)
    return writer


def lie(writer: SegmentWriter, number: int, key_id: str) -> None:
    """Flush one record under a key's id that is nobody's."""
    strange = replace(key(FIRST).key, key_id=key_id)
    for message in seal(records([number]), strange, source=f"logs.web:{number + 1}", hour=START):
        writer.add(number, message)
    writer.flush()


def looked_up(
    storage: Storage, address: str, *days: int, effort: Effort | None = None
) -> pl.DataFrame:
    token_keys = {key(day).key.key_id: key(day).key.token_key for day in days}
    tokens = tokens_of(address, SITES, *WHOLE, token_keys, untimed=True)
    return rows(storage, SITES, *WHOLE, tokens, untimed=True, effort=effort)


def answers(storage: Storage, *days: int) -> list[pl.DataFrame]:
    """All that can be asked: each address, everything, hour by hour, and what is held."""
    every = [looked_up(storage, f"10.0.{n}.0", *days) for n in range(8)]
    scan = rows(storage, SITES, *WHOLE, None, untimed=True)
    by_hour = [found for _, found in hours(storage, SITES, *WHOLE, None, untimed=True)]
    held = pl.DataFrame([str(one) for one in wanted(storage, SITES, *WHOLE, untimed=True)])
    return [*every, scan, pl.concat([scan.clear(), *by_hour]), held]


def same(one: list[pl.DataFrame], other: list[pl.DataFrame]) -> bool:
    return all(a.equals(b) for a, b in zip(one, other, strict=True))


def volumes(storage: Storage) -> list[tuple[int, int]]:
    return [(one.first, one.last) for one in Volumes(storage, FOLDER).all()]


def test_a_bound_day_gives_the_answers_it_gave_and_opens_one_index(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    filled(storage, *[FIRST] * 5, FIRST + 1)
    before = answers(storage, FIRST, FIRST + 1)
    assert upkeep(storage, FOLDER, night_after(FIRST), KEPT) == Done(1, 0)
    assert volumes(storage) == [(0, 4)]
    assert same(answers(storage, FIRST, FIRST + 1), before)
    effort = Effort()
    assert looked_up(storage, "10.0.3.0", FIRST, effort=effort).height == 11
    assert effort.segments == 1
    assert check(storage) == []


def test_what_a_volume_names_can_be_opened(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    filled(storage, FIRST, FIRST)
    upkeep(storage, FOLDER, night_after(FIRST), KEPT)
    found = looked_up(storage, "10.0.3.0", FIRST)
    lines = []
    for one in fetch(storage, found):
        held = open_frame(key(FIRST).private, one.head, one.encapsulated, one.frame, one.ciphertext)
        lines += [held[row] for row in one.rows["row"]]
    assert len(lines) == found.height > 0
    assert all(line.startswith(b"10.0.3.0 ") for line in lines)


def test_a_day_that_goes_on_is_not_bound(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    writer = filled(storage, FIRST, FIRST)
    noon = night_after(FIRST, hours=-12)
    assert upkeep(storage, FOLDER, noon, KEPT) == Done(0, 0)
    assert upkeep(storage, FOLDER, night_after(FIRST, hours=0), KEPT) == Done(0, 0)
    flush(writer, 2, FIRST)
    assert upkeep(storage, FOLDER, night_after(FIRST), KEPT) == Done(1, 0)
    flush(writer, 3, FIRST)  # late, from a broker that was away
    assert upkeep(storage, FOLDER, night_after(FIRST), KEPT) == Done(1, 0)
    assert volumes(storage) == [(0, 2), (3, 3)]
    assert upkeep(storage, FOLDER, night_after(FIRST), KEPT) == Done(0, 0)


def test_a_large_day_has_several_volumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = LocalStorage(tmp_path)
    filled(storage, *[FIRST] * 5)
    before = answers(storage, FIRST)
    monkeypatch.setattr(keeping, "MOST_RECORDS", 50)
    monkeypatch.setattr("pipeline.vault.merging.ROWS", 7)
    assert upkeep(storage, FOLDER, night_after(FIRST), KEPT) == Done(3, 0)
    assert volumes(storage) == [(0, 1), (2, 3), (4, 4)]
    assert same(answers(storage, FIRST), before)
    assert check(storage) == []


def test_keys_of_nobody_hold_nothing_up(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    writer = filled(storage, FIRST)
    for number, name in enumerate(("x", "999999999-x", "-1-x"), 1):
        lie(writer, number, name)
    assert upkeep(storage, FOLDER, night_after(FIRST), KEPT).bound == 1
    assert upkeep(storage, FOLDER, night_after(FIRST + KEPT), KEPT).expired == 23
    assert check(storage) == []


def test_keys_of_nobody_before_a_day_are_bound_with_it_however_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalStorage(tmp_path)
    monkeypatch.setattr(keeping, "MOST_RECORDS", 2)
    writer = filled(storage)
    for number in range(5):
        lie(writer, number, "x")
    assert upkeep(storage, FOLDER, night_after(FIRST), KEPT) == Done(0, 0), "of no day yet"
    flush(writer, 5, FIRST)
    assert upkeep(storage, FOLDER, night_after(FIRST), KEPT) == Done(4, 0)
    assert check(storage) == []
    assert upkeep(storage, FOLDER, night_after(FIRST + KEPT), KEPT).expired == 25
    assert storage.names(f"{FOLDER}/segments") == []


def test_a_key_of_a_day_to_come_does_not_keep_what_is_past_its_time(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    writer = filled(storage, FIRST)
    lie(writer, 1, f"{FIRST + KEPT}-1")
    upkeep(storage, FOLDER, night_after(FIRST), KEPT)
    assert upkeep(storage, FOLDER, night_after(FIRST + KEPT), KEPT).expired == 21
    assert storage.names(f"{FOLDER}/segments") == []


def test_files_go_a_day_after_their_keys_and_no_other_goes(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    writer = filled(storage, FIRST, FIRST, FIRST + 1, FIRST + 2)
    due = dt.datetime.fromtimestamp((FIRST + KEPT) * 24 * HOUR, dt.UTC)
    just = due + dt.timedelta(days=1)
    assert upkeep(storage, FOLDER, just - dt.timedelta(seconds=1), KEPT).expired == 0
    assert len(storage.names(f"{FOLDER}/segments")) == 12
    told = vault_status(storage)["outcomes"]
    assert upkeep(storage, FOLDER, just, KEPT).expired == 40
    assert len(storage.names(f"{FOLDER}/segments")) == 6
    assert len(storage.names(f"{FOLDER}/manifest")) == 2
    assert len(storage.names(f"{FOLDER}/volumes")) == 3 + 4
    assert looked_up(storage, "10.0.3.0", FIRST).is_empty()
    assert not looked_up(storage, "10.0.3.0", FIRST + 1, FIRST + 2).is_empty()
    assert check(storage) == []
    status = vault_status(storage)
    assert (status["records"], status["expired"], status["missing"]) == (40, 40, 0)
    assert status["outcomes"] == told, "lines are accounted for after their time"
    assert status["partitions"] == {"0": 3}
    flush(writer, 4, FIRST + 3)
    assert check(storage) == []


def test_a_chain_all_of_whose_days_are_past_goes_on_where_it_was(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    filled(storage, FIRST, FIRST + 1)
    long_after = night_after(FIRST + 400)
    assert upkeep(storage, FOLDER, long_after, KEPT) == Done(2, 40)
    assert list(tmp_path.rglob("*.parquet")) == []
    assert vault_status(storage)["partitions"] == {"0": 1}
    writer = SegmentWriter(storage, 0)
    assert writer.open() == 2
    flush(writer, 0, FIRST + 400)  # what was held then is not taken a second time
    assert vault_status(storage)["records"] == 0
    flush(writer, 2, FIRST + 400)
    assert vault_status(storage)["records"] == 20
    assert check(storage) == []
    assert upkeep(storage, FOLDER, night_after(FIRST + 400), KEPT) == Done(1, 0)
    assert check(storage) == []


def erase(storage: Storage, place: int, address: str) -> None:
    """Take an address out of the segment at a place, as an erasure does."""
    [entry] = [one for one in standing(storage, FOLDER) if one.first == place]
    assert entry.segment is not None
    index = pl.read_parquet(storage.read(entry.segment.index))
    day = int(index["key_id"][0].partition("-")[0])
    found = looked_up(storage, address, day).filter(data=entry.segment.data)
    leaving = index.join(found, on=["place", "row"], how="semi")
    staying = index.join(found, on=["place", "row"], how="anti")
    frames = pl.read_parquet(storage.read(entry.segment.data)).with_row_index("place")
    segment = Segment()
    segment.keep(frames, staying)
    listed = Erasures(storage, FOLDER)
    made = built(segment, f"{listed.segments}/{entry.first:020}-{len(listed.all()):016x}")
    for name, content in made.files.items():
        storage.put(name, content)
    assert Erasures(storage, FOLDER).append(
        Erasure(
            0,
            None,
            "A-1",
            place,
            entry.segment.names,
            made.segment,
            made.counts,
            made.held,
            counts_of(leaving),
        )
    )


def test_what_is_erased_is_in_no_volume_s_answer_nor_in_its_files(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    filled(storage, FIRST, FIRST, FIRST + 1)
    upkeep(storage, FOLDER, night_after(FIRST + 1), KEPT)
    tokens = set(looked_up(storage, "10.0.3.0", FIRST)["token"])
    assert tokens
    for place in (0, 1):
        erase(storage, place, "10.0.3.0")
    assert looked_up(storage, "10.0.3.0", FIRST).is_empty(), "from the moment it is listed"
    assert len(looked_up(storage, "10.0.2.0", FIRST)) > 0
    assert any("erased" in line for line in check(storage))
    unbind(storage, FOLDER)
    Erasures(storage, FOLDER).finish()
    assert volumes(storage) == [(2, 2)]
    assert check(storage) == []
    before = answers(storage, FIRST, FIRST + 1)
    assert upkeep(storage, FOLDER, night_after(FIRST + 1), KEPT).bound == 1
    assert volumes(storage) == [(0, 1), (2, 2)]
    assert same(answers(storage, FIRST, FIRST + 1), before)
    for path in tmp_path.rglob("*.index.parquet"):
        assert tokens.isdisjoint(pl.read_parquet(path)["token"].drop_nulls())
    assert check(storage) == []
    assert upkeep(storage, FOLDER, night_after(FIRST + KEPT), KEPT).expired > 0
    assert check(storage) == []


def with_tokens(root: Path, tokens: set[bytes]) -> list[str]:
    """Name the files of indexes that hold any of the tokens."""
    return [
        path.relative_to(root).as_posix()
        for path in root.rglob("*.index.parquet")
        if not tokens.isdisjoint(pl.read_parquet(path)["token"].drop_nulls())
    ]


def test_what_is_erased_while_its_day_is_bound_is_in_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalStorage(tmp_path)
    filled(storage, FIRST, FIRST)
    tokens = set(looked_up(storage, "10.0.3.0", FIRST)["token"])

    def meanwhile(
        storage: Storage, folder: str, run: Run, now: Sequence[Entry], erasures: int
    ) -> Made:
        made = binding(storage, folder, run, now, erasures)
        for place in (0, 1):
            erase(storage, place, "10.0.3.0")
        unbind(storage, FOLDER)
        Erasures(storage, FOLDER).finish()
        return made

    monkeypatch.setattr(keeping, "bound", meanwhile)
    upkeep(storage, FOLDER, night_after(FIRST), KEPT)
    assert with_tokens(tmp_path, tokens) == []
    assert check(storage) == []


def test_of_volumes_that_reach_into_each_other_one_stays(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    filled(storage, FIRST, FIRST, FIRST)
    before = answers(storage, FIRST)
    [_, second, _] = Chain(storage, FOLDER).entries()
    made = binding(storage, FOLDER, Run(FIRST, [second]), [second], 0)
    upkeep(storage, FOLDER, night_after(FIRST), KEPT)
    for name, content in made.files.items():
        storage.put(name, content)
    Volumes(storage, FOLDER).add(made.volume)
    with pytest.raises(IntegrityError):
        looked_up(storage, "10.0.3.0", FIRST)
    upkeep(storage, FOLDER, night_after(FIRST), KEPT)
    assert volumes(storage) == [(0, 2)]
    assert same(answers(storage, FIRST), before)
    assert check(storage) == []


def test_what_is_erased_is_in_no_file_wherever_taking_it_apart_was_cut_off(tmp_path: Path) -> None:
    for steps in range(8):
        storage = LocalStorage(tmp_path / str(steps))
        filled(storage, FIRST, FIRST)
        upkeep(storage, FOLDER, night_after(FIRST), KEPT)
        tokens = set(looked_up(storage, "10.0.3.0", FIRST)["token"])
        for place in (0, 1):
            erase(storage, place, "10.0.3.0")
        with suppress(Killed):
            unbind(Counting(storage, steps), FOLDER)  # type: ignore[arg-type]
        unbind(storage, FOLDER)
        assert with_tokens(tmp_path / str(steps), tokens) == []
        assert check(storage) == []


def test_a_segment_that_was_replaced_twice_is_removed_by_the_worker_too(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    filled(storage, FIRST)
    gone: set[bytes] = set()
    for address in ("10.0.3.0", "10.0.2.0"):
        gone |= set(looked_up(storage, address, FIRST)["token"])
        erase(storage, 0, address)  # and killed before it removes what it has replaced
    upkeep(storage, FOLDER, night_after(FIRST), KEPT)
    assert with_tokens(tmp_path, gone) == []
    assert check(storage) == []


def test_a_file_that_nothing_names_goes_wherever_in_a_volume_its_place_is(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    filled(storage, FIRST, FIRST, FIRST)
    storage.put(f"{FOLDER}/volumes/{1:020}-{'0' * 16}.filter", b"left by a kill")
    for folder in ("volumes", "segments"):
        storage.put(f"{FOLDER}/{folder}/.nfs0001", b"no file of a vault")
    SegmentWriter(storage, 0).open()
    upkeep(storage, FOLDER, night_after(FIRST), KEPT)
    assert len(check(storage)) == 2, "of other files alone, which hold nothing up"


class Counting:
    """A storage that dies before the step ``steps`` that changes anything."""

    def __init__(self, inner: Storage, steps: int) -> None:
        self._inner = inner
        self._steps = steps

    def __getattr__(self, name: str) -> object:
        if name in {"put", "create", "remove"}:
            self._steps -= 1
            if self._steps < 0:
                raise Killed
        return getattr(self._inner, name)


def test_killed_at_any_step_it_is_done_again_and_nothing_is_missed(tmp_path: Path) -> None:
    days = (FIRST, FIRST, FIRST + 10, FIRST + 11)
    then = night_after(FIRST + KEPT)  # the first day is past its time, the others are over
    steps, whole = -1, False
    while not whole:
        steps += 1
        storage = LocalStorage(tmp_path / str(steps))
        filled(storage, *days)
        before = answers(storage, *days[2:])
        try:
            upkeep(Counting(storage, steps), FOLDER, then, KEPT)  # type: ignore[arg-type]
        except Killed:
            pass
        else:
            whole = True
        assert same(answers(storage, *days[2:])[:8], before[:8])
        upkeep(storage, FOLDER, then, KEPT)
        assert same(answers(storage, *days[2:])[:8], before[:8])
        assert check(storage) == []
        assert vault_status(storage)["expired"] == 40
        kept = [p.name for p in (tmp_path / str(steps)).rglob("*") if p.is_file()]
        assert Counter(name.rpartition(".")[2] for name in kept) == {
            "parquet": 2 * 2 + 2, "filter": 2 + 2, "json": 3 + 2
        }  # fmt: skip
    assert steps > 15


def test_a_volume_that_does_not_fit_its_chain_is_refused(tmp_path: Path) -> None:
    one, two = LocalStorage(tmp_path / "one"), LocalStorage(tmp_path / "two")
    for storage in (one, two):
        filled(storage, FIRST, FIRST + 1)
        upkeep(storage, FOLDER, night_after(FIRST + 1), KEPT)
    [mine, *_] = Volumes(one, FOLDER).all()
    Volumes(two, FOLDER).replace(mine)
    with pytest.raises(IntegrityError, match="does not"):
        looked_up(two, "10.0.3.0", FIRST)
    with pytest.raises(IntegrityError, match="does not"):
        standing(two, FOLDER)


@pytest.mark.parametrize("ending", ["json", "index.parquet", "filter"])
def test_a_changed_cut_missing_or_added_file_of_a_volume_is_named(
    tmp_path: Path, ending: str
) -> None:
    storage = LocalStorage(tmp_path)
    filled(storage, FIRST, FIRST)
    upkeep(storage, FOLDER, night_after(FIRST), KEPT)
    [path] = (tmp_path / FOLDER / "volumes").glob(f"*.{ending}")
    name, whole = path.relative_to(tmp_path).as_posix(), path.read_bytes()
    for place in range(0, len(whole), 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert [line.partition(":")[0] for line in check(storage)] == [name]
    path.write_bytes(whole[:-1])
    assert [line.partition(":")[0] for line in check(storage)] == [name]
    path.unlink()
    assert check(storage) != []
    path.write_bytes(whole)
    added = path.with_name(f"{9:020}-{'0' * 16}.{ending}")
    added.write_bytes(whole)
    assert [line.partition(":")[0] for line in check(storage)] == [
        added.relative_to(tmp_path).as_posix()
    ]


def test_a_volume_of_other_rows_or_counts_is_named(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    filled(storage, FIRST, FIRST)
    upkeep(storage, FOLDER, night_after(FIRST), KEPT)
    all_volumes = Volumes(storage, FOLDER)
    [volume] = all_volumes.all()
    lies = {
        "counts": replace(volume, counts=volume.counts[1:]),
        "held": replace(volume, held=volume.held[1:]),
        "end": replace(volume, end="0" * 64),
        "sources": replace(volume, sources={}),
        "files": replace(volume, files=None),
    }
    for lie in lies.values():
        all_volumes.replace(lie)
        assert any("volumes/" in line for line in check(storage))
    all_volumes.replace(volume)
    assert check(storage) == []


SLOW = settings(max_examples=25, deadline=None)


@SLOW
@given(
    st.lists(st.sampled_from(["flush", "next day", "keep", "erase"]), min_size=3, max_size=14),
    st.data(),
)
def test_whatever_comes_in_whatever_order_answers_are_those_of_the_entries(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str], data: st.DataObject
) -> None:
    storage = LocalStorage(tmp_path_factory.mktemp("vault"))
    writer = SegmentWriter(storage, 0)
    writer.open()
    day, number = FIRST, 0
    for act in acts:
        if act == "flush":
            flush(writer, number, day)
            number += 1
        elif act == "next day":
            day += 1
        elif act == "keep":
            upkeep(storage, FOLDER, night_after(day - 1), KEPT)
        elif number:
            place = data.draw(st.integers(0, number - 1))
            address = f"10.0.{data.draw(st.integers(0, 6))}.0"
            [entry] = [one for one in standing(storage, FOLDER) if one.first == place]
            if entry.segment is not None:
                erase(storage, place, address)
                if data.draw(st.booleans()):
                    unbind(storage, FOLDER)
                    Erasures(storage, FOLDER).finish()
    days = tuple(range(FIRST, day + 1))
    found = answers(storage, *days)
    for volume in Volumes(storage, FOLDER).all():
        Volumes(storage, FOLDER).remove(volume)
    assert same(found, answers(storage, *days))
    assert isinstance(Standing.of(storage, FOLDER).entries(), list)
    assert all(isinstance(one, Entry) for one in Chain(storage, FOLDER).entries())
