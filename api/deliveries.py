"""Deliveries that were ordered: carried out one at a time, kept for a day, taken up again after a restart.

An order is a folder: `order.json` makes it durable, `files/` is there when it is done, `failed.json` if it was in vain.
Nothing of it is in memory alone, so a service that starts again goes on with what was begun.
"""

from __future__ import annotations

import fcntl
import json
import logging
import re
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ingestor import disk
from ingestor.access.pseudonyms import ANALYSIS, is_pseudonym
from ingestor.access.throttle import Window
from ingestor.errors import IngestorError, NotFound, TooMany
from ingestor.exports.asked import FILTERS, Asker, Query, wanted
from ingestor.ids import fresh
from ingestor.ops.deliveries import MANIFEST, Order, deliver, stock_of
from ingestor.store.answers import patients

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from api.service import Service
    from ingestor.access.permissions import Caller
    from ingestor.access.pseudonyms import Pseudonyms

log = logging.getLogger(__name__)

KEPT = timedelta(hours=24)
_FOLDER, _ORDER, _FILES, _FAILED = "deliveries", "order.json", "files", "failed.json"
_IDENTIFIED = "identified"
_ID = re.compile(r"exp-[a-z2-7]{16}")
_MOST_OF_ONE, _ORDERS_AN_HOUR, _AGAIN_S, _PAUSE_S = 5, 30, 60, 60.0


@dataclass(frozen=True, slots=True)
class Kept:
    """An order as it is written down; the filter with its moment, patients by pseudonyms of the purpose."""

    account: str
    purpose: str
    centre: str
    ward: str | None
    kind: str
    release: str
    types: list[str]
    asked: list[list[str]]
    facts: dict[str, str]
    request: str
    at: str


@dataclass(frozen=True, slots=True)
class State:
    """How far a delivery is.

    Attributes:
        sessions: that went by so far.
        manifest: when it is done.
        ends: when it is deleted.
        failed: code of why it was in vain.
    """

    sessions: int = 0
    manifest: dict[str, Any] | None = None
    ends: datetime | None = None
    failed: str | None = None


def pseudonyms_for(service: Service, caller: Caller) -> Pseudonyms:
    """Return the pseudonyms of whoever asks.

    Those who may see names get others than analysts do: what they fetch must not tell them whose an analyst's
    pseudonym is, which takes a second person.
    """
    return service.pseudonyms.for_purpose(_IDENTIFIED if caller.sees_identity else ANALYSIS)


def behind(service: Service, pseudonyms: Pseudonyms) -> Callable[[str], str]:
    """Return what finds the patient that a stored filter means: nobody is told."""

    def patient(given: str) -> str:
        with service.db.read() as connection:
            known = patients.ids(connection, service.house.centre)
        return (pseudonyms.patient_of(given, known) if is_pseudonym(given) else None) or given

    return patient


class _Stopped(IngestorError):
    """The service ends, or nobody wants the delivery any more."""

    code = "no_such_delivery"


