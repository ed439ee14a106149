"""Public sealing keys, signed: a split seals to no key that its key service did not vouch for.

What is signed is a note (https://c2sp.org/signed-note) of two lines, ``partywall sealing key 1``
and canonical JSON: ``key_id``, ``day``, ``expires``, ``public`` (hex) and ``token_sha256`` (hex, of
the token key, which is secret and not in the note). Whoever holds the service's vkey may check it.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import orjson

from pipeline.audit.signing import Signer, Verifier
from pipeline.errors import IntegrityError
from pipeline.keys.material import SealingKey

_TITLE: Final = "partywall sealing key 1"


def sign(signer: Signer, key: SealingKey) -> str:
    """Return the signed note for a key."""
    return signer.sign(_text(key)).decode()


def check(verifier: Verifier, key: SealingKey, note: str) -> None:
    """Raise IntegrityError unless ``verifier`` has signed for exactly this key."""
    said = verifier.open_only(note.encode("utf-8", "surrogatepass"))
    if not hmac.compare_digest(said.encode(), _text(key).encode()):
        raise IntegrityError("key service: the signature is for another sealing key")


def _text(key: SealingKey) -> str:
    said = {
        "key_id": key.key_id,
        "day": key.day,
        "expires": key.expires,
        "public": key.public.hex(),
        "token_sha256": hashlib.sha256(key.token_key).hexdigest(),
    }
    return f"{_TITLE}\n{orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()}\n"
