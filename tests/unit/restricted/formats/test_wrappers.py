"""What stands around a line comes off whole, or the line is a reject; nobody reads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.restricted.formats import FORMATS, WRAPPERS, Context, find, parse

NOW = 1_800_000_000
LINE = '192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 7 "-" "Mozilla/5.0"'
SIX = LINE.replace("192.0.2.7", "2001:db8::7")
AT = "2015-05-17T10:05:03.123456Z"


def unwrap(name: str, *lines: str | None) -> list[str | None]:
    return WRAPPERS[name].unwrap(pl.Series(lines, dtype=pl.String)).to_list()


@pytest.mark.parametrize(
    ("name", "line", "inner"),
    [
        ("syslog3164", f"<190>Oct 11 22:14:15 web nginx: {LINE}", LINE),
        ("syslog3164", f"<190>Oct  1 22:14:15 web nginx[12]: {LINE}", LINE),
        ("syslog3164", f"Oct 11 22:14:15 web nginx: {LINE}", LINE),
        ("syslog3164", f"<190>Oct 11 22:14:15 nginx: {LINE}", LINE),
        ("syslog3164", f"<190>Oct 11 22:14:15 nginx: {SIX}", SIX),
        ("syslog3164", f"<190>Oct 11 22:14:15 web nginx: {SIX}", SIX),
        ("syslog3164", f"<190>Oct 11 22:14:15 2001:db8::1 nginx: {SIX}", SIX),
        ("syslog3164", f"<190>Oct 11 2015 22:14:15.123 web nginx: {LINE}", LINE),
        ("syslog3164", f"{AT} web nginx: {LINE}", LINE),
        ("syslog3164", f"2015-05-17T10:05:03+02:00 web nginx[12]:{LINE}", LINE),
        ("syslog3164", f"<134>{AT} cache-ber LogTest[62959]: {LINE}", LINE),
        ("syslog3164", f"{len(LINE) + 32} <190>Oct 11 22:14:15 web nginx: {LINE}", LINE),
        ("syslog3164", "<190>Oct 11 22:14:15 web nginx:  two blanks", " two blanks"),
        ("syslog3164", "<190>Oct 11 22:14:15 web nginx:", ""),
        ("syslog3164", f"<190>Oct 11 22:14:15 web {LINE}", None),
        ("syslog3164", f"<190>{LINE}", None),
        ("syslog3164", f"{len(LINE) + 40} <190>Oct 11 22:14:15 web nginx: {LINE}", None),
        ("syslog3164", LINE, None),
        ("syslog5424", f"<190>1 {AT} web nginx 12 - - {LINE}", LINE),
        ("syslog5424", f"<190>1 - - - - - - {LINE}", LINE),
        ("syslog5424", f"<190>1 {AT} web nginx 12 - - \ufeff{LINE}", LINE),
        ("syslog5424", f'<190>1 {AT} web nginx 12 ID [a@1 b="c" d=""] {LINE}', LINE),
        ("syslog5424", f'<190>1 {AT} w n 1 - [a b="] x"][c d="\\"\\]\\\\"][e] {LINE}', LINE),
        ("syslog5424", f"{len(LINE) + 47} <190>1 {AT} web n 1 - - {LINE}", LINE),
        ("syslog5424", f"{len(LINE) + 48} <190>1 {AT} web n 1 - - {LINE}", LINE),
        ("syslog5424", f"{len(LINE) + 49} <190>1 {AT} web n 1 - - {LINE}", None),
        ("syslog5424", f"<190>1 {AT} web nginx 12 - -", None),
        ("syslog5424", f'<190>1 {AT} w n 1 - [a b="c] {LINE}', None),
        ("syslog5424", f"<190>Oct 11 22:14:15 web nginx: {LINE}", None),
        ("cri", f"2016-10-06T00:17:09.669794202Z stdout F {LINE}", LINE),
        ("cri", f"2016-10-06T00:17:09.669794202+02:00 stderr F:more:tags {LINE}", LINE),
        ("cri", "2016-10-06T00:17:09Z stdout F ", ""),
        ("cri", f"2016-10-06T00:17:09.669794202Z stdout P {LINE}", None),
        ("cri", f"2016-10-06T00:17:09.669794202Z stdlog F {LINE}", None),
        ("journal", json.dumps({"MESSAGE": LINE}), LINE),
        ("journal", json.dumps({"MESSAGE": list(f"{LINE} é".encode())}), f"{LINE} é"),
        ("journal", json.dumps({"MESSAGE": [255, 65]}), "�A"),
        ("journal", json.dumps({"MESSAGE": []}), ""),
        ("journal", json.dumps({"MESSAGE": None}), None),
        ("journal", json.dumps({"MESSAGE": [LINE, LINE]}), None),
        ("journal", json.dumps({"MESSAGE": [256]}), None),
        ("journal", json.dumps({"MESSAGE": [True]}), None),
        ("journal", json.dumps({"message": LINE}), None),
        ("docker", json.dumps({"log": LINE + "\n"}), LINE),
        ("docker", json.dumps({"log": LINE}), None),
        ("docker", json.dumps({"log": {"a": 1}}), None),
        ("kubernetes", json.dumps({"log": LINE + "\n", "kubernetes": {}}), LINE),
        ("kubernetes", json.dumps({"message": LINE, "kubernetes": {"pod_name": "x"}}), LINE),
        ("kubernetes", json.dumps({"log": {"a": "é"}, "kubernetes": {}}), '{"a":"é"}'),
        ("kubernetes", json.dumps({"log": LINE, "message": "x", "kubernetes": {}}), LINE),
        ("kubernetes", json.dumps({"log": LINE, "logtag": "F", "kubernetes": {}}), LINE),
        ("kubernetes", json.dumps({"log": LINE, "logtag": "P", "kubernetes": {}}), None),
        ("kubernetes", json.dumps({"log": LINE, "_p": "P", "kubernetes": {}}), None),
        ("kubernetes", json.dumps({"log": LINE, "logtag": ["P"], "kubernetes": {}}), LINE),
        ("kubernetes", json.dumps({"log": LINE}), None),
        ("kubernetes", json.dumps({"log": [LINE], "kubernetes": {}}), None),
        ("kubernetes", json.dumps({"log": LINE, "kubernetes": "x"}), None),
    ],
)
def test_quirk(name: str, line: str, inner: str | None) -> None:
    assert unwrap(name, line) == [inner]
    assert unwrap(name, "nonsense", line, None, line) == [None, inner, None, inner]


def syslog3164(line: str, words: list[str]) -> str:
    return f"<13>Oct 11 22:14:15 {words[0]} {words[1]}[{words[2]}]: {line}"


def syslog5424(line: str, words: list[str]) -> str:
    values = [word.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]") for word in words]
    return f'<13>1 {AT} {words[0]} {words[1]} - - [a@1 b="{values[2]}" c="{values[0]}"] {line}'


def cri(line: str, words: list[str]) -> str:
    return f"2016-10-06T00:17:09.669794202Z stderr F:{words[0]} {line}"


def journal(line: str, words: list[str]) -> str:
    return json.dumps({"_HOSTNAME": words[0], "MESSAGE": line, "SYSLOG_IDENTIFIER": words[1]})


def journal_bytes(line: str, words: list[str]) -> str:
    return json.dumps({"MESSAGE": list(line.encode()), "_HOSTNAME": words[0]})


def docker(line: str, words: list[str]) -> str:
    return json.dumps({"log": line + "\n", "attrs": {"tag": words[0]}})


def kubernetes(line: str, words: list[str]) -> str:
    return json.dumps({"kubernetes": {"pod_name": words[0], "host": words[1]}, "message": line})


MAKERS: list[tuple[str, Callable[[str, list[str]], str]]] = [
    ("syslog3164", syslog3164), ("syslog5424", syslog5424), ("cri", cri), ("journal", journal),
    ("journal", journal_bytes), ("docker", docker), ("kubernetes", kubernetes),
]  # fmt: skip
_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=40)
_word = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="[]:"), min_size=1, max_size=9
)


def test_every_wrapper_is_tried() -> None:
    assert {name for name, _ in MAKERS} == set(WRAPPERS)


@pytest.mark.parametrize(("name", "make"), MAKERS, ids=[make.__name__ for _, make in MAKERS])
@settings(max_examples=60)
@given(st.lists(st.tuples(_text, st.lists(_word, min_size=3, max_size=3)), max_size=5))
def test_any_line_comes_out_as_it_went_in(
    name: str, make: Callable[[str, list[str]], str], made: list[tuple[str, list[str]]]
) -> None:
    # A mark in front of the message belongs to the syslog, and so does a blank after the tag.
    wanted = [line.removeprefix("\ufeff") if name == "syslog5424" else line for line, _ in made]
    assert unwrap(name, *(make(line, words) for line, words in made)) == wanted


@settings(max_examples=60)
@given(_text, st.lists(_word, min_size=3, max_size=3))
def test_two_wrappers_deep(line: str, words: list[str]) -> None:
    outer = syslog5424(docker(line, words), words)
    among = {**FORMATS, "any": FORMATS["combined"]}
    form = find("syslog5424.docker.combined", among)
    assert form is not None
    context = Context(NOW)
    alone = parse("combined", pl.Series([line, LINE]), context)
    both = pl.Series([outer, syslog5424(docker(LINE, words), words)])
    found = parse("syslog5424.docker.combined", both, context)
    wanted = alone["reject"].replace("empty", "not_this_format").to_list()
    assert found["reject"].to_list() == wanted
    assert found.row(1) == alone.row(1)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("docker.combined", True),
        ("syslog3164.syslog5424.combined", True),
        ("docker.docker.docker.combined", False),
        ("docker.", False),
        ("docker", False),
        (".combined", False),
        ("podman.combined", False),
        ("combined.docker", False),
        ("docker.auto", False),
    ],
)
def test_a_name_with_wrappers_in_front(name: str, known: bool) -> None:
    assert (find(name) is not None) == known


def test_a_name_with_dots_of_ones_own_comes_first() -> None:
    own = {"docker.combined": FORMATS["common"], **FORMATS}
    assert find("docker.combined", own) is FORMATS["common"]


@pytest.mark.parametrize("name", WRAPPERS)
def test_nothing_in_nothing_out(name: str) -> None:
    assert unwrap(name) == []
    assert unwrap(name, None, "", " ") == [None, None, None]


@pytest.mark.parametrize("name", ["journal", "docker", "kubernetes"])
def test_lines_made_for_each_other_shift_nothing(name: str) -> None:
    make = dict(MAKERS)[name]
    words: list[Any] = ["a", "b", "c"]
    lines = [make("one", words), '{"a":"', '"},{', make("two", words), "[", "]"]
    assert unwrap(name, *lines) == ["one", None, None, "two", None, None]
