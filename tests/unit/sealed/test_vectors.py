"""The published vectors: what opens, opens to these lines; what must not, is refused by its part.

Two readers are asked, ours and a plain one that does what docs/vault-format.md says.
``python -m tests.support.vectors.write docs/vectors`` makes the files anew.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pipeline.errors import IntegrityError
from pipeline.investigations.open import open_batch
from pipeline.keys.material import Tokeniser
from pipeline.restricted.pseudonym import Pseudonymiser
from pipeline.restricted.seal import seal
from tests.support.vectors.write import documents
from tests.unit.sealed.plain_reader import Refused, open_message
from tests.unit.sealed.records import START, day_key, records

FOLDER: Final = Path(__file__).parents[3] / "docs" / "vectors"
NAMED: Final = {
    "content": r"frame \d+ does not hold what was sealed",
    "frame": r"frame \d+ is damaged, or not in its place",
    "header": r"header of a sealed message is damaged",
    "index": r"index of a sealed message is damaged",
    "key": r"the batch's key does not open",
    "length": r"sealed message is cut, or",
    "prologue": r"cut inside its prologue",
    "version": r"not a sealed message of a version known here",
}
"""The part that a vector names → what a refusal says."""

SAID: Final = ("tcId", "comment", "flags", "result", "error", "frame", "lines")
"""What a vector says of its message."""

Test = dict[str, Any]


def groups(name: str) -> Iterator[Test]:
    document = json.loads((FOLDER / f"{name}.json").read_text("ascii"))
    yield from document["testGroups"]


def of_kind(name: str, kind: str) -> list[Test]:
    """The tests of a kind, each with what its group says."""
    found = []
    for group in groups(name):
        if group["type"] == kind:
            rest = {key: value for key, value in group.items() if key != "tests"}
            found += [{**rest, **test} for test in group["tests"]]
    return found


MESSAGES: Final = of_kind("sealed-messages", "SealedMessage")


def test_there_are_hundreds_and_most_must_fail() -> None:
    results = Counter(test["result"] for test in MESSAGES)
    assert results["invalid"] >= 400
    assert results["valid"] >= 30
    numbers = [test["tcId"] for test in MESSAGES]
    assert numbers == sorted(set(numbers))
    assert {test["error"] for test in MESSAGES if test["result"] == "invalid"} == {*NAMED}


def test_a_message_opens_to_its_lines_or_is_refused_by_the_part_that_is_wrong() -> None:
    wrong = []
    for test in MESSAGES:
        private = bytes.fromhex(test["privateKey"])
        message = base64.b64decode(test["message"])
        try:
            lines = open_batch(private, message)["raw"].to_list()
        except IntegrityError as error:
            fits = test["result"] == "invalid" and re.search(NAMED[test["error"]], str(error))
            frame = test.get("frame")
            if not fits or (frame is not None and f"frame {frame} " not in str(error)):
                wrong.append((test["tcId"], test["comment"], str(error)))
        else:
            expected = [base64.b64decode(line) for line in test.get("lines", [])]
            if test["result"] != "valid" or lines != expected:
                wrong.append((test["tcId"], test["comment"], "opened"))
    assert wrong == []


def test_the_page_is_enough_to_write_a_reader_that_opens_and_refuses_the_same() -> None:
    wrong = []
    for test in MESSAGES:
        found: tuple[object, ...]
        try:
            private = bytes.fromhex(test["privateKey"])
            found = (open_message(private, base64.b64decode(test["message"])),)
        except Refused as refused:
            found = (refused.part, refused.frame)
        if test["result"] == "valid":
            expected: tuple[object, ...] = ([base64.b64decode(line) for line in test["lines"]],)
        else:
            expected = (test["error"], test.get("frame"))
        if found != expected:
            wrong.append((test["tcId"], test["comment"]))
    assert wrong == []


def test_the_plain_reader_opens_what_is_sealed_here() -> None:
    day, given = day_key(), records(range(100, 2_400), lines=2)
    messages = seal(given, day.key, source="logs.web:3", hour=START)
    opened = [line for message in messages for line in open_message(day.private, message)]
    assert opened == given["raw"].to_list()


def test_what_is_wrong_with_a_message_says_which_part_refuses_it() -> None:
    """Else a message could be refused for another reason than the one it was made for."""
    causes: dict[str, set[str]] = {}
    for test in MESSAGES:
        if test["result"] == "invalid":
            [flag] = test["flags"]
            causes.setdefault(flag, set()).add(test["error"])
    opens = {flag for test in MESSAGES if test["result"] == "valid" for flag in test["flags"]}
    assert opens.isdisjoint(causes)
    alone = {flag for flag, errors in causes.items() if len(errors) == 1}
    assert causes.keys() - alone == {
        "CountsLie", "ForgedHeader", "Grown", "HeaderLength", "Truncated",
    }  # fmt: skip


def test_the_generator_makes_these_files() -> None:
    """To the byte with the libraries that a file names; with others, the same cases."""
    for name, made in documents().items():
        document = json.loads((FOLDER / name).read_text("ascii"))
        if document["header"] == made["header"]:
            assert json.loads(json.dumps(made)) == document
        for was, now in zip(document["testGroups"], made["testGroups"], strict=True):
            said = [
                [{key: test.get(key) for key in SAID} for test in group["tests"]]
                for group in (was, now)
            ]
            assert said[0] == said[1]


def test_the_files_are_of_moderate_size() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 2 << 20


def test_every_flag_is_explained() -> None:
    for path in FOLDER.glob("*.json"):
        document = json.loads(path.read_text("ascii"))
        flags = {flag for group in document["testGroups"] for t in group["tests"]
                 for flag in t["flags"]}  # fmt: skip
        assert flags == {*document["notes"]}
        assert "never use them" in document["header"][0]


@pytest.mark.parametrize("test", of_kind("tokens-and-pseudonyms", "Token"), ids=lambda t: t["tcId"])
def test_tokens(test: Test) -> None:
    made = Tokeniser(bytes.fromhex(test["key"]))(test["site"], test["day"], test["address"])
    assert (made.hex() == test["token"]) is (test["result"] == "valid")


@pytest.mark.parametrize(
    "test", of_kind("tokens-and-pseudonyms", "Pseudonym"), ids=lambda t: t["tcId"]
)
def test_pseudonyms(test: Test) -> None:
    rows = pl.DataFrame(
        {name: [test[name]] for name in ("site", "address", "agent")} | {"day": [1]},
        schema_overrides=dict.fromkeys(("site", "address", "agent"), pl.String),
    )
    made = Pseudonymiser().pseudonyms(rows, {1: bytes.fromhex(test["key"])})
    assert (f"{made[0]:016x}" == test["pseudonym"]) is (test["result"] == "valid")


@pytest.mark.parametrize("test", of_kind("key-wrap", "KeyWrap"), ids=lambda t: t["tcId"])
def test_key_wrap(test: Test) -> None:
    kek, wrapped = (bytes.fromhex(test[name]) for name in ("kek", "wrapped"))
    try:
        found = keywrap.aes_key_unwrap(kek, wrapped).hex()
    except (keywrap.InvalidUnwrap, ValueError):
        assert test["result"] == "invalid"
    else:
        assert (test["result"], test["key"]) == ("valid", found)


@pytest.mark.parametrize("test", of_kind("primitives", "X25519"), ids=lambda t: t["tcId"])
def test_x25519(test: Test) -> None:
    private = X25519PrivateKey.from_private_bytes(bytes.fromhex(test["private"]))
    try:
        public = X25519PublicKey.from_public_bytes(bytes.fromhex(test["public"]))
        found = private.exchange(public).hex()
    except ValueError:
        assert test["result"] == "invalid"
    else:
        assert (test["result"], test["shared"]) == ("valid", found)


@pytest.mark.parametrize("test", of_kind("primitives", "AES-256-GCM"), ids=lambda t: t["tcId"])
def test_aes_gcm(test: Test) -> None:
    key, iv, aad, ct = (bytes.fromhex(test[name]) for name in ("key", "iv", "aad", "ct"))
    try:
        found = AESGCM(key).decrypt(iv, ct, aad).hex()
    except (InvalidTag, ValueError):
        assert test["result"] == "invalid"
    else:
        assert (test["result"], test["msg"]) == ("valid", found)


@pytest.mark.parametrize("test", of_kind("primitives", "Ed25519"), ids=lambda t: t["tcId"])
def test_ed25519(test: Test) -> None:
    public, message, signature = (bytes.fromhex(test[name]) for name in ("public", "msg", "sig"))
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        assert test["result"] == "invalid"
    else:
        assert test["result"] == "valid"
