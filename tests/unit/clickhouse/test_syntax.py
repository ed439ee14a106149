"""The engine's tree is read line by line; what does not add up, or is on no list, is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.clickhouse.queries import Reader
from pipeline.clickhouse.syntax import check
from pipeline.clickhouse.vocabulary import Foreign
from pipeline.errors import UsageError

FOREIGN = Foreign(["file", "sum", "hostName"], ["analytics", "default", "system"])


def select(*lines: str, count: int = 1) -> str:
    """A tree with ``lines``, ``count`` of them top-most, as what is selected."""
    head = [
        "SelectWithUnionQuery (children 1)",
        " ExpressionList (children 1)",
        "  SelectQuery (children 1)",
        f"   ExpressionList (children {count})",
    ]
    return "\n".join([*head, *(f"    {line}" for line in lines)])


@pytest.mark.parametrize(
    "lines",
    [
        ("Literal UInt64_1",),
        ("Literal \\'x (children 3)\\'",),
        ("Identifier hits (alias file)",),
        ("Function sumIf (alias a b) (children 1)", " ExpressionList"),
        ("Identifier system.one.dummy",),
    ],
)
def test_what_is_listed_passes(lines: tuple[str, ...]) -> None:
    check(select(*lines), FOREIGN)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("Function file (children 1)", " ExpressionList"), "file reaches outside"),
        (("Function FILE",), "FILE reaches outside"),
        (("Function mine",), "mine reaches outside"),
        (("Function a b",), "a function reaches outside"),
        (("Identifier file",), "file is a name of the engine's own"),
        (("Identifier HOSTNAME (alias x)",), "HOSTNAME is a name"),
        (("Identifier system.processes",), "system.processes is a name"),
        (("Identifier default./etc/x",), "default./etc/x is a name"),
        (("TableIdentifier system.processes",), "system.processes reaches outside"),
        (("TableIdentifier default.x (alias y)",), "default.x reaches outside"),
        (("TableIdentifier /etc/x",), "a table reaches outside"),
        (("TableExpression (children 1)", " Function sum"), "sum reaches outside"),
        (("ColumnsApplyTransformer",), "APPLY is not allowed"),
        (("Set",), "SETTINGS is not allowed"),
        (("NeverSeenBefore",), "NeverSeenBefore is not allowed"),
        (("Explain EXPLAIN",), "Explain is not allowed"),
    ],
)
def test_what_is_on_no_list_is_refused(lines: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check(select(*lines), FOREIGN)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        " SelectWithUnionQuery",
        "ShowTables",
        "CreateQuery analytics x",
        "SelectWithUnionQuery (children 1)",
        "SelectWithUnionQuery\n ExpressionList",
        "SelectWithUnionQuery (children 1)\n  ExpressionList",
        "SelectWithUnionQuery\nSelectWithUnionQuery",
        "SelectWithUnionQuery (children 1)\n Literal \\'/tmp/x\\'",
        "SelectWithUnionQuery (children 2)\n ExpressionList\n Set",
        "Explain EXPLAIN TABLE OVERRIDE (children 1)\n ExpressionList",
        select("Literal UInt64_1 (alias y", "Function z)"),
        select("Literal UInt64_1 (alias y) (children 1)"),
        select("Literal UInt64_1", " Literal UInt64_2"),
    ],
)
def test_a_tree_that_does_not_add_up_or_is_no_reading_is_refused(answer: str) -> None:
    with pytest.raises(UsageError):
        check(answer, FOREIGN)


@given(st.text(max_size=200))
def test_any_text_passes_or_is_the_one_error(answer: str) -> None:
    with pytest.raises(UsageError):
        check(answer, FOREIGN)


LEGITIMATE = r"""
SELECT site, sum(hits) AS n FROM analytics.traffic_daily GROUP BY site ORDER BY n DESC LIMIT 3
SELECT sumIf(hits, audience = 'human'), uniqExact(site), quantile(0.9)(hits) FROM traffic_daily
SELECT count() FILTER (WHERE hits > 1) FROM analytics.traffic_daily HAVING count() > 0
WITH a AS (SELECT site FROM traffic_daily), b AS (SELECT 1 AS x) SELECT * FROM a, b
WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT * FROM t
SELECT sum(hits) OVER (PARTITION BY site ORDER BY bytes ROWS 6 PRECEDING) FROM traffic_daily
SELECT rank() OVER w FROM analytics.traffic_daily WINDOW w AS (PARTITION BY site)
SELECT CASE WHEN hits > 1 THEN 'a' ELSE 'b' END, CASE site WHEN 'x' THEN 1 END FROM traffic_daily
SELECT toStartOfWeek(window_start), window_start + INTERVAL 1 DAY FROM analytics.traffic_daily
SELECT EXTRACT(YEAR FROM now()), dateDiff(day, today(), now()), date_trunc('month', now())
SELECT * FROM traffic_daily AS a LEFT JOIN breakdown_daily AS b ON a.site = b.site AND b.hits > 1
SELECT * FROM traffic_daily WHERE (site, audience) IN (('a', 'b')) AND site NOT IN ('x', 'y')
SELECT * FROM traffic_daily WHERE site IN (SELECT site FROM analytics.traffic_hourly)
SELECT site, grouping(site) FROM analytics.traffic_daily GROUP BY GROUPING SETS ((site), ())
SELECT arrayMap(x -> x + 1, [1, 2]), arrayMap(upper, ['a']), arrayJoin([1]), (1, 'a').1, [1][1]
SELECT * EXCEPT (bytes) REPLACE (toString(hits) AS hits) FROM analytics.traffic_daily
SELECT toDate('2024-01-01') + number AS d FROM numbers(3) ORDER BY d WITH FILL STEP 1
SELECT a FROM (SELECT [1, 2] AS b) ARRAY JOIN b AS a
SELECT * FROM VALUES('a Int8, b String', (1, 'x'))
SELECT 1 AS a UNION ALL SELECT 2 INTERSECT SELECT 2
SELECT * FROM analytics.traffic_daily_revisions FINAL PREWHERE site = 'a' LIMIT 1 BY site
SELECT name FROM system.columns WHERE database = 'analytics'
SELECT 'é\'s', x'4142', 0x1F, 1e3, .5, -1, 1 - -1, 1::Float64, 'a' || 'b'
SELECT 1 IS NULL, exists(SELECT 1), coalesce(NULL, 2), 1 BETWEEN 0 AND 2, toTypeName(1)
SELECT 1 AS `what ever`, 2 AS "and", 3 AS system, 4 AS file_size # and a comment
EXPLAIN SELECT count() FROM analytics.traffic_daily
EXPLAIN QUERY TREE SELECT 1
DESCRIBE analytics.traffic_daily
DESC (SELECT 1)
SHOW TABLES
SHOW TABLES FROM analytics LIKE '%daily%'
SHOW COLUMNS FROM analytics.traffic_daily
SHOW CREATE TABLE analytics.ingests
SHOW DATABASES
EXISTS analytics.ingests
""".strip().splitlines()


@pytest.mark.usefixtures("lasting")
@pytest.mark.parametrize("statement", LEGITIMATE)
def test_what_people_ask_of_their_tables_is_answered(statement: str, reader: Reader) -> None:
    assert isinstance(reader.rows(statement), list)
