"""The resume points: closed to others, one shipper's at a time, and never guessed around."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from pipeline.errors import SettingsError, UsageError
from pipeline.shipping.chunks import Chunk
from pipeline.shipping.identity import digest, resume
from pipeline.shipping.inputs import entry_of
from pipeline.shipping.resume import Pending, Point, Points

LINES = b"".join(b"10.0.0.%d a line\n" % n for n in range(200))
WAITING = Pending(0, 1, 34, 51, "", 3, 1, False, 2, 1, 7, 0, 5, "here", "", -1, "[]")


def offset(path: Path, kept: Path) -> tuple[int, int]:
    """Where a file is gone on with."""
    points = Points(kept)
    found = resume(entry_of(str(path)), points)
    found.close()
    points.close()
    return found.point.offset, found.point.lines


def test_the_points_are_closed_to_others(tmp_path: Path) -> None:
    """Their folder and their files, and one that was written open before."""
    kept = tmp_path / "state/ship.sqlite"
    Points(kept).close()
    kept.chmod(0o666)
    with Points(kept) as points:
        points.note([points.new(Point(base="access.log"))])
        made = {path.name: path.stat().st_mode & 0o777 for path in kept.parent.iterdir()}
    assert set(made.values()) == {0o600}
    assert {"ship.sqlite", "ship.sqlite-wal", "ship.lock"} <= made.keys()
    assert kept.parent.stat().st_mode & 0o777 == 0o700


def test_of_two_shippers_one_is_told_to_wait(tmp_path: Path) -> None:
    """Each would send again what the other had sent."""
    kept = tmp_path / "ship.sqlite"
    late = Points(kept)
    with Points(kept) as first:
        with pytest.raises(UsageError, match="another `partywall ship` is at work"):
            late.__enter__()
        first.note([Point(1, base="access.log", offset=34)])
    with late:
        assert late.candidates("", "access.log", 0, 0)[0].offset == 34


def test_an_ingest_that_was_ended_takes_no_more(tmp_path: Path) -> None:
    """Its lines would be sealed and never counted, and nobody would know."""
    kept = tmp_path / "ship.sqlite"
    with Points(kept) as points:
        points.check("old-1")
        points.end("old-1")
    with Points(kept) as points:
        with pytest.raises(UsageError, match="old-1 has ended and takes no more lines"):
            points.check("old-1")
        points.check("old-2")


def test_a_process_that_was_forked_meanwhile_keeps_nobody_out(tmp_path: Path) -> None:
    """Until it runs its own program, it has every file open that we had."""
    kept = tmp_path / "ship.sqlite"
    with Points(kept) as first:
        copy = os.dup(first._lock)
    with Points(kept):
        pass
    os.close(copy)


def test_what_is_on_its_way_is_kept_until_it_is_known_to_have_arrived(tmp_path: Path) -> None:
    kept = tmp_path / "ship.sqlite"
    with Points(kept) as points:
        file = points.new(Point(base="access.log"))
        [one] = points.note([file], begun=[WAITING])
    with Points(kept) as points:
        assert points.unknown() == points.pending(file.number) == [one]
        points.keep([replace(one, state=1, after=9)])
        assert points.unknown() == []
        assert points.pending(file.number) == [replace(one, state=1, after=9)]
        points.note([replace(file, offset=51)], arrived=[one])
        assert points.pending(file.number) == []
        assert points.new(Point()).number == file.number + 1


def test_a_note_that_fails_changes_nothing(tmp_path: Path) -> None:
    with Points(tmp_path / "ship.sqlite") as points:
        broken = replace(WAITING, point=object())  # type: ignore[arg-type]
        with pytest.raises(SettingsError):
            points.note([Point(1, base="access.log")], begun=[WAITING, broken])
        assert points.candidates("", "access.log", 0, 0) == []
        assert points.unknown() == []


def test_of_files_that_could_be_meant_the_inode_comes_first(tmp_path: Path) -> None:
    with Points(tmp_path / "ship.sqlite") as points:
        points.note(
            [
                Point(1, "/logs", "access.log", offset=10, device=1, inode=5),
                Point(2, "/logs", "access.log", offset=20, device=1, inode=6),
                Point(3, "/other", "access.log", offset=30, device=1, inode=7),
                Point(4, "/logs", "error.log", offset=40, device=1, inode=8),
                Point(5, "s3://logs", "remote.log", offset=50),
            ]
        )
        found = points.candidates("/logs", "access.log", 1, 8)
        assert [point.number for point in found] == [4, 2, 1, 3]
        assert [p.number for p in points.candidates("s3://x", "new.log", 0, 0)] == []


def test_points_of_an_older_version_are_taken_over(tmp_path: Path) -> None:
    """They were JSON, and knew a file by its inode and its first stored bytes."""
    log, packed = tmp_path / "access.log", tmp_path / "old.log.gz"
    log.write_bytes(LINES)
    packed.write_bytes(LINES)
    status = log.stat()
    entry = {"device": status.st_dev, "inode": status.st_ino, "head": 1024,
             "digest": digest(LINES[:1024]), "offset": 34, "lines": 2}  # fmt: skip
    older = tmp_path / "state/ship.json"
    older.parent.mkdir()
    older.write_bytes(orjson.dumps({"files": [{**entry, "ingest": "live"}], "ended": ["old-1"]}))
    kept = older.with_suffix(".sqlite")
    assert offset(log, kept) == (34, 2)
    assert not older.exists()
    assert offset(packed, kept) == (0, 0)
    with pytest.raises(UsageError), Points(kept) as points:
        points.check("old-1")
    kept.unlink()
    older.write_bytes(orjson.dumps([entry]))  # still older
    assert offset(log, kept) == (34, 2)


@pytest.mark.parametrize("content", [b"[1]", b'[{"inode": 1}]', b"{", b"null"])
def test_damaged_points_of_an_older_version_are_an_error(tmp_path: Path, content: bytes) -> None:
    """To begin anew would be to ship everything twice."""
    (tmp_path / "ship.json").write_bytes(content)
    for _ in range(2):
        with pytest.raises(SettingsError, match="resume points"):
            Points(tmp_path / "ship.sqlite")
    assert (tmp_path / "ship.json").read_bytes() == content


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\x00" + bytes(80)])
def test_damaged_points_are_an_error_and_not_a_fresh_start(tmp_path: Path, content: bytes) -> None:
    kept = tmp_path / "ship.sqlite"
    kept.write_bytes(content * 50)
    with pytest.raises(SettingsError, match="resume points"):
        Points(kept)


def test_nothing_of_a_line_is_kept(tmp_path: Path) -> None:
    """Neither its bytes nor anything but digests of a kilobyte of them."""
    log = tmp_path / "access.log"
    log.write_bytes(LINES)
    kept = tmp_path / "ship.sqlite"
    with Points(kept) as points:
        found = resume(entry_of(str(log)), points)
        found.track.feed(LINES, watch=False)
        found.close()
        points.note([found.track.moved(found.point, len(LINES), 200, "live")])
        stored = b"".join(path.read_bytes() for path in tmp_path.glob("ship.sqlite*"))
    assert b"a line" not in stored
    assert b"10.0.0" not in stored
    assert "a line" not in repr(found) + repr(Chunk(LINES, 1, 200, len(LINES)))
    with sqlite3.connect(kept) as base:
        assert base.execute("SELECT head_bytes FROM points").fetchone() == (1024,)
    base.close()
