"""Opening an engine succeeds, or says in one line what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from pipeline.clickhouse.client import Engine, connect, taming
from pipeline.errors import PartywallError, SettingsError, UnavailableError, UsageError

OPEN = """
import sys
from pathlib import Path
from pipeline.clickhouse.client import Engine, connect
from pipeline.errors import UsageError
try:
    connect(Engine(path=Path(sys.argv[1])))
except UsageError as error:
    print(error)
"""


def one_line(error: PartywallError) -> bool:
    return "\n" not in str(error) and "Exception" not in str(error)


def test_a_second_process_is_told_who_has_the_folder(client: Client, engine: Engine) -> None:
    assert client.ping()
    second = subprocess.run(
        [sys.executable, "-c", OPEN, str(engine.path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert second.stdout == (
        f"{engine.path}: another partywall process has this data folder open; ask it with "
        "`partywall query`, or stop it first\n"
    )


def test_a_process_opens_one_folder_at_a_time(client: Client, tmp_path: Path) -> None:
    assert client.ping()
    with pytest.raises(UsageError, match="this process has another data folder open"):
        connect(Engine(path=tmp_path / "elsewhere"))


def test_a_folder_that_is_a_file_is_a_persons_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be used as a data folder") as caught:
        connect(Engine(path=tmp_path / "file"))
    assert one_line(caught.value)


def test_a_folder_that_cannot_be_written_is_a_persons_mistake() -> None:
    # nobody, not even root, makes files here
    with pytest.raises(UsageError, match=r"check its permissions|cannot be used") as caught:
        connect(Engine(path=Path("/proc/self/task")))
    assert one_line(caught.value)


@pytest.mark.parametrize("url", ["", "host:8123", "ftp://host", "http://host:1/db", "http://a b"])
def test_a_url_that_is_none_is_a_settings_error(url: str) -> None:
    with pytest.raises(SettingsError, match="http://host:8123"):
        connect(Engine(url=url))


def test_a_server_that_does_not_answer_is_unavailable(unused_tcp_port: int) -> None:
    with pytest.raises(UnavailableError, match="no connection") as caught:
        connect(Engine(url=f"http://127.0.0.1:{unused_tcp_port}"))
    assert one_line(caught.value)


def test_the_password_is_in_no_repr() -> None:
    assert "hunter2" not in repr(Engine(url="http://host", password="hunter2"))


@pytest.mark.parametrize(
    ("code", "kind"), [(516, SettingsError), (497, SettingsError), (252, UnavailableError)]
)
def test_refused_credentials_are_told_from_what_passes_with_time(
    code: int, kind: type[PartywallError]
) -> None:
    with pytest.raises(kind) as caught, taming("inserting"):
        raise DatabaseError(f"Code: {code}. canary", code=code, name="NAME")
    assert "canary" not in str(caught.value)
    assert caught.value.__suppress_context__
