"""Judges a statement by the tree that the engine's own parser makes of it.

``EXPLAIN AST`` parses and runs nothing. Kinds of nodes, functions and tables in its answer must be
on closed lists, here and in ``vocabulary``. A node of which the answer hides a part is on none:
``APPLY`` does not show its function, ``SETTINGS`` not its names, ``SHOW`` not its WHERE.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pipeline.clickhouse.vocabulary import Foreign, is_function, is_table, is_table_function
from pipeline.errors import UsageError

_LINE: Final = re.compile(
    r"(?P<indent> *)(?P<kind>[\w:]+)(?P<text>.*?)(?: \(children (?P<count>\d+)\))?"
)
_ALIAS: Final = r"(?: \(alias .*\))?"
_FUNCTION: Final = re.compile(rf" (\w+){_ALIAS}", re.ASCII)
_TABLE: Final = re.compile(rf" (?:(\w+)\.)?(\w+){_ALIAS}", re.ASCII)

_QUERIES: Final = frozenset({"SelectWithUnionQuery", "Explain", "DescribeQuery"})
_UNDER_A_QUERY: Final = frozenset(
    {
        "ExpressionList",
        "Identifier",  # of FORMAT; the file after INTO OUTFILE is a Literal
        "SelectWithUnionQuery",
        "TableExpression",
    }
)
_ANYWHERE: Final = frozenset(
    """
    ArrayJoin Asterisk ColumnsExceptTransformer ColumnsListMatcher ColumnsRegexpMatcher
    ColumnsReplaceTransformer ColumnsReplaceTransformer::Replacement ColumnsTransformerList
    ExpressionList Function Identifier InterpolateElement Literal OrderByElement QualifiedAsterisk
    QualifiedColumnsListMatcher QualifiedColumnsRegexpMatcher SampleRatio
    SelectIntersectExceptQuery SelectQuery SelectWithUnionQuery Subquery TableExpression
    TableIdentifier TableJoin TablesInSelectQuery TablesInSelectQueryElement WindowDefinition
    WindowListElement WithElement
    """.split()
)
_SAID: Final = {
    "ColumnsApplyTransformer": "APPLY",
    "Literal": "INTO OUTFILE",
    "QueryParameter": "a parameter",
    "Set": "SETTINGS",
}
"""What people call the nodes they may want and cannot have."""
_EXPLAINS: Final = frozenset(
    f" EXPLAIN{what}" for what in ("", " AST", " SYNTAX", " QUERY TREE", " PIPELINE", " ESTIMATE")
)


@dataclass(slots=True)
class _Node:
    kind: str
    text: str
    parent: _Node | None
    missing: int
    """So many children are still to come."""


def check(answer: str, foreign: Foreign) -> None:
    """Raise UsageError unless everything in the tree may be asked.

    ``answer`` is what EXPLAIN AST gives, a node a line; ``foreign`` are the engine's other names.
    """
    found = _nodes(answer.split("\n"))
    if found[0].kind not in _QUERIES:
        raise UsageError("query: only SELECT, DESCRIBE, EXPLAIN and plain SHOW and EXISTS are read")
    for node in found:
        _judge(node, foreign)


def _nodes(lines: list[str]) -> list[_Node]:
    """Return the nodes, the root first; a name that pretends to be a line does not add up."""
    found: list[_Node] = []
    path: list[_Node] = []
    for line in lines:
        match = _LINE.fullmatch(line)
        depth = len(match["indent"]) if match else 0
        if match is None or depth > len(path) or (depth == 0 and found):
            raise _unclear()
        parent = path[depth - 1] if depth else None
        node = _Node(match["kind"], match["text"], parent, int(match["count"] or 0))
        if parent is not None:
            parent.missing -= 1
        path[depth:] = [node]
        found.append(node)
    if any(node.missing for node in found):
        raise _unclear()
    return found


def _judge(node: _Node, foreign: Foreign) -> None:
    parent = node.parent.kind if node.parent else ""
    allowed = _UNDER_A_QUERY if parent in _QUERIES else _ANYWHERE if parent else _QUERIES
    if node.kind not in allowed or (node.kind == "Explain" and node.text not in _EXPLAINS):
        raise UsageError(f"query: {_SAID.get(node.kind, node.kind)} is not allowed here")
    if node.kind == "Function":
        match = _FUNCTION.fullmatch(node.text)
        known = is_table_function if parent == "TableExpression" else is_function
        if match is None or not known(match[1]):
            raise _reaching(match[1] if match else "a function")
    elif node.kind == "TableIdentifier":
        match = _TABLE.fullmatch(node.text)
        if match is None or not is_table(match[1] or "", match[2]):
            raise _reaching(f"{match[1]}.{match[2]}" if match else "a table")
    elif node.kind == "Identifier":
        name = node.text.strip().partition(" (alias ")[0]
        if foreign.holds(name) and parent not in _QUERIES:
            raise UsageError(f"query: {name} is a name of the engine's own; choose another")


def _reaching(name: str) -> UsageError:
    return UsageError(f"query: {name} reaches outside the analytics tables and is not allowed")


def _unclear() -> UsageError:
    return UsageError("query: a name in it makes the statement unclear")
