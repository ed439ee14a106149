"""What is like an address's doings: within the case's scope, and found like everything else."""

from __future__ import annotations

from typing import Final, Literal

import polars as pl

from pipeline.cases.life import Case
from pipeline.cases.matrix import Act
from pipeline.cases.people import Person
from pipeline.errors import UsageError
from pipeline.investigations.desk import Desk, Tell
from pipeline.investigations.narrowing import Question, beyond, neighbours
from pipeline.investigations.paging import Page, Place
from pipeline.scope import Scope, Selectors

By = Literal["address", "network", "agent", "provider"]
"""What two records are alike in; ``network`` is the /24 of an address, or its /64 in IPv6."""

_MOST_AGENTS: Final = 100


def related(
    desk: Desk,
    person: Person,
    case_id: str,
    address: str,
    by: By,
    *,
    size: int = 200,
    since: Place | None = None,
    tell: Tell = lambda _hour, _effort: None,
) -> Page:
    """Return a page of records that are related to an address; raises RefusedError, UsageError.

    By agent, the address's own records are read first, and count as read.
    """
    question = Question(selectors=Selectors(addresses=(address,)))
    if by == "network":
        question = Question(selectors=Selectors(networks=(neighbours(address),)))
    elif by == "agent":
        question = Question(selectors=Selectors(agents=_agents(desk, person, case_id, question)))
    elif by == "provider":
        providers = desk.search_in.records.providers
        own = pl.Series([address], dtype=pl.String)

        def known(_: Case, scope: Scope) -> str | None:
            why = _unless_shown("address", scope)
            if why is None and providers(own)[0] is None:
                raise UsageError("the provider is not known: set split.mmdb_asn to an MMDB file")
            return why

        desk.asking(person, Act.SEARCH, case_id, question, {"by": "provider"}, known)

        def of_provider(records: pl.DataFrame) -> pl.DataFrame:
            return records.filter(providers(records["address"]) == providers(own)[0])

        return desk.search(
            person, case_id, Question(), size=size, since=since, tell=tell, keep=of_provider
        )
    return desk.search(person, case_id, question, size=size, since=since, tell=tell)


def _unless_shown(name: str, scope: Scope) -> str | None:
    """Return why what hangs on a field is refused, None where the scope shows it."""
    return None if {name, "raw"} & set(scope.fields) else beyond(f"fields: {name}")


def _agents(desk: Desk, person: Person, case_id: str, question: Question) -> tuple[str, ...]:
    asked = desk.asking(
        person, Act.SEARCH, case_id, question, also=lambda _, scope: _unless_shown("agent", scope)
    )
    own, _ = desk.everything(person, asked.case, asked.scope, lambda _hour, _effort: None)
    own = desk.count(person, case_id, own, asked.scope).records
    agents = own["agent"].drop_nulls().value_counts(sort=True)["agent"].head(_MOST_AGENTS)
    if agents.is_empty():
        raise UsageError("no user agent is known of that address within the case's scope")
    return tuple(agents.to_list())
