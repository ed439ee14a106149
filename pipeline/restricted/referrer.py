"""Referrer URL → the host that sent the visitor, and its kind; nothing else of the URL.

Search terms, paths, ports and user parts are dropped. A host that could itself stand for a person
(an address, a single label, a made-up label) is not named. Of the others the registered domain is
kept, since a label before it is often its user's name; one from a closed list of services stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from pipeline import declarations
from pipeline.restricted.distinct import Remembered
from pipeline.restricted.scrub.grouped import without_addresses, without_phones
from pipeline.restricted.scrub.randomness import looks_random

CACHE_LIMIT: Final = 100_000
"""Distinct referrer URLs remembered."""

LONGEST_HOST: Final = 64
"""Characters of the longest host that is named."""
_COUNTRY: Final = 2
_URL: Final = re.compile(
    r"\s*(?:(?P<scheme>[a-z][a-z0-9+.-]{0,20}):)?//(?P<authority>[^/?#\\\s]*)", re.IGNORECASE
)
_PORT: Final = re.compile(r":[0-9]*$")
_NAME: Final = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+(?:[a-z]{2,24}|xn--[a-z0-9-]+)"
)
_PRIVATE: Final = re.compile(
    r"(?:local|localhost|localdomain|internal|intranet|lan|home|corp|arpa|onion)$"
)
# An address inside a name: four groups (ec2-192-0-2-1, 192.0.2.1.nip.io), an integer, packed hex,
# also behind letters of a provider's (ipc0000207) where a digit is in it.
_ADDRESS: Final = re.compile(
    r"(?<![0-9])[0-9]{1,3}(?:[-._x][0-9]{1,3}){3}(?![0-9])|[0-9]{5,}"
    r"|(?<![a-z0-9])[0-9a-f]{8,}(?![a-z0-9])|(?=[a-f]*[0-9])[0-9a-f]{8}(?![a-z0-9])"
)
_AT: Final = re.compile(r"[-_.]at[-_]")
"""An at sign spelt out (alice-at-example.com); ``.at.`` is a domain under Austria's."""
_ENDING: Final = r"(?:com|net|org|[a-z]{2}|com?\.[a-z]{2})"


_OWN_HOST: Final = re.compile(
    r"(?:\*\.)?(?:[\w-]+(?:\.[\w-]+)*\.?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.IGNORECASE
)


class Referrer(NamedTuple):
    """What is said of one referrer; ``host`` is for comparison only and never leaves."""

    name: str
    kind: str
    host: str | None


DIRECT: Final = Referrer("(direct)", "direct", None)
INTERNAL: Final = "(internal)"
UNNAMED: Final = "(unnamed)"
AN_APP: Final = "(app)"
_NO_HOSTS: Final = {DIRECT.name, UNNAMED, AN_APP}
"""Names that are no host's."""
KINDS: Final = ("search", "ai", "mail", "social")
"""Kinds that hosts are listed by."""
_APPS: Final = {"android-app", "ios-app"}


def bare_host(text: str) -> str:
    """Return a host in lower case without port, trailing dot and ``www.``."""
    return _PORT.sub("", text.strip().lower()).rstrip(".").removeprefix("www.")


def path_of(url: str) -> str:
    """Return what stands behind the host of a referrer, the query included; nothing of others."""
    match = _URL.match(url)
    return "" if match is None else url[match.end() :]


def is_own_host(text: str) -> bool:
    """Tell whether ``text`` may stand for hosts of one's own: a name, an address or ``*.name``."""
    return _OWN_HOST.fullmatch(text.strip()) is not None


class OwnHosts:
    """The host names of a site; ``*.example.com`` is example.com and every host under it."""

    __slots__ = ("_exact", "_under")

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        """Take hosts in any spelling."""
        bare = {bare_host(host) for host in hosts}
        self._exact = frozenset(host.removeprefix("*.") for host in bare)
        self._under = tuple(host.removeprefix("*") for host in bare if host.startswith("*."))

    def __bool__(self) -> bool:
        return bool(self._exact)

    def __contains__(self, host: object) -> bool:
        """Tell whether ``host``, as ``bare_host`` gives it, is one."""
        return host in self._exact or (isinstance(host, str) and host.endswith(self._under))


