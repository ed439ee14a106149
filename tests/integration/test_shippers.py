"""Shippers that people already run bring every line as it stands, with whose it is.

Each runs with its file from deploy/shippers, in which only addresses and paths are replaced.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest
import yaml
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import NewTopic

from pipeline.kafka import client
from pipeline.labels import of_key
from pipeline.settings import Kafka
from tests.support import door
from tests.support.kafka_server import KafkaServer, free_ports, missing

pytestmark = pytest.mark.kafka

ROOT: Final = Path(__file__).parents[2]
HOME: Final = ROOT / "deploy/shippers"
SYSLOG_NG: Final = ROOT / ".cache/syslog-ng"
PARTITIONS: Final = 4
WITHIN: Final = 60.0
AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
ODD: Final = (
    "x", r"\"q\"", r"\x22\\", "é漢", "%0A%00", "a\tb", "  two", "#011", "y" * 5_000,
)  # fmt: skip
LINES: Final = [
    f"192.0.2.{n % 200} - - [17/May/2015:10:{n // 60 % 60:02}:{n % 60:02} +0000] "
    f'"GET /a/{n}?q={odd} HTTP/1.1" 200 {n} "https://example.com/{odd}" "{AGENT} {odd}"'
    for n in range(400)
    for odd in [ODD[n % len(ODD)]]
]
COMBINED: Final = (
    r'LogFormat "%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"" combined'
)
Messages = list[tuple[bytes, tuple[tuple[str, bytes], ...]]]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    if reason := missing():
        _absent(reason)
    with KafkaServer(tmp_path_factory.mktemp("kafka")) as server:
        yield server


def _absent(reason: str) -> None:
    if os.environ.get("NEED_KAFKA_TESTS") and os.environ.get("NEED_SHIPPER_TESTS"):
        pytest.fail(reason)
    pytest.skip(reason)


def program(name: str, *also: str) -> str:
    """The path of a program, or a skipped test that says how to get it."""
    for place in (shutil.which(name), f"/usr/sbin/{name}", *also):
        if place and Path(place).is_file():
            return place
    _absent(f"{name} is not installed (deploy/shippers/fetch installs it)")
    raise AssertionError


@contextlib.contextmanager
def running(command: Sequence[str | Path], folder: Path, **environ: str) -> Iterator[None]:
    """A program in the foreground, asked to end and waited for at the end."""
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, cwd=folder, env={**os.environ, **environ},
            start_new_session=True,
        )  # fmt: skip
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(WITHIN)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def config(name: str, folder: Path, broker: KafkaServer, topic: str, **more: str) -> str:
    """A file from deploy/shippers with this test's broker, topic and paths."""
    text = (HOME / name).read_text(encoding="utf-8")
    places = {
        "broker:9092": broker.bootstrap,
        "logs.web": topic,
        "/var/log/nginx/access.log": str(folder / "access.log"),
        "/run/partywall": str(folder),
        **more,
    }
    for place, here in places.items():
        text = text.replace(place, here)
    return text


async def create(broker: KafkaServer, topic: str) -> None:
    admin = client.admin(Kafka(bootstrap=broker.bootstrap))
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    finally:
        await admin.close()


