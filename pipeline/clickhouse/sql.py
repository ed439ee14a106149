"""Reads SQL just far enough to split a script and to refuse what a reader must not ask.

A statement is cut into tokens as ClickHouse's lexer does (src/Parsers/Lexer.cpp), and what might be
cut in two ways is refused: heredocs, ``$`` in names, escapes in quoted names, comments in comments.
This is the first of two looks, made at a person's text and again at what the engine wrote of it;
``syntax`` takes the second one, at the tree of the engine's own parser.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from pipeline.errors import UsageError

READING: Final = frozenset(
    {"select", "with", "from", "show", "describe", "desc", "explain", "exists", "("}
)
"""First tokens of statements that only read."""

_REACHING_OUT: Final = re.compile(
    r"(?i:file|outfile|infile|hasColumnInTable|catboostEvaluate|reverseDNSQuery|showCertificate"
    r"|executable|sleep|sleepEachRow)|(?:ai|AI)[A-Z]\w*",
    re.ASCII,
)
"""Words refused wherever they stand as a name, whatever the tree makes of them."""

# What no keyboard types: control characters, and halves of a character that is no UTF-8.
_UNWRITTEN: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")

_TOKEN: Final = re.compile(
    r"""(?P<space>[ \t\n\r\f\v]+|--[^\n]*|/\*(?:(?!/\*|\*/).)*\*/|\#[ !][^\n]*)
      | (?P<string>'(?:[^'\\]|\\.|'')*'|[xXbB]'[0-9A-Fa-f]*')
      | (?P<quoted>`[^`\\\n\r]*`(?!`)|"[^"\\\n\r]*"(?!"))
      | (?P<word>(?![xXbB]')[A-Za-z_][A-Za-z0-9_]*)
      | (?P<number>[0-9]+)
      | (?P<mark>(?!/\*)[!%&()*+,\-./:;<=>?@\[\]^{|}~])
    """,
    re.VERBOSE | re.DOTALL,
)

_STRING: Final = r"'(?:[^'\\]|\\.|'')*'"
_LISTING: Final = re.compile(
    rf"""(?: SHOW[ ]DATABASES
           | SHOW[ ]TABLES (?:[ ]FROM[ ]\w+)? (?:[ ](?:NOT[ ])?I?LIKE[ ]{_STRING})?
           | SHOW[ ]COLUMNS[ ]FROM[ ]\w+ (?:[ ]FROM[ ]analytics)?
           | (?:SHOW[ ]CREATE|EXISTS)[ ](?:TABLE|VIEW)[ ](?:analytics\.)?\w+
         ) (?:[ ]FORMAT[ ]\w+)?""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)


class Token(NamedTuple):
    """One token; ``kind`` is string, quoted, word, number or mark."""

    kind: str
    text: str
    start: int


def tokens(sql: str) -> Iterator[Token]:
    """Yield the tokens of ``sql``, comments left out; raises UsageError where one is unclear."""
    unwritten = _UNWRITTEN.search(sql)
    end = unwritten.start() if unwritten else len(sql)
    position = 0
    while position < len(sql):
        match = _TOKEN.match(sql, position)
        if match is None or match.end() > end:
            raise UsageError(f"query: cannot be read from character {position + 1} on")
        if match.lastgroup is not None and match.lastgroup != "space":
            yield Token(match.lastgroup, match.group(), position)
        position = match.end()


def statements(script: str) -> list[str]:
    """Split a script at its semicolons; comments stay with the statement that follows them."""
    found: list[str] = []
    begin: int | None = None
    start = 0
    for token in tokens(script):
        if token.text == ";" and token.kind == "mark":
            if begin is not None:
                found.append(script[start : token.start].strip())
            begin, start = None, token.start + 1
        elif begin is None:
            begin = token.start
    if begin is not None:
        found.append(script[start:].strip())
    return found


def reading(sql: str, refused: Collection[str] = ()) -> str:
    """Return ``sql`` as one reading statement without its semicolon.

    ``refused`` are names, in lower case, that must not be called. Raises UsageError for several
    statements, for one that writes, and for one that could reach files, the network or other
    servers.
    """
    found = statements(sql)
    if len(found) != 1:
        raise UsageError("query: write one statement" if found else "query: it is empty")
    parts = list(tokens(found[0]))
    if parts[0].text.lower() not in READING:
        raise UsageError("query: only reading is possible (SELECT, SHOW, DESCRIBE, EXPLAIN)")
    for token, following in zip(parts, [*parts[1:], None], strict=True):
        if token.kind not in {"word", "quoted"}:
            continue
        name = token.text.strip('`"')
        called = following is not None and following.text == "("
        if _REACHING_OUT.fullmatch(name) or (called and name.lower() in refused):
            raise UsageError(
                f"query: {name.lower()} reaches outside the analytics tables and is not allowed"
            )
        if token.kind == "quoted" and "/" in name:
            raise UsageError("query: a quoted name cannot hold a slash")
    return found[0]


def is_listing(written: str) -> bool:
    """Tell whether ``written``, as the engine writes it, asks for names of ours and no more.

    The engine's tree leaves out what such statements say after WHERE, so only whole shapes pass.
    """
    return _LISTING.fullmatch(written) is not None


def literal(text: str) -> str:
    """Return ``text`` as a string literal; nothing but quote and backslash has a meaning in one."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def has_format(sql: str) -> bool:
    """Tell whether a statement ends with a FORMAT clause of its own."""
    match [token for token in tokens(sql) if token.text != ";"]:
        case [*_, keyword, name]:
            return keyword.text.lower() == "format" and name.kind == "word"
    return False
