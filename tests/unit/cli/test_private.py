"""The folder of a run that was killed goes at the next start; nobody else's does."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pipeline.cli.private import private_folder, remove_left


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_it_is_closed_to_others_and_gone_at_the_end(temporary: Path) -> None:
    with private_folder() as folder:
        assert folder.parent == temporary
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "keys").mkdir()
        (folder / "keys/kek").touch()
        (folder / "settings.yaml").touch()
    assert [*temporary.iterdir()] == []


def test_what_a_killed_run_has_left_is_removed(temporary: Path) -> None:
    source = (
        "import signal\nfrom pipeline.cli.private import private_folder\n"
        "with private_folder() as folder:\n"
        "    (folder / 'kek').write_bytes(b'x')\n    print('up', flush=True)\n    signal.pause()\n"
    )
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        [folder] = temporary.iterdir()
        remove_left()
        assert (folder / "kek").exists(), "its owner lives"
        process.kill()
        process.wait()
        assert (folder / "kek").exists()
    with private_folder():
        assert not folder.exists()


def test_a_folder_that_is_somebodys_own_stays(temporary: Path) -> None:
    """A person may keep data under such a name."""
    (temporary / "partywall-data").mkdir()
    (temporary / "partywall-link").symlink_to(temporary / "partywall-data")
    (temporary / "partywall-file").touch()
    remove_left()
    assert len([*temporary.iterdir()]) == 3
