"""Pairs of keys that records are sealed to, each with its token key: of days, of legal holds."""

from __future__ import annotations

import os
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import Connection, and_, insert, select

from pipeline.errors import UsageError
from pipeline.keys.material import KEY_BYTES, SealingKey
from pipeline.keys.rules import DAY, Rules
from pipeline.keys.tables import hold_keys, released_holds, sealing_keys
from pipeline.keys.wrapping import Wrapping

HOLD: Final = "hold-"
"""Begins the key id of a legal hold."""
_FOREVER: Final = 253_402_300_800
"""The end of the year 9999: a hold's key serves until somebody releases it."""


def of_day(connection: Connection, wrapping: Wrapping, day: int) -> SealingKey | None:
    """Return the sealing key of a day, None where there is none."""
    c = sealing_keys.c
    query = select(c.key_id, c.public, c.wrapped_token).where(c.day == day)
    row = connection.execute(query).first()
    if row is None:
        return None
    token_key = wrapping.unwrap(row.wrapped_token)
    return SealingKey(row.key_id, day, row.public, token_key, (day + 1) * DAY)


def make_of_day(connection: Connection, wrapping: Wrapping, day: int, now: int) -> None:
    """Make the sealing key of a day; the writers' lock is held, and there is none yet."""
    made = _made(wrapping)
    key_id = f"{day}-{made['public'][:6].hex()}"
    connection.execute(insert(sealing_keys).values(key_id=key_id, day=day, made=now, **made))


def of_hold(
    connection: Connection, wrapping: Wrapping, hold: str, case: str, now: int
) -> SealingKey:
    """Return the key of a legal hold, made where there is none; its day is that of the making.

    Raises UsageError where the hold was released, or is another case's.
    """
    mine = select(hold_keys).where(hold_keys.c.hold == hold)
    row = connection.execute(mine).first()
    gone = select(released_holds).where(released_holds.c.hold == hold)
    if (row is not None and row.releasing) or connection.execute(gone).first() is not None:
        raise UsageError("this hold was released: place a new one under another name")
    if row is None:
        values = {"hold": hold, "case_id": case, "made": now, "releasing": 0}
        connection.execute(insert(hold_keys).values(**values, **_made(wrapping)))
        row = connection.execute(mine).one()
    if row.case_id != case:
        raise UsageError("a hold of this name belongs to another case: take another name")
    token_key = wrapping.unwrap(row.wrapped_token)
    return SealingKey(HOLD + hold, row.made // DAY, row.public, token_key, _FOREVER)


def secrets_of(
    connection: Connection, key_id: str, rules: Rules, now: int
) -> tuple[bytes, bytes] | None:
    """Return private and token key, wrapped, of a key that lives; None for any other."""
    if key_id.startswith(HOLD):
        hold = key_id.removeprefix(HOLD)
        mine = and_(hold_keys.c.hold == hold, hold_keys.c.releasing == 0)
        row = connection.execute(select(hold_keys).where(mine)).first()
    else:
        query = select(sealing_keys).where(sealing_keys.c.key_id == key_id)
        row = connection.execute(query).first()
        if row is not None and rules.sealing_due(row.day) <= now:
            return None
    return None if row is None else (row.wrapped_private, row.wrapped_token)


def _made(wrapping: Wrapping) -> dict[str, bytes]:
    private = X25519PrivateKey.generate()
    return {
        "public": private.public_key().public_bytes_raw(),
        "wrapped_private": wrapping.wrap(private.private_bytes_raw()),
        "wrapped_token": wrapping.wrap(os.urandom(KEY_BYTES)),
    }
