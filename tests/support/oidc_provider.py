"""A certified OpenID provider as a process (deploy/oidc), and somebody who signs in at it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin

import httpx2
import orjson
import pytest

_HERE: Final = Path(__file__).parents[2] / "deploy/oidc"
_MOST_HOPS: Final = 12


def missing() -> str | None:
    """Return why no provider can be started here, or None where one can."""
    if shutil.which("node") is None:
        return "node is not installed (deploy/oidc/fetch installs it)"
    if not (_HERE / "node_modules/.complete").is_file():
        return "the OpenID provider is not there (deploy/oidc/fetch fetches it)"
    return None


def need() -> None:
    """Skip the test where there is no provider, unless NEED_OIDC_TESTS says that it must run."""
    if reason := missing():
        if os.environ.get("NEED_OIDC_TESTS"):
            pytest.fail(reason)
        pytest.skip(reason)


@contextmanager
def provider(
    clients: list[dict[str, Any]], accounts: Mapping[str, Mapping[str, Any]], log: Path
) -> Iterator[str]:
    """Start one that has these clients and people, and give its issuer once it listens."""
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            ["node", "provider.mjs"],
            cwd=_HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(orjson.dumps({"clients": clients, "accounts": accounts}) + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
            assert line, log.read_text(encoding="utf-8")
            issuer: str = orjson.loads(line)["issuer"]
            yield issuer
        finally:
            process.kill()


async def sign_in(url: str, sub: str, back: str) -> str:
    """Do at the provider what a person does, and return the URL at ``back`` it sends them to."""
    async with httpx2.AsyncClient(timeout=20) as browser:
        answer = await browser.get(url)
        for _ in range(_MOST_HOPS):
            if answer.is_redirect:
                url = urljoin(str(answer.url), answer.headers["location"])
                if url.startswith(back):
                    return url
                answer = await browser.get(url)
                continue
            action = re.search(r'action="([^"]+)"', answer.text)
            assert action is not None, answer.status_code
            form = {"prompt": "login", "login": sub, "password": "any"}
            answer = await browser.post(urljoin(str(answer.url), action[1]), data=form)
    raise AssertionError("the provider sends nobody back")
