"""A bundle is there whole or not at all, for its owner alone, and never over another file."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import IntegrityError, UnavailableError, UsageError
from pipeline.evidence.write import write
from tests.unit.evidence.material import MADE, OTHER, SIGNER, contents, some_records


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_same_contents_give_the_same_bytes(tmp_path: Path) -> None:
    """So writing again to the same place is no mistake, and changes nothing."""
    path = tmp_path / "a.zip"
    first = write(path, contents(), SIGNER)
    inode = path.stat().st_ino
    assert write(tmp_path / "b.zip", contents(), SIGNER) == first
    assert write(path, contents(), SIGNER) == first
    assert path.stat().st_ino == inode
    assert (tmp_path / "b.zip").read_bytes() == path.read_bytes()


def test_another_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    write(path, contents(), SIGNER)
    before = path.read_bytes()
    for other in (contents(case="case-8"), replace(contents(), made=MADE.replace(year=2023))):
        with pytest.raises(UsageError, match="another file is there"):
            write(path, other, SIGNER)
    with pytest.raises(UsageError, match="another file is there"):
        write(path, contents(), OTHER)
    assert path.read_bytes() == before
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(UsageError, match="another file is there"):
        write(tmp_path / "link", contents(), SIGNER)
    assert names(tmp_path) == ["a.zip", "link"]


def test_the_owner_alone_may_read_it(tmp_path: Path) -> None:
    """Whatever the umask, and from its first byte on."""
    before = os.umask(0)
    try:
        write(tmp_path / "a.zip", contents(), SIGNER)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.zip").stat().st_mode) == 0o600


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        assert any(name.endswith(".tmp") for name in names(tmp_path))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnavailableError, match="No space left"):
        write(tmp_path / "a.zip", contents(), SIGNER)
    assert names(tmp_path) == []


def test_file_and_folder_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file before it has its name, the folder after."""
    synced: list[tuple[bool, list[str]]] = []
    monkeypatch.setattr(
        os,
        "fsync",
        lambda fd: synced.append((stat.S_ISDIR(os.fstat(fd).st_mode), names(tmp_path))),
    )
    write(tmp_path / "a.zip", contents(), SIGNER)
    (file, before), (folder, _) = synced
    assert (file, folder) == (False, True)
    assert "a.zip" not in before


def test_a_missing_folder_is_a_persons_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        write(tmp_path / "none" / "a.zip", contents(), SIGNER)


def test_a_scope_that_is_not_the_cases_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="scope"):
        write(tmp_path / "a.zip", replace(contents(), scope=b"{}"), SIGNER)
    for case in ("", "a\nkey b", "a\x1b[2J"):
        with pytest.raises(UsageError, match="id"):
            write(tmp_path / "a.zip", contents(case=case), SIGNER)
    with pytest.raises(UsageError, match="zone"):
        write(tmp_path / "a.zip", replace(contents(), made=MADE.replace(tzinfo=None)), SIGNER)
    assert names(tmp_path) == []


def test_no_record_shows_in_a_repr() -> None:
    shown = repr(contents(some_records(5)))
    assert "192.0.2" not in shown
    assert "shop.example" not in shown
    assert "case-7" in shown


_BIG = """
import resource, sys
from pathlib import Path
import polars as pl
from pipeline.evidence.write import write
from pipeline.evidence.verify import verify
from tests.unit.evidence.material import SIGNER, contents
n = pl.int_range(200_000)
rows = pl.select(time=n, address=pl.format("192.0.2.{}", n % 256), path=pl.format("/{}", n),
    agent=pl.format("{} " + "Mozilla/5.0 (X11; Linux x86_64) " * 8, n % 1800))
small = contents(rows.head(1000))
path = Path(sys.argv[1])
write(path / "small.zip", small, SIGNER)
verify(path / "small.zip")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
written = write(path / "large.zip", contents(rows), SIGNER)
assert verify(path / "large.zip").ok
plain = len(str(written)) and sum(f.bytes for f in verify(path / "large.zip").manifest.files)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, plain // 1024)
"""


def test_many_records_are_never_held_several_times(tmp_path: Path) -> None:
    """Writing and verifying 120 MB of records takes a fraction of that beside the frame."""
    done = subprocess.run(
        [sys.executable, "-c", _BIG, tmp_path], capture_output=True, text=True, check=True
    )
    grown, plain = map(int, done.stdout.split())
    assert plain > 120_000
    assert grown < 70_000, "KiB"
