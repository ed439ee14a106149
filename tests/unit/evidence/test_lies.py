"""A bundle that is signed as it is, but says of itself what is not so, is found out."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from pipeline.evidence import bundle, write
from pipeline.evidence.archive import Member
from pipeline.evidence.bundle import File
from pipeline.evidence.verify import verify
from tests.unit.evidence.material import SIGNER, contents

VKEY = str(SIGNER.verifier)
Change = Callable[[bytes], bytes]


def lying(
    monkeypatch: pytest.MonkeyPatch,
    path: Path,
    name: str,
    change: Change,
    said: Callable[[File], File] = lambda file: file,
) -> str:
    """Write a well-signed bundle in which one file was changed first; return the findings."""
    pack = write._pack

    def changed(spool: BinaryIO, one: str, parts: Iterable[bytes]) -> tuple[File, Member]:
        if one != name:
            return pack(spool, one, parts)
        file, member = pack(spool, one, [change(b"".join(parts))])
        return said(file), member

    monkeypatch.setattr(write, "_pack", changed)
    write.write(path, contents(), SIGNER)
    return "\n".join(verify(path, VKEY).findings)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("records.csv", b"192.0.2.1", b"192.0.2.9"),
        ("records.csv", b'"/page/1"', b"/page/1"),
        ("records.csv", b"\r\n", b"\n"),
        ("records.jsonl", b'"192.0.2.1"', b'"192.0.2.9"'),
        ("records.jsonl", b'"bot":true', b'"bot":1'),
        ("records.jsonl", b'"path":null', b'"path":5'),
        ("records.jsonl", b'"path":null,', b""),
        ("records.jsonl", b'{"address"', b'{"a":1,"address"'),
        ("records.jsonl", b'{"address"', b'{"address":"x","address"'),
        ("records.jsonl", b'{"address"', b'{ "address"'),
        ("records.jsonl", b'"time":1714550401', b'"time":1714550401.0'),
        ("records.jsonl", b'"time":1714550401', b'"time":' + b"9" * 60),
        ("records.jsonl", b'"time":1714550401', b'"time":' + b"[" * 5000),
        ("records.jsonl", b"}\n", b"}\n\n"),
        ("custody.json", b'"actor"', b'"author"'),
        ("custody.json", b"},{", b"}, {"),
        ("custody.json", b"Z", b"+02:00"),
        ("audit.json", b"{", b"[{"),
        ("audit.json", b",", b", "),
        ("scope.json", b"shop", b"shap"),
    ],
)
def test_a_file_that_does_not_fit_the_others_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, old: bytes, new: bytes
) -> None:
    found = lying(monkeypatch, tmp_path / "x.zip", name, lambda data: data.replace(old, new))
    assert name in found


def test_records_left_out_of_both_files_are_missed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The count in the manifest is checked too."""
    whole = contents()
    rows = whole.records
    monkeypatch.setattr(write, "batches", lambda _: iter([rows.head(2)]))
    write.write(tmp_path / "x.zip", whole, SIGNER)
    assert verify(tmp_path / "x.zip", VKEY).findings == (
        "records.jsonl: 2 records; the manifest says 3",
    )


def test_a_bomb_is_unpacked_no_further_than_it_owns_up_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One that owns up to its size is read in pieces, and a line without an end is given up."""
    zeros = bytes(64 << 20)
    found = lying(
        monkeypatch,
        tmp_path / "a.zip",
        "records.jsonl",
        lambda _: zeros,
        lambda file: replace(file, bytes=1000),
    )
    assert "records.jsonl: unpacks to more than the manifest says" in found
    monkeypatch.undo()
    found = lying(monkeypatch, tmp_path / "b.zip", "records.jsonl", lambda _: zeros)
    assert "records.jsonl: line 1 has no end" in found


def test_a_small_file_cannot_be_a_large_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bundle, "fits", lambda _: True)
    path = tmp_path / "x.zip"
    large = replace(contents(), policy=bytes(bundle.MOST_SMALL_BYTES + 1))
    write.write(path, large, SIGNER)
    monkeypatch.undo()
    assert verify(path, VKEY).findings == (
        "manifest.json: is not written as a bundle's manifest is",
    )


def test_what_is_packed_holds_nothing_behind_its_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pack = write._pack

    def longer(spool: BinaryIO, name: str, parts: Iterable[bytes]) -> tuple[File, Member]:
        if name != "policy.yaml":
            return pack(spool, name, parts)
        plain = b"".join(parts)
        packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        data = packer.compress(plain) + packer.flush() + b"hidden"
        spool.write(data)
        digests = (hashlib.sha256(plain).hexdigest(), hashlib.sha256(data).hexdigest())
        file = File(name, len(plain), digests[0], len(data), digests[1])
        return file, Member(name, 8, zlib.crc32(plain), len(data), len(plain))

    monkeypatch.setattr(write, "_pack", longer)
    write.write(tmp_path / "x.zip", contents(), SIGNER)
    assert verify(tmp_path / "x.zip", VKEY).findings == ("policy.yaml: goes on behind its end",)
