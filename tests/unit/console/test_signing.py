"""Sessions and links are believed where this console signed them, for what they are, in time."""

from __future__ import annotations

import base64
import datetime as dt

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from pipeline.console.signing import EndedError, Signer, Viewer
from pipeline.errors import IntegrityError
from tests.support.pages import Moment

KEY = "k" * 43
WEEK = dt.timedelta(days=7)


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture
def signer(moment: Moment) -> Signer:
    return Signer(KEY, moment)


def test_a_session_says_who_and_which_sites(signer: Signer) -> None:
    for viewer in (Viewer("you"), Viewer("team", frozenset({"shop", "blog"}))):
        assert signer.viewer(signer.session(viewer, WEEK)) == viewer
    assert Viewer("you").sees("any")
    assert not Viewer("team", frozenset({"shop"})).sees("blog")


def test_a_link_ends_to_the_second_and_says_when_it_did(signer: Signer, moment: Moment) -> None:
    link = signer.link("shop", "period=7d", WEEK)
    moment.move(days=7, seconds=-1)
    assert signer.shared(link).query == "period=7d"
    moment.move(seconds=1)
    with pytest.raises(EndedError) as caught:
        signer.shared(link)
    assert caught.value.ended == moment.now


def test_neither_passes_for_the_other(signer: Signer) -> None:
    with pytest.raises(IntegrityError):
        signer.viewer(signer.link("shop", "", WEEK))
    with pytest.raises(IntegrityError):
        signer.shared(signer.session(Viewer("you"), WEEK))


def test_what_it_was_signed_for_decides_and_not_what_it_says(signer: Signer) -> None:
    claims = {"exp": 9_999_999_999, "name": "you", "sites": None, "site": "shop", "query": ""}
    for use, read in (("link", signer.viewer), ("session", signer.shared), ("", signer.viewer)):
        forged = jwt.encode({"alg": "HS256"}, {**claims, "use": use}, OctKey.import_key(KEY))
        with pytest.raises(IntegrityError):
            read(forged)


def test_what_was_signed_elsewhere_or_changed_or_not_at_all_is_refused(
    signer: Signer, moment: Moment
) -> None:
    good = signer.link("shop", "", WEEK)
    head, claims, signature = good.split(".")
    other = base64.urlsafe_b64encode(b'{"use":"link","site":"blog","query":"","exp":9999999999}')
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    for forged in (
        Signer("x" * 43, moment).link("shop", "", WEEK),
        f"{head}.{other.rstrip(b'=').decode()}.{signature}",
        f"{unsigned}.{claims}.",
        jwt.encode({"alg": "HS512"}, {"use": "link"}, OctKey.import_key(KEY.encode()),
                   algorithms=["HS512"]),
        good[:-2], "", "a.b.c", "\x00", good * 100,
    ):  # fmt: skip
        with pytest.raises(IntegrityError):
            signer.shared(forged)
