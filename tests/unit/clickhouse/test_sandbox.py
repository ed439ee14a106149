"""A person reads the tables, and nothing else of the machine, also where one of the walls is gone.

They stand behind each other: the lexer's, the tree's, and the engine's read-only mode. Statements
are tried against all, and against them with the lexer or the tree left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.clickhouse import sql, syntax
from pipeline.clickhouse.queries import Reader
from pipeline.errors import UsageError
from tests.support.sql_attacks import CANARY, ELSEWHERE, REACHES, WRITES

pytestmark = pytest.mark.usefixtures("lasting")


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("beside") / "secret.csv"
    path.write_text(f"{CANARY}\n")
    return path


@contextmanager
def without_lexer() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sql, "reading", lambda text, _: text.strip())
        patch.setattr(sql, "has_format", lambda _: True)
        yield


@contextmanager
def without_tree() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(syntax, "check", lambda *_: None)
        yield


def harmless(reader: Reader, statement: str, secret: Path) -> None:
    """Ask; refused or not, nothing of the file comes back and no file comes to be."""
    try:
        answer = reader.raw(statement.replace("{path}", str(secret)), "TSVRaw").decode()
    except UsageError as error:
        answer = str(error)
    assert CANARY not in answer
    assert CANARY.encode().hex() not in answer.lower()
    assert [path.name for path in secret.parent.iterdir()] == [secret.name]


@pytest.mark.parametrize("statement", WRITES)
def test_nothing_is_written(statement: str, reader: Reader, client: Client) -> None:
    with pytest.raises(UsageError) as caught:
        reader.rows(statement)
    assert "\n" not in str(caught.value)
    assert client.command("SELECT count() FROM analytics.ingests") == 0


@pytest.mark.parametrize("statement", [*REACHES, *ELSEWHERE])
def test_no_file_no_other_host_and_no_other_table_is_reached(
    statement: str, secret: Path, reader: Reader
) -> None:
    with pytest.raises(UsageError) as caught:
        reader.rows(statement.replace("{path}", str(secret)))
    assert "\n" not in str(caught.value)
    harmless(reader, statement, secret)


@pytest.mark.parametrize("statement", [*WRITES, *REACHES, *ELSEWHERE])
def test_the_tree_alone_holds(statement: str, secret: Path, reader: Reader, client: Client) -> None:
    with without_lexer():
        harmless(reader, statement, secret)
    assert client.command("SELECT count() FROM analytics.ingests") == 0


@pytest.mark.parametrize("statement", [*WRITES, *REACHES])
def test_the_lexer_alone_holds(
    statement: str, secret: Path, reader: Reader, client: Client
) -> None:
    with without_tree(), pytest.raises(UsageError):
        reader.rows(statement.replace("{path}", str(secret)))
    assert client.command("SELECT count() FROM analytics.ingests") == 0


PAYLOADS = st.sampled_from(
    [
        "file('{path}')",
        "hex(file('{path}'))",
        "`file`('{path}')",
        "(SELECT * FROM file('{path}', 'LineAsString'))",
        "* APPLY(file) FROM (SELECT '{path}')",
        "arrayMap(file, ['{path}'])",
        "1 INTO OUTFILE '{path}.out' ",
        "1; SELECT file('{path}')",
        "1; INSERT INTO analytics.ingests (ingest, origin) VALUES ('x', 1)",
        "sleep(3)",
    ]
)


def test_what_runs_is_what_the_engine_wrote_of_the_statement(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reader.rows("SELECT 1 AS a") == [{"a": 1}]
    client = reader._client
    assert client is not None
    sent: list[str] = []
    answer = client.raw_query

    def heard(query: str) -> bytes:
        sent.append(query)
        return bytes(answer(query))

    monkeypatch.setattr(client, "raw_query", heard)
    assert reader.rows("select  1+1 AS a -- mine") == [{"a": 2}]
    assert sent == [
        "SELECT formatQuerySingleLine('select  1+1 AS a -- mine') FORMAT TSVRaw",
        "EXPLAIN AST SELECT 1 + 1 AS a",
        "SELECT 1 + 1 AS a\nFORMAT JSONEachRow",
    ]


# What one lexer may take for the bounds of a string, a name or a comment, and the other may not.
BOUNDS = st.sampled_from(
    [
        *(("'", "'"), ('"', '"'), ("`", "`"), ("‘", "’"), ("“", "”"), ("$", "$")),
        *(("$b$", "$b$"), ("a$b$", "x$b$"), ("é$b$", "$b$"), ("$$", "$$"), ("1$b$", "$b$")),
        *(("x'", "'"), ("X'4", "'"), (r"b'\'", "'"), (r"'\'", "'"), ("'''", "'"), (r"'\\'", "''")),
        *(("``", "`"), (r"`\`", "`"), (r'"\"', '"'), ('""', '"')),
        *(("/*", "*/"), ("/*/*", "*/"), ("/*", "*/*/"), ("*/*", "*/"), ("-/*", "*/")),
        *(("--", "\n"), ("-- ", "\r"), ("--", "\u2028"), ("−−", "\n"), ("#", "\n"), ("# ", "\n")),
        *(("#!", "\x85"), ("//", "\n"), ("{", "}"), ("[", "]"), ("", ""), ("", "")),
    ]
)
GAPS = st.sampled_from(
    ["", "", "", " ", " ", "\n", "\r", "\v", "/**/", "\0", "\x1c", "\u00a0", "\u3000", "1"]
)
ENDS = st.sampled_from(["", "", "", ";", "-- $b$\n", "-- `", "/* ' */", " FORMAT CSV", r"\G"])


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """A payload in what may be a string, a name or a comment to one lexer alone."""
    (before, after), (inner, outer) = draw(BOUNDS), draw(st.just(("", "")) | BOUNDS)
    gap = [draw(GAPS) for _ in range(4)]
    payload = f"{gap[0]},{gap[1]}{draw(PAYLOADS)} AS x{gap[2]}"
    return f"SELECT 1 AS a{before}{inner}{payload}{after}{gap[3]}{outer}{draw(ENDS)}"


MANY = settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])


@MANY
@given(statement=mutations())
def test_mutations_of_what_once_got_through_do_not(
    statement: str, secret: Path, reader: Reader, client: Client
) -> None:
    harmless(reader, statement, secret)
    assert client.command("SELECT count() FROM analytics.ingests") == 0


@MANY
@given(statement=mutations())
def test_mutations_do_not_get_past_the_tree_alone(
    statement: str, secret: Path, reader: Reader, client: Client
) -> None:
    with without_lexer():
        harmless(reader, statement, secret)
    assert client.command("SELECT count() FROM analytics.ingests") == 0
