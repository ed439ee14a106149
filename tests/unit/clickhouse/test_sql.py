"""The lexer loses nothing, and what it is unsure of it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.clickhouse import sql
from pipeline.errors import UsageError

PIECES = st.sampled_from(
    [
        "SELECT",
        "file",
        "(",
        ")",
        "'a;b'",
        "''",
        "`q`",
        '"r"',
        "--c\n",
        "/*;*/",
        ";",
        "$$;$$",
        "a$b$",
        "x'3b'",
        "1",
        " ",
    ]
)


@given(st.text(max_size=60))
def test_any_text_gives_tokens_or_the_one_error(text: str) -> None:
    try:
        found = list(sql.tokens(text))
    except UsageError:
        return
    assert all(text[t.start : t.start + len(t.text)] == t.text for t in found)
    assert "".join(t.text for t in found).replace(" ", "") in text.replace(" ", "") or found


@given(st.lists(PIECES, max_size=20).map(" ".join))
def test_one_reading_statement_has_no_semicolon_and_no_file_outside_strings(text: str) -> None:
    try:
        statement = sql.reading(text)
    except UsageError:
        return
    found = list(sql.tokens(statement))
    assert found
    assert all(t.text != ";" for t in found)
    assert all(t.text.lower() != "file" for t in found)
    assert all("$" not in t.text for t in found)


def test_a_script_is_split_at_its_own_semicolons_only() -> None:
    script = "-- a; b\nSELECT ';' ; /* ; */ SELECT `;`;;\n-- end;\n"
    assert sql.statements(script) == ["-- a; b\nSELECT ';'", "/* ; */ SELECT `;`"]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 'open",
        "SELECT 'a\\",
        "SELECT `a\\x65`",
        "SELECT `a``b`",
        'SELECT "a""b"',
        'SELECT "a\nb"',
        "SELECT x'\\' 2 '",
        "SELECT X'4G'",
        "SELECT /* open",
        "SELECT /* /* */ */",
        "SELECT a$b$ 1 $b$",
        "SELECT $$a$$",
        "SELECT $a$b$a$",
        "SELECT 1$",
        "SELECT #comment",
        "SELECT é",
        "SELECT ‘a’",
        "SELECT “a”",
        "SELECT 1 − 1",
        "SELECT\u00a01",
        "SELECT\u20281",
        "SELECT\x851",
        "SELECT\x1c1",
        "\ufeffSELECT 1",
        "SELECT 1\0",
        "SELECT 'a\0b'",
        "SELECT '\ud800'",
        "SELECT 1 -- \x1b",
        "SELECT 1\\G",
    ],
)
def test_what_cannot_be_cut_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="cannot be read from character"):
        sql.statements(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1 FORMAT CSV", True),
        ("SELECT 1 format JSONEachRow ;", True),
        ("SELECT 1 FORMAT CSV -- so", True),
        ("SELECT 'FORMAT CSV'", False),
        ("SELECT format('{}', 'x')", False),
        ("SELECT 1", False),
    ],
)
def test_a_format_clause_is_seen_only_at_the_end(text: str, expected: bool) -> None:
    assert sql.has_format(text) is expected


@pytest.mark.parametrize("text", ["DESCRIBE url('x')", 'SELECT * FROM "Url" (1)', "SELECT url (1)"])
def test_a_refused_name_cannot_be_called(text: str) -> None:
    with pytest.raises(UsageError, match="url reaches outside"):
        sql.reading(text, {"url"})
    assert sql.reading("SELECT 1 AS url", {"url"})


def test_a_comment_ends_where_the_engine_ends_it() -> None:
    for ending in ("\r", "\v", "\u2028", "\x85"):
        assert [t.text for t in sql.tokens(f"1 -- a{ending}2")] == ["1"]
    assert [t.text for t in sql.tokens("1 # a\n2 #! b\n3 -- c\n4")] == ["1", "2", "3", "4"]


@given(st.text(st.sampled_from("'\\ ;$a\n")))
def test_a_literal_is_one_token_whatever_is_in_it(text: str) -> None:
    (token,) = sql.tokens(sql.literal(text))
    assert token.kind == "string"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("SHOW TABLES", True),
        ("SHOW TABLES FROM analytics NOT ILIKE 'a\\'b' FORMAT CSV", True),
        ("SHOW CREATE VIEW analytics.traffic_daily", True),
        ("EXISTS TABLE ingests", True),
        ("SHOW TABLES FROM analytics WHERE name = 'x'", False),
        ("SHOW TABLES LIKE 'x' INTO OUTFILE 'y'", False),
        ("SHOW CREATE TABLE system.users", False),
        ("SHOW COLUMNS FROM ingests FROM system", False),
        ("SHOW PROCESSLIST", False),
        ("SHOW TABLES; DROP TABLE x", False),
        ("SELECT 1", False),
    ],
)
def test_only_whole_shapes_of_show_and_exists_pass(written: str, expected: bool) -> None:
    assert sql.is_listing(written) is expected
