"""The slow reference counts a handful of lines as a person would."""

from __future__ import annotations

from pipeline.bench.reference import Count, Describers, rows
from pipeline.rows import CELLS

LINES = [
    b'192.0.2.1 - - [06/Jan/2025:10:59:59 +0000] "GET /a?x=1 HTTP/1.1" 200 10 "-" "A"\n',
    b'192.0.2.1 - - [06/Jan/2025:12:30:00 +0200] "GET /a HTTP/1.1" 200 5 "-" "A"\n',
    b'192.0.2.1 - - [06/Jan/2025:11:00:00 +0000] "GET /a HTTP/1.1" 200 - "-" "A"\n',
    b'192.0.2.1 - - [06/Jan/2025:18:30:00 -0530] "POST /b HTTP/1.1" 404 7 "http://r/" "A"\n',
    b'192.0.2.2 - - [06/Jan/2025:10:00:00 +0000] "GET /a HTTP/1.1" 200 1 "-" "-"\n',
    b"not a line\n",
]
MONDAY = 1_736_121_600


def _page(target: str) -> str:
    return target.partition("?")[0]


def _agent(header: str | None) -> tuple[str, ...]:
    return ("human" if header else "bot", f"browser {header}", "1", "system", "desktop", "kind")


def _referrer(url: str | None) -> tuple[str | None, str, None]:
    return (url or "(direct)", "other" if url else "direct", None)


def _campaign(target: str) -> str:
    return target.partition("?")[2] or "(none)"


DESCRIBERS = Describers(_page, _agent, _referrer, str.lower, _campaign)


def test_rows_are_cells() -> None:
    """Columns as the oracle wants them; hours in UTC; one visitor a day, address and agent."""
    count = Count()
    found = list(rows(LINES, "bench", DESCRIBERS, count))
    assert all(set(row) == set(CELLS) for row in found)
    assert (count.lines, count.events, count.rejected, count.bytes) == (6, 5, 1, 23)
    short = [(row["hour"], row["visitor"], row["page"], row["hits"], row["bytes"]) for row in found]
    assert short == [
        (MONDAY + 10 * 3600, 0, "/a", 1, 10),
        (MONDAY + 10 * 3600, 0, "/a", 1, 5),
        (MONDAY + 11 * 3600, 0, "/a", 1, 0),
        (MONDAY + 24 * 3600, 1, "/b", 1, 7),
        (MONDAY + 10 * 3600, 2, "/a", 1, 1),
    ]
    assert [row["campaign"] for row in found] == ["x=1", *["(none)"] * 4]
    assert found[3]["referrer"] == "http://r/"
    assert found[3]["method"] == "post"
    assert (found[4]["segment"], found[4]["suspicion"]) == ("bot", "(bot)")


def test_what_asks_for_no_page_has_no_method() -> None:
    line = b'192.0.2.1 - - [06/Jan/2025:10:00:00 +0000] "CONNECT a:443 HTTP/1.1" 400 0 "-" "A"\n'
    nowhere = Describers(lambda _: "(none)", _agent, _referrer, str.lower, _campaign)
    [row] = rows([line], "bench", nowhere)
    assert (row["page"], row["method"]) == ("(none)", "(none)")


def test_each_distinct_value_is_described_once() -> None:
    """The reference is slow, but not as slow as parsing an agent a line."""
    asked: list[str | None] = []

    def agent(header: str | None) -> tuple[str, ...]:
        asked.append(header)
        return _agent(header)

    list(rows(LINES * 3, "bench", Describers(_page, agent, _referrer, str.lower, _campaign)))
    assert asked == ["A", None]
