"""What counts as configuration, and how much of it the audit log may say.

A part is read as names, each with a text; two readings are compared name by name. Of the policy and
of public keys the texts are open. Of settings they are digests under a salt that only the store
has: a value may be a path, a host or easily guessed, and the log says which settings changed.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import orjson
from pydantic import BaseModel

from pipeline.audit.entry import Fact
from pipeline.policy import Policy

State = dict[str, str]
"""Name → what is compared."""

Facts = dict[str, Fact]

_SALT: Final = "salt"
"""Stands in a state beside the settings, whose names all have a dot or are the tree's own."""


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of configuration.

    ``read`` is given what was told last (None: nothing yet) and returns what holds now; ``facts``
    returns what the log says of the step from one to the other: an entry for each, one at least.
    """

    act: str
    read: Callable[[State | None], State]
    facts: Callable[[State | None, State], list[Facts]]


def policy(made: Policy, said: bytes) -> Part:
    """Return the policy file: its bytes by their SHA-256, and the version in force."""
    state = {"version": str(made.current.version), "sha256": hashlib.sha256(said).hexdigest()}

    def facts(before: State | None, now: State) -> list[Facts]:
        told: Facts = {"version": int(now["version"]), "sha256": now["sha256"]}
        if before is not None:
            told |= {"version_before": int(before["version"]), "sha256_before": before["sha256"]}
        return [told]

    return Part("config.policy", lambda _: state, facts)


def public_keys(keys: Mapping[str, str]) -> Part:
    """Return public keys by what they are for: vkeys, or a digest where a key has no such form."""
    state = dict(keys)

    def facts(before: State | None, now: State) -> list[Facts]:
        return [{"changed": changed(before, now), **now}]

    return Part("config.keys", lambda _: state, facts)


def settings(branches: Mapping[str, object]) -> Part:
    """Return settings by name: a branch of the tree, or a single value, for each name."""
    values = dict(sorted(_flat(branches)))

    def read(before: State | None) -> State:
        salt = secrets.token_hex(32) if before is None else before[_SALT]
        return {_SALT: salt} | {name: _digest(salt, name, said) for name, said in values.items()}

    def facts(before: State | None, now: State) -> list[Facts]:
        digest = _digest(now[_SALT], "all", orjson.dumps(now, option=orjson.OPT_SORT_KEYS))
        told: Facts = {"digest": digest, "settings": len(now) - 1}
        if before is not None:
            told["changed"] = changed(before, now)
        return [told]

    return Part("config.settings", read, facts)


def changed(before: State | None, now: State) -> list[str]:
    """Return the names that came, went or stand for something else."""
    told = before or {}
    return sorted(name for name in told.keys() | now.keys() if told.get(name) != now.get(name))


def _flat(tree: Mapping[str, object], above: str = "") -> Iterator[tuple[str, bytes]]:
    """Yield the full name of each setting, and its value as bytes.

    What an operator names (a format, a word of the sign-in provider) is part of a value.
    """
    for name, value in tree.items():
        if isinstance(value, BaseModel):
            own = {field: getattr(value, field) for field in type(value).model_fields}
            yield from _flat(own, f"{above}{name}.")
        else:
            yield f"{above}{name}", orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS)


def _digest(salt: str, name: str, said: bytes) -> str:
    whole = name.encode() + b"\0" + said
    return hashlib.blake2b(whole, key=bytes.fromhex(salt), digest_size=16).hexdigest()
