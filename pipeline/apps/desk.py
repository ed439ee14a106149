"""The desk, put together: cases, audit log, key service and vault of one set of settings."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline import declarations, policy
from pipeline.apps import keys as key_service
from pipeline.audit.signing import Signer, make_signer, read_signer, write_vkey
from pipeline.cases.acts import Cases
from pipeline.cases.people import Directory
from pipeline.cases.permission import Gate
from pipeline.cases.store import CaseStore
from pipeline.clock import Clock, system_clock
from pipeline.database import Database
from pipeline.errors import PartywallError, SettingsError, UnavailableError
from pipeline.investigations.desk import Desk
from pipeline.investigations.export import Office
from pipeline.investigations.records import Records
from pipeline.investigations.search import Search
from pipeline.keys import kek
from pipeline.keys.release_client import Patience, ReleaseClient
from pipeline.settings import Settings

EVIDENCE: Final = "partywall/evidence"
"""Name of the key that bundles are signed by."""

_START_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Room:
    """A desk, what exports are made with, and who there is."""

    desk: Desk
    office: Office
    people: Directory
    clock: Clock

    def now(self) -> int:
        """Return the present moment in seconds since 1970 UTC."""
        return int(self.clock().timestamp())


@contextmanager
def open_room(settings: Settings, clock: Clock = system_clock) -> Iterator[Room]:
    """Open the desk of an embedded group's folder; raises SettingsError, UnavailableError.

    Where no group runs, the key service is started within this process and ends with it.
    """
    people = settings.investigations.people
    if people is None:
        raise SettingsError("setting investigations.people: name the file of people")
    Directory.make_default(people)
    with _keys(settings) as url, open_desk(settings, url, clock) as (desk, office):
        yield Room(desk, office, Directory.read(people), clock)


@contextmanager
def open_desk(settings: Settings, url: str, clock: Clock) -> Iterator[tuple[Desk, Office]]:
    """Put a desk together that borrows keys at ``url``; raises SettingsError, UnavailableError."""
    own = settings.investigations
    if own.store == settings.keys.store and not own.store.startswith("postgresql"):
        raise SettingsError("setting investigations.store: cases need another file than the keys")
    log = key_service.audit_log(settings.audit, clock)
    terms = policy.load(settings.policy, clock)
    database = Database(own.store, "case store", own.store_password_file)
    token = key_service.token(settings.keys.investigations_token_file, "investigations_token_file")
    auditors = key_service.places_of(settings.audit).auditors()
    with ReleaseClient(url, token) as client:
        store = CaseStore(database, _case_key(own.kek_file))
        try:
            cases = Cases(Gate(store, log, auditors, clock), terms)
            search = Search(settings.vault.url, Records(settings.split))
            signer = _evidence_key(own.evidence_key)
            source = settings.policy or declarations.folder() / "policy/default.yaml"
            office = Office(own.evidence, signer, log, terms, source.read_bytes())
            yield Desk(cases, search, client, terms), office
        finally:
            store.close()


@contextmanager
def _keys(settings: Settings) -> Iterator[str]:
    """Yield where the key service answers; starts one of our own where none does."""
    token = key_service.token(settings.keys.investigations_token_file, "investigations_token_file")
    if _answers(settings.keys.url, token):
        yield settings.keys.url
        return
    whole = Path(settings.keys.store).parent / f"desk-{os.getpid()}.sock"
    url = f"unix://{whole}"
    own = settings.model_copy(update={"keys": settings.keys.model_copy(update={"url": url})})
    service = _Service(own)
    service.start()
    try:
        yield url
    finally:
        service.stop()
        whole.unlink(missing_ok=True)


def _answers(url: str, token: str) -> bool:
    try:
        with ReleaseClient(url, token, Patience(tries=1)) as client:
            client.status()
    except UnavailableError:
        return False
    return True


class _Service:
    """A key service on a thread of this process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._failure: BaseException | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Start and wait until it listens; raises what keeps it from that."""
        self._thread.start()
        if not self._listening.wait(_START_SECONDS):
            raise UnavailableError("the key service does not start")
        if isinstance(self._failure, PartywallError):
            raise self._failure
        if self._failure is not None:
            raise UnavailableError("the key service does not start") from self._failure

    def stop(self) -> None:
        """End it and wait until it has ended."""
        if self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        self._task = self._loop.create_task(self._serve())
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            pass
        except BaseException as error:  # noqa: BLE001 -- handed to the thread that waits
            self._failure = error
        finally:
            self._listening.set()

    async def _serve(self) -> None:
        listening = asyncio.Event()
        told = asyncio.create_task(self._tell(listening))
        try:
            await key_service.run(self._settings, listening)
        finally:
            told.cancel()

    async def _tell(self, listening: asyncio.Event) -> None:
        await listening.wait()
        self._listening.set()


def _case_key(path: Path) -> bytes:
    """Return the key that wraps the cases' keys, made at the first start; raises SettingsError."""
    return kek.read(path) if path.exists() else kek.make(path)


def _evidence_key(path: Path) -> Signer:
    """Return the key that bundles are signed by, made with its vkey; raises SettingsError."""
    if not path.exists():
        signer = make_signer(path, EVIDENCE)
        write_vkey(path.with_suffix(".vkey"), signer.verifier)
    return read_signer(path)
