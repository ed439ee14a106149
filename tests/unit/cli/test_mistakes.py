"""Whatever a person gets wrong is answered by one line that says what to do, and nothing more."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import os
import random
import shutil
import socket
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from pipeline.apps import STAGES
from pipeline.cli.place import occupied
from pipeline.clickhouse.client import Engine, connect
from pipeline.clickhouse.migrations import migrate
from pipeline.restricted.formats import FORMATS
from pipeline.rows import TABLES
from tests.unit.cli.conftest import Partywall

TOP = Path(__file__).parents[3]
SECRET = "mallory.q.public@example.com"
LINE = (
    f'192.0.2.77 - - [17/May/2015:10:05:03 +0000] "GET /for/{SECRET} HTTP/1.1" 200 12 '
    f'"https://example.com/?mail={SECRET}" "Mozilla/5.0"\n'
)
PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.compress,
}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log that could be reported, so that only the mistake stands in its way."""
    path = tmp_path / "access.log"
    path.write_text(LINE * 20)
    return path


def tarball() -> bytes:
    """A tar with one log in it."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        info = tarfile.TarInfo("access.log")
        info.size = len(LINE)
        tar.addfile(info, io.BytesIO(LINE.encode()))
    return made.getvalue()


def spared(complaint: str) -> str:
    """Return the complaint after looking that no log content is in it."""
    assert SECRET not in complaint
    assert "192.0.2.77" not in complaint
    return complaint


@pytest.mark.parametrize("verb", ["report", "ship"])
class TestFiles:
    def test_a_file_that_is_not_there(self, partywall: Partywall, verb: str) -> None:
        assert (
            "nowhere.log does not exist: check the path" in partywall(verb, "nowhere.log").complaint
        )

    def test_one_missing_file_among_good_ones(
        self, partywall: Partywall, verb: str, log: Path
    ) -> None:
        complaint = partywall(verb, log, "nowhere.log", "--format", "combined").complaint
        assert "nowhere.log" in complaint or "begins more than two days ago" in complaint

    def test_a_folder(self, partywall: Partywall, verb: str, tmp_path: Path) -> None:
        (tmp_path / ".hidden").write_text(LINE)
        assert (
            partywall(verb, tmp_path).complaint == f"{tmp_path} has no file in it: check the path"
        )

    def test_a_folder_of_files_that_are_no_logs(
        self, partywall: Partywall, verb: str, tmp_path: Path
    ) -> None:
        (tmp_path / "logs").mkdir()
        (tmp_path / "logs/empty").touch()
        assert partywall(verb, "logs").complaint == (
            "logs: there is no log in it; name the files that are"
        )

    def test_a_pattern_that_matches_nothing(self, partywall: Partywall, verb: str) -> None:
        assert partywall(verb, "logs/*.gz").complaint == (
            "logs/*.gz matches no file: check the path"
        )

    def test_an_archive_without_a_log(
        self, partywall: Partywall, verb: str, tmp_path: Path
    ) -> None:
        (tmp_path / "notes").write_text(f"call {SECRET}\n" * 3)
        with tarfile.open(tmp_path / "all.tar.gz", "w:gz") as tar:
            tar.add(tmp_path / "notes", "notes")
        said = partywall(verb, "all.tar.gz")
        assert said.code == 2
        assert "passed over all.tar.gz: notes: it is no log" in spared(said.err)
        assert "all.tar.gz: there is no log in it; name the files that are" in said.err

    def test_an_address_of_nobody(self, partywall: Partywall, verb: str) -> None:
        assert partywall(verb, "gopher://logs/x").complaint == (
            "gopher://logs/x: name a file, a folder or an s3:// address"
        )
        assert "there is no object; check the address" in (
            partywall(verb, "memory://nowhere/x").complaint
        )

    def test_s3_without_the_library_for_it(
        self, partywall: Partywall, monkeypatch: pytest.MonkeyPatch, verb: str
    ) -> None:
        monkeypatch.setitem(sys.modules, "s3fs", None)
        assert partywall(verb, "s3://logs/2015/").complaint == (
            "s3://logs/2015/: install partywall[s3] to read s3:// addresses"
        )

    @pytest.mark.parametrize("zone", ["Europe/Nowhere", "", "../etc/passwd", "CEST!", "Europe"])
    def test_a_time_zone_that_is_none(
        self, partywall: Partywall, verb: str, log: Path, zone: str
    ) -> None:
        complaint = partywall(verb, log, f"--zone={zone}").complaint
        assert "no time zone is called that; name one such as Europe/Berlin" in complaint

    def test_an_empty_file(self, partywall: Partywall, verb: str, tmp_path: Path) -> None:
        (tmp_path / "empty.log").touch()
        assert partywall(verb, "empty.log").complaint == "empty.log is empty: nothing to read"

    def test_a_file_of_empty_lines(self, partywall: Partywall, verb: str, tmp_path: Path) -> None:
        (tmp_path / "blank.log").write_text("\n\n\n")
        assert "no line to tell the format from" in partywall(verb, "blank.log").complaint

    def test_a_binary_file(self, partywall: Partywall, verb: str, tmp_path: Path) -> None:
        (tmp_path / "image").write_bytes(random.Random(5).randbytes(4_000))
        assert "image is a binary file, not a log" in partywall(verb, "image").complaint

    def test_a_binary_file_in_an_archive(
        self, partywall: Partywall, verb: str, tmp_path: Path
    ) -> None:
        (tmp_path / "image.gz").write_bytes(gzip.compress(random.Random(5).randbytes(4_000)))
        assert "image.gz is a binary file, not a log" in partywall(verb, "image.gz").complaint

    def test_a_pipe_that_is_named_as_a_file(
        self, partywall: Partywall, verb: str, tmp_path: Path
    ) -> None:
        os.mkfifo(tmp_path / "pipe")
        assert "pipe is no regular file: pipe it in" in partywall(verb, "pipe").complaint

    @pytest.mark.parametrize("packed", list(PACK))
    def test_an_archive_that_is_cut_short(
        self, partywall: Partywall, verb: str, tmp_path: Path, packed: str
    ) -> None:
        whole = PACK[packed]((LINE * 20).encode())
        (tmp_path / f"cut.{packed}").write_bytes(whole[: len(whole) * 2 // 3])
        complaint = spared(partywall(verb, f"cut.{packed}").complaint)
        assert f"cut.{packed} is damaged or cut short: unpack or fetch it again" in complaint

    def test_a_file_in_no_format(self, partywall: Partywall, verb: str, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text(f"call {SECRET}\n" * 3)
        complaint = spared(partywall(verb, "notes.txt").complaint)
        assert "notes.txt: no line is in a known format" in complaint
        assert "--format" in complaint

    def test_a_format_that_is_unknown(self, partywall: Partywall, verb: str, log: Path) -> None:
        complaint = partywall(verb, log, "--format", "apache2").complaint
        assert complaint == (f"no format is called apache2: choose auto, {', '.join(FORMATS)}")

    def test_a_format_string_that_reads_nothing(
        self, partywall: Partywall, verb: str, log: Path
    ) -> None:
        complaint = partywall(verb, log, "--format", "%h %l %u").complaint
        says = {
            "report": "setting split.formats.own: a log format needs a time",
            "ship": "--format: whoever splits must know it too; give it a name in the settings",
        }
        assert complaint.startswith(says[verb])

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("json: {address: ip}", "setting split.formats.own: json needs a time"),
            ("regex: '('", "setting split.formats.own: regex: unclosed group"),
            ("- json", "--format map.yaml: holds no mapping; begin it with json: or regex:"),
            ("json: {", "--format map.yaml: is no YAML that can be read"),
            (None, "--format map.yaml: No such file or directory; name a YAML file"),
        ],
    )
    def test_a_format_in_a_file_that_reads_nothing(
        self,
        partywall: Partywall,
        verb: str,
        log: Path,
        tmp_path: Path,
        text: str | None,
        says: str,
    ) -> None:
        if text is not None:
            (tmp_path / "map.yaml").write_text(text)
        complaint = partywall(verb, log, "--format", "map.yaml").complaint
        told = verb == "report" or says.startswith("--format map.yaml")
        assert complaint == says if told else complaint.startswith("--format: whoever splits must")

    @pytest.mark.parametrize("label", ["a b", "-x", "", "ä", "x" * 65, "a/b", "a\nb"])
    def test_a_label_of_the_wrong_shape(
        self, partywall: Partywall, verb: str, log: Path, label: str
    ) -> None:
        assert partywall(verb, log, f"--site={label}").complaint.startswith("--site: use up to 64")

    @pytest.mark.parametrize(
        ("bytes_", "says"),
        [
            (b"", "standard input is empty"),
            (gzip.compress(f"{SECRET}\n".encode(), mtime=0), "no line is in a known format"),
            (gzip.compress(bytes(range(9)) * 50, mtime=0), "standard input is a binary file"),
            (tarball(), "standard input is a tar: name the file instead"),
            (gzip.compress(tarball(), mtime=0), "standard input is a tar: name the file"),
            (bytes(range(9)) * 50, "standard input is a binary file"),
            (f"{SECRET}\n".encode(), "standard input: no line is in a known format"),
        ],
    )
    def test_standard_input_with_nothing_of_use(
        self,
        partywall: Partywall,
        monkeypatch: pytest.MonkeyPatch,
        verb: str,
        bytes_: bytes,
        says: str,
    ) -> None:
        standard_input = io.TextIOWrapper(io.BufferedReader(io.BytesIO(bytes_)))
        monkeypatch.setattr(sys, "stdin", standard_input)
        assert says in spared(partywall(verb, "-").complaint)


class TestReport:
    def test_no_file_at_all(self, partywall: Partywall) -> None:
        assert "Missing argument" in partywall("report").complaint
        assert "See `partywall report --help`." in partywall("report").complaint

    @pytest.mark.parametrize("k", ["0", "-1", "ten"])
    def test_a_k_that_is_none(self, partywall: Partywall, log: Path, k: str) -> None:
        assert "'--k'" in partywall("report", log, "--k", k).complaint

    def test_a_data_folder_that_is_a_file(self, partywall: Partywall, log: Path) -> None:
        complaint = partywall("report", log, "--data", log).complaint
        assert "choose one with --data" in complaint

    def test_a_data_folder_that_cannot_be_made(self, partywall: Partywall, log: Path) -> None:
        """A file stands where a folder should: that is refused to root as well."""
        complaint = partywall("report", log, "--data", log / "data").complaint
        assert complaint == f"data folder {log}/data: Not a directory; choose one with --data"

    @pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no /proc here")
    def test_a_place_that_takes_no_folders(self, partywall: Partywall, log: Path) -> None:
        """Nobody can make a folder there, root neither."""
        complaint = partywall("report", log, "--data", "/proc/partywall").complaint
        assert complaint.startswith("data folder /proc/partywall: ")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_a_data_folder_that_may_not_be_written(
        self, partywall: Partywall, log: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "closed").mkdir(mode=0o500)
        complaint = partywall("report", log, "--data", "closed/data").complaint
        assert complaint == "data folder closed/data: Permission denied; choose one with --data"

    def test_a_clock_that_is_none(self, partywall: Partywall, log: Path) -> None:
        complaint = partywall("report", log, "--clock=Mars").complaint
        assert complaint.startswith("--clock Mars: no time zone is called that; name one such as")

    @pytest.mark.parametrize("verb", ["report", "up"])
    def test_a_data_folder_in_use(
        self, partywall: Partywall, log: Path, tmp_path: Path, verb: str
    ) -> None:
        with occupied(tmp_path / "data"):
            said = partywall(verb, *([log] if verb == "report" else []), "--data", "data")
        assert said.complaint == ("a group runs in data already: stop it, or choose another --data")

    @pytest.mark.parametrize("table", ["ingests", *(f"{name}_revisions" for name in TABLES)])
    def test_a_data_folder_with_numbers_of_another_report(
        self, partywall: Partywall, log: Path, tmp_path: Path, table: str
    ) -> None:
        """Two counts of mostly the same lines: their difference may be a single visitor."""
        with contextlib.closing(connect(Engine(path=tmp_path / "data/clickhouse"))) as client:
            migrate(client, rollups_days=10)
            client.command(f"INSERT INTO analytics.{table} (ingest) VALUES ('report-1')")  # noqa: S608
        assert partywall("report", log, "--data", "data").complaint == (
            "data folder data holds released numbers already, and a second count of the same lines "
            "would give away what the first one hides: ask it with `partywall query --data data`, "
            "or choose an empty folder with --data"
        )

    def test_a_data_folder_whose_path_is_too_long(
        self, partywall: Partywall, log: Path, tmp_path: Path
    ) -> None:
        said = partywall("report", log, "--data", tmp_path / ("x" * 120))
        assert "its path is too long; choose a shorter one" in said.complaint

    @pytest.mark.parametrize("option", ["--mmdb-country", "--mmdb-asn"])
    def test_an_address_database_that_is_none(
        self, partywall: Partywall, log: Path, option: str
    ) -> None:
        assert "is no MMDB file" in spared(partywall("report", log, option, log).complaint)
        assert "no such file" in partywall("report", log, option, "nowhere.mmdb").complaint

    def test_a_file_of_networks_that_is_none(
        self, partywall: Partywall, log: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "clouds.txt").write_text("# clouds\n192.0.2.0/24\n192.0.2.0/33\n")
        said = partywall("report", log, "--datacentres", "clouds.txt").complaint
        assert "clouds.txt: line 3 is no network" in said
        assert "line 1 is no network" in spared(
            partywall("report", log, "--datacentres", log).complaint
        )
        assert "no such file" in partywall("report", log, "--datacentres", "nowhere").complaint

    @pytest.mark.parametrize("host", ["a b", "", "https://shop.example", "shop.example/x", "*"])
    def test_a_host_that_is_none(self, partywall: Partywall, log: Path, host: str) -> None:
        said = partywall("report", log, f"--own-host={host}", "--format", "combined").complaint
        assert said == (
            f"setting split.own_hosts: {host!r} is no host name; give one as in shop.example or "
            "*.shop.example"
        )

    def test_a_page_that_cannot_be_written(
        self, partywall: Partywall, log: Path, tmp_path: Path
    ) -> None:
        assert "make it first" in partywall("report", log, "--html", "nowhere/x.html").complaint
        assert "is a directory" in partywall("report", log, "--html", tmp_path).complaint


class TestSettings:
    @pytest.mark.parametrize(
        "verb", [["status"], ["doctor"], ["run", "split"], ["ship", "x.log"], ["up"]]
    )
    def test_a_setting_that_does_not_exist(
        self, partywall: Partywall, tmp_path: Path, verb: list[str]
    ) -> None:
        (tmp_path / "p.yaml").write_text("kafka:\n  bootstrop: broker:9092\n")
        said = partywall(*verb, "--config", "p.yaml")
        assert said.complaint == (
            "setting kafka.bootstrop: there is none of that name; remove it or mend it"
        )

    def test_a_branch_that_does_not_exist(self, partywall: Partywall, tmp_path: Path) -> None:
        (tmp_path / "p.yaml").write_text("kakfa:\n  bootstrap: broker:9092\n")
        assert "setting kakfa:" in partywall("status", "--config", "p.yaml").complaint

    def test_a_settings_file_that_is_no_yaml(self, partywall: Partywall, tmp_path: Path) -> None:
        (tmp_path / "p.yaml").write_text("kafka: [")
        assert partywall("status", "--config", "p.yaml").complaint == (
            "settings file p.yaml: cannot be read as YAML in the shape of the tree"
        )

    def test_a_settings_file_that_is_not_there(self, partywall: Partywall) -> None:
        assert (
            "does not exist: check --config"
            in partywall("status", "--config", "nowhere.yaml").complaint
        )

    @pytest.mark.parametrize(
        ("variable", "value", "says"),
        [
            ("PARTYWALL_KAKFA__BOOTSTRAP", "x", "PARTYWALL_KAKFA__BOOTSTRAP names no setting"),
            ("PARTYWALL_KAFKA__BOOTSTROP", "x", "setting kafka.bootstrop: there is none"),
            ("PARTYWALL_K", "0", "setting k: "),
            ("PARTYWALL_WINDOWS__HOLD_HOURS", "a", "setting windows.hold_hours: "),
            ("PARTYWALL_KAFKA__SECURITY", "TLS", "setting kafka.security: "),
            ("PARTYWALL_POLICY", "nowhere.yaml", "policy nowhere.yaml: cannot be read"),
        ],
    )
    def test_an_environment_variable_that_is_wrong(
        self,
        partywall: Partywall,
        monkeypatch: pytest.MonkeyPatch,
        variable: str,
        value: str,
        says: str,
    ) -> None:
        monkeypatch.setenv(variable, value)
        assert says in partywall("status").complaint


class TestService:
    @pytest.mark.parametrize(
        ("verb", "way"), [(["status"], "--data DIR"), (["topics", "apply"], "makes its own topics")]
    )
    def test_a_broker_that_is_away_is_named(
        self, partywall: Partywall, monkeypatch: pytest.MonkeyPatch, verb: list[str], way: str
    ) -> None:
        monkeypatch.setattr("pipeline.kafka.reading.PATIENCE", 0)
        monkeypatch.setattr("pipeline.cli.topics._PATIENCE", 0)
        monkeypatch.setenv("PARTYWALL_KAFKA__BOOTSTRAP", "127.0.0.1:1")
        said = partywall(*verb)
        assert (said.code, said.out) == (1, "")
        told = [line for line in said.err.splitlines() if line.startswith("partywall: ")]
        assert "no broker answers at 127.0.0.1:1 (kafka.bootstrap); " in told[0]
        assert way in told[0]

    def test_a_port_in_use(self, partywall: Partywall, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            complaint = partywall("up", "--port", port, "--data", tmp_path / "data").complaint
        assert complaint == f"port {port} is in use: choose another with --port"

    def test_the_collectors_port_in_use(self, partywall: Partywall, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            complaint = partywall("up", "--collect-port", port, "--data", tmp_path / "d").complaint
        assert complaint == f"port {port} is in use: choose another with --collect-port"

    @pytest.mark.parametrize("word", ["shop", "shop=", "shop=shop.example", "a b=https://x", "="])
    def test_a_site_of_a_widget_that_is_none(self, partywall: Partywall, word: str) -> None:
        assert partywall("up", "--widget", word).complaint.startswith("--widget: ")

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("kafka: {bootstrap: 'broker:9092'}", "setting kafka.bootstrap: a group has its own"),
            ("split: {formats: {mine: '%h'}}", "setting split.formats.mine: a log format needs"),
            ("split: {trusted_proxies: [x]}", "setting split.trusted_proxies: 'x' is neither"),
            ("split: {own_hosts: {shop: ['a b']}}", "setting split.own_hosts: 'a b' is no host"),
            ("split: {zone: Mars}", "setting split.zone: there is no time zone 'Mars'"),
            ("split: {scrub_rules: nowhere.yaml}", "nowhere.yaml"),
            ("split: {mmdb_asn: nowhere.mmdb}", "setting split.mmdb_asn nowhere.mmdb: no such"),
            ("split: {datacentres: nowhere}", "setting split.datacentres nowhere: no such file"),
            ("policy: nowhere.yaml", "policy nowhere.yaml: cannot be read"),
            ("k: 3", "k 3 is below the policy's 10"),
        ],
    )
    def test_settings_that_a_group_cannot_work_with(
        self, partywall: Partywall, tmp_path: Path, text: str, says: str
    ) -> None:
        """Before anything is started, and not in the log of one of its processes."""
        (tmp_path / "own.yaml").write_text(text)
        with occupied(tmp_path / "data"):  # where nothing can be started
            said = partywall("up", "--config", "own.yaml")
        assert says in said.complaint

    def test_a_port_that_is_none(self, partywall: Partywall) -> None:
        assert "'--port'" in partywall("up", "--port", "99999").complaint

    @pytest.mark.parametrize(
        "words", [["pipeline", "status"], ["pipeline.apps.stage", "settings.yaml", "rollup"]]
    )
    def test_a_declaration_that_is_refused(self, tmp_path: Path, words: list[str]) -> None:
        """It is read as a verb or a stage is loaded, before either runs, and named all the same."""
        for name in ("pipeline", "schemas"):
            shutil.copytree(TOP / name, tmp_path / name)
        declared = tmp_path / "schemas/events/event.yaml"
        text = declared.read_text(encoding="utf-8")
        declared.write_text(text.replace("within: event", "within: evennt"), encoding="utf-8")
        (tmp_path / "settings.yaml").write_text("{}")
        run = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 2
        said = "schemas/events/event.yaml: dimension detail is within evennt"
        assert said in run.stderr
        assert run.stderr.count("\n") == 1

    def test_a_stage_that_is_none(self, partywall: Partywall) -> None:
        assert partywall("run", "splitt").complaint == (
            f"no stage is called splitt: choose from {', '.join(STAGES)}"
        )

    @pytest.mark.parametrize("verb", [["status"], ["doctor"], ["ship", "access.log"]])
    def test_a_folder_in_which_nothing_runs(
        self, partywall: Partywall, log: Path, verb: list[str]
    ) -> None:
        del log
        assert partywall(*verb, "--data", "data").complaint == (
            "nothing runs in data: start it with `partywall up --data data`"
        )

    def test_a_group_that_died_without_a_word(self, partywall: Partywall, tmp_path: Path) -> None:
        """The file it left behind names a process that is gone."""
        dead = subprocess.Popen([sys.executable, "-c", ""])
        dead.wait()
        (tmp_path / "data").mkdir()
        (tmp_path / "data/running.json").write_text(
            f'{{"bootstrap":"127.0.0.1:1","engine":"http://127.0.0.1:1","pid":{dead.pid}}}'
        )
        assert "nothing runs in data" in partywall("status", "--data", "data").complaint

    def test_a_vault_that_is_not_there(self, partywall: Partywall) -> None:
        assert (
            "there is no vault in data" in partywall("vault", "status", "--data", "data").complaint
        )

    def test_a_file_that_is_named_after_somebody(
        self, partywall: Partywall, tmp_path: Path
    ) -> None:
        """Its name would be readable in the vault's index for as long as the index lies there."""
        named = tmp_path / "alice@example.com.log"
        named.write_text(LINE)
        assert "name another with --source" in partywall("ship", named).complaint
        assert "two days ago" in partywall("ship", named, "--source", "mail").complaint
        folder = tmp_path / "alice@home"
        folder.mkdir()
        (folder / "access.log").write_text(LINE)
        assert "two days ago" in partywall("ship", folder / "access.log").complaint

    def test_what_cannot_be_followed(self, partywall: Partywall) -> None:
        assert "leave --follow out" in partywall("ship", "--follow", "-").complaint
        assert partywall("ship", "--follow", "s3://logs/x").complaint == (
            "--follow s3://logs/x: only files of this machine can be followed"
        )

    def test_an_old_log_that_is_followed_as_live(self, partywall: Partywall, log: Path) -> None:
        complaint = spared(partywall("ship", "--follow", log).complaint)
        assert "begins more than two days ago" in complaint
        assert "ship it first with an ingest of its own" in complaint

    def test_old_logs_that_are_shipped_as_live(self, partywall: Partywall, log: Path) -> None:
        complaint = spared(partywall("ship", log).complaint)
        assert "begins more than two days ago" in complaint
        assert "--ingest backfill-1" in complaint

    @pytest.mark.parametrize("verb", ["reprot", "--nonsense"])
    def test_a_verb_that_is_none(self, partywall: Partywall, verb: str) -> None:
        assert verb in partywall(verb).complaint


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an engine with empty tables."""
    folder = tmp_path_factory.mktemp("kept")
    client = connect(Engine(path=folder / "clickhouse"))
    migrate(client, rollups_days=10)
    client.close()
    return folder


class TestQuery:
    def test_no_engine(self, partywall: Partywall) -> None:
        complaint = partywall("query", "traffic", "--data", "nowhere").complaint
        assert complaint.startswith("there is no engine in nowhere: name the folder")

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("traffik", "query: no question is called traffik: traffic?"),
            ("", "query: it is empty"),
            ("SELECT FROM WHERE", "query: "),
            ("SELECT nothing FROM analytics.traffic_daily", "query: "),
            ("SELECT 1; SELECT 2", "query: write one statement"),
            ("DROP TABLE analytics.ingests", "query: only reading is possible"),
            ("SELECT * FROM file('/etc/passwd')", "reaches outside the analytics tables"),
            ("SELECT 1 AS a$b$, file('/etc/passwd') AS x$b$", "query: cannot be read from"),
            ("SELECT 'x", "query: cannot be read from character 8"),
            ("SELECT 1 FORMAT CSV", "query: leave the FORMAT clause out"),
        ],
    )
    def test_sql_that_is_wrong(
        self, partywall: Partywall, engine: Path, text: str, says: str
    ) -> None:
        assert says in partywall("query", text, "--data", engine).complaint

    def test_a_folder_that_another_process_has_open(
        self, partywall: Partywall, tmp_path: Path
    ) -> None:
        owner = subprocess.Popen(
            [sys.executable, "-c", _OWNER, str(tmp_path / "data/clickhouse")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            assert owner.stdout is not None
            assert owner.stdout.readline() == b"open\n"
            complaint = partywall("query", "traffic", "--data", "data").complaint
        finally:
            owner.communicate(b"\n")
        assert "another partywall process has this data folder open" in complaint


_OWNER = """
import sys
from pathlib import Path
from pipeline.clickhouse.client import Engine, connect
client = connect(Engine(path=Path(sys.argv[1])))
print("open", flush=True)
sys.stdin.readline()
"""


def test_a_fault_of_ours_shows_no_content_either(
    partywall: Partywall, monkeypatch: pytest.MonkeyPatch, log: Path
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError(SECRET)

    monkeypatch.setattr("pipeline.cli.report.ship.plan", broken)
    said = partywall("report", log)
    assert said.code == 70
    assert said.err.startswith("partywall: a fault of ours: ValueError at ")
    assert said.err.count("\n") == 1
    assert spared(said.err)


def test_the_command_itself_says_one_line(tmp_path: Path) -> None:
    """As an own process, whatever libraries print when they are imported or end."""
    run = subprocess.run(
        [sys.executable, "-m", "pipeline", "report", "nowhere.log"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr == "partywall: nowhere.log does not exist: check the path\n"
    assert list(tmp_path.iterdir()) == []
