"""A digest as JSON to an address of the operator's."""

from __future__ import annotations

import asyncio
from typing import Final

import aiohttp
import orjson

from pipeline.digest.as_json import digest_json
from pipeline.digest.contents import Digest
from pipeline.digest.secret import secret
from pipeline.errors import UnavailableError
from pipeline.settings import DigestWebhook

_PATIENCE: Final = aiohttp.ClientTimeout(total=30, sock_connect=5)


async def send(digest: Digest, settings: DigestWebhook) -> None:
    """Post a digest; anything but 2xx is a refusal, a redirect too: the token goes to one place.

    Raises SettingsError for the token's file, UnavailableError where it was not taken.
    """
    body = digest_json(digest)
    # draft-ietf-httpapi-idempotency-key-header: sent twice it has one key
    headers = {"Content-Type": "application/json", "Idempotency-Key": f'"{body["id"]}"'}
    token = await asyncio.to_thread(secret, "digest.webhook.token_file", settings.token_file)
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        async with (
            aiohttp.ClientSession(timeout=_PATIENCE) as session,
            session.post(
                settings.url, data=orjson.dumps(body), headers=headers, allow_redirects=False
            ) as answer,
        ):
            status = answer.status
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise UnavailableError(f"webhook: {type(error).__name__}") from None
    if status // 100 != 2:  # noqa: PLR2004 -- HTTP's successes
        raise UnavailableError(f"webhook: it answered {status}")
