"""Appending: durable, in order, by several at once, and not at all where anything is amiss."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline.audit import layout, tree
from pipeline.audit.checkpoint import read
from pipeline.audit.entry import encode
from pipeline.audit.log import AuditLog
from pipeline.audit.reading import Reader
from pipeline.audit.signing import Signer
from pipeline.errors import IntegrityError, UnavailableError, UsageError
from tests.unit.audit.logs import SIGNER, VKEY, Kit, clock, entry, told

TOP = Path(__file__).parents[3]


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


def test_what_was_written_is_read(kit: Kit) -> None:
    """In order, across bundles, by a process of its own as by the writer, and from any place."""
    log = kit.log()
    assert (log.size(), list(log.entries() if kit.folder.exists() else [])) == (0, [])
    first = log.append(entry(0))
    assert (first.index, first.leaf) == (0, tree.leaf_hash(encode(entry(0))).hex())
    written = log.extend([entry(i) for i in range(1, 600)])
    assert [w.index for w in written] == list(range(1, 600))
    reader = Reader(kit.folder, VKEY)
    assert list(reader.entries()) == [(i, entry(i)) for i in range(600)]
    assert [i for i, _ in log.entries(250, 520)] == list(range(250, 520))
    assert [i for i, _ in log.entries(599, 9_999)] == [599]
    assert log.size() == reader.size() == 600
    assert kit.verify(expected=[(w.index, w.leaf) for w in (first, *written)]).ok


def test_the_clocks_moment_is_recorded(kit: Kit) -> None:
    log = kit.log()
    log.record(
        "approver", "case.approve", "allowed", case="C1", facts={"second": True}, sealed=b"x"
    )
    [(_, found)] = log.entries()
    assert (found.time, found.actor, found.case) == (clock(), "approver", "C1")
    assert (dict(found.facts), found.sealed) == ({"second": True}, b"x")


@pytest.mark.parametrize("step", [1, 7, 255, 256, 300])
def test_the_files_are_those_of_its_size_and_no_others(kit: Kit, step: int) -> None:
    """At every size on the way; partial tiles that were superseded are gone."""
    log = kit.log()
    for start in range(0, 530 if step > 1 else 40, step):
        log.extend([entry(i) for i in range(start, start + step)])
        assert kit.files() == sorted(
            ["checkpoint", *(tile.name for tile in layout.tiles(start + step))]
        )
    assert kit.verify().ok


def test_names_are_those_of_the_specification() -> None:
    """The examples of https://c2sp.org/tlog-tiles: a path, and the tiles of 70,000 entries."""
    assert layout.path_of(1_234_067) == "x001/x234/067"
    names = [tile.name for tile in layout.tiles(70_000)]
    for level, full in (("entries", 273), ("0", 273), ("1", 1), ("2", 0)):
        held = [name for name in names if name.startswith(f"tile/{level}/")]
        assert len([name for name in held if ".p/" not in name]) == full
    partial = sorted(name for name in names if ".p/" in name)
    assert partial == [
        "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1", "tile/entries/273.p/112",
    ]  # fmt: skip
    assert [tile.name for tile in layout.tiles(256)] == [
        "tile/entries/000", "tile/0/000", "tile/1/000.p/1",
    ]  # fmt: skip


