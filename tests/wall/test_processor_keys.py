"""Whoever takes a running processor whole opens no record: not by its disk, settings or memory.

A real group runs, and split and the vault's writer are taken apart while they work: the files that
they have, their settings, their environment, what they are lent, and every byte of their memory.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import polars as pl
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke, keywrap
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select

from pipeline import envelope, sealed
from pipeline.apps import keys as service
from pipeline.apps.embedded import Group
from pipeline.apps.folder import settings_of
from pipeline.apps.oneshot import records
from pipeline.clock import system_clock
from pipeline.kafka import client
from pipeline.keys.client import KeyClient
from pipeline.keys.kek import FileKek
from pipeline.keys.material import SealingKey
from pipeline.keys.pinning import Pin
from pipeline.keys.tables import store_key
from pipeline.labels import LIVE
from pipeline.restricted.seal import RECORDS, seal
from pipeline.settings import Settings

_SUITE: Final = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_LINES: Final = 200
_RECORDS: Final = 1_000_000
_START: Final = 1_750_000_000 // 3600 * 3600
_ENCODED: Final = re.compile(rb"[A-Za-z0-9+/_=-]{40,}")
_HEX: Final = re.compile(rb"(?:[0-9a-f]{2}){32,}")
_STAGES: Final = (("keys",), ("split",), ("vault",))


def memory_of(pid: int) -> Iterator[bytes]:
    """Yield every mapping of a process that can be written, as its bytes are now."""
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            if not rights.startswith("rw"):
                continue
            first, last = (int(end, 16) for end in span.split("-"))
            try:
                memory.seek(first)
                yield memory.read(last - first)
            except (OSError, ValueError, OverflowError):
                continue  # a mapping that went, or one of the kernel's own


def found_in(pid: int, wanted: dict[str, bytes]) -> set[str]:
    """Return the names of what a process has in its memory."""
    found: set[str] = set()
    for part in memory_of(pid):
        found |= {name for name, secret in wanted.items() if secret in part}
    return found


def opened_by(pid: int) -> set[Path]:
    """Return the files that a process holds open."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.add(link.readlink())
        except OSError:
            continue
    return found


def secrets_of(settings: Settings, sealing: SealingKey) -> dict[str, bytes]:
    """What opens records, or would lead to it: found the way the key service finds it."""
    log = service.audit_log(settings.audit, system_clock)
    store = service.open_store(settings, log, system_clock)
    private = store.private_key(sealing.key_id)
    with store.database.reading() as connection:
        wrapped = connection.execute(select(store_key.c.wrapped)).scalar_one()
    store.close()
    kek = FileKek(settings.keys.kek_file).key()
    assert private is not None
    return {
        "private key": private,
        "key-encryption key": kek,
        "store's key": keywrap.aes_key_unwrap(kek, wrapped),
        "signing key": settings.keys.signing_key.read_bytes().strip()[-44:],
        "token of investigations": settings.keys.investigations_token_file.read_bytes(),
    }


async def ship(group: Group) -> None:
    line = b'192.0.2.7 - - [01/Jan/2026:00:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "x"'
    producer = client.producer(group.kafka(), linger_ms=0)
    await producer.start()
    for _ in range(_LINES):
        await producer.send_and_wait("logs.web", line, partition=0)
    await producer.stop()
    async with asyncio.timeout(60):
        while records(group.folder) < _LINES:
            assert not group.failed.is_set(), group.reason
            await asyncio.sleep(0.1)


async def lent(settings: Settings) -> tuple[SealingKey, bytes]:
    """What the service lends to whoever has the split's files: asked for as split would."""
    keys = settings.keys
    token = keys.token_file.read_text().strip()
    pin = Pin.of(keys.verifier, keys.token_file)
    async with KeyClient(keys.url, token, system_clock, pin=pin) as asking:
        sealing = await asking.sealing()
        days = await asking.pseudonym_keys(LIVE, [sealing.day - 1, sealing.day, sealing.day + 1])
        told = repr((await asking.status(), await asking.receipts())).encode()
    held = [key for key in days.values() if key is not None]
    answers = b"".join((sealing.key_id.encode(), sealing.public, sealing.token_key, *held))
    return sealing, answers + told


def decoded(held: bytes) -> Iterator[bytes]:
    """Yield what stands in ``held`` as base64 or hex."""
    for text in _ENCODED.findall(held):
        for altchars in (b"+/", b"-_"):
            try:
                yield base64.b64decode(text + b"=" * (-len(text) % 4), altchars)
            except binascii.Error:
                continue
    for text in _HEX.findall(held):
        yield binascii.unhexlify(text)