NO_HOSTS: Final = OwnHosts()


class Referrers:
    """Describes referrers; remembers at most ``cache_limit`` distinct ones."""

    def __init__(self, *, cache_limit: int = CACHE_LIMIT) -> None:
        """Read ``schemas/referrers.yaml``."""
        document = declarations.load("referrers.yaml")
        self._kinds = {kind: _any_of(document[kind]) for kind in KINDS}
        self._aliases = dict(document["aliases"])
        self._webmail = frozenset(document["webmail"])
        self._services = frozenset(document["services"])
        self._registries = frozenset(document["registries"])
        self._remembered: Remembered[str | None, Referrer] = Remembered(self._read, cache_limit)

    def many(self, urls: Sequence[str | None], own_hosts: OwnHosts = NO_HOSTS) -> list[Referrer]:
        """Return what is said of each URL, in order."""
        found = self._remembered.many(urls)
        if not own_hosts:
            return found
        return [
            Referrer(INTERNAL, "internal", entry.host) if entry.host in own_hosts else entry
            for entry in found
        ]

    def name(self, url: str) -> str | None:
        """Return the host that a URL names, None where it names none; nothing is remembered."""
        found = self._read(url).name
        return None if found in _NO_HOSTS else found

    def forget(self) -> None:
        """Forget the referrers remembered."""
        self._remembered.clear()

    def describe(self, url: str | None, own_hosts: OwnHosts = NO_HOSTS) -> Referrer:
        """Return what is said of one URL; none, ``-`` or blank is a direct visit."""
        return self.many([url], own_hosts)[0]

    def _read(self, url: str | None) -> Referrer:
        if url is None or url.strip() in {"", "-"}:
            return DIRECT
        match = _URL.match(url)
        if match is None:
            return Referrer(UNNAMED, "other", None)
        authority = match["authority"]
        host = bare_host(authority)
        if "@" in authority or not may_be_named(host):
            return Referrer(UNNAMED, "other", None if "@" in authority else host)
        name = self._aliases.get(host, host)
        for kind, hosts in self._kinds.items():
            if hosts.fullmatch(name):
                return Referrer(name, kind, host)
        if (match["scheme"] or "").lower() in _APPS:
            # What an app is called may be its maker's own name.
            return Referrer(AN_APP, "other", None)
        kind = "mail" if host.partition(".")[0] in self._webmail else "other"
        return Referrer(self._registered(host), kind, host)

    def _registered(self, host: str) -> str:
        """Return the registered domain, with the label before it where that names a service.

        The Public Suffix List (https://publicsuffix.org) would say it exactly, in ten thousand
        rules; a suffix that the short list lacks gives a name too short, never one too long.
        """
        labels = host.split(".")
        # Country codes have two letters, and only countries have registries on the second level.
        in_country = len(labels[-1]) == _COUNTRY and labels[-2] in self._registries
        size = min(len(labels), 3 if in_country else 2)
        if len(labels) > size and labels[-size - 1] in self._services:
            size += 1
        return ".".join(labels[-size:])


def may_be_named(host: str) -> bool:
    """Tell whether ``host`` (as ``bare_host`` gives it) names a public site, not a machine."""
    if len(host) > LONGEST_HOST or not _NAME.fullmatch(host):
        return False
    if _PRIVATE.search(host.rpartition(".")[2]) or _ADDRESS.search(host) or _AT.search(host):
        return False
    if without_phones(host, "") != host or without_addresses(host, "") != host:
        return False
    labels = [label for label in host.split(".") if not label.startswith("xn--")]
    return not any(looks_random(part) for label in labels for part in re.split("[-_]", label))


def _any_of(hosts: list[str]) -> re.Pattern[str]:
    def pattern(host: str) -> str:
        head, star, tail = host.partition("*")
        if not star:
            return re.escape(host)
        return _ENDING.join((re.escape(head), "")) if not tail else r"[a-z]{2}" + re.escape(tail)

    return re.compile("|".join(pattern(host) for host in hosts))
