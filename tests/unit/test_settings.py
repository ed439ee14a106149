"""One tree from file, environment and flags; a typing mistake is told in one line, never passed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.settings import Settings, load

SECRET = "hunter2-and-more"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of ours from outside, and none that ``load`` sets stays."""
    for variable in os.environ:
        if variable.startswith("PARTYWALL_"):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("PARTYWALL_CONFIG", "to be put back")
    monkeypatch.delenv("PARTYWALL_CONFIG")


def written(folder: Path, text: str) -> Path:
    path = folder / "partywall.yaml"
    path.write_text(text, encoding="latin-1")
    return path


def refused(config: Path | None = None, **flags: object) -> str:
    with pytest.raises(SettingsError) as caught:
        load(config, **flags)
    said = str(caught.value)
    assert "\n" not in said
    assert SECRET not in said
    assert "pydantic" not in said.lower()
    assert caught.value.exit_code == 2
    return said


def test_without_anything_the_defaults() -> None:
    assert load() == Settings()
    assert load().k is None
    assert load().split.delete_after_commit


def test_flags_over_environment_over_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(
        tmp_path, "k: 11\nmetrics_port: 1\nkafka: {bootstrap: 'file:1', replication: 3}\n"
    )
    monkeypatch.setenv("PARTYWALL_METRICS_PORT", "2")
    monkeypatch.setenv("PARTYWALL_KAFKA__BOOTSTRAP", "environment:2")
    made = load(path, k=33)
    assert (made.k, made.metrics_port) == (33, 2)
    assert (made.kafka.bootstrap, made.kafka.replication) == ("environment:2", 3)
    assert load(path).k == 11


def test_the_file_may_be_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARTYWALL_CONFIG", str(written(tmp_path, "k: 12\n")))
    assert load().k == 12


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("kk: 10\n", "kk"),
        ("kafka: {bootstrp: x}\n", "kafka.bootstrp"),
        ("split: {delete_after_comit: true}\n", "split.delete_after_comit"),
        ("split: {reject_limit: 1.5}\n", "split.reject_limit"),
        ("split: {max_line_bytes: 10}\n", "split.max_line_bytes"),
        ("k: 0\n", "k"),
        ("k: ten\n", "k"),
        ("log: {level: verbose}\n", "log.level"),
        ("kafka: {security: NONE}\n", "kafka.security"),
        ("windows: {hold_hours: 22}\n", "windows.hold_hours"),
        ("split: {site: 'a site'}\n", "split.site"),
        ("vault: {log: '../elsewhere'}\n", "vault.log"),
        ("kafka: 7\n", "kafka"),
    ],
)
def test_a_mistake_in_the_file(text: str, names: str, tmp_path: Path) -> None:
    said = refused(written(tmp_path, text))
    assert f"setting {names}:" in said


@pytest.mark.parametrize(
    "text", ["k: [", "\tk: 1", "- a\n- b\n", "just words\n", "k: 1\nk: {", "\xff\xfe"]
)
def test_a_file_that_is_no_tree(text: str, tmp_path: Path) -> None:
    assert "setting" in refused(written(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path / "none.yaml")
    assert "does not exist" in refused(tmp_path)


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    assert load(written(tmp_path, "")) == Settings()
    assert load(written(tmp_path, "# nothing yet\n")) == Settings()


@pytest.mark.parametrize(
    ("variable", "value", "names"),
    [
        ("PARTYWALL_KAFK__BOOTSTRAP", "x", "PARTYWALL_KAFK__BOOTSTRAP"),
        ("PARTYWALL_KAFKA_BOOTSTRAP", "x", "PARTYWALL_KAFKA_BOOTSTRAP"),
        ("PARTYWALL_KAFKA__BOOTSTRP", "x", "kafka.bootstrp"),
        ("PARTYWALL_PASSWORD", SECRET, "PARTYWALL_PASSWORD"),
        ("PARTYWALL_KAFKA__PASSWORD", SECRET, "kafka.password"),
        ("PARTYWALL_K", "many", "k"),
        ("PARTYWALL_SPLIT__OWN_HOSTS", "shop.example", "is no JSON"),
        ("PARTYWALL_KAFKA", SECRET, "is no JSON"),
    ],
)
def test_a_mistake_in_the_environment(
    variable: str, value: str, names: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    assert names in refused()


def test_who_somebody_is_may_stand_beside_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTYWALL_AS", "investigator")
    assert load() == load()


def test_a_mistake_in_a_flag() -> None:
    assert "setting k:" in refused(k=0)
    assert "setting nonsense:" in refused(nonsense=1)


def test_settings_do_not_change_once_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().split.reject_limit = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("goals: {shop: {signup: {}}}", "goals.shop.signup: Value error, needs either page or"),
        ("goals: {shop: {signup: {page: []}}}", "needs either page or event"),
        ("goals: {shop: {signup: {page: ''}}}", "page needs patterns of a path"),
        ("goals: {shop: {signup: {page: thanks it}}}", "page needs patterns of a path"),
        ("goals: {shop: {signup: {page: '/a/***'}}}", "page needs patterns of a path"),
        ("goals: {shop: {signup: {page: '/**/**/**/**/**'}}}", "page needs patterns of a path"),
        ("goals: {shop: {signup: {page: '/*a*a*a*a*b'}}}", "and 4 times * or **"),
        ("goals: {shop: {signup: {page: '/**/*-*/**/*.pdf'}}}", "and 4 times * or **"),
        ("goals: {shop: {signup: {page: /a, event: opened}}}", "needs either page or event"),
        ("goals: {shop: {signup: {event: opened, segment: view}}}", "leave it out beside event"),
        ("goals: {shop: {signup: {page: /a, segment: bot}}}", "goals.shop.signup.segment"),
        ("goals: {shop: {signup: {page: [/a, '*.pdf']}}}", "make two goals of them"),
        ("goals: {shop: {'(none)': {page: /a}}}", "goals.shop.(none)"),
        ("goals: {shop: {signup: {pages: /a}}}", "goals.shop.signup.pages: there is none of that"),
        ("goals:\n  shop:\n    a: {page: /a}\n    a: {page: /b}\n", "goals.shop.a: it stands"),
        ("k: 10\nk: 20\n", "setting k: it stands there twice; keep one of the two"),
    ],
)
def test_a_goal_that_is_none_is_refused_in_one_line(text: str, names: str, tmp_path: Path) -> None:
    assert names in refused(written(tmp_path, text))


def test_goals_of_a_site_that_nobody_has_heard_of_are_taken(tmp_path: Path) -> None:
    text = (
        "goals: {shop: {signup: {page: [/thanks, '/files/**']}, c: {event: opened}, "
        "file: {page: ['*.pdf', '/films/*.webm']}, any: {page: [/a, '*.pdf'], segment: failed}}}"
    )
    found = load(written(tmp_path, text)).goals["shop"]
    assert list(found) == ["signup", "c", "file", "any"]
    counted = [found[name].counted_in for name in ("signup", "file", "any")]
    assert counted == ["view", "request", "failed"]
