"""A file is known by what it is, so that nothing is shipped twice and nothing is passed over."""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import pytest

from pipeline.errors import SettingsError, UsageError
from pipeline.shipping.resume import Points

LINES = b"".join(b"10.0.0.%d a line\n" % n for n in range(200))


def test_a_file_goes_on_where_it_was_left_also_after_a_restart(tmp_path: Path) -> None:
    log, kept = tmp_path / "access.log", tmp_path / "state" / "resume.json"
    log.write_bytes(LINES)
    points = Points(kept)
    assert points.find(str(log)).offset == 0
    points.save(points.find(str(log)), 34, 2, "live")
    point = Points(kept).find(str(log))
    assert (point.offset, point.lines) == (34, 2)


def test_the_points_are_closed_to_others(tmp_path: Path) -> None:
    """Their folder and their file, and one that was written open before."""
    log, kept = tmp_path / "access.log", tmp_path / "state/ship.json"
    log.write_bytes(LINES)
    points = Points(kept)
    kept.write_bytes(b"[]")
    (tmp_path / "state/ship.new").touch(0o666)
    for file in (kept, tmp_path / "state/ship.new"):
        file.chmod(0o666)
    points.save(points.find(str(log)), 34, 2, "live")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700


def test_growth_and_a_new_name_change_nothing(tmp_path: Path) -> None:
    """Rotation renames a file; the one that follows under its name starts at its start."""
    log, kept = tmp_path / "access.log", tmp_path / "resume.json"
    log.write_bytes(LINES[:50])
    points = Points(kept)
    points.save(points.find(str(log)), 50, 3, "live")
    with log.open("ab") as file:
        file.write(LINES[50:])
    assert points.find(str(log)).offset == 50
    points.save(points.find(str(log)), len(LINES), 200, "live")
    rotated = log.rename(tmp_path / "access.log.1")
    log.write_bytes(b"10.9.9.9 another day\n")
    assert Points(kept).find(str(rotated)).offset == len(LINES)
    assert Points(kept).find(str(log)).offset == 0


def test_a_file_that_was_written_anew_is_new_though_it_has_the_inode(tmp_path: Path) -> None:
    """copytruncate: the same inode, another beginning; and one that got shorter."""
    log, kept = tmp_path / "access.log", tmp_path / "resume.json"
    log.write_bytes(LINES)
    points = Points(kept)
    points.save(points.find(str(log)), len(LINES), 200, "live")
    with log.open("r+b") as file:
        file.truncate(0)
        file.write(b"other lines\n" * 200)
    assert points.find(str(log)).offset == 0
    with log.open("r+b") as file:
        file.truncate(0)
        file.write(LINES[:20])
    assert points.find(str(log)).offset == 0


def test_two_files_that_begin_alike_are_two(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(LINES)
    two.write_bytes(LINES)
    points = Points(tmp_path / "resume.json")
    points.save(points.find(str(one)), len(LINES), 200, "live")
    assert points.find(str(two)).offset == 0


def test_of_two_shippers_one_is_told_to_wait(tmp_path: Path) -> None:
    """Each would write over the points of the other, and ship again what that had sent."""
    kept = tmp_path / "resume.json"
    log = tmp_path / "access.log"
    log.write_bytes(LINES)
    late = Points(kept)
    with Points(kept) as first:
        with pytest.raises(UsageError, match="another `partywall ship` is at work"), late:
            pass
        first.save(first.find(str(log)), 34, 2, "live")
    with late:
        assert late.find(str(log)).offset == 34


def test_an_ingest_that_was_ended_takes_no_more(tmp_path: Path) -> None:
    """Its lines would be sealed and never counted, and nobody would know."""
    kept = tmp_path / "resume.json"
    points = Points(kept)
    points.check("old-1")
    points.end("old-1")
    with pytest.raises(UsageError, match="old-1 has ended and takes no more lines"):
        Points(kept).check("old-1")
    Points(kept).check("old-2")


def test_a_process_that_was_forked_meanwhile_keeps_nobody_out(tmp_path: Path) -> None:
    """Until it runs its own program, it has every file open that we had."""
    kept = tmp_path / "resume.json"
    with Points(kept) as first:
        copy = os.dup(first._lock)
    with Points(kept):
        pass
    os.close(copy)


def test_points_of_an_older_version_are_read(tmp_path: Path) -> None:
    """They did not say which ingest had the lines."""
    log, kept = tmp_path / "access.log", tmp_path / "resume.json"
    log.write_bytes(LINES)
    points = Points(kept)
    points.save(points.find(str(log)), 34, 2, "live")
    [entry] = orjson.loads(kept.read_bytes())["files"]
    del entry["ingest"]
    kept.write_bytes(orjson.dumps([entry]))
    point = Points(kept).find(str(log))
    assert (point.offset, point.ingest) == (34, "")


@pytest.mark.parametrize("content", [b"", b"[1]", b'[{"inode": 1}]', b"{", b"null"])
def test_damaged_points_are_an_error_and_not_a_fresh_start(tmp_path: Path, content: bytes) -> None:
    """To begin anew would be to ship everything twice."""
    kept = tmp_path / "resume.json"
    kept.write_bytes(content)
    with pytest.raises(SettingsError, match="resume points"):
        Points(kept)
