"""Notes and keys are those of C2SP and Go, to the byte; key files are read by nobody else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline.audit import checkpoint
from pipeline.audit.signing import (
    Signer,
    make_signer,
    parse_private,
    parse_vkey,
    read_signer,
    read_vkey,
    write_vkey,
)
from pipeline.errors import IntegrityError, SettingsError
from tests.unit.audit.logs import SIGNER, VKEY

# golang.org/x/mod, sumdb/note/note_test.go
PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETERS = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdng"
    "otpRZb6KE6RyyBwJnAM=\n"
)
ENOCHS = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01o"
    "OTGwnWLox33WWd1RvMc+QQ=\n"
)
# https://c2sp.org/signed-note
SPEC = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFX"
    "mRKuwHjG1Yu72IneyaQM=\n"
)


def test_gos_note_is_signed_to_the_byte() -> None:
    """The same key signs the same text with the same bytes as Go's library."""
    signer = parse_private(PRIVATE)
    assert str(signer.verifier) == PETER
    assert signer.sign(TEXT) == f"{TEXT}\n{PETERS}".encode()
    assert "AYEKFALV" not in repr(signer)


def test_foreign_notes_open() -> None:
    """The specification's example opens, and Go's with a signature that we do not know."""
    assert parse_vkey(SPEC).open(SPEC_NOTE.encode()) == "This is an example message.\n"
    both = f"{TEXT}\n{PETERS}{ENOCHS}".encode()
    assert parse_vkey(PETER).open(both) == parse_vkey(ENOCH).open(both) == TEXT
    with pytest.raises(IntegrityError, match="not signed by"):
        parse_vkey(SPEC).open(both)
    with pytest.raises(IntegrityError, match="more than"):
        parse_vkey(PETER).open_only(both)


def test_a_vkey_whose_base64_has_a_plus_is_read() -> None:
    """Plus signs part name, id and key, and may stand in the key."""
    for seed in range(256):
        key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        vkey = str(Signer("example.com/audit", key).verifier)
        if vkey.count("+") > 2:
            assert str(parse_vkey(f"{vkey}\n")) == vkey
            return
    pytest.fail("no key has a plus sign in its base64")


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "x",
        PETER.replace("c74f", "c74e"),
        PETER.replace("Peter", "Paul"),
        PETER[:-4],
        f" {SPEC}+",
    ],
)
def test_a_damaged_vkey_is_refused(vkey: str) -> None:
    with pytest.raises(SettingsError):
        parse_vkey(vkey)


@pytest.mark.parametrize(
    "text",
    [
        "other\n1\n{root}\n",
        "{origin}\n01\n{root}\n",
        "{origin}\n-1\n{root}\n",
        "{origin}\n1\n{root}\nmore\n",
        "{origin}\n1\n",
        "{origin}\n1\nAAAA\n",
        "{origin}\n1\n{loose}\n",
    ],
)
def test_only_a_checkpoint_of_this_log_is_one(text: str) -> None:
    """Signed, and yet refused: another origin, odd numbers, lines too many or too few."""
    root = "A" * 43 + "="
    note = SIGNER.sign(text.format(origin=VKEY.name, root=root, loose="A" * 42 + "B="))
    with pytest.raises(IntegrityError):
        checkpoint.read(note, VKEY)
    good = SIGNER.sign(f"{VKEY.name}\n1\n{root}\n")
    assert checkpoint.read(good, VKEY).size == 1


def test_every_byte_of_a_note_counts() -> None:
    """No byte can be changed, taken out or put in, bits that base64 does not use included."""
    note = checkpoint.sign(SIGNER, 7, bytes(32)).note
    for place in range(len(note)):
        for bad in (
            note[:place] + bytes([note[place] ^ 1]) + note[place + 1 :],
            note[:place] + note[place + 1 :],
            note[:place] + b"A" + note[place:],
        ):
            if bad != note:
                with pytest.raises(IntegrityError):
                    checkpoint.read(bad, VKEY)
    for more in (b"\n", b" ", PETERS.encode()):
        with pytest.raises(IntegrityError):
            checkpoint.read(note + more, VKEY)


def test_a_key_file_is_its_owners_alone(tmp_path: Path) -> None:
    """Made with mode 0600 and never over another; refused once others may read it."""
    path, vkey = tmp_path / "keys" / "audit.key", tmp_path / "audit.vkey"
    old = os.umask(0)
    try:
        signer = make_signer(path, "example.com/audit")
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_signer(path).verifier == signer.verifier
    write_vkey(vkey, signer.verifier)
    assert read_vkey(vkey) == signer.verifier
    with pytest.raises(SettingsError, match="not overwritten"):
        make_signer(path, "example.com/audit")
    for mode in (0o640, 0o604, 0o620):
        path.chmod(mode)
        with pytest.raises(SettingsError, match="chmod 600"):
            read_signer(path)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb"])
def test_a_name_that_a_note_cannot_hold_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError):
        make_signer(tmp_path / "key", name)
    assert not (tmp_path / "key").exists()


def test_what_is_no_key_file_is_told_by_its_name(tmp_path: Path) -> None:
    """Missing, empty, of another kind, damaged: each names the file and shows nothing of it."""
    path = tmp_path / "audit.key"
    with pytest.raises(SettingsError, match=r"audit\.key: cannot be read"):
        read_signer(path)
    for text in ("", "secret", PRIVATE[:-4], PRIVATE.replace("c74f", "c74e"), "\xff"):
        path.write_text(text)
        path.chmod(0o600)
        with pytest.raises(SettingsError) as caught:
            read_signer(path)
        assert str(path) in str(caught.value)
        assert "secret" not in str(caught.value)
