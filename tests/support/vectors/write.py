"""Writes the files of vectors: ``python -m tests.support.vectors.write docs/vectors``."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl
import zstandard

from tests.support.vectors import (
    contents,
    encapsulations,
    envelopes,
    hashes,
    headers,
    hpke,
    indexes,
    primitives,
    valid,
    wraps,
)
from tests.support.vectors.notes import NOTES
from tests.support.vectors.parts import KEY_ID, OTHER, PRIVATE, Case

Json = dict[str, Any]
GENERATOR: Final = "1"
TEST_KEYS: Final = "All keys in this file are test keys and published: never use them."


def documents() -> dict[str, Json]:
    """Return each file's content by its name."""
    cases = [
        case
        for module in (valid, headers, indexes, envelopes, encapsulations, contents)
        for case in module.cases()
    ]
    sealed = [
        {
            "type": "SealedMessage",
            "keyId": KEY_ID,
            "privateKey": private.hex(),
            "publicKey": hpke.public_of(private).hex(),
            "tests": [_message(case) for case in cases if case.key == name],
        }
        for name, private in (("day", PRIVATE), ("other", OTHER))
    ]
    return {
        "sealed-messages.json": _document(
            "partywall sealed message, version 2",
            [f"Made with polars {pl.__version__} and zstandard {zstandard.__version__}."],
            sealed,
        ),
        "tokens-and-pseudonyms.json": _document(
            "keyed BLAKE2b (RFC 7693)",
            [],
            [
                {"type": "Token", "key": hashes.KEY.hex(), "tests": [*hashes.tokens()]},
                {"type": "Pseudonym", "key": hashes.KEY.hex(), "tests": [*hashes.pseudonyms()]},
            ],
        ),
        "key-wrap.json": _document(
            "AES key wrap (RFC 3394), 256 bits",
            [],
            [{"type": "KeyWrap", "tests": [*wraps.tests()]}],
        ),
        "primitives.json": _document(
            "X25519, AES-256-GCM, Ed25519",
            [],
            [
                {"type": "X25519", "tests": [*primitives.x25519()]},
                {"type": "AES-256-GCM", "tests": [*primitives.aes_gcm()]},
                {"type": "Ed25519", "tests": [*primitives.ed25519()]},
            ],
        ),
    }


def _message(case: Case) -> Json:
    test: Json = {
        "comment": case.comment,
        "flags": list(case.flags),
        "message": base64.b64encode(case.message).decode(),
    }
    if case.error is None:
        lines = [base64.b64encode(line).decode() for line in case.lines]
        return test | {"lines": lines, "result": "valid"}
    frame = {} if case.frame is None else {"frame": case.frame}
    return test | {"result": "invalid", "error": case.error} | frame


def _document(algorithm: str, header: Sequence[str], groups: Iterable[Json]) -> Json:
    groups = list(groups)
    tests = [test for group in groups for test in group["tests"]]
    for number, test in enumerate(tests, 1):
        test["tcId"] = number
    flags = sorted({flag for test in tests for flag in test["flags"]})
    return {
        "algorithm": algorithm,
        "generatorVersion": GENERATOR,
        "numberOfTests": len(tests),
        "header": [TEST_KEYS, *header],
        "notes": {flag: NOTES[flag] for flag in flags},
        "testGroups": groups,
    }


def _text(document: Json) -> str:
    """Return JSON with a line for each test, so that a difference can be read."""
    document = dict(document)
    groups = []
    for group in document.pop("testGroups"):
        head = {name: value for name, value in group.items() if name != "tests"}
        tests = ",\n".join(
            json.dumps({"tcId": test["tcId"]} | test, ensure_ascii=True) for test in group["tests"]
        )
        groups.append(json.dumps(head)[:-1] + ', "tests": [\n' + tests + "\n]}")
    return (
        json.dumps(document, indent=1)[:-2] + ',\n "testGroups": [\n' + ",\n".join(groups) + "]}\n"
    )


def main(folder: Path) -> None:
    """Write all files into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in documents().items():
        (folder / name).write_text(_text(document), encoding="ascii")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
