"""Pushed log lines: whose token it is, lines into messages, what a CDN asks before it pushes."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pipeline.collect.outbox import Message
from pipeline.collect.refusals import RefusedError
from pipeline.errors import SettingsError
from pipeline.labels import PATTERN
from pipeline.settings import CollectSource

_MESSAGE_BYTES: Final = 256 * 1024
_LONGEST_LINE: Final = 512 * 1024
"""What is longer is cut: split rejects a line of an eighth already, and a message of the raw topic
(1 MiB) must hold it."""
_LEAST_TOKEN: Final = 32
_LABEL: Final = re.compile(PATTERN)
_CLOUDFLARE_TEST: Final = b'{"content":"tests"}'
"""What Logpush uploads to a new destination, to see that it may:
https://developers.cloudflare.com/logs/logpush/logpush-job/enable-destinations/http/"""
ANY_SERVICE: Final = "*"


class Sources:
    """Who may push, each known by a bearer token of its own."""

    def __init__(self, sources: Mapping[str, CollectSource]) -> None:
        """Read the tokens' files; raises SettingsError."""
        self._sources = dict(sources)
        self._tokens = {_digest(_token(name, made)): name for name, made in sources.items()}
        if len(self._tokens) < len(sources):
            raise SettingsError("setting collect.sources: two share a token; give each its own")

    def of(self, authorization: str) -> str:
        """Return the source whose token it is, compared in constant time; raises RefusedError."""
        scheme, _, token = authorization.partition(" ")
        given = _digest(token.strip())
        found = [n for d, n in self._tokens.items() if secrets.compare_digest(d, given)]
        if scheme.lower() != "bearer" or not found:
            raise RefusedError("token")
        return found[0]

    def site(self, source: str, named: str | None) -> str:
        """Return the site of the lines: the one named, or the source's only one."""
        sites = self._sources[source].sites
        site = sites[0] if named is None and len(sites) == 1 else named
        if site is None or site not in sites:
            raise RefusedError("unknown_site")
        return site

    def format(self, source: str, named: str | None) -> str:
        """Return the format of the lines; whether there is one of that name, split knows."""
        format_ = named or self._sources[source].format
        if format_ is None or not _LABEL.fullmatch(format_):
            raise RefusedError("format")
        return format_


def messages(body: bytes) -> Iterator[Message]:
    """Yield the lines of a body in messages of 256 KiB, or of one line where that is longer."""
    start = 0
    while start < len(body):
        end = len(body)
        if end - start > _MESSAGE_BYTES:
            end = body.rfind(b"\n", start, start + _MESSAGE_BYTES) + 1
            if not end:
                end = body.find(b"\n", start, start + _LONGEST_LINE) + 1
            if not end:
                end = min(start + _LONGEST_LINE, len(body))
        value = body[start:end]
        yield Message(value, value.count(b"\n") + (not value.endswith(b"\n")))
        start = end


def is_test(body: bytes) -> bool:
    """Tell whether a body is Cloudflare's own, and no log."""
    return b"".join(body.split()) == _CLOUDFLARE_TEST


def fastly_challenge(services: Sequence[str]) -> str:
    """Return what Fastly wants to read before it pushes: a SHA-256 of each service's id.

    https://www.fastly.com/documentation/guides/integrations/logging-endpoints/log-streaming-https/
    """
    lines = (
        ANY_SERVICE if service == ANY_SERVICE else hashlib.sha256(service.encode()).hexdigest()
        for service in services
    )
    return "".join(f"{line}\n" for line in lines)


def _token(name: str, source: CollectSource) -> str:
    try:
        token = source.token_file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        raise SettingsError(
            f"setting collect.sources.{name}.token_file: cannot be read; write a token into it"
        ) from None
    if len(token) < _LEAST_TOKEN:
        raise SettingsError(
            f"setting collect.sources.{name}.token_file: a token has {_LEAST_TOKEN} characters or "
            "more"
        )
    return token


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
