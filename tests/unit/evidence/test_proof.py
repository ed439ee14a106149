"""A bundle's proof leads to the audit log that wrote the export down, or is found not to."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from pipeline.audit.entry import Entry, encode
from pipeline.audit.log import AuditLog
from pipeline.audit.signing import make_signer, read_signer
from pipeline.evidence.proof import checker
from pipeline.evidence.verify import verify
from pipeline.evidence.write import write
from tests.unit.evidence.material import MADE, OTHER, SIGNER, contents

VKEY = str(SIGNER.verifier)


@pytest.fixture
def proof(tmp_path: Path) -> dict[str, object]:
    """What an exporting side gives of a log of three entries, the second being the export."""
    log = AuditLog(
        tmp_path / "audit", make_signer(tmp_path / "key", "example.com/audit"), lambda: MADE
    )
    entries = [
        Entry(MADE, "investigator", act, "allowed", case="case-7")
        for act in ("search", "export", "search")
    ]
    for entry in entries:
        log.append(entry)
    return {**asdict(log.proof(1)), "entry": encode(entries[1]).decode()}


def test_the_proof_of_an_export_is_checked_with_the_logs_key(
    tmp_path: Path, proof: dict[str, object]
) -> None:
    """And only then: without that key nothing is said of it."""
    path = tmp_path / "x.zip"
    write(path, replace(contents(), audit=proof), SIGNER)
    log = read_signer(tmp_path / "key").verifier
    assert verify(path, VKEY, audit=checker(log)).findings == ()
    [finding] = verify(path, VKEY, audit=checker(OTHER.verifier)).findings
    assert finding.startswith("audit.json: the note is not signed by")
    assert verify(path, VKEY).ok


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"index": 2}, "not proved"),
        ({"index": True}, "is no proof"),
        ({"index": -1}, "is no proof"),
        ({"leaf": "00" * 32}, "not proved"),
        ({"leaf": "no hex"}, "no hex"),
        ({"hashes": []}, "not proved"),
        ({"hashes": None}, "is no proof"),
        ({"checkpoint": ""}, "note"),
        ({"checkpoint": None}, "is no proof"),
        ({"entry": "{}"}, "not the one that the proof is of"),
        ({"entry": 5}, "not the one that the proof is of"),
    ],
)
def test_a_proof_of_something_else_is_found(
    tmp_path: Path, proof: dict[str, object], change: dict[str, object], says: str
) -> None:
    path = tmp_path / "x.zip"
    write(path, replace(contents(), audit={**proof, **change}), SIGNER)
    found = verify(path, VKEY, audit=checker(read_signer(tmp_path / "key").verifier)).findings
    assert any(says in one for one in found), found


def test_the_entry_of_another_case_is_found(tmp_path: Path, proof: dict[str, object]) -> None:
    path = tmp_path / "x.zip"
    write(path, replace(contents(case="case-8"), audit=proof), SIGNER)
    found = verify(path, VKEY, audit=checker(read_signer(tmp_path / "key").verifier)).findings
    assert found == ("audit.json: its entry is of another case than the bundle",)
