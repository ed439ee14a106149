"""The closed lists against what the engine of today has to offer."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.client import Client

from pipeline.clickhouse.queries import Reader
from pipeline.clickhouse.vocabulary import Foreign, is_function, is_table, is_table_function
from pipeline.errors import UsageError

pytestmark = pytest.mark.usefixtures("lasting")

# By the engine's own account, functions of these kinds compute from their arguments.
COMPUTING = set(
    """Aggregate-Functions Arithmetic Arrays Bit Comparison Conditional Dates-and-Times Encoding
    Hash IP-Address JSON Logical Map Mathematical Null Random-Number Rounding String String-Search
    String-Replacement String-Splitting Tuple Type-Conversion URL UUID""".split()
)
READ = set(
    """bar byteSize caseWithExpr caseWithExpression countDigits currentDatabase DATABASE digits
    current_database FORMAT_BYTES formatQuery formatQueryOrNull formatQuerySingleLine
    formatQuerySingleLineOrNull formatReadableDecimalSize formatReadableQuantity SCHEMA
    formatReadableSize formatReadableTimeDelta identity ignore isConstant materialize revision
    rowNumberInAllBlocks rowNumberInBlock runningDifference toTypeName transform version
    visibleWidth array_concat_agg""".split()
)
"""Of other kinds, or of none: somebody has read what they do."""


def test_a_function_is_allowed_only_where_its_kind_computes_or_somebody_has_read_it(
    client: Client,
) -> None:
    found = client.query("SELECT name, alias_to, categories FROM system.functions").result_rows
    kinds = {name: kind.replace(" ", "-") for name, _, kind in found}
    assert len(kinds) > 1500
    allowed = [(name, alias) for name, alias, _ in found if is_function(name)]
    assert len(allowed) > 800
    assert {name for name, alias in allowed if kinds.get(alias or name) not in COMPUTING} <= READ


@pytest.mark.parametrize(
    "name",
    """file sleep sleepEachRow throwIf hostName currentUser getSetting getServerSetting getMacro
    dictGet joinGet hasColumnInTable evalMLMethod catboostEvaluate aiGenerate reverseDNSQuery
    showCertificate addressToLine demangle logTrace formatRow finalizeAggregation regionToName
    fileOrNull fileIf sumIfFile mine""".split(),
)
def test_what_reaches_out_waits_or_tells_of_the_server_is_on_no_list(name: str) -> None:
    assert not is_function(name)
    assert not is_function(name.upper())


def test_endings_are_allowed_on_listed_names_only() -> None:
    assert is_function("sumIf")
    assert is_function("UNIQEXACTARRAYIF")
    assert is_function("toDateOrNull")
    assert not is_function("OrNull")
    assert not is_function("")


def test_every_table_function_of_the_engine_is_refused_but_the_listed(reader: Reader) -> None:
    names = [str(row["name"]) for row in reader.rows("SELECT name FROM system.table_functions")]
    assert len(names) > 50
    for name in names:
        if is_table_function(name):
            continue
        for spelling in (name, f'"{name}"', name.upper()):
            for statement in (f"SELECT * FROM {spelling}('x')", f"DESCRIBE {spelling}('x')"):  # noqa: S608
                with pytest.raises(UsageError, match="reaches outside"):
                    reader.rows(statement)


def test_no_column_of_ours_is_taken_for_a_name_of_the_engine(client: Client) -> None:
    query = "SELECT name FROM system.{}"
    known = [row[0] for row in client.query(query.format("functions")).result_rows]
    foreign = Foreign(known, [])
    ours = client.query("SELECT name FROM system.columns WHERE database = 'analytics'")
    assert [name for (name,) in ours.result_rows if foreign.holds(name)] == []


def test_tables_are_ours_or_listed() -> None:
    assert is_table("analytics", "traffic_daily")
    assert is_table("", "traffic_daily")
    assert is_table("system", "columns")
    assert not is_table("system", "processes")
    assert not is_table("default", "traffic_daily")
