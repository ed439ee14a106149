"""A case's session with the key service: grants put in place, keys borrowed for a search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipeline.cases.life import Case, Kind, Request
from pipeline.cases.people import Person
from pipeline.errors import RefusedError
from pipeline.investigations.lookup import Wanted
from pipeline.keys.asking import Approval, Asked, CaseSession, Grant
from pipeline.keys.asking import Wanted as WantedTokens
from pipeline.keys.release_client import ReleaseClient

_GRANTING: Final = (Kind.OPEN, Kind.EXTEND, Kind.WIDEN)


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


def grant(client: ReleaseClient, case: Case) -> None:
    """Tell the key service what an open case may reach; raises RefusedError, UnavailableError."""
    if case.scope is None or case.opened is None or case.expires is None:
        raise RefusedError("the case is not open: ask for approval with `partywall case request`")
    newest = _newest(case)
    emergency = newest is None
    client.grant(
        Grant(
            case=case.id,
            kind="emergency" if emergency else "normal",
            category=case.category,
            scope=case.scope,
            requester=case.requester,
            approvals=()
            if newest is None
            else tuple(Approval(one.by, one.at) for one in newest.approvals),
            opened=case.opened,
            expires=case.expires,
        )
    )


def _newest(case: Case) -> Request | None:
    """Return the newest approved request that changed scope or time; None in an emergency."""
    approved = [one for one in case.requests if one.state == "approved" and one.kind in _GRANTING]
    return max(approved, key=lambda one: max(d.at for d in one.approvals), default=None)
