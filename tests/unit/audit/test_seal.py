"""What is sealed for auditors opens for them alone, and its length tells little."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audit.seal import (
    PAD,
    make_auditor,
    open_sealed,
    read_auditor,
    read_auditor_public,
    seal,
)
from pipeline.errors import IntegrityError, SettingsError

KEY = bytes(range(32))
PUBLIC = X25519PrivateKey.from_private_bytes(KEY).public_key().public_bytes_raw()


@given(st.binary(max_size=600))
def test_it_opens_with_the_key(text: bytes) -> None:
    assert open_sealed(KEY, seal(PUBLIC, text)) == text


def test_it_opens_with_no_other_key_and_not_once_changed() -> None:
    """Each byte counts."""
    sealed = seal(PUBLIC, b"an address")
    with pytest.raises(IntegrityError):
        open_sealed(bytes(32), sealed)
    for place in range(len(sealed)):
        with pytest.raises(IntegrityError):
            open_sealed(KEY, sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :])
    for cut in (0, 1, 31, 32, 47, len(sealed) - 1):
        with pytest.raises(IntegrityError):
            open_sealed(KEY, sealed[:cut])


def test_lengths_are_padded() -> None:
    """One address and a network, a short reason and a longer one: the same length."""
    lengths = {len(seal(PUBLIC, b"x" * n)) for n in range(PAD - 4 + 1)}
    assert len(lengths) == 1
    assert len(seal(PUBLIC, b"x" * (PAD - 3))) - lengths.pop() == PAD


def test_the_auditors_key_is_theirs_alone(tmp_path: Path) -> None:
    """0600, never overwritten, refused where others may read it; the public half is for all."""
    private, public = tmp_path / "auditor.key", tmp_path / "auditor.pub"
    half = make_auditor(private, public)
    assert private.stat().st_mode & 0o777 == 0o600
    assert open_sealed(read_auditor(private), seal(read_auditor_public(public), b"x")) == b"x"
    assert read_auditor_public(public) == half
    with pytest.raises(SettingsError, match="not overwritten"):
        make_auditor(private, tmp_path / "other")
    public.chmod(0o600)
    with pytest.raises(SettingsError, match="no partywall-auditor-private"):
        read_auditor(public)
    private.chmod(0o640)
    with pytest.raises(SettingsError, match="chmod 600"):
        read_auditor(private)
