"""What is named is found whole: folders, patterns, archives, buckets and rotated sets."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.shipping import inputs
from pipeline.shipping.entries import expand, newest_open
from pipeline.shipping.inputs import Entry
from pipeline.shipping.rotation import place

PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}


def content(entry: Entry) -> bytes:
    with inputs.opened(entry) as file:
        return b"".join(iter(lambda: inputs.read(file, entry.name, 1000), b""))


def found(*names: object) -> dict[str, bytes]:
    passed: list[str] = []
    entries = [entry for entry, _ in expand(list(map(str, names)), passed.append)]
    assert not passed
    return {entry.name: content(entry) for entry in entries}


@pytest.mark.parametrize(
    "names",
    [
        (
            "access.log-20150517.gz",
            "access.log.10",
            "access.log.2.gz",
            "access.log.1",
            "access.log",
        ),
        ("access.log-20141231.gz", "access.log-20150101", "access.log-20150101.1", "access.log"),
        ("access.2015-05-17.log", "access.2015-05-18.log.gz", "access.log"),
        ("access.log.2015-05-17-09", "access.log.2015-05-17-10", "access.log.2015-05-18-01"),
        ("access.log-1431856800", "access.log-1431943200"),
        ("app.2015-05-17.1.log", "app.2015-05-17.2.log", "app.2015-05-18.10.log", "app.log"),
        ("access.log.3.zst", "access.log.2.bz2", "access.log.1.xz", "access.log"),
    ],
)
def test_rotated_names_are_one_set_oldest_first(names: tuple[str, ...]) -> None:
    places = [place(name) for name in names]
    assert len({spot.base for spot in places}) == 1
    assert sorted(places, key=lambda spot: spot.age) == places
    assert [spot.packed for spot in places] == [name.endswith(tuple(PACK)[1:]) for name in names]


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("access.log", "access.log"),
        ("access.log.1", "access.log"),
        ("access_log", "access_log"),
        ("10.log", "10.log"),
        (".1", ".1"),
        ("u_ex150517.log", "u_ex150517.log"),
        ("shop-2.log", "shop-2.log"),
        ("192.0.2.7.log", "192.0.2.7.log"),
        ("access.log-20151332", "access.log-20151332"),
        (".gz", ".gz"),
    ],
)
def test_names_of_other_kinds_are_what_they_are(name: str, base: str) -> None:
    assert place(name).base == base


@given(st.text(max_size=40))
def test_any_name_has_a_place(name: str) -> None:
    spot = place(name)
    assert spot.base or not name
    assert place(spot.base).base in spot.base


def test_a_folder_gives_all_its_files_but_hidden_ones(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    for name in ("a/one.log", "a/b/two.log.gz", ".hidden", ".git/config", "a/.three", "empty"):
        (tmp_path / name).write_bytes(b"" if name == "empty" else b"of " + name.encode())
    (tmp_path / "a/link").symlink_to(tmp_path / "a/one.log")
    os.mkfifo(tmp_path / "a/pipe")
    names = {Path(name).name: data for name, data in found(tmp_path).items()}
    assert names in (
        {"link": b"of a/one.log", "two.log.gz": b"of a/b/two.log.gz"},
        {"one.log": b"of a/one.log", "two.log.gz": b"of a/b/two.log.gz"},
    )


def test_what_is_no_text_is_passed_over_and_said_but_not_where_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(bytes(range(9)) * 100)
    (tmp_path / "a.log").write_bytes(b"a line\n")
    passed: list[str] = []
    assert [e.base for e, _ in expand([str(tmp_path)], passed.append)] == ["a.log"]
    assert passed == [str(tmp_path / "image")]
    named = [e for e, _ in expand([str(tmp_path / "image")], passed.append)]
    with pytest.raises(InputError, match="image is a binary file"):
        inputs.head(named[0])


def test_a_pattern_gives_each_file_once(tmp_path: Path) -> None:
    for name in ("access.log", "access.log.1.gz", "access.log.2", "access.log.2.gz", "other"):
        (tmp_path / name).write_bytes(name.encode())
    names = found(tmp_path / "access*", tmp_path / "*.gz", tmp_path / "access.log")
    assert sorted(names.values()) == [b"access.log", b"access.log.1.gz", b"access.log.2",
                                      b"access.log.2.gz"]  # fmt: skip
    # Being packed: what is packed so far is not all of it, and what is not packed is.
    assert sorted(found(tmp_path / "access.log.2*").values()) == [b"access.log.2"]


@pytest.mark.parametrize("pack", PACK)
@pytest.mark.parametrize("inner", PACK)
def test_members_of_an_archive_are_read_whatever_they_and_it_are_packed_with(
    tmp_path: Path, pack: str, inner: str
) -> None:
    """In any order, the large ones block by block; hidden and empty ones and links left out."""
    large = b"".join(b"%x a line\n" % n for n in range(30_000))
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, data in (
            ("./logs/access.log", b"new\n"),
            (f"logs/access.log.1{inner}", PACK[inner](large)),
            ("logs/.hidden", b"x\n"),
            ("logs/empty.log", b""),
            ("other.log-20150517", b"other\n"),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("logs/link")
        link.type, link.linkname = tarfile.SYMTYPE, "access.log"
        tar.addfile(link)
    path = tmp_path / f"all.tar{pack}"
    path.write_bytes(PACK[pack](made.getvalue()))
    entries = [(entry, lines) for entry, lines in expand([str(path)], lambda _: None)]
    assert {entry.base: content(entry) for entry, _ in entries if entry.age[0] != 1} == {
        "access.log": b"new\n",
        "other.log": b"other\n",
    }
    [rotated] = [entry for entry, _ in entries if entry.age[0] == 1]
    assert content(rotated) == large
    assert rotated.name == f"{path}: logs/access.log.1{inner}"
    assert [lines[0] for _, lines in entries if lines] == [b"new", b"0 a line", b"other"]
    assert len({entry.folder for entry, _ in entries}) == 2


@pytest.mark.parametrize("pack", PACK)
@pytest.mark.parametrize("part", [0.5, 0.9])
def test_an_archive_that_is_cut_short_is_an_error(tmp_path: Path, pack: str, part: float) -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for number in range(3):
            info = tarfile.TarInfo(f"{number}.log")
            info.size = 60_000
            tar.addfile(info, io.BytesIO(os.urandom(30_000).hex().encode()))
    path = tmp_path / f"all.tar{pack}"
    packed = PACK[pack](made.getvalue())
    path.write_bytes(packed[: int(len(packed) * part)])
    with pytest.raises(InputError, match="damaged or cut short"):
        found(path)


def test_objects_of_a_bucket_are_listed_by_folder_prefix_pattern_and_name() -> None:
    files = fsspec.filesystem("memory")
    logs = {"/bucket/2015/a.log": b"a", "/bucket/2015/b.log.gz": gzip.compress(b"b"),
            "/bucket/2016/c.log": b"c", "/bucket/2016/.x": b"x", "/bucket/2016/e": b""}  # fmt: skip
    for name, data in logs.items():
        files.pipe(name, data)
    for address, expected in (
        ("memory://bucket/", "abc"),
        ("memory://bucket/2015", "ab"),
        ("memory://bucket/201", "abc"),
        ("memory://bucket/2015/a", "a"),
        ("memory://bucket/2015/b.log.gz", "b"),
        ("memory://bucket/*/*.log", "ac"),
    ):
        assert b"".join(sorted(found(address).values())).decode() == expected, address
    files.rm("/bucket", recursive=True)


def test_an_object_that_changed_has_another_stamp() -> None:
    files = fsspec.filesystem("memory")
    stamps = set()
    for data in (b"one\n", b"other\n"):
        files.pipe("/changing/a.log", data)
        with inputs.opened("memory://changing/a.log") as file:
            stamps.add(file.stamp)
            assert (file.device, file.inode, file.seekable) == (0, 0, True)
    assert len(stamps) == 2
    files.rm("/changing", recursive=True)


def test_only_the_newest_of_a_set_may_be_written_to() -> None:
    entries = [
        inputs.entry_of(f"/logs/{name}")
        for name in ("a.log-20150517", "a.log-20150518", "b.log.1", "b.log", "c.log.gz", "c.log.1")
    ]
    assert {Path(e.path).name for e in newest_open(entries) if not e.closed} == {
        "a.log-20150518",
        "b.log",
    }


class TestStandardInput:
    @pytest.fixture(params=PACK)
    def text(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bytes:
        """What comes in, packed in one way or another."""
        data = b"".join(b"%x a line\n" % n for n in range(50_000))
        piped = io.BufferedReader(io.BytesIO(PACK[request.param](data)))
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(piped))
        return data

    def test_it_is_unpacked_on_the_way(self, text: bytes) -> None:
        assert inputs.head("-")[0] == b"0 a line"
        assert found("-") == {"-": text}

    @pytest.mark.parametrize("pack", list(PACK)[1:])
    def test_one_that_is_cut_short_is_an_error(
        self, monkeypatch: pytest.MonkeyPatch, pack: str
    ) -> None:
        data = PACK[pack](os.urandom(200_000).hex().encode())[:-20]
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))
        with pytest.raises(InputError, match="standard input is damaged or cut short"):
            found("-")

    def test_a_line_is_read_as_it_comes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Apache's piped logs bring one now and then, and nobody should wait for a full block."""
        out, into = os.pipe()
        with open(out, "rb") as pipe:  # noqa: PTH123
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(pipe))
            os.write(into, b"one line\n")
            with inputs.opened("-") as file:
                assert inputs.read(file, "-", 1 << 18) == b"one line\n"
                os.write(into, b"another\n")
                assert inputs.read(file, "-", 1 << 18) == b"another\n"
                os.close(into)
                assert inputs.read(file, "-", 1 << 18) == b""
