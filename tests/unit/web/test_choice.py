"""The sign-in without a password starts in an embedded group on the loopback, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from pipeline.cases.people import Directory, Role
from pipeline.errors import SettingsError
from pipeline.settings import Investigations, Oidc, RoleName, Settings, load
from pipeline.web.choice import choose, own_origin
from tests.support.pages import ORIGIN, Moment


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.yaml"
    Directory.make_default(path)
    return path


def _choose(settings: Investigations, *, embedded: bool = True, origin: str = ORIGIN) -> str:
    return choose(settings, embedded=embedded, origin=origin, clock=Moment()).way


def test_an_embedded_group_may_list_its_people(people: Path) -> None:
    assert _choose(Investigations(people=people)) == "people"


def test_nobody_else_may_and_the_refusal_exits_with_two(people: Path) -> None:
    with pytest.raises(SettingsError, match="embedded group alone") as caught:
        _choose(Investigations(people=people), embedded=False)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "cases.example.com"])  # noqa: S104
def test_not_even_an_embedded_group_lists_them_to_other_machines(people: Path, host: str) -> None:
    with pytest.raises(SettingsError, match=r"investigations\.host"):
        _choose(Investigations(people=people, host=host))
    with pytest.raises(SettingsError, match=r"investigations\.host"):
        _choose(Investigations(people=people), origin="https://cases.example.com")


def test_no_setting_makes_a_process_an_embedded_one() -> None:
    """It is an argument of whoever starts the process; here no name in the tree could be it."""
    assert not [name for name in Investigations.model_fields if "embedded" in name]
    assert "embedded" not in Settings.model_fields


def test_a_provider_wins_over_a_list(people: Path) -> None:
    oidc = Oidc(issuer="https://id.example.com", client_id="cases")
    assert _choose(Investigations(people=people, oidc=oidc)) == "oidc"


def test_without_a_list_an_embedded_group_says_what_is_missing() -> None:
    with pytest.raises(SettingsError, match=r"investigations\.people"):
        _choose(Investigations())


@pytest.mark.parametrize("issuer", ["http://id.example.com", "http://192.0.2.1"])
def test_a_provider_in_the_clear_is_refused(issuer: str) -> None:
    with pytest.raises(SettingsError, match="https"):
        _choose(Investigations(oidc=Oidc(issuer=issuer, client_id="cases")))


def test_a_secret_that_is_not_there_is_told_before_anybody_signs_in(tmp_path: Path) -> None:
    empty = tmp_path / "secret"
    empty.touch()
    for path in (empty, tmp_path / "none"):
        oidc = Oidc(issuer="https://id.example.com", client_id="c", client_secret_file=path)
        with pytest.raises(SettingsError, match="client_secret_file"):
            _choose(Investigations(oidc=oidc))


def test_the_origin_is_https_unless_it_is_this_machine() -> None:
    assert own_origin(Investigations(), 9340) == "http://127.0.0.1:9340"
    assert own_origin(Investigations(host="::1"), 1) == "http://[::1]:1"
    secure = Investigations(host="0.0.0.0", origin="https://Cases.example.com")  # noqa: S104
    assert own_origin(secure, 9340) == "https://cases.example.com"
    with pytest.raises(SettingsError, match="https"):
        own_origin(Investigations(origin="http://cases.example.com"), 9340)
    with pytest.raises(SettingsError, match=r"investigations\.origin"):
        own_origin(Investigations(host="0.0.0.0"), 9340)  # noqa: S104


def test_roles_have_the_same_words_in_settings_and_directory() -> None:
    assert set(get_args(RoleName)) == {role.value for role in Role}


def test_the_provider_can_be_named_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTYWALL_INVESTIGATIONS__OIDC__ISSUER", "https://id.example.com")
    monkeypatch.setenv("PARTYWALL_INVESTIGATIONS__OIDC__CLIENT_ID", "cases")
    monkeypatch.setenv("PARTYWALL_INVESTIGATIONS__OIDC__ROLE_MAP", '{"soc": "investigator"}')
    oidc = load().investigations.oidc
    assert oidc is not None
    assert oidc.role_map == {"soc": "investigator"}
    monkeypatch.setenv("PARTYWALL_INVESTIGATIONS__OIDC__ROLE_MAP", '{"soc": "root"}')
    with pytest.raises(SettingsError, match="role_map"):
        load()
