"""Opens ClickHouse, a server over HTTP or the engine in process, and tames what it raises.

An engine's message may quote the values it choked on. What leaves this module in an
UnavailableError is the error's number and name alone.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, Error
from clickhouse_connect.driver.models import SettingDef

from pipeline.errors import SettingsError, UnavailableError, UsageError

LIMITS: Final[dict[str, str]] = {
    "max_execution_time": "60",
    "max_result_rows": "1000000",
    "max_memory_usage": "2147483648",
    "result_overflow_mode": "throw",
    "allow_introspection_functions": "0",
}
"""Settings of a reading connection, fixed before it becomes read-only: seconds and bytes."""

_CREDENTIALS: Final = {192, 193, 194, 497, 516}  # unknown user, wrong password, access denied
_ENDPOINT: Final = re.compile(r"(https?)://([^\s:/@?#]+|\[[0-9A-Fa-f:]+\])(?::(\d+))?/?")


@dataclass(frozen=True, slots=True)
class Engine:
    """Where the tables are: a folder of the embedded engine, or a server's ``http(s)://host:port``.

    The password is kept out of the repr.
    """

    path: Path | None = None
    url: str | None = None
    user: str = "default"
    password: str = field(default="", repr=False)


def connect(engine: Engine, *, read_only: bool = False) -> Client:
    """Return a client; with ``read_only`` the engine itself refuses every write.

    Raises UsageError where another process owns the folder or it cannot be written,
    SettingsError for a wrong URL or password, UnavailableError where nothing answers.
    """
    client = _embedded(engine.path) if engine.path is not None else _server(engine)
    if read_only:
        with taming("opening"):
            # unless told to wait, a server sends rows before it knows whether the query succeeds
            client.set_client_setting("wait_end_of_query", "1")
            for name, value in _protection(client.server_settings).items():
                client.set_client_setting(name, value)
    return client


def _protection(there: Mapping[str, SettingDef]) -> dict[str, str]:
    """Return what to set so that a connection only reads, beside what its user's profile has set.

    A profile that is read-only (deploy/clickhouse/users.xml) lets nobody change that, not even
    from 2 to 1; under 1 no setting at all can be changed, and the profile's limits are the limits.
    Source: https://clickhouse.com/docs/operations/settings/permissions-for-queries
    """
    already = there["readonly"].value
    if already == "1":
        return {}
    limits = {name: v for name, v in LIMITS.items() if not _as_strict(there.get(name), v)}
    # readonly comes last: under it no setting can be changed any more
    return limits if already != "0" else {**limits, "readonly": "1"}


def _as_strict(there: SettingDef | None, limit: str) -> bool:
    """Tell whether a profile allows no more than ``limit``; 0 is no limit to ClickHouse."""
    if there is None or not (there.value.isdecimal() and limit.isdecimal()):
        return there is not None and there.value == limit
    return there.value == limit or 0 < int(there.value) <= int(limit)


def _embedded(path: Path) -> Client:
    try:
        path.mkdir(parents=True, exist_ok=True)
        # asked beforehand, since the engine would write a stack trace to stderr
        _refuse_if_taken(path)
        return clickhouse_connect.get_client(interface="chdb", path=str(path))
    except OSError as error:
        raise UsageError(f"{path}: cannot be used as a data folder ({error.strerror})") from error
    except ClickHouseError as error:
        _refuse_if_taken(path)
        if "already initialized with path" in str(error):
            raise UsageError(f"{path}: this process has another data folder open") from None
        raise UsageError(
            f"{path}: the embedded engine cannot open this folder ({error_name(error)}); "
            "check its permissions and free space"
        ) from None


def _refuse_if_taken(path: Path) -> None:
    """Raise UsageError where another process holds the engine's lock, flock on ``status``.

    The file names its holder; this process may open its own folder as often as it likes.
    """
    try:
        with (path / "status").open("rb") as status:
            try:
                fcntl.flock(status, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                if f"PID: {os.getpid()}\n".encode() not in status.read():
                    raise UsageError(
                        f"{path}: another partywall process has this data folder open; ask it "
                        "with `partywall query`, or stop it first"
                    ) from None
    except FileNotFoundError:
        return


def _server(engine: Engine) -> Client:
    match = _ENDPOINT.fullmatch(engine.url or "")
    if match is None:
        raise SettingsError("clickhouse url: write it as http://host:8123 or https://host:8443")
    scheme, host, port = match.groups()
    secure = scheme == "https"
    with taming("connecting"):
        return clickhouse_connect.get_client(
            host=host.strip("[]"),
            port=int(port) if port else (8443 if secure else 8123),
            secure=secure,
            username=engine.user,
            password=engine.password,
            connect_timeout=10,
            send_receive_timeout=300,
            # a session would refuse a second query while one runs
            autogenerate_session_id=False,
        )


@contextmanager
def taming(action: str) -> Iterator[None]:
    """Turn what the engine raises into ours, without its text.

    Raises SettingsError for refused credentials, else UnavailableError: whoever must not lose
    rows waits and tries again, whatever the reason.
    """
    try:
        yield
    except ClickHouseError as error:
        name = error_name(error)
        if isinstance(error, Error) and error.code in _CREDENTIALS:
            raise SettingsError(
                f"clickhouse: {action} was refused ({name}); check user, password and grants"
            ) from None
        raise UnavailableError(f"clickhouse: {action} failed ({name})") from None
    except OSError as error:
        raise UnavailableError(f"clickhouse: {action} failed ({type(error).__name__})") from None


def error_name(error: ClickHouseError) -> str:
    """Return the symbolic name and number of an engine error, never its text."""
    if isinstance(error, Error) and error.code is not None:
        return f"{error.name or 'error'}, code {error.code}"
    return "no connection"