class Deliveries:
    """All orders of one service.

    Args:
        service: whose store, settings and clock.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._folder = service.settings.data_dir / _FOLDER
        self._going: dict[str, int] = {}
        self._window = Window(_ORDERS_AN_HOUR, 3600)
        self._due, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="deliveries")

    def start(self) -> None:
        """Begin with what was left."""
        self._thread.start()

    def stop(self) -> None:
        """End at the next piece; what is not done is done by the next start."""
        self._stop.set()
        self._due.set()
        self._thread.join(8.0)

    def take(self, order: Kept) -> str:
        """Write an order down and return its id.

        Raises:
            TooMany: too many orders an hour, or too many that are kept for this account.
        """
        if self._service.settings.rate_limits:
            self._window.take(order.account)
        mine = [job for job in self._jobs() if self._order(job).account == order.account]
        if len(mine) >= _MOST_OF_ONE:
            raise TooMany("too_many_exports", wait_s=_AGAIN_S)
        job = fresh("exp")
        half = self._folder / f".{job}"
        try:
            half.mkdir(mode=0o700, parents=True)
            (half / _ORDER).write_text(json.dumps(asdict(order)), "utf-8")
            half.rename(self._folder / job)
            disk.sync_folder(self._folder)
        except OSError as error:
            raise disk.trouble(error) from error
        self._due.set()
        return job

    def state(self, job: str, account: str) -> State:
        """Return how far a delivery is.

        Raises:
            NotFound: `no_such_delivery`: there is none, or it is somebody else's.
        """
        folder = self._of(job, account)
        if (folder / _FAILED).exists():
            return State(failed=str(json.loads((folder / _FAILED).read_text("utf-8"))["code"]))
        try:
            manifest = json.loads((folder / _FILES / MANIFEST).read_text("utf-8"))
        except FileNotFoundError:
            return State(self._going.get(job, 0))
        return State(manifest=manifest, ends=_ended(folder) + KEPT)

    def file(self, job: str, account: str, name: str) -> Path:
        """Return a file of a delivery that is done.

        Raises:
            NotFound: there is none.
        """
        folder = self._of(job, account) / _FILES
        present = {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}
        if name not in present:
            raise NotFound
        return present[name]

    def drop(self, job: str, account: str) -> None:
        """Delete a delivery, wherever it stands.

        Raises:
            NotFound: `no_such_delivery`.
        """
        self._remove(self._of(job, account))

    def _of(self, job: str, account: str) -> Path:
        if _ID.fullmatch(job) is None or not (self._folder / job / _ORDER).exists():
            raise NotFound("no_such_delivery")
        if self._order(job).account != account:
            raise NotFound("no_such_delivery")
        return self._folder / job

    def _jobs(self) -> list[str]:
        found = self._folder.iterdir() if self._folder.is_dir() else ()
        return sorted(path.name for path in found if _ID.fullmatch(path.name) and (path / _ORDER).exists())

    def _order(self, job: str) -> Kept:
        return Kept(**json.loads((self._folder / job / _ORDER).read_text("utf-8")))

    def _remove(self, folder: Path) -> None:
        gone = folder.with_name(f".{folder.name}.gone")
        try:
            folder.rename(gone)
            shutil.rmtree(gone)
        except FileNotFoundError:
            return  # somebody else was quicker
        except OSError as error:
            raise disk.trouble(error) from error

    def _run(self) -> None:
        while not self._stop.is_set():
            self._due.clear()
            for job in self._jobs():
                if not self._stop.is_set():
                    self._look_after(job)
            self._due.wait(_PAUSE_S)

    def _look_after(self, job: str) -> None:
        """Carry an order out if that is still to be done; delete what has been kept long enough."""
        folder = self._folder / job
        if (folder / _FILES).exists() or (folder / _FAILED).exists():
            if self._service.now() >= _ended(folder) + KEPT:
                self._remove(folder)
            return
        with _mine(folder) as is_mine:
            if is_mine:
                with ThreadPoolExecutor(1, "delivery") as pool:
                    error = pool.submit(self._carry_out, job).exception()
                if error is not None and not isinstance(error, _Stopped):
                    self._give_up(folder, error)
        self._going.pop(job, None)

    def _carry_out(self, job: str) -> None:
        folder, kept, service = self._folder / job, self._order(job), self._service

        def going(sessions: int) -> None:
            self._going[job] = sessions
            if self._stop.is_set() or not folder.exists():
                raise _Stopped

        pseudonyms = service.pseudonyms.for_purpose(kept.purpose)
        query = Query([(name, value) for name, value in kept.asked], FILTERS)
        patient = behind(service, pseudonyms)
        found = wanted(query, Asker(kept.centre, service.settings.zone, patient, kept.ward))
        query.finish()
        stock = stock_of(service.settings, service.db, pseudonyms)
        asked = [(n, v) for n, v in kept.asked if n != "as_of"]
        order = Order(kept.kind, found, kept.release, kept.types, kept.request, kept.facts, asked)
        deliver(stock, order, folder / _FILES, going)

    def _give_up(self, folder: Path, error: BaseException) -> None:
        if not folder.exists():
            return  # deleted while it was made
        code = error.code if isinstance(error, IngestorError) else "internal"
        log.error("delivery_failed", extra={"code": code, "kind": type(error).__name__})
        (folder / _FAILED).write_text(json.dumps({"code": code}), "utf-8")


def _ended(folder: Path) -> datetime:
    found = folder / _FILES
    path = found if found.exists() else folder / _FAILED
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


@contextmanager
def _mine(folder: Path) -> Iterator[bool]:
    """Tell whether this process is the one to carry an order out."""
    try:
        file = (folder / _ORDER).open("rb")
    except FileNotFoundError:
        yield False
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