def test_an_append_reads_few_files(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last tile of each level, whatever the log's size."""
    log = kit.filled(20_000).log()
    opened: list[str] = []
    real = os.open

    def spy(path: os.PathLike[str] | str, flags: int, mode: int = 0o777) -> int:
        opened.append(str(path))
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", spy)
    log.append(entry(1))
    assert len([name for name in opened if "/tile/" in name and "." in name]) < 12
    assert len(opened) < 50


def test_proofs_lead_to_the_checkpoint(kit: Kit) -> None:
    """Inclusion for each entry, consistency from each size; a proof for another does not."""
    log = kit.filled(300).log()
    reader = Reader(kit.folder, VKEY)
    for index in (0, 1, 255, 256, 299):
        proof = log.proof(index)
        assert proof.check(VKEY).size == 300
        assert proof.leaf == tree.leaf_hash(encode(entry(index))).hex()
        assert proof.text().startswith(f"c2sp.org/tlog-proof@v1\nindex {index}\n")
    before = reader.checkpoint()
    log.extend([entry(i) for i in range(400)])
    path, after = reader.consistency(300)
    assert tree.extends(300, 700, path, before.root, after.root)
    other = log.proof(1)
    with pytest.raises(IntegrityError, match="entry 1 is not proved"):
        type(other)(1, log.proof(2).leaf, other.hashes, other.checkpoint).check(VKEY)
    with pytest.raises(ValueError, match="no entry 700"):
        log.proof(700)


def test_witnesses_get_every_checkpoint(kit: Kit) -> None:
    """Each in its order, and a witness that comes later from then on."""
    log = kit.log()
    for i in range(3):
        log.append(entry(i))
    later = kit.top / "later"
    AuditLog(kit.folder, SIGNER, clock, witnesses=(kit.witness, later)).append(entry(3))
    notes = kit.witness.read_bytes().split(b"\n")
    sizes = [
        read(b"\n".join(notes[i : i + 5]) + b"\n", VKEY).size for i in range(0, len(notes) - 1, 5)
    ]
    assert sizes == [0, 1, 2, 3, 4]
    assert later.read_bytes().count(b"example.com/audit\n") == 2
    assert kit.verify().witnessed == 5


@pytest.mark.parametrize("gone", ["folder", "link"])
def test_no_witness_no_entry(kit: Kit, gone: str) -> None:
    """Where a witness cannot be written nothing is written at all."""
    kit.filled(2)
    before = {name: (kit.folder / name).read_bytes() for name in kit.files()}
    path = kit.top / "disk" / "witness"
    if gone == "link":
        path.parent.mkdir()
        path.symlink_to(kit.witness)
    log = AuditLog(kit.folder, SIGNER, clock, witnesses=(kit.witness, path))
    with pytest.raises(UnavailableError):
        log.append(entry(2))
    assert {name: (kit.folder / name).read_bytes() for name in kit.files()} == before
    assert kit.verify().size == 2


def test_a_torn_witness_is_completed(kit: Kit) -> None:
    """Wherever a kill has cut the last note, the next append writes the rest of it."""
    kit.filled(2)
    log = kit.log()
    log.append(entry(2))
    whole = kit.witness.read_bytes()
    last = whole.rindex(b"example.com/audit\n3\n")
    for cut in range(last, len(whole)):
        kit.witness.write_bytes(whole[:cut])
        found = told(kit.verify())
        assert found == ([] if cut == last else [f"unfinished: witness {kit.witness}: "
            "the last checkpoint is not wholly copied; the next append completes it"])  # fmt: skip
        assert log.sweep() == 3
        assert kit.witness.read_bytes() == whole


def test_a_removed_log_is_not_begun_anew(kit: Kit) -> None:
    """Neither where its folder, nor where its checkpoint alone was taken away."""
    log = kit.filled(3).log()
    (kit.folder / "checkpoint").unlink()
    with pytest.raises(IntegrityError, match="removed"):
        log.append(entry(3))
    kit.folder.rename(kit.top / "hidden")
    with pytest.raises(IntegrityError, match="removed"):
        log.append(entry(3))
    assert kit.files() == []


def test_a_log_that_was_meddled_with_takes_no_entry(kit: Kit) -> None:
    """Rolled back, forked, signed by another, or changed where the next entry would stand."""
    kit.filled(3)
    old = kit.copy(kit.top.parent / "old")
    kit.log().append(entry(3))
    rolled = Kit(kit.top.parent / "rolled")
    old.folder.rename(rolled.top.with_name("rolled-audit"))
    rolled.top.mkdir()
    rolled.top.with_name("rolled-audit").rename(rolled.folder)
    rolled.witness.write_bytes(kit.witness.read_bytes())
    with pytest.raises(IntegrityError, match="rolled back: it has 3"):
        rolled.log().append(entry(3))
    AuditLog(rolled.folder, SIGNER, clock).extend([entry(8), entry(9)])
    with pytest.raises(IntegrityError, match="forked: its first 4"):
        rolled.log().append(entry(5))
    stranger = Signer("example.com/audit", Ed25519PrivateKey.from_private_bytes(bytes(32)))
    with pytest.raises(IntegrityError, match="not signed by"):
        AuditLog(kit.folder, stranger, clock).append(entry(4))
    for name in ("tile/0/000.p/4", "tile/entries/000.p/4", "checkpoint"):
        data = (kit.folder / name).read_bytes()
        (kit.folder / name).write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])
        with pytest.raises(IntegrityError):
            kit.log().append(entry(4))
        (kit.folder / name).write_bytes(data)
    assert kit.verify().ok


def test_a_changed_tile_takes_no_entry_even_without_a_witness(kit: Kit) -> None:
    """The root of what an append builds on is compared with the one that was signed."""
    log = AuditLog(kit.folder, SIGNER, clock)
    log.extend([entry(i) for i in range(600)])
    path = kit.folder / "tile/1/000.p/2"
    path.write_bytes(bytes(64))
    with pytest.raises(IntegrityError, match="another root than was signed"):
        log.append(entry(600))


def test_an_entry_too_long_changes_nothing(kit: Kit) -> None:
    kit.filled(1)
    with pytest.raises(UsageError, match="is the most"):
        kit.log().extend([entry(1), entry(2, reason="x" * 70_000)])
    assert kit.verify().size == 1


def test_several_processes_append_at_once(kit: Kit) -> None:
    """No entry is lost or written twice, each stands where it was said to; a check may go on."""
    kit.log().append(entry(0))
    program = (
        "import sys; from pathlib import Path; from tests.unit.audit.logs import Kit, entry\n"
        "log = Kit(Path(sys.argv[1])).log()\n"
        "for i in range(40):\n"
        "    w = log.append(entry(i, who=sys.argv[2])); print(w.index, w.leaf)\n"
    )
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(kit.top), name],
            stdout=subprocess.PIPE,
            text=True,
            cwd=TOP,
            env={**os.environ, "PYTHONPATH": str(TOP)},
        )
        for name in ("one", "two", "three")
    ]
    while any(worker.poll() is None for worker in workers):
        assert told(kit.verify()) == []
    said = [worker.communicate(timeout=60)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    expected = [
        (int(index), leaf) for out in said for index, leaf in (s.split() for s in out.splitlines())
    ]
    assert sorted(index for index, _ in expected) == list(range(1, 121))
    assert told(kit.verify(expected=expected)) == []
    for name in ("one", "two", "three"):
        own = [e.facts["n"] for _, e in kit.log().entries(1) if e.facts["who"] == name]
        assert own == list(range(40))
