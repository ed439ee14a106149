"""`partywall vault check`: exit code 0 and a word, or 1 and a line for each thing that is wrong."""

from __future__ import annotations

from pathlib import Path

from pipeline.restricted.seal import seal
from pipeline.vault.writer import SegmentWriter
from tests.unit.cli.conftest import Partywall
from tests.unit.sealed.records import START, day_key, records


def test_the_command_names_what_is_wrong_a_line_each(tmp_path: Path, partywall: Partywall) -> None:
    assert "no vault" in partywall("vault", "check", "--data", tmp_path).complaint
    writer = SegmentWriter(str(tmp_path / "vault"), 0)
    [message] = seal(records(range(2)), day_key().key, source="logs.web:0", hour=START)
    writer.add(writer.open(), message)
    writer.flush()
    said = partywall("vault", "check", "--data", tmp_path)
    assert (said.code, said.out) == (0, "every file of the vault is as it was written\n")
    changed = sorted((tmp_path / "vault").glob("sealed-0/segments/*"))[:2]
    for path in changed:
        path.write_bytes(b"")
    said = partywall("vault", "check", "--data", tmp_path)
    assert said.code == 1
    assert sorted(said.out.splitlines()) == [
        f"sealed-0/segments/{path.name}: is changed or cut" for path in changed
    ]
