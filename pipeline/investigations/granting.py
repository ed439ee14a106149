"""What the key service is told of a case that was opened: a grant, and what it rests on."""

from __future__ import annotations

from typing import Final

from pipeline.cases.life import Case, Kind, Request
from pipeline.errors import RefusedError
from pipeline.keys.asking import Approval, Grant
from pipeline.keys.release_client import ReleaseClient

_GRANTING: Final = (Kind.OPEN, Kind.EXTEND, Kind.WIDEN)


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
