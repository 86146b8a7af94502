"""Deliveries that were ordered: carried out one at a time, kept for a day, taken up again after a restart."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from api import orders
from api.orders import FILES, Kept, Orders, State
from ingestor.access.pseudonyms import ANALYSIS, is_pseudonym
from ingestor.access.throttle import Window
from ingestor.errors import IngestorError, NotFound, StorageTrouble, TooMany
from ingestor.exports.asked import FILTERS, Asker, Query, wanted
from ingestor.ops.deliveries import Order, deliver, stock_of
from ingestor.store.answers import patients

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from api.service import Service
    from ingestor.access.permissions import Caller
    from ingestor.access.pseudonyms import Pseudonyms

log = logging.getLogger(__name__)

_IDENTIFIED = "identified"
_MOST_OF_ONE, _ORDERS_AN_HOUR, _AGAIN_S, _PAUSE_S, _PATIENCE_S = 5, 30, 60, 60.0, 8.0


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
        self.orders = Orders(service.settings.data_dir / "deliveries")
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
        self._thread.join(_PATIENCE_S)

    def take(self, order: Kept) -> str:
        """Write an order down and return its id.

        Raises:
            TooMany: too many orders an hour, or too many that are kept for this account.
        """
        if self._service.settings.rate_limits:
            self._window.take(order.account)
        if self.orders.count(order.account) >= _MOST_OF_ONE:
            raise TooMany("too_many_exports", wait_s=_AGAIN_S)
        job = self.orders.write(order)
        self._due.set()
        return job

    def state(self, job: str, account: str) -> tuple[State, int]:
        """Return how far a delivery is, and how many sessions went by so far.

        Raises:
            NotFound: `no_such_delivery`: there is none, or it is somebody else's.
        """
        return orders.state(self.orders.of(job, account)), self._going.get(job, 0)

    def file(self, job: str, account: str, name: str) -> Path:
        """Return a file of a delivery that is done.

        Raises:
            NotFound: there is none.
        """
        folder = self.orders.of(job, account) / FILES
        present = {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}
        if name not in present:
            raise NotFound
        return present[name]

    def drop(self, job: str, account: str) -> None:
        """Delete a delivery, wherever it stands.

        Raises:
            NotFound: `no_such_delivery`.
        """
        self.orders.remove(self.orders.of(job, account))

    def _run(self) -> None:
        while not self._stop.is_set():
            self._due.clear()
            _tell(_error_of(self.look_after_all))
            self._due.wait(_PAUSE_S)

    def look_after_all(self) -> None:
        """Go through all orders; one that cannot be looked after stops no other."""
        for job in self.orders.jobs():
            if not self._stop.is_set():
                _tell(_error_of(self.look_after, job))

    def look_after(self, job: str) -> None:
        """Carry an order out if that is still to be done; delete what has been kept long enough."""
        folder = self.orders.folder / job
        if orders.is_over(folder):
            if orders.is_old(folder, self._service.now()):
                self.orders.remove(folder)
            return
        with orders.mine(folder) as is_mine:
            error = _error_of(self._carry_out, job) if is_mine else None
            if error is not None and not isinstance(error, _Stopped):
                _tell(error)
                orders.give_up(folder, _code(error))
        self._going.pop(job, None)

    def _carry_out(self, job: str) -> None:
        folder, kept, service = self.orders.folder / job, self.orders.read(job), self._service
        if kept is None:
            raise StorageTrouble

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
        deliver(stock, order, folder / FILES, going)


def _error_of(work: Callable[..., None], *arguments: object) -> BaseException | None:
    """Do some work in a thread of its own and return what broke in it."""
    with ThreadPoolExecutor(1, "delivery") as pool:
        return pool.submit(work, *arguments).exception()


def _code(error: BaseException) -> str:
    return error.code if isinstance(error, IngestorError) else "internal"


def _tell(error: BaseException | None) -> None:
    # The message of an error may quote what was asked for.
    if error is not None:
        log.error("delivery_failed", extra={"code": _code(error), "kind": type(error).__name__})
