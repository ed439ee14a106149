"""Whatever is done to a log is found, and said by name."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline.audit import bundle
from pipeline.audit.findings import Kind
from pipeline.audit.layout import ENTRIES, Tile
from pipeline.audit.log import AuditLog
from pipeline.audit.signing import Signer
from pipeline.errors import PartywallError
from tests.unit.audit.logs import SIGNER, Kit, clock, entry, speaks_of_entry, told


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path / "kit")


def spoilt(data: bytes, place: int) -> dict[str, bytes]:
    """A byte flipped (each bit in turn would say the same of a hash), taken out, put in."""
    ways = {
        "flipped": data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :],
        "taken out": data[:place] + data[place + 1 :],
        "put in": data[:place] + b"\0" + data[place:],
        "doubled": data[:place] + data[place : place + 1] + data[place:],
    }
    return {way: bad for way, bad in ways.items() if bad != data}


def entry_at(data: bytes, place: int) -> int:
    """Which entry of a bundle the byte at ``place`` is of; its length counts to it."""
    end = 0
    for index, leaf in enumerate(bundle.unpack(data)[0]):
        end += 2 + len(leaf)
        if place < end:
            return index
    raise AssertionError(place)


def test_every_byte_of_every_file_of_a_small_log(kit: Kit) -> None:
    """Flipped, taken out, put in or doubled: the file is named, and the entry if it is in one."""
    kit.top.mkdir()
    for i in range(2):
        kit.log().append(entry(i))
    paths = [*(kit.folder / name for name in kit.files()), kit.witness]
    tried = 0
    for path in paths:
        data = path.read_bytes()
        for place in range(len(data)):
            for way, bad in spoilt(data, place).items():
                path.write_bytes(bad)
                found = kit.verify().findings
                name = path.name if path == kit.witness else str(path.relative_to(kit.folder))
                assert any(name in str(f) for f in found), (name, place, way)
                if "entries" in name:
                    index = entry_at(data, place)
                    named = any(speaks_of_entry(f, index) for f in found)
                    # Put in at the end of an entry, a byte stands before the next, or at the end.
                    last = place + 1 == len(data) or entry_at(data, place + 1) != index
                    assert named or (way == "doubled" and last), (place, way, told(kit.verify()))
                tried += 1
        for bad in (b"", data + b"\0", data + b"\n", data + data, data[:-1]):
            path.write_bytes(bad)
            assert not kit.verify().ok, (path, bad[-1:])
        path.write_bytes(data)
    assert kit.verify().ok
    assert tried > 3_500


def test_every_file_of_a_log_of_three_levels_but_one(kit: Kit) -> None:
    """Each file removed, emptied, or exchanged for its neighbour, is named."""
    kit.top.mkdir()
    kit.filled(520)
    names = kit.files()
    for number, name in enumerate(names):
        path = kit.folder / name
        data = path.read_bytes()
        other = (kit.folder / names[number - 1]).read_bytes()
        path.unlink()
        assert name in {f.where for f in kit.verify().findings if f.kind is Kind.REMOVED}
        for bad in (b"", other):
            path.write_bytes(bad)
            found = kit.verify().findings
            assert any(name in str(f) for f in found), (name, told(kit.verify()))
        path.write_bytes(data)
    assert kit.verify().ok


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """20,600 entries."""
    top = tmp_path_factory.mktemp("large")
    return Kit(top).filled(20_600)


def test_random_places_of_a_large_log(large: Kit) -> None:
    """Sixty bundles are changed in one byte each, and each entry is named, and no other."""
    draw = random.Random(5)
    kept: dict[Path, bytes] = {}
    spoiled: set[int] = set()
    for index in draw.sample(range(20_480 // 256), 60):
        path = large.folder / Tile(ENTRIES, index).name
        data = kept[path] = path.read_bytes()
        start = 0
        within = draw.randrange(256)
        for leaf in bundle.unpack(data)[0][:within]:
            start += 2 + len(leaf)
        place = start + 2 + draw.randrange(100)
        path.write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
        spoiled.add(index * 256 + within)
    found = large.verify().findings
    for path, data in kept.items():
        path.write_bytes(data)
    assert {f.where for f in found} == {f"entry {index}" for index in spoiled}
    assert {f.kind for f in found} == {Kind.CHANGED}


@pytest.mark.parametrize("seed", range(8))
def test_one_random_byte_of_a_large_log(large: Kit, seed: int) -> None:
    """Of any file, in any way: named."""
    draw = random.Random(seed)
    name = draw.choice(large.files())
    path = large.folder / name
    data = path.read_bytes()
    way, bad = draw.choice(sorted(spoilt(data, draw.randrange(len(data))).items()))
    path.write_bytes(bad)
    found = large.verify().findings
    path.write_bytes(data)
    assert any(name in str(f) for f in found), (name, way)


def reseat(kit: Kit, leaves: list[bytes], index: int = 0) -> None:
    name = Tile(ENTRIES, index, len(leaves)).name
    (kit.folder / name).write_bytes(bundle.pack(leaves))


def leaves_of(kit: Kit, index: int, width: int = 256) -> list[bytes]:
    return bundle.unpack((kit.folder / Tile(ENTRIES, index, width).name).read_bytes())[0]


def test_exchanged_entries_are_told_from_changed_ones(kit: Kit) -> None:
    """Within a bundle, and over two."""
    kit.top.mkdir()
    kit.filled(300)
    first, second = leaves_of(kit, 0), leaves_of(kit, 1, 44)
    swapped = list(first)
    swapped[3], swapped[9] = swapped[9], swapped[3]
    reseat(kit, swapped)
    assert {f.kind for f in kit.verify().findings} <= {Kind.REORDERED, Kind.ADDED}
    assert all(any(speaks_of_entry(f, i) for f in kit.verify().findings) for i in (3, 9))
    first[5], second[2] = second[2], first[5]
    reseat(kit, first)
    reseat(kit, second, 1)
    assert told(kit.verify()) == [
        "reordered: entry 5: in its place stands entry 258 (tile/entries/000)",
        "reordered: entry 258: in its place stands entry 5 (tile/entries/001.p/44)",
    ]


def test_entries_taken_out_and_put_in_are_named(kit: Kit) -> None:
    """One gone, one doubled, one of nobody's."""
    kit.top.mkdir()
    kit.filled(40)
    leaves = leaves_of(kit, 0, 40)
    path = kit.folder / Tile(ENTRIES, 0, 40).name
    path.write_bytes(bundle.pack(leaves[:7] + leaves[8:]))
    assert told(kit.verify()) == ["removed: entry 7: gone (tile/entries/000.p/40)"]
    path.write_bytes(bundle.pack([*leaves[:7], leaves[2], *leaves[7:]]))
    assert told(kit.verify()) == [
        "added: entry 7: before it stands entry 2 once more (tile/entries/000.p/40)"
    ]
    path.write_bytes(bundle.pack([*leaves, b"{}"]))
    assert told(kit.verify()) == [
        "added: entry 40: before it stands an entry never signed for (tile/entries/000.p/40)"
    ]


