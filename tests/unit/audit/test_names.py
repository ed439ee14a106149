"""Every name under a log's folder is accounted for, and what is gone is missed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.audit.findings import Kind
from tests.unit.audit.logs import Kit, entry, told


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path / "kit")


def test_a_log_that_is_gone_is_told(kit: Kit) -> None:
    """Folder, contents, checkpoint or witness."""
    kit.top.mkdir()
    kit.filled(2)
    (kit.folder / "checkpoint").rename(kit.top / "aside")
    assert "removed: checkpoint: there is none" in told(kit.verify())
    (kit.folder / "tile").rename(kit.top / "tile")
    assert "removed: checkpoint: the folder is empty, and a log was begun in it" in told(
        kit.verify()
    )
    kit.folder.rmdir()
    assert told(kit.verify(witness=False)) == [f"removed: {kit.folder}: there is no audit log"]
    kit.witness.unlink()
    assert f"removed: witness {kit.witness}: there is no such file" in told(kit.verify())


def test_every_other_name_is_named(kit: Kit) -> None:
    """Files, empty folders, links, wherever they lie; and a name that cannot be printed."""
    kit.top.mkdir()
    kit.filled(300)

    def only(name: str) -> None:
        [found] = kit.verify().findings
        assert found.kind is Kind.UNKNOWN
        assert found.where == name

    for name in ("extra", ".hidden", "tile/x", "tile/0/002", "tile/0/000.p/0", "tile/0/001.p/044",
                 "tile/0/x000/001", "tile/9/000", "tile/entries/001.p/44.bak"):  # fmt: skip
        path = kit.folder / name
        made = [p for p in path.parents if not p.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        only(name)
        path.unlink()
        for folder in made:
            folder.rmdir()
    for name in ("empty", "tile/0/x001", "tile/9"):
        (kit.folder / name).mkdir()
        only(name)
        (kit.folder / name).rmdir()
    (kit.folder / "link").symlink_to("checkpoint")
    only("link")
    (kit.folder / "link").unlink()
    odd = kit.folder / "two\nlines\udcff\x1b[2J"
    odd.write_bytes(b"")
    [found] = kit.verify().findings
    assert str(found).isprintable()
    odd.unlink()
    tile = kit.folder / "tile/0/000"
    tile.rename(kit.top / "moved")
    tile.symlink_to(kit.top / "moved")
    assert {f.where for f in kit.verify().findings} == {"tile/0/000"}


def test_an_unfinished_append_is_called_so(kit: Kit) -> None:
    """Entry written, checkpoint not yet: a finding, and the next append sweeps it up."""
    kit.top.mkdir()
    kit.filled(3)
    after = kit.copy(kit.top.with_name("after"))
    after.log().append(entry(3))
    for name in ("tile/entries/000.p/4", "tile/0/000.p/4"):
        (kit.folder / name).write_bytes((after.folder / name).read_bytes())
    said = "unfinished append of entry 3; the next append sweeps it up"
    assert told(kit.verify()) == [
        f"unfinished: tile/0/000.p/4: {said}",
        f"unfinished: tile/entries/000.p/4: {said}",
    ]
    kit.log().append(entry(30))
    assert kit.verify().ok
