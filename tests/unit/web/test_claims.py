"""An ID token counts if it is signed, for us, in time and in answer; a role if we know its word."""

from __future__ import annotations

import datetime as dt
import warnings
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from pipeline.cases.people import Person, Role
from pipeline.errors import IntegrityError
from pipeline.settings import Oidc
from pipeline.web.claims import UnknownKeyError, person_of, verify
from pipeline.web.signin import Refused

NOW: Final = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
SECONDS: Final = int(NOW.timestamp())
SETTINGS: Final = Oidc(
    issuer="https://id.example.com",
    client_id="cases",
    role_map={"soc": "investigator", "lead": "approver"},
    team_claim="team",
)
KEYS: Final[dict[str, OctKey | RSAKey | ECKey | OKPKey]] = {
    "RS256": RSAKey.generate_key(2048, {"kid": "RS256"}),
    "ES256": ECKey.generate_key("P-256", {"kid": "ES256"}),
    "EdDSA": OKPKey.generate_key("Ed25519", {"kid": "EdDSA"}),
    "HS256": OctKey.generate_key(256, {"kid": "HS256"}),
    "PS256": RSAKey.generate_key(2048, {"kid": "PS256"}),
}
GOOD: Final = {
    "iss": "https://id.example.com",
    "sub": "investigator",
    "aud": "cases",
    "exp": SECONDS + 300,
    "iat": SECONDS,
    "nonce": "n-1",
}


def _token(alg: str = "RS256", kid: str | None = None, **changes: Any) -> str:  # noqa: ANN401
    claims = {k: v for k, v in {**GOOD, **changes}.items() if v is not None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return jwt.encode(
            {"alg": alg, "kid": kid or alg},
            claims,
            KEYS[alg],
            registry=JWSRegistry(algorithms=[alg]),
        )


def _verify(token: str, **other: Any) -> Any:  # noqa: ANN401
    known = {"nonce": "n-1", "access_token": None, "now": NOW, **other}
    return verify(token, KeySet(list(KEYS.values())), SETTINGS, **known)


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
def test_a_good_token_of_each_allowed_algorithm_is_taken(alg: str) -> None:
    assert _verify(_token(alg))["sub"] == "investigator"


@pytest.mark.parametrize("alg", ["HS256", "PS256"])
def test_another_algorithm_is_refused_though_its_key_is_published(alg: str) -> None:
    with pytest.raises(IntegrityError):
        _verify(_token(alg))


def test_a_token_without_a_signature_is_refused() -> None:
    head, body, _ = _token().split(".")
    none = "eyJhbGciOiJub25lIn0"
    for token in (f"{none}.{body}.", f"{head}.{body}.", f"{head}.{body}", "", "a.b.c"):
        with pytest.raises(IntegrityError):
            _verify(token)


def test_a_token_signed_by_nobody_we_know_is_refused() -> None:
    stranger = RSAKey.generate_key(2048, {"kid": "RS256"})
    with pytest.raises(IntegrityError):
        _verify(jwt.encode({"alg": "RS256", "kid": "RS256"}, GOOD, stranger))
    with pytest.raises(UnknownKeyError):
        _verify(_token(kid="newer"))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://id.example.org"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"aud": ["cases", "another"]},  # for two, and azp does not say that it is ours
        {"aud": ["cases", "another"], "azp": "another"},
        {"azp": "another"},
        {"exp": SECONDS - 61},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": SECONDS + 600},
        {"iat": None},
        {"nbf": SECONDS + 600},
        {"nonce": "n-2"},
        {"nonce": None},
        {"sub": None},
    ],
    ids=str,
)
def test_a_token_with_one_claim_wrong_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        _verify(_token(**changes))


def test_a_token_that_goes_with_another_access_token_is_refused() -> None:
    with pytest.raises(IntegrityError):
        _verify(_token(at_hash="AAAAAAAAAAAAAAAAAAAAAA"), access_token="t")
    assert _verify(_token(aud=["cases", "another"], azp="cases"), access_token="t")


def test_roles_are_those_whose_word_we_know_and_no_others() -> None:
    found = person_of({**GOOD, "roles": ["soc", "root", 7, "admin"], "team": "abuse"}, SETTINGS)
    assert found == Person("investigator", frozenset({Role.INVESTIGATOR}), "abuse")
    both = person_of({**GOOD, "roles": ["soc", "lead"]}, SETTINGS)
    assert isinstance(both, Person)
    assert both.roles == {Role.INVESTIGATOR, Role.APPROVER}
    assert both.team is None


@pytest.mark.parametrize(
    "roles", [None, [], ["root"], "root", {"soc": True}, 3, ["SOC"], [["soc"]]]
)
def test_without_a_role_of_ours_nobody_comes_in(roles: object) -> None:
    claims = {**GOOD, "roles": roles} if roles is not None else GOOD
    assert person_of(claims, SETTINGS) == Refused("roles", "investigator")


@pytest.mark.parametrize(
    "name", ["", "keys", "CLOCK", "unknown", "a b", "x" * 129, "a\nb", 7, None, "<b>"]
)
def test_a_name_that_could_pass_for_another_in_the_log_is_refused(name: object) -> None:
    assert person_of({**GOOD, "sub": name, "roles": ["soc"]}, SETTINGS) == Refused("name")


@pytest.mark.parametrize("way", ["realm_access.roles", "https://example.com/roles"])
def test_a_claim_is_found_by_its_name_or_by_the_way_to_it(way: str) -> None:
    settings = SETTINGS.model_copy(update={"roles_claim": way})
    claims = {
        **GOOD,
        "realm_access": {"roles": ["soc"]},
        "https://example.com/roles": ["soc"],
    }
    assert isinstance(person_of(claims, settings), Person)


@given(
    st.dictionaries(
        st.sampled_from(["sub", "roles", "team", "realm_access"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ),
    )
)
def test_any_claims_make_a_person_with_mapped_roles_or_nobody(claims: dict[str, object]) -> None:
    found = person_of(claims, SETTINGS)
    assert isinstance(found, Refused) or found.roles <= {Role.INVESTIGATOR, Role.APPROVER}
