"""``partywall evidence`` tells with exit code and words what a bundle is worth."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from pipeline.audit.entry import Entry
from pipeline.audit.log import AuditLog
from pipeline.audit.signing import make_signer, write_vkey
from pipeline.evidence.bundle import Custody
from pipeline.evidence.write import write
from tests.unit.cli.conftest import Partywall
from tests.unit.evidence.material import MADE, OTHER, SIGNER, contents


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle, and the keys beside it as in the folder of ``up``."""
    audit = make_signer(tmp_path / "keys/audit.key", "example.com/audit")
    write_vkey(tmp_path / "keys/audit.vkey", audit.verifier)
    write_vkey(tmp_path / "keys/evidence.vkey", SIGNER.verifier)
    write_vkey(tmp_path / "other.vkey", OTHER.verifier)
    log = AuditLog(tmp_path / "audit", audit, lambda: MADE)
    log.append(Entry(MADE, "investigator", "export", "allowed", case="case-7"))
    path = tmp_path / "case.zip"
    write(path, replace(contents(), audit=asdict(log.proof(0))), SIGNER)
    return path


def test_a_good_bundle_ends_with_0(partywall: Partywall, bundle: Path, tmp_path: Path) -> None:
    for key in (["--vkey", tmp_path / "keys/evidence.vkey"], ["--data", tmp_path]):
        said = partywall("evidence", "verify", bundle, *key)
        assert said.code == 0, said.err
        assert "3 records of case case-7: every byte is as it was signed" in said.out
        assert "nobody has said" not in said.out


def test_without_a_key_it_is_said_that_nobody_vouches(partywall: Partywall, bundle: Path) -> None:
    said = partywall("evidence", "verify", bundle)
    assert said.code == 0
    assert f"signed by {SIGNER.verifier}" in said.out
    assert "nobody has said whether this key is to be trusted" in said.out
    found = json.loads(partywall("evidence", "verify", bundle, "--json").out)
    assert (found["ok"], found["trusted"], found["findings"]) == (True, None, [])


def test_a_finding_is_a_line_and_ends_with_1(
    partywall: Partywall, bundle: Path, tmp_path: Path
) -> None:
    said = partywall("evidence", "verify", bundle, "--vkey", tmp_path / "other.vkey")
    assert said.code == 1
    assert "is not the key that was given" in said.out
    bundle.write_bytes(bundle.read_bytes() + b"\0")
    said = partywall("evidence", "verify", bundle, "--data", tmp_path, "--json")
    assert said.code == 1
    found = json.loads(said.out)
    assert found["findings"] == ["archive: 1 bytes too many"]
    assert (found["ok"], found["trusted"], found["records"]) == (False, True, 3)


def test_the_folder_of_up_also_has_the_audit_logs_key(
    partywall: Partywall, bundle: Path, tmp_path: Path
) -> None:
    """A log of another key has not written the export down."""
    (tmp_path / "keys/audit.vkey").write_text(f"{OTHER.verifier}\n")
    said = partywall("evidence", "verify", bundle, "--data", tmp_path)
    assert said.code == 1
    assert said.out.startswith("audit.json: ")


def test_what_is_no_bundle_and_what_is_no_key_are_a_persons_mistake(
    partywall: Partywall, bundle: Path, tmp_path: Path
) -> None:
    assert "cannot be read" in partywall("evidence", "verify", "missing.zip").complaint
    (tmp_path / "letter.txt").write_text("Dear sir")
    for verb in ("verify", "show"):
        said = partywall("evidence", verb, tmp_path / "letter.txt")
        assert "is no evidence bundle" in said.complaint
    wrong = partywall("evidence", "verify", bundle, "--vkey", tmp_path / "letter.txt")
    assert "letter.txt" in wrong.complaint
    assert "audit.vkey" in partywall("evidence", "verify", bundle, "--data", "none").complaint


def test_show_tells_of_the_case_and_prints_no_record(partywall: Partywall, bundle: Path) -> None:
    for options in ([], ["--json"]):
        said = partywall("evidence", "show", bundle, *options)
        assert said.code == 0
        assert "case-7" in said.out
        assert "export" in said.out
        assert "192.0.2" not in said.out
        assert "shop.example" not in said.out


def test_what_a_stranger_wrote_cannot_move_the_cursor(partywall: Partywall, tmp_path: Path) -> None:
    """A bundle may be anybody's; what does not print is shown as an escape."""
    link = Custody(MADE, "investigator\x1b[2J", "export\u202e", {"\x9bnote": "\r"})
    path = tmp_path / "x.zip"
    write(path, replace(contents(), custody=(link,), reason="abuse\x07"), SIGNER)
    said = partywall("evidence", "show", path)
    assert said.code == 0
    assert all(c.isprintable() for c in said.out.replace("\n", ""))
    assert r"investigator\x1b[2J" in said.out


def test_show_says_what_is_too_damaged(partywall: Partywall, bundle: Path) -> None:
    good = bundle.read_bytes()
    bundle.write_bytes(good.replace(b'"case":"case-7"', b'"cash":"case-7"'))
    said = partywall("evidence", "show", bundle)
    assert said.code == 1
    assert "manifest.json: is not written as a bundle's manifest is" in said.err
