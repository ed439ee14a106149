"""A desk on a small vault: lines through the real split, the real vault writer, the key service."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline import policy
from pipeline.apps import keys as key_service
from pipeline.apps.desk import open_desk
from pipeline.apps.folder import places
from pipeline.audit.entry import Entry
from pipeline.audit.log import AuditLog
from pipeline.cases.life import Case
from pipeline.cases.matrix import Act
from pipeline.cases.people import Person
from pipeline.investigations import retention
from pipeline.investigations.desk import Desk
from pipeline.investigations.export import Office
from pipeline.investigations.narrowing import Question
from pipeline.keys.service import KeyService
from pipeline.keys.store import Store
from pipeline.scope import Scope, Selectors
from pipeline.settings import Settings
from pipeline.vault.writer import SegmentWriter
from tests.support import door
from tests.support.key_service import ThreadedService
from tests.unit.cases.making import APPROVER, HOUR, INVESTIGATOR, NOON, Hands

NOW = int(NOON.timestamp())
ABUSER = "203.0.113.66"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0"


def line(address: str, seconds: int, path: str = "/", agent: str = AGENT) -> bytes:
    """A line of the combined format."""
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    when = moment.strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'{address} - - [{when}] "GET {path} HTTP/1.1" 200 12 "-" "{agent}"'.encode()


def traffic(visitors: int = 30, hours: int = 40) -> list[bytes]:
    """Lines of the hours before NOON: some visitors, and one who asks far too often."""
    start = NOW - hours * HOUR
    made = []
    for hour in range(hours):
        moment = start + hour * HOUR
        made += [
            line(f"198.51.100.{n}", moment + n, f"/page/{n % 5}")
            for n in range(visitors)
            if (n + hour) % 3 == 0
        ]
        made += [line(ABUSER, moment + n, "/login?user=someone") for n in range(0, 3600, 900)]
    return made


@dataclass
class Bureau:
    """Everything of an embedded folder but the broker, by a clock that the test moves."""

    folder: Path
    clock: Hands
    settings: Settings
    store: Store
    log: AuditLog
    desk: Desk
    office: Office
    url: str

    def __post_init__(self) -> None:
        self._offset = 0
        self._sealed = 0

    def write(self, lines: Sequence[bytes], site: str = "shop", form: str = "combined") -> None:
        """Seal lines today, and put them into the vault."""
        headers = [("site", site.encode()), ("format", form.encode())]
        batch = door.messages([b"\n".join(lines)], [headers], self._offset)
        self._offset += 1
        crossing = door.carry(
            door.splitter(policy.load(self.settings.policy, self.clock)),
            batch,
            int(self.clock().timestamp()),
            sealing=self.store.sealing(),
        )
        writer = SegmentWriter(self.settings.vault.url, 0)
        offset = writer.open()
        for message in crossing.sealed:
            writer.add(offset, message)
            offset += 1
        writer.flush()

    def opened(self, scope: Scope | None = None, category: str = "abuse") -> Case:
        """Return an open case of the investigator's."""
        cases = self.desk.cases
        made = cases.draft(INVESTIGATOR, category, "a reason", "ticket 1", scope or about(ABUSER))
        cases.request(INVESTIGATOR, made.id)
        return self.desk.approve(APPROVER, made.id)

    def lines_of(self, case: str, question: Question | None = None) -> list[str]:
        """Return the raw lines that a search shows the investigator, all pages of it."""
        found: list[str] = []
        since = None
        while True:
            page = self.desk.search(
                INVESTIGATOR, case, question or Question(), size=50, since=since
            )
            found += page.records["raw"].to_list()
            since = page.next
            if since is None:
                return found

    def entries(self, act: str | None = None) -> list[Entry]:
        """Return the audit log's entries, of one act if it is named."""
        return [entry for _, entry in self.log.entries() if act in {None, entry.act}]


def about(*addresses: str, **changes: object) -> Scope:
    """A scope that takes in all of the traffic of these addresses."""
    made = Scope(("shop",), NOW - 48 * HOUR, NOW, Selectors(addresses=addresses))
    return replace(made, **changes)  # type: ignore[arg-type]


def settings_in(
    folder: Path,
    store: str | None = None,
    password: Path | None = None,
    policy_file: Path | None = None,
    asn: Path | None = None,
) -> Settings:
    """Say where everything lies, as :func:`bureau` has it."""
    tree = {**places(folder), "policy": policy_file, "split": {"mmdb_asn": asn}}
    if store is not None:
        tree["investigations"] |= {"store": store, "store_password_file": password}
        tree["keys"] |= {"store": store, "store_password_file": password}
    return Settings(**tree)


@contextmanager
def bureau(
    folder: Path,
    store: str | None = None,
    password: Path | None = None,
    policy_file: Path | None = None,
    asn: Path | None = None,
) -> Iterator[Bureau]:
    """Open a desk in a folder; ``store`` is another place for cases and keys than its files.

    ``asn`` is an MMDB file of providers.
    """
    settings = settings_in(folder, store, password, policy_file, asn)
    clock = Hands()
    log = key_service.audit_log(settings.audit, clock)
    keys = key_service.open_store(settings, log, clock)
    tokens = {
        "split": key_service.token(settings.keys.token_file),
        "investigations": key_service.token(settings.keys.investigations_token_file),
    }
    signer = key_service.signer(settings.keys.signing_key)
    rules = policy.load(policy_file, clock).current.investigations
    service = KeyService(keys, tokens, rules, clock, signer, log, expire_every=3600)
    try:
        with (
            ThreadedService(service, settings.keys.url),
            open_desk(settings, settings.keys.url, clock) as (desk, office),
        ):
            yield Bureau(folder, clock, settings, keys, log, desk, office, settings.keys.url)
    finally:
        keys.close()


def attempt(desk: Desk, person: Person, act: Act, case: str) -> object:
    """Try one act with plain arguments; raises PartywallError where it is not possible."""
    cases = desk.cases
    acts: dict[Act, Callable[[], object]] = {
        Act.REQUEST: lambda: cases.request(person, case),
        Act.EMERGENCY: lambda: desk.emergency(person, case, "right now"),
        Act.APPROVE: lambda: desk.approve(person, case),
        Act.DENY: lambda: desk.deny(person, case, "no"),
        Act.RATIFY: lambda: cases.ratify(person, case),
        Act.EXTEND: lambda: cases.extend(person, case, 10, "more"),
        Act.CLOSE: lambda: desk.close(person, case),
        Act.PURGE: lambda: retention.purge(desk, person, case),
        Act.SEARCH: lambda: desk.search(person, case, Question()),
    }
    return acts[act]()
