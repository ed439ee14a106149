"""A bundle verifies as written, and not with any other byte in it."""

from __future__ import annotations

import zipfile
from pathlib import Path

from pipeline.evidence.bundle import LISTED
from pipeline.evidence.verify import verify
from pipeline.evidence.write import write
from tests.unit.evidence.material import SIGNER, contents

VKEY = str(SIGNER.verifier)


def test_a_bundle_verifies_and_any_zip_tool_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "case.zip"
    written = write(path, contents(), SIGNER)
    verdict = verify(path, VKEY)
    assert verdict.findings == ()
    assert verdict.trusted is True
    assert path.stat().st_size == written.bytes
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["manifest.json", "manifest.sig", *LISTED]


def test_each_changed_byte_is_found(tmp_path: Path) -> None:
    path = tmp_path / "case.zip"
    write(path, contents(), SIGNER)
    good = path.read_bytes()
    for place in range(len(good)):
        for bit in (1, 0x80):
            bad = bytearray(good)
            bad[place] ^= bit
            path.write_bytes(bad)
            assert verify(path, VKEY).findings, place
