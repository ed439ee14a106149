"""Acts of an investigation as people do them, and a folder in which each is about to be done.

They run in a child that is killed (``tests.support.killing``), and again in the test that looks at
what the child has left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pipeline.cases import orders
from pipeline.cases.life import Kind, State
from pipeline.cases.matrix import Act
from pipeline.cases.subject import SUBJECT, for_subject
from pipeline.investigations import erasure, holds
from pipeline.investigations import held as holdings
from pipeline.investigations.export import export
from pipeline.investigations.held import Hold
from pipeline.investigations.narrowing import Question
from pipeline.investigations.retention import purge, purge_due
from pipeline.scope import Selectors
from tests.unit.cases.making import APPROVER, INVESTIGATOR, OFFICER
from tests.unit.investigations.making import ABUSER, NOW, Bureau, about, traffic

PERSON: Final = "198.51.100.3"
HELD: Final = "198.51.100.4"
YESTERDAY: Final = NOW // 86_400 - 1
NOTE: Final = "a note that no purged case may keep"

LINES: Final = traffic(visitors=7, hours=4)
_MIDDLE: Final = len(LINES) // 2
OLD, NEW = LINES[:_MIDDLE], LINES[_MIDDLE:]
"""What yesterday's key seals, and what today's does."""

Names = dict[str, str]
"""The case of each act, by the act; the hold to be released (``name``), the ids of both days' keys
(``old``, ``new``), and a case that may see everything (``all``)."""


def of(address: str, lines: list[bytes] = LINES) -> list[str]:
    """Return the lines of an address."""
    return [one for one in map(bytes.decode, lines) if one.startswith(f"{address} ")]


def furnish(made: Bureau) -> Names:
    """Seal lines on two days, and bring a case to where each act is next."""
    made.clock.turn(days=-1)
    made.write(OLD)
    old = made.store.sealing().key_id
    due = _ended(made)
    made.clock.turn(days=1)
    made.write(NEW)
    made.store.pseudonym_keys("live", [YESTERDAY])
    cases, desk = made.desk.cases, made.desk
    asked = cases.draft(INVESTIGATOR, "abuse", "a reason", "ticket 2", about(ABUSER))
    cases.request(INVESTIGATOR, asked.id)
    names = {
        "old": old,
        "new": made.store.sealing().key_id,
        "approve": asked.id,
        "due": due,
        "purge": _ended(made),
        "all": made.opened(about(selectors=Selectors(paths=("/*",)))).id,
        **{act: made.opened().id for act in ("export", "close", "place")},
        "release": made.opened(about(HELD)).id,
    }
    for act in ("place", "release"):
        cases.ask(INVESTIGATOR, names[act], Kind.HOLD, "a letter from a court")
        desk.approve(APPROVER, names[act])
    names["name"] = holds.place(desk, INVESTIGATOR, names["release"]).name
    holds.order_release(desk, OFFICER, names["release"], names["name"], "it is over")
    scope = for_subject(about(PERSON))
    person = cases.draft(OFFICER, SUBJECT, "erase me", "letter 9", scope)
    cases.request(OFFICER, person.id)
    desk.approve(APPROVER, person.id)
    cases.ask(OFFICER, person.id, Kind.ERASE, "the person asks for it")
    desk.approve(APPROVER, person.id)
    names["erase"] = person.id
    orders.order(cases.gate, OFFICER, YESTERDAY, "nobody needs it")
    return names


def _ended(made: Bureau) -> str:
    """Return a closed case that has a note and a bundle."""
    case = made.opened().id
    made.desk.cases.write(INVESTIGATOR, Act.NOTE, case, NOTE)
    export(made.desk, made.office, INVESTIGATOR, case, Question())
    made.desk.close(INVESTIGATOR, case)
    return case


def state(made: Bureau, case: str) -> State:
    """Return a case's state as people see it."""
    found, _ = made.desk.cases.show(APPROVER, case)
    return found.state(made.desk.cases.gate.now())


def listed(made: Bureau) -> list[Hold]:
    """Return the holds that there are."""
    return holdings.listed(made.desk.keys, made.desk.search_in.vault)


def held(made: Bureau, case: str) -> dict[str, str]:
    """Return the holds of a case, and what was last said of each."""
    with made.desk.cases.gate.store.reading() as store:
        return {name: said["state"] for name, said in holds.states(store, case).items()}


def _approve(made: Bureau, names: Names) -> None:
    if state(made, names["approve"]) is State.REQUESTED:
        made.desk.approve(APPROVER, names["approve"])


def _export(made: Bureau, names: Names) -> None:
    export(made.desk, made.office, INVESTIGATOR, names["export"], Question())


def _close(made: Bureau, names: Names) -> None:
    if state(made, names["close"]) is not State.CLOSED:
        made.desk.close(INVESTIGATOR, names["close"])


def _purge(made: Bureau, names: Names) -> None:
    purge(made.desk, OFFICER, names["purge"])


def _due(made: Bureau, _: Names) -> None:
    """The day of a case that was closed a day before the others, as the clock sees to it."""
    made.clock.turn(days=made.desk.cases.policy.current.investigations.purge_days - 1)
    purge_due(made.desk)


def _place(made: Bureau, names: Names) -> None:
    if "placed" not in held(made, names["place"]).values():
        holds.place(made.desk, INVESTIGATOR, names["place"])


def _release(made: Bureau, names: Names) -> None:
    if held(made, names["release"])[names["name"]] != "released":
        holds.release(made.desk, APPROVER, names["release"], names["name"])


def _erase(made: Bureau, names: Names) -> None:
    erasure.erase(made.desk, OFFICER, names["erase"])


def _destroy(made: Bureau, _: Names) -> None:
    """As ``partywall keys destroy DAY`` does for the second person."""
    gate = made.desk.cases.gate
    with gate.store.reading() as store:
        ordered = store.ordered(YESTERDAY)
    if ordered is not None:
        given = orders.agree(gate, APPROVER, YESTERDAY)
        made.desk.destroy_day(YESTERDAY, given.by, APPROVER.name)
        orders.carried_out(gate, YESTERDAY)


def _expire(made: Bureau, _: Names) -> None:
    """The end of all days, as the key service sees to by the clock."""
    made.clock.turn(days=91)
    made.desk.keys.expire()


ACTS: Final[dict[str, Callable[[Bureau, Names], None]]] = {
    "approve": _approve,
    "export": _export,
    "close": _close,
    "purge": _purge,
    "due": _due,
    "place": _place,
    "release": _release,
    "erase": _erase,
    "destroy": _destroy,
    "expire": _expire,
}
"""Each looks first, like a person, whether it is done already; so it may be done again."""
