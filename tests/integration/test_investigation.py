"""An investigation as people run it, from the report of abuse to the end of the keys."""

from __future__ import annotations

import base64
import fcntl
import re
import shutil
from pathlib import Path

import pytest

from pipeline.audit.places import Places
from tests.support.command import partywall, ran


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The demonstration's folder, and what it said: run once, whoever of the workers is first."""
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if base.name.startswith("popen-") else base) / "demonstration"
    home.mkdir(exist_ok=True)
    folder, said = home / "d", home / "said"
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            done = ran(home, "demo-investigation", "--data", folder)
            assert done.returncode == 0, done.stdout + done.stderr
            said.write_text(done.stdout, encoding="utf-8")
    return folder, said.read_text(encoding="utf-8")


def test_the_demonstration_ends_as_it_must(told: tuple[Path, str]) -> None:
    _, said = told
    for text in (
        "waits for 1 approval:",
        "240 records",
        "not possible while the case is closed",
        "sealed is unreadable everywhere",
        "can no longer be opened",
        "entries as signed",
        "every byte is as it was signed",
        "Every step ended as it must.",
    ):
        assert text in said


def test_each_step_stands_in_the_log(told: tuple[Path, str]) -> None:
    folder, _ = told
    said = partywall(folder, "audit", "show", "--data", folder)
    for act in (
        "case.draft  allowed", "case.search  refused", "case.request  allowed",
        "case.approve  refused", "case.approve  allowed", "keys.grant  allowed",
        "case.search  allowed", "keys.tokens  allowed", "keys.release  allowed",
        "case.read  allowed", "case.export  allowed", "case.export  done",
        "case.finding  allowed", "case.disclose  allowed", "case.close  allowed",
        "keys.revoke  allowed", "keys.destroy_day  allowed", "keys.destroy  allowed",
    ):  # fmt: skip
        assert act in said, act
    private = str(Places.under(folder).auditor)
    opened = partywall(folder, "audit", "show", "--data", folder, "--open", private)
    address = address_in(told[1])
    assert address in opened, "the auditors read what was looked for"
    assert address not in said, "and nobody else does"


def test_nobody_is_found_in_the_folder_but_in_the_evidence(told: tuple[Path, str]) -> None:
    """The abuser's address, their agent, the reasons and notes: in no file, in no usual writing."""
    folder, said = told
    texts = [
        address_in(said), "203.0.113.0/24", "python-requests", "password guessing",
        "all tries failed", "ticket 4711", "abuse desk", "account414002",
    ]  # fmt: skip
    needles = [form for text in texts for form in writings(text)]
    looked_at = 0
    for path in folder.rglob("*"):
        if path.is_file() and path.parent.name != "evidence":
            data = path.read_bytes()
            looked_at += 1
            assert not [n for n in needles if n in data], path.relative_to(folder)
    assert looked_at > 20


@pytest.mark.parametrize("harm", ["flip", "remove", "add", "empty", "forget"])
def test_whatever_is_changed_in_the_audit_log_is_found(
    told: tuple[Path, str], harm: str, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(told[0], folder, ignore=shutil.ignore_patterns("*.sock", "clickhouse", "vault"))
    log = folder / "audit"
    [*_, entries] = sorted(p for p in (log / "tile" / "entries").rglob("*") if p.is_file())
    if harm == "flip":
        data = bytearray(entries.read_bytes())
        data[len(data) // 2] ^= 1
        entries.write_bytes(data)
    elif harm == "remove":
        entries.unlink()
    elif harm == "add":
        (log / "note.txt").write_text("x")
    elif harm == "empty":
        (log / "checkpoint").write_bytes(b"")
    else:
        shutil.rmtree(log)
    done = ran(folder, "audit", "verify", "--data", folder)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.strip()


def test_the_log_verifies_and_the_evidence_too(told: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = told
    partywall(folder, "audit", "verify", "--data", folder)
    [bundle] = (folder / "evidence").iterdir()
    partywall(folder, "evidence", "verify", bundle, "--data", folder)
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    bad = tmp_path / "bad.zip"
    bad.write_bytes(data)
    assert ran(tmp_path, "evidence", "verify", bad).returncode == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["case", "list"], 2),
        (["case", "list", "--as", "nobody"], 2),
        (["case", "show", "C-99", "--as", "auditor"], 3),
        (["case", "search", "C-1", "--as", "approver"], 3),
        (["case", "open", "--category", "abuse", "--reason", "x", "--as", "investigator"], 2),
        (["case", "open", "--category", "curiosity", "--reason", "x", "--as", "investigator",
          "--site", "a", "--from", "2026-01-01", "--to", "2026-01-02",
          "--address", "192.0.2.1"], 2),
        (["case", "open", "--category", "abuse", "--reason", "x", "--as", "investigator",
          "--site", "a", "--from", "yesterday", "--to", "2026-01-02",
          "--address", "192.0.2.1"], 2),
        (["keys", "destroy", "tomorrow", "--as", "privacy-officer", "--reason", "x"], 2),
    ],
)  # fmt: skip
def test_what_is_wrong_or_not_allowed_gets_one_line(
    told: tuple[Path, str], words: list[str], code: int
) -> None:
    done = ran(told[0], *words, "--data", told[0])
    assert done.returncode == code, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "192.0.2.1" not in done.stderr


def address_in(said: str) -> str:
    found = re.search(r"203\.0\.113\.[0-9]+(?= - - )", said)
    assert found is not None
    return found.group()


def writings(text: str) -> list[bytes]:
    """A text as it is, in hex, and in base64 at each of the three places it may begin at."""
    plain = text.encode()
    inner = [base64.b64encode(b"\0" * at + plain)[4:-4] for at in range(3)]
    return [plain, plain.hex().encode(), *(one for one in inner if len(one) >= 8)]
