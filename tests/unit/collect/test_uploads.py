"""Pushed lines: cut into messages without losing a byte; a token opens its own sites only."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collect import uploads
from pipeline.collect.refusals import RefusedError
from pipeline.errors import SettingsError
from pipeline.settings import CollectSource

LINE = st.integers(0, 700_000).map(lambda size: b"x" * size)


@given(lines=st.lists(LINE, max_size=8), ended=st.booleans())
def test_messages_are_the_body_in_whole_lines(lines: list[bytes], ended: bool) -> None:
    """Each fits into a message of the topic; a line is cut only beyond what split would read."""
    body = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    found = list(uploads.messages(body))
    assert b"".join(message.value for message in found) == body
    assert all(0 < len(message.value) <= 512 * 1024 for message in found)
    for message in found[:-1]:
        assert message.value.endswith(b"\n") or len(message.value) == 512 * 1024
    if all(len(line) < 512 * 1024 for line in lines):
        whole = len(body.split(b"\n")) - (not body or body.endswith(b"\n"))
        assert sum(message.lines for message in found) == whole


def made(folder: Path, **tokens: str) -> dict[str, CollectSource]:
    for name, token in tokens.items():
        (folder / name).write_text(token, encoding="utf-8")
    return {name: CollectSource(token_file=folder / name, sites=["shop", name]) for name in tokens}


def test_a_token_is_of_one_source_and_opens_its_sites(tmp_path: Path) -> None:
    sources = uploads.Sources(made(tmp_path, one="1" * 32 + "\n", two="2" * 32))
    assert sources.of("Bearer " + "1" * 32) == "one"
    assert sources.of("bearer " + "2" * 32) == "two"
    assert sources.site("one", "shop") == "shop"
    for named in (None, "two", "", "shop "):
        with pytest.raises(RefusedError, match="unknown_site"):
            sources.site("one", named)
    for format_ in (None, "", "a b", "../x", "x" * 65):
        with pytest.raises(RefusedError, match="format"):
            sources.format("one", format_)
    assert sources.format("one", "combined") == "combined"


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "1" * 32, "Basic " + "1" * 32, "Bearer é"]
)
def test_what_is_no_token_opens_nothing(header: str, tmp_path: Path) -> None:
    sources = uploads.Sources(made(tmp_path, one="1" * 32))
    with pytest.raises(RefusedError, match="token"):
        sources.of(header)
    with pytest.raises(RefusedError, match="token"):
        uploads.Sources({}).of("Bearer " + "1" * 32)


def test_tokens_that_protect_nothing_stop_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"sources.one.token_file: a token has 32 characters"):
        uploads.Sources(made(tmp_path, one="1" * 31))
    with pytest.raises(SettingsError, match="two share a token"):
        uploads.Sources(made(tmp_path, one="1" * 32, two="1" * 32))
    absent = CollectSource(token_file=tmp_path / "none", sites=["shop"])
    with pytest.raises(SettingsError, match=r"sources.x.token_file: cannot be read"):
        uploads.Sources({"x": absent})


def test_cloudflares_test_is_known_and_no_log_is_taken_for_it() -> None:
    assert uploads.is_test(b'{"content":"tests"}')
    assert uploads.is_test(b'{ "content": "tests" }\n')
    assert not uploads.is_test(b'{"content":"tests"}\n{"content":"tests"}')
    assert not uploads.is_test(b"")
