"""`check` names every file of a vault that is not as it was written, and nothing else."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from pipeline.restricted.seal import seal
from pipeline.vault.check import KINDS, check
from pipeline.vault.storage import LocalStorage, ObjectStorage, Storage, storage_at
from pipeline.vault.writer import SegmentWriter
from tests.unit.sealed.records import START, day_key, records

DAY = day_key()
FLUSHES = 3


def write(storage: Storage, partition: int, *, flushes: int = FLUSHES) -> None:
    """A chain of flushes of two sealed messages each, the last one of nothing new."""
    writer = SegmentWriter(storage, partition)
    offset = writer.open()
    source = f"logs.web:{partition}"
    begin = 100 * partition
    for flush in range(flushes):
        for first in (begin + 4 * flush, begin + 4 * flush + 2):
            made = records(range(first, first + 2))
            for message in seal(made, DAY.key, source=source, hour=START):
                writer.add(offset, message)
                offset += 1
        writer.flush()
    writer.add(offset, next(iter(seal(records([begin]), DAY.key, source=source, hour=START))))
    writer.flush()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("written")
    for partition in (0, 1):
        write(LocalStorage(root), partition)
    return root


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    """A vault of two chains, to be changed."""
    return Path(shutil.copytree(written, tmp_path / "vault"))


def found(root: Path) -> list[str]:
    return check(LocalStorage(root))


def files(root: Path, pattern: str) -> list[Path]:
    return sorted(root.glob(pattern))


def named(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def changes(data: bytes) -> Iterator[bytes]:
    """The same with one byte changed, each in turn."""
    for place, byte in enumerate(data):
        yield data[:place] + bytes([byte ^ 1 << place % 8]) + data[place + 1 :]


def test_a_vault_as_written_has_nothing_wrong(root: Path) -> None:
    assert found(root) == []


def test_a_vault_in_a_bucket_is_checked_too() -> None:
    storage = storage_at("memory://checked")
    assert isinstance(storage, ObjectStorage)
    write(storage, 0)
    assert check(storage) == []
    name = f"sealed-0/segments/{storage.names('sealed-0/segments')[0]}"
    storage.put(name, storage.read(name) + b" ")
    assert check(storage) == [f"{name}: is changed or cut"]


@pytest.mark.parametrize("kind", ["filter", "index.parquet", "data.parquet"])
def test_every_changed_byte_of_a_segment_s_file_is_named(tmp_path: Path, kind: str) -> None:
    write(LocalStorage(tmp_path), 0, flushes=1)
    [path] = files(tmp_path, f"sealed-0/segments/*.{kind}")
    expected = [f"{named(tmp_path, path)}: is changed or cut"]
    for changed in changes(path.read_bytes()):
        path.write_bytes(changed)
        assert found(tmp_path) == expected


@pytest.mark.parametrize("entry", [0, 1], ids=["first", "last"])
def test_every_changed_byte_of_the_manifest_is_named(tmp_path: Path, entry: int) -> None:
    write(LocalStorage(tmp_path), 0, flushes=1)
    path = files(tmp_path, "sealed-0/manifest/*")[entry]
    expected = [f"{named(tmp_path, path)}: is changed or cut, or no manifest entry"]
    for changed in changes(path.read_bytes()):
        path.write_bytes(changed)
        assert found(tmp_path) == expected


@pytest.mark.parametrize("pattern", ["segments/*", "manifest/*"])
def test_every_cut_and_every_addition_at_an_end_is_named(root: Path, pattern: str) -> None:
    for path in files(root, f"sealed-1/{pattern}"):
        whole = path.read_bytes()
        for size in {0, 1, len(whole) // 2, len(whole) - 1}:
            path.write_bytes(whole[:size])
            assert [line.partition(":")[0] for line in found(root)] == [named(root, path)]
        path.write_bytes(whole + b"\n")
        assert [line.partition(":")[0] for line in found(root)] == [named(root, path)]
        path.write_bytes(whole)


def test_every_missing_file_of_a_segment_is_named(root: Path) -> None:
    for path in files(root, "sealed-0/segments/*"):
        whole = path.read_bytes()
        path.unlink()
        assert found(root) == [f"{named(root, path)}: is missing, or no file"]
        path.write_bytes(whole)


def test_an_entry_missing_from_the_chain_is_told_by_the_one_after_it(root: Path) -> None:
    entries = files(root, "sealed-0/manifest/*")
    entries[1].unlink()
    lines = found(root)
    assert (
        f"{named(root, entries[2])}: does not follow: entries from offset 2 on are missing "
        in (lines[0])
    )
    first = entries[1].stem
    assert [line.partition(":")[0] for line in lines[1:]] == [
        named(root, path) for path in files(root, f"sealed-0/segments/{first}-*")
    ]


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "other-0/manifest/00000000000000000000.json",
        "sealed-0/notes.txt",
        "sealed-0/other/x",
        "sealed-0/segments/00000000000000000000-0123456789abcdef.filter",
        "sealed-0/segments/00000000000000000009-0123456789abcdef.filter",
        "sealed-0/segments/folder/x",
        "sealed-0/manifest/00000000000000000099.json",
        "sealed-0/manifest/folder/x",
    ],
)
def test_what_was_added_is_named(root: Path, name: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(b"{}")
    [line] = found(root)
    assert name.startswith(line.partition(":")[0])


def test_entries_that_changed_places_are_named(root: Path) -> None:
    first, second = files(root, "sealed-0/manifest/*")[:2]
    kept = first.read_bytes(), second.read_bytes()
    first.write_bytes(kept[1])
    second.write_bytes(kept[0])
    text = "\n".join(found(root))
    for path in (first, second):
        assert f"{named(root, path)}: holds the entry of another place" in text


def test_an_entry_of_another_chain_is_named(root: Path) -> None:
    for mine, other in zip(
        files(root, "sealed-0/manifest/*"), files(root, "sealed-1/manifest/*"), strict=True
    ):
        kept = mine.read_bytes()
        mine.write_bytes(other.read_bytes())
        lines = found(root)
        assert any(line.startswith(f"{named(root, mine)}: ") for line in lines)
        assert not any(line.startswith("sealed-1/manifest") for line in lines)
        mine.write_bytes(kept)


def test_files_of_another_partition_s_segment_are_named(root: Path) -> None:
    for mine, other in zip(
        files(root, "sealed-0/segments/*"), files(root, "sealed-1/segments/*"), strict=True
    ):
        kept = mine.read_bytes()
        mine.write_bytes(other.read_bytes())
        assert found(root) == [f"{named(root, mine)}: is changed or cut"]
        mine.write_bytes(kept)


def forged(path: Path, change: dict[str, object], **segment: object) -> None:
    """Change an entry and write its SHA-256 anew, as somebody who knows the format would."""
    values = orjson.loads(path.read_bytes())
    del values["sha256"]
    values.update(change)
    if segment:
        values["segment"].update(segment)
    body = orjson.dumps(values, option=orjson.OPT_SORT_KEYS)
    values["sha256"] = hashlib.sha256(body).hexdigest()
    path.write_bytes(orjson.dumps(values, option=orjson.OPT_SORT_KEYS))


@pytest.mark.parametrize(
    "change",
    [
        {"counts": []},
        {"held": []},
        {"sources": {"logs.web:0": [1, 0]}},
        {"sources": {}},
        {"segment": {"records": 7}},
        {"segment": {"bytes": 7}},
        {"segment": {"batches": 7}},
        {"segment": {"index_footer": 7}},
        {"segment": None},
    ],
    ids=str,
)
def test_an_entry_that_says_other_than_its_files_is_named(
    root: Path, change: dict[str, object]
) -> None:
    """Though its own SHA-256 was written anew, and nothing comes after it."""
    entries = files(root, "sealed-0/manifest/*")
    entries[-1].unlink()
    last = entries[-2]
    inner = change["segment"] if isinstance(change.get("segment"), dict) else {}
    assert isinstance(inner, dict)
    forged(last, {} if inner else change, **inner)
    assert [line for line in found(root) if line.startswith(f"{named(root, last)}: ")]


def test_a_segment_named_a_second_time_is_told(root: Path) -> None:
    """Its own chain's or another's: records would be counted twice."""
    last = files(root, "sealed-0/manifest/*")[-1]
    for partition in (0, 1):
        other = orjson.loads(files(root, f"sealed-{partition}/manifest/*")[0].read_bytes())
        forged(last, {name: other[name] for name in ("segment", "counts", "held")})
        assert [line for line in found(root) if line.startswith(f"{named(root, last)}: ")]


def test_the_checkers_know_every_folder_that_the_writer_makes(root: Path) -> None:
    assert all(any(folder.name.startswith(k) for k in KINDS) for folder in root.iterdir())