def candidates(parts: Iterable[bytes]) -> set[bytes]:
    """Return every 32 bytes that stand anywhere in what was taken, as it is or decoded."""
    whole = [part for part in parts if part]
    whole += [plain for part in whole for plain in decoded(part)]
    return {part[at : at + 32] for part in whole for at in range(len(part) - 31)}


def million(key: SealingKey) -> list[sealed.Sealed]:
    """A million short lines, sealed to the day's key as split seals them."""
    offset = pl.int_range(_RECORDS, dtype=pl.UInt64, eager=True).alias("offset")
    text = pl.col("offset").cast(pl.String)
    rows = offset.to_frame().select(
        raw=pl.concat_str(pl.lit("192.0.2.7 /"), text).cast(pl.Binary),
        address=pl.concat_str(pl.lit("10.0.0."), (pl.col("offset") % 200).cast(pl.String)),
        offset="offset",
        line=pl.lit(0, pl.UInt32),
        site=pl.lit("shop"),
        label=pl.lit("web"),
        ingest=pl.lit(LIVE),
        format=pl.lit("combined"),
        outcome=pl.lit("event"),
        reason=pl.lit(None, pl.String),
        policy=pl.lit(1, pl.UInt16),
        hour=pl.lit(_START, pl.Int64),
    )
    messages = seal(rows.select(*RECORDS), key, source="logs.web:0", hour=_START)
    return [sealed.decode(message) for message in messages]


def opens(raw: bytes, batches: list[sealed.Sealed]) -> bool:
    """Tell whether 32 bytes open any of the batches: as the private key, or as a content key."""
    private, content = X25519PrivateKey.from_private_bytes(raw), AESGCM(raw)
    for batch in batches:
        try:
            _SUITE.decrypt(batch.encapsulated, private, info=envelope.info(batch.digest))
        except (InvalidTag, ValueError):
            pass
        else:
            return True
    first = batches[0]
    aad = sealed.frame_aad(first.digest, 0, len(first.frames))
    try:
        content.decrypt(sealed.nonce(0), first.frames[0], aad)
    except InvalidTag:
        return False
    return True


async def test_a_processor_taken_whole_opens_none_of_a_million_records(tmp_path: Path) -> None:
    group = Group(tmp_path / "data", processes=_STAGES)
    async with group:
        await ship(group)
        settings = settings_of(group.folder)
        sealing, answers = await lent(settings)
        secrets = secrets_of(settings, sealing)
        pids = group.pids()

        for stage in ("split", "vault"):
            await asyncio.to_thread(_check_memory, stage, pids[stage], secrets, sealing)
        assert "store's key" in await asyncio.to_thread(found_in, pids["keys"], secrets)

        taken = [answers, (group.folder / "settings.yaml").read_bytes()]
        taken += [Path(f"/proc/{pids[stage]}/environ").read_bytes() for stage in ("split", "vault")]
        keys = settings.keys
        assert keys.verifier is not None
        taken += [keys.token_file.read_bytes(), keys.verifier.read_bytes()]
        taken += [path.read_bytes() for path in (group.folder / "log").iterdir()]

    batches = million(sealing)
    assert sum(batch.header.records for batch in batches) == _RECORDS
    tried = candidates(taken)
    assert len(tried) > 1_000
    assert sealing.token_key in tried
    assert sealing.public in tried
    opening = [raw for raw in tried if opens(raw, batches)]
    assert opening == []
    assert opens(secrets["private key"], batches), "the right key opens, so the others were tried"


def _check_memory(stage: str, pid: int, secrets: dict[str, bytes], sealing: SealingKey) -> None:
    own = {"the day's public key": sealing.public, "token key": sealing.token_key}
    found = found_in(pid, secrets | own)
    if stage == "split":
        assert found == set(own), "split has what it is lent, and the search finds it there"
    else:
        assert "token key" not in found
    assert not found & set(secrets)
    held = {path for path in opened_by(pid) if "keys" in path.parts}
    assert not held, "no processor has a file of the key service open"


def test_the_search_finds_what_a_process_has() -> None:
    """Were it blind, everything above would hold."""
    secret, stranger = os.urandom(32), os.urandom(32)
    keeping = "import sys; kept = sys.stdin.buffer.read(32); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", keeping], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(secret)
        process.stdin.flush()
        process.stdout.readline()
        assert found_in(process.pid, {"its": secret, "ours": stranger}) == {"its"}


@pytest.mark.parametrize("form", ["raw", "hex", "base64", "base64url"])
def test_a_key_in_any_form_would_be_tried(form: str) -> None:
    key = X25519PrivateKey.generate().private_bytes_raw()
    forms = {
        "raw": key,
        "hex": key.hex().encode(),
        "base64": base64.b64encode(key),
        "base64url": base64.urlsafe_b64encode(key),
    }
    assert key in candidates([b"setting: x\n" + b"key: " + forms[form] + b"\nmore"])
