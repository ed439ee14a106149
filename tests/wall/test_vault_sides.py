"""Processors write to the vault and cannot read it: neither by their keys nor by their imports."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import sealed
from pipeline.errors import IntegrityError
from pipeline.investigations.open import open_batch
from pipeline.keys.client import KeyClient
from pipeline.labels import LIVE
from pipeline.restricted.pseudonym import Pseudonymiser
from pipeline.restricted.seal import seal
from tests.unit.keys.making import TODAY, Hands, bytes_at_rest, pinned, serving, store_in
from tests.unit.sealed.records import START, records

TOKEN = "a-token-of-the-role-split-000000001"

PROCESSORS = [
    "pipeline.restricted.seal",
    "pipeline.restricted.pseudonym",
    "pipeline.keys.client",
    "pipeline.vault.writer",
    "pipeline.vault.status",
]


def loaded_by(module: str) -> set[str]:
    """Return our modules that importing ``module`` alone brings into a fresh interpreter."""
    code = f"import sys, {module}; print(*[m for m in sys.modules if m.startswith('pipeline')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", PROCESSORS)
def test_no_processor_loads_the_reading_side_or_the_key_store(module: str) -> None:
    forbidden = {"pipeline.investigations", "pipeline.keys.store", "pipeline.keys.kek"}
    loaded = loaded_by(module)
    assert module in loaded
    assert not {name for name in loaded if any(name.startswith(room) for room in forbidden)}


def test_the_wall_test_would_see_a_reader() -> None:
    loaded = loaded_by("pipeline.investigations.lookup")
    assert "pipeline.investigations" in loaded


@pytest.mark.parametrize("module", ["pipeline.vault.writer", "pipeline.vault.status"])
def test_the_vault_loads_no_part_of_the_restricted_room(module: str) -> None:
    assert not {name for name in loaded_by(module) if name.startswith("pipeline.restricted")}


async def test_nothing_a_processor_holds_opens_a_record(tmp_path: Path) -> None:
    """Everything the split is lent is tried as a private key, wherever 32 bytes of it begin."""
    clock = Hands()
    store = store_in(tmp_path, clock)
    service = serving(store, clock, tmp_path, {"split": TOKEN})
    await service.start(f"unix://{tmp_path}/sock")
    async with KeyClient(f"unix://{tmp_path}/sock", TOKEN, clock, pin=pinned(tmp_path)) as client:
        sealing = await client.sealing()
        lent = await client.pseudonym_keys(LIVE, [TODAY, TODAY - 1])
        status = await client.status()
    await service.stop()
    [message] = seal(records(range(4)), sealing, source="logs.web:0", hour=START)
    batch = sealed.decode(message)
    held = pickle.dumps((sealing.key_id, sealing.public, sealing.token_key, lent, status))
    held += batch.head + batch.encapsulated
    for place in range(len(held) - 31):
        with pytest.raises(IntegrityError):
            open_batch(held[place : place + 32], message)
    private = store.private_key(sealing.key_id)
    assert private is not None
    assert private not in held
    assert open_batch(private, message).height == 4, "the right key opens it"
    store.close()


def test_no_key_that_opens_lies_in_the_clear_in_the_store(tmp_path: Path) -> None:
    clock = Hands()
    store = store_in(tmp_path, clock)
    private = store.private_key(store.sealing().key_id)
    assert private is not None
    assert private not in bytes_at_rest(tmp_path)
    store.close()


def test_a_destroyed_day_key_ends_the_day_for_good(tmp_path: Path) -> None:
    clock = Hands()
    store = store_in(tmp_path, clock)
    sealing = store.sealing()
    [message] = seal(records(range(4)), sealing, source="logs.web:0", hour=START)
    clock.turn(days=90)
    store.expire()
    assert store.private_key(sealing.key_id) is None
    for place in range(0, len(rest := bytes_at_rest(tmp_path)) - 31, 97):
        with pytest.raises(IntegrityError):
            open_batch(rest[place : place + 32], message)
    store.close()


def test_the_pseudonymiser_remembers_nothing() -> None:
    assert not hasattr(Pseudonymiser(), "__dict__")
