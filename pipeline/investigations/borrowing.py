"""A case's session with the key service: keys borrowed for a search."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.cases.life import Case
from pipeline.cases.people import Person
from pipeline.errors import RefusedError
from pipeline.investigations.granting import grant
from pipeline.investigations.lookup import Wanted
from pipeline.keys.asking import Asked, CaseSession
from pipeline.keys.asking import Wanted as WantedTokens
from pipeline.keys.release_client import ReleaseClient


class Borrowed:
    """Keys for one person and case, through a session that the service ends with the case."""

    def __init__(self, client: ReleaseClient, session: CaseSession) -> None:
        self._client = client
        self._session = session

    def tokens(self, wanted: Sequence[Wanted], addresses: Sequence[str]) -> dict[str, set[bytes]]:
        """As in Lender."""
        asked = [
            WantedTokens(one.key_id, one.site, one.first_day, one.last_day, one.untimed)
            for one in wanted
        ]
        found: dict[str, set[bytes]] = {}
        for sought in self._client.tokens(self._session, asked, addresses):
            found.setdefault(sought.key_id, set()).update(sought.addresses)
        return found

    def content_keys(self, batches: Sequence[tuple[bytes, bytes]]) -> list[bytes | None]:
        """As in Lender."""
        asked = [Asked(head, encapsulated) for head, encapsulated in batches]
        return self._client.content_keys(self._session, asked)

    def publics(self, key_ids: Sequence[str]) -> list[bytes | None]:
        """Return the public half of each sealing key, None where it is destroyed."""
        return self._client.publics(self._session, key_ids)

    def pseudonym_keys(self) -> dict[tuple[str, int], bytes]:
        """As in Lender."""
        return self._client.pseudonym_keys(self._session)


def borrow(client: ReleaseClient, case: Case, person: Person) -> Borrowed:
    """Return a session for an open case, having told the service of its approval where need be.

    A case that was approved just before somebody pulled the plug has no grant yet. Raises
    RefusedError where the service does not agree, UnavailableError.
    """
    try:
        return Borrowed(client, client.session(case.id, person.name))
    except RefusedError:
        grant(client, case)
    return Borrowed(client, client.session(case.id, person.name))
