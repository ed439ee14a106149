"""A bundle verifies as it was written, and not with any other byte in it."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from pipeline.errors import InputError, SettingsError
from pipeline.evidence import archive, readme
from pipeline.evidence.bundle import LISTED, MANIFEST, SIGNATURE
from pipeline.evidence.verify import verify
from pipeline.evidence.write import write
from tests.unit.evidence.material import OTHER, SIGNER, contents

VKEY = str(SIGNER.verifier)
SHARDS = 4


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A small bundle."""
    path = tmp_path / "case.zip"
    write(path, contents(), SIGNER)
    return path


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def zipped(files: list[tuple[str, bytes]], comment: bytes = b"") -> bytes:
    """An archive as other tools write it."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.comment = comment
        for name, data in files:
            opened.writestr(name, data)
    return made.getvalue()


def findings(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return "\n".join(verify(path, VKEY).findings)


def test_a_bundle_verifies_and_any_zip_tool_reads_it(path: Path) -> None:
    verdict = verify(path, VKEY)
    assert verdict.findings == ()
    assert (verdict.trusted, verdict.signed_by) == (True, VKEY)
    assert verdict.manifest is not None
    assert (verdict.manifest.case, verdict.manifest.records) == ("case-7", 3)
    assert list(members(path)) == [MANIFEST, SIGNATURE, *LISTED]
    with zipfile.ZipFile(path) as opened:
        assert opened.testzip() is None


@pytest.mark.parametrize("shard", range(SHARDS))
def test_each_changed_byte_is_found(path: Path, shard: int) -> None:
    good = path.read_bytes()
    for place in range(shard, len(good), SHARDS):
        bad = bytearray(good)
        bad[place] ^= 1 << (place // SHARDS % 8)
        assert findings(path, bytes(bad)), place


def test_a_cut_bundle_is_found_wherever_it_is_cut(path: Path) -> None:
    """Where next to nothing is left it is no bundle any more, which is an error of its own."""
    good = path.read_bytes()
    for length in range(0, len(good), 7):
        path.write_bytes(good[:length])
        if length < archive.header_bytes(MANIFEST):
            with pytest.raises(InputError, match="is no evidence bundle"):
                verify(path, VKEY)
        else:
            assert any("cut" in f or "not as written" in f for f in verify(path, VKEY).findings)


@pytest.mark.parametrize("more", [b"\0", b"PK\x05\x06" + bytes(18), b"<script>"])
def test_bytes_before_and_behind_are_found(path: Path, more: bytes) -> None:
    good = path.read_bytes()
    assert f"{len(more)} bytes too many" in findings(path, good + more)
    assert "header before manifest.json" in findings(path, more + good)


def test_swapped_members_are_found(path: Path) -> None:
    good = path.read_bytes()
    with zipfile.ZipFile(path) as opened:
        places = [info.header_offset for info in opened.infolist()]
    a, b, c, d = places[4], places[5], places[6], opened.start_dir
    found = findings(path, good[:a] + good[b:c] + good[a:b] + good[c:d] + good[d:])
    assert "custody.json: " in found
    assert "policy.yaml: " in found
    assert "name" in found


def test_the_same_files_packed_by_another_tool_are_found(path: Path) -> None:
    """Comments, extra fields and flags have no place to hide in: the archive is fixed too."""
    files = list(members(path).items())
    assert "archive: the header before manifest.json" in findings(path, zipped(files))
    assert "archive: " in findings(path, zipped(files, b"call me"))


@pytest.mark.parametrize("name", ["note.txt", "../records.csv", "/etc/passwd", "records.csv"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_foreign_or_second_file_is_named(path: Path, name: str) -> None:
    with zipfile.ZipFile(path, "a") as opened:
        opened.writestr(name, b"planted")
    found = "\n".join(verify(path, VKEY).findings)
    assert f"foreign file, '{name}'" in found or f"has {name} 2 times" in found


def test_an_unchanged_bundle_of_another_key_is_found_with_the_key_alone(path: Path) -> None:
    """Without a key the verdict names the one that signed, and that nobody vouches for it."""
    path.unlink()
    write(path, contents(), OTHER)
    alone = verify(path)
    assert alone.ok
    assert (alone.trusted, alone.signed_by) == (None, str(OTHER.verifier))
    asked = verify(path, VKEY)
    assert asked.trusted is False
    assert "which is not the key that was given" in "\n".join(asked.findings)


def test_a_signature_of_another_bundle_is_found(path: Path) -> None:
    other = path.with_name("other.zip")
    write(other, contents(case="case-8"), SIGNER)
    good, wrong = path.read_bytes(), members(other)[SIGNATURE]
    right = members(path)[SIGNATURE]
    assert len(right) == len(wrong)
    path.write_bytes(good.replace(right, wrong))
    verdict = verify(path, VKEY)
    assert verdict.signed_by is None
    assert verdict.trusted is False
    assert "manifest.sig: is not the signature of this manifest" in verdict.findings


def test_what_is_no_bundle_is_said_to_be_none(tmp_path: Path) -> None:
    other = tmp_path / "other.zip"
    for data in (b"", b"hello", zipped([("word/document.xml", b"<w/>")])):
        other.write_bytes(data)
        with pytest.raises(InputError, match="is no evidence bundle"):
            verify(other)
    with pytest.raises(InputError, match="is no evidence bundle"):
        verify(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        verify(tmp_path / "missing.zip")


def test_a_verifier_key_that_is_none_is_refused(path: Path) -> None:
    with pytest.raises(SettingsError):
        verify(path, "example.com/evidence+00000000+AAAA")


def _commands() -> str:
    """The commands of README.txt, as they stand there."""
    lines = readme.TEXT.partition("TO VERIFY BY HAND")[2].splitlines()
    return "\n".join(line for line in lines if line.startswith("     "))


@pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "jq", "sha256sum", "openssl"))), reason="tools missing"
)
@pytest.mark.parametrize("changed", [None, "records.csv", "custody.json", MANIFEST, SIGNATURE])
def test_the_way_by_hand_comes_to_the_same(path: Path, tmp_path: Path, changed: str | None) -> None:
    """The commands of README.txt pass a bundle, and fail one in which a file is another."""
    folder = tmp_path / "unpacked"
    shutil.unpack_archive(path, folder)
    if changed == SIGNATURE:
        text = (folder / changed).read_text()
        (folder / changed).write_text(text.replace("case case-7", "case case-8"))
    elif changed is not None:
        (folder / changed).write_bytes((folder / changed).read_bytes() + b"\n")
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", _commands()],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    # Of the manifest the commands print its digest and the signed one, for a person to compare.
    digests = [word for word in done.stdout.split() if len(word) == 64]
    same = len(digests) == 2 and digests[0] == digests[1]
    assert (done.returncode == 0 and same) == (changed is None), done.stdout + done.stderr