async def arrived(broker: KafkaServer, topic: str, wanted: int) -> Messages:
    """Wait for so many messages; return all there are then, each with its labels."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    found: Messages = []
    try:
        consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
        async with asyncio.timeout(WITHIN):
            while sum(value.count(b"\n") + 1 for value, _ in found) < wanted:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [_message(record) for record in records]
    finally:
        await consumer.stop()
    return found


def _message(record: ConsumerRecord) -> tuple[bytes, tuple[tuple[str, bytes], ...]]:
    return record.value.removesuffix(b"\n"), tuple(record.headers) or of_key(record.key)


def outcomes(messages: Messages) -> Mapping[tuple[str, str, str], int]:
    """What split makes of the messages."""
    batch = door.messages([value for value, _ in messages], [said for _, said in messages])
    return door.carry(door.splitter(), batch).outcomes


async def held(broker: KafkaServer, topic: str, lines: Sequence[str]) -> None:
    """Every line came once, unchanged, and is an event of the site shop."""
    messages = await arrived(broker, topic, len(lines))
    came = Counter(line for value, _ in messages for line in value.split(b"\n"))
    assert came == Counter(line.encode() for line in lines)
    assert outcomes(messages) == {("shop", "event", ""): len(lines)}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_text("".join(f"{line}\n" for line in LINES), encoding="utf-8")
    return path


def rsyslog(name: str, folder: Path, broker: KafkaServer, topic: str) -> list[str | Path]:
    """The command that runs one of our files, with a place for its queue and its own notes."""
    text = config(f"rsyslog/{name}", folder, broker, topic)
    file = folder / "rsyslog.conf"
    file.write_text(f'global(workDirectory="{folder}")\n{text}', encoding="utf-8")
    return [program("rsyslogd"), "-n", "-f", file, "-i", folder / "pid"]


@pytest.mark.usefixtures("log")
async def test_rsyslog_follows_a_file(broker: KafkaServer, tmp_path: Path) -> None:
    await create(broker, "rsyslog-file")
    with running(rsyslog("partywall.conf", tmp_path, broker, "rsyslog-file"), tmp_path):
        await held(broker, "rsyslog-file", LINES)


@pytest.mark.usefixtures("log")
async def test_syslog_ng_follows_a_file(broker: KafkaServer, tmp_path: Path) -> None:
    installed = SYSLOG_NG / "usr/lib/syslog-ng"
    binary = program("syslog-ng", str(SYSLOG_NG / "usr/sbin/syslog-ng"))
    modules = next(iter([*installed.glob("3.*"), *Path("/usr/lib/syslog-ng").glob("3.*")]))
    await create(broker, "syslog-ng")
    file = tmp_path / "syslog-ng.conf"
    file.write_text(
        f"@version: 3.35\n{config('syslog-ng/partywall.conf', tmp_path, broker, 'syslog-ng')}",
        encoding="utf-8",
    )
    command: list[str | Path] = [
        binary, "-F", "--no-caps", "-f", file, f"--module-path={modules}",
        "-R", tmp_path / "persist", "-c", tmp_path / "control", "-p", tmp_path / "pid",
    ]  # fmt: skip
    with running(command, tmp_path, LD_LIBRARY_PATH=str(installed)):
        await held(broker, "syslog-ng", LINES)


@pytest.mark.usefixtures("log")
async def test_kcat_sends_a_file(broker: KafkaServer, tmp_path: Path) -> None:
    program("kcat")
    await create(broker, "kcat")
    script = tmp_path / "kcat-partywall"
    script.write_text(config("kcat/partywall", tmp_path, broker, "kcat"), encoding="utf-8")
    command: list[str | Path] = ["sh", script, tmp_path / "access.log", "shop", "web-1", "combined"]
    with running(command, tmp_path):
        await held(broker, "kcat", LINES)


def requests(port: int, numbers: range) -> None:
    """Ask a web server for a few pages, with odd characters in every part."""
    for n in numbers:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/page/{n}?q=%22{n}%5C",
            headers={"User-Agent": f'{AGENT} "{n}"', "Referer": "https://example.com/é?x".encode().decode("latin-1")},
        )  # fmt: skip
        with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(request):  # noqa: S310
            pass


async def answered(port: int) -> None:
    """Wait until somebody listens."""
    async with asyncio.timeout(WITHIN):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)


async def there(path: Path, found: Callable[[Path], bool] = Path.exists) -> None:
    async with asyncio.timeout(WITHIN):
        while not found(path):  # noqa: ASYNC110 -- another process makes it so
            await asyncio.sleep(0.05)


async def test_nginx_writes_to_a_socket_of_rsyslog(broker: KafkaServer, tmp_path: Path) -> None:
    nginx = program("nginx")
    await create(broker, "nginx")
    port = free_ports(1)[0]
    ours = config("nginx/partywall.conf", tmp_path, broker, "nginx")
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {tmp_path}/nginx.pid; error_log {tmp_path}/error;\n"
        "events {}\n"
        f"http {{ client_body_temp_path {tmp_path}; proxy_temp_path {tmp_path};\n"
        f"fastcgi_temp_path {tmp_path}; uwsgi_temp_path {tmp_path}; scgi_temp_path {tmp_path};\n"
        f"server {{ listen 127.0.0.1:{port}; location / {{ return 200 ok; }}\n{ours}\n"
        f"access_log {tmp_path}/beside.log combined; }} }}\n",
        encoding="utf-8",
    )
    with running(rsyslog("from-nginx.conf", tmp_path, broker, "nginx"), tmp_path):
        await there(tmp_path / "nginx.sock")
        own = tmp_path / "of-nginx"
        own.mkdir()
        command = [nginx, "-c", str(tmp_path / "nginx.conf"), "-e", str(tmp_path / "error")]
        with running(command, own):
            await answered(port)
            for n in range(0, 40, 5):
                # nginx does not wait: what a full socket cannot take is lost (README there).
                await asyncio.to_thread(requests, port, range(n, n + 5))
                await arrived(broker, "nginx", n + 5)
        lines = (tmp_path / "beside.log").read_text(encoding="utf-8").splitlines()
        assert len(lines) == 40
        await held(broker, "nginx", lines)


async def test_apache_pipes_into_ship(broker: KafkaServer, tmp_path: Path) -> None:
    apache = program("apache2")
    await create(broker, "logs.web")
    port = free_ports(1)[0]
    settings = tmp_path / "partywall.yaml"
    settings.write_text(
        yaml.safe_dump(
            {"kafka": {"bootstrap": broker.bootstrap}, "state_dir": str(tmp_path / "state")}
        ),
        encoding="utf-8",
    )
    ours = config(
        "apache/partywall.conf", tmp_path, broker, "logs.web",
        **{"/usr/local/bin/partywall": f"{Path(sys.executable).parent / 'partywall'}",
           "/etc/partywall.yaml": str(settings)},
    )  # fmt: skip
    modules = Path("/usr/lib/apache2/modules")
    (tmp_path / "httpd.conf").write_text(
        f"ServerName localhost\nServerRoot {tmp_path}\nPidFile {tmp_path}/pid\n"
        f"Listen 127.0.0.1:{port}\nErrorLog {tmp_path}/error\nUser #{os.getuid() or 33}\n"
        + "".join(
            f"LoadModule {name}_module {modules}/mod_{name}.so\n"
            for name in ("mpm_event", "authz_core")
        )
        + f"{COMBINED}\n{ours}\nCustomLog {tmp_path}/beside.log combined\n",
        encoding="utf-8",
    )
    with running([apache, "-X", "-f", str(tmp_path / "httpd.conf")], tmp_path):
        await answered(port)
        await asyncio.to_thread(requests, port, range(40))
        await there(tmp_path / "beside.log", lambda p: p.read_bytes().count(b"\n") >= 40)
        lines = (tmp_path / "beside.log").read_text(encoding="utf-8").splitlines()
        # While Apache runs: a pipe that is waited on for a full block would hold lines back.
        await held(broker, "logs.web", lines)