def test_an_entry_changed_with_its_hashes_is_found(kit: Kit) -> None:
    """Hashes of the tile changed to fit: the tile above, or the root, vouches for others."""
    kit.top.mkdir()
    kit.filled(600)
    other = Kit(kit.top.with_name("other"))
    other.top.mkdir()
    other.log().extend([entry(i, **({"x": 1} if i == 300 else {})) for i in range(600)])
    for name in ("tile/entries/001", "tile/0/001"):
        (kit.folder / name).write_bytes((other.folder / name).read_bytes())
    found = kit.verify().findings
    assert any(f.where == "tile/0/001" and speaks_of_entry(f, 300) for f in found), told(
        kit.verify()
    )
    name = "tile/1/000.p/2"
    (kit.folder / name).write_bytes((other.folder / name).read_bytes())
    found = kit.verify().findings
    assert any("do not have the root" in f.text for f in found)
    assert any(f.kind is Kind.FORKED and speaks_of_entry(f, 300) for f in found), told(kit.verify())


def test_a_log_rewritten_with_its_key_is_forked(kit: Kit) -> None:
    """The witness, and whoever remembers an entry, tell which: the log alone cannot."""
    kit.top.mkdir()
    kept = [kit.log().append(entry(i)) for i in range(20)]
    other = Kit(kit.top.with_name("other"))
    AuditLog(other.folder, SIGNER, clock).extend(
        [entry(i, **({"x": 1} if i == 11 else {})) for i in range(20)]
    )
    other.witness.write_bytes(kit.witness.read_bytes())
    assert other.verify(witness=False).ok
    [found] = other.verify().findings
    assert (found.kind, found.where) == (Kind.FORKED, "entry 11")
    [found] = other.verify(witness=False, expected=[(w.index, w.leaf) for w in kept]).findings
    assert (found.kind, found.where) == (Kind.FORKED, "entry 11")
    with pytest.raises(PartywallError):
        other.log().append(entry(21))


def test_a_log_rolled_back_is_found(kit: Kit) -> None:
    """Its whole folder as of before, or its checkpoint alone."""
    kit.top.mkdir()
    kit.filled(5)
    old = kit.copy(kit.top.with_name("old"))
    kept = [kit.log().append(entry(i)) for i in range(5, 9)]
    old.witness.write_bytes(kit.witness.read_bytes())
    said = f"witness {old.witness} has the checkpoint of 9 entries, the log has 5"
    assert told(old.verify()) == [f"rolled back: entries 5 to 8: {said}"]
    assert [f.where for f in old.verify(
        witness=False, expected=[(w.index, w.leaf) for w in kept]
    ).findings] == [f"entry {i}" for i in range(5, 9)]  # fmt: skip
    (kit.folder / "checkpoint").write_bytes((old.folder / "checkpoint").read_bytes())
    found = kit.verify().findings
    assert Kind.ROLLED_BACK in {f.kind for f in found}
    assert Kind.UNFINISHED not in {f.kind for f in found}


def test_another_key_vouches_for_nothing(kit: Kit) -> None:
    """A log of another key in its place, even of the same name."""
    kit.top.mkdir()
    stranger = Signer(SIGNER.name, Ed25519PrivateKey.from_private_bytes(bytes(32)))
    AuditLog(kit.folder, stranger, clock).append(entry(0))
    [found] = kit.verify(witness=False).findings
    assert (found.kind, found.where) == (Kind.CHANGED, "checkpoint")
    assert "not signed by" in found.text
