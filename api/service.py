"""What every route can reach: the open house, pseudonyms, counters and metrics. One per process, none at import."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from starlette.concurrency import run_in_threadpool

from api.answers import Answers
from ingestor.access.pseudonyms import is_pseudonym
from ingestor.access.throttle import Failures, Window
from ingestor.exports.view import View
from ingestor.flow.privacy import require_led_back
from ingestor.store.answers import patients

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from starlette.requests import Request

    from api.metrics import Metrics
    from ingestor.access.permissions import Caller
    from ingestor.access.pseudonyms import Pseudonyms
    from ingestor.config import Settings
    from ingestor.flow.house import House
    from ingestor.store.engine import Database

T = TypeVar("T")
_UPLOADS_A_MINUTE = 300
_EXPORTS_AT_ONCE = 3
_HANDS = 3


@dataclass(frozen=True, slots=True)
class Service:
    """The running service.

    Attributes:
        front: connections of the event loop's own, on which short reads never wait for anybody; None where a
            read may wait (another database than SQLite with WAL), and is done in a thread.
        answers: lists that were asked for a short while ago.
        warnings: what is less than safe in this installation, shown by `/health`.
        failures: wrong logins by name and by address.
        uploads: requests that hand files in, by caller.
        looks: sessions of identified patients that somebody looked at a short while ago.
        refusals: refused permissions already on record a short while ago.
        exports: places for streams that write every row.
        reading: files that are being read; the service ends after them.
        hands: threads of their own for reading, so that whoever waits for it keeps nobody else waiting.
        due: set when a job was left for whoever has time.
        hashing: places for password hashes; the others wait here and not in the threads that serve everybody.
    """

    house: House
    pseudonyms: Pseudonyms
    metrics: Metrics
    front: Database | None = None
    answers: Answers = field(default_factory=Answers)
    warnings: tuple[str, ...] = ()
    failures: Failures = field(default_factory=Failures)
    uploads: Window = field(default_factory=lambda: Window(_UPLOADS_A_MINUTE, 60))
    looks: Window = field(default_factory=lambda: Window(1, 3600))
    refusals: Window = field(default_factory=lambda: Window(1, 60))
    exports: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(_EXPORTS_AT_ONCE)
    )
    reading: set[asyncio.Future[Any]] = field(default_factory=set)
    hands: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_HANDS, "reading"))
    due: threading.Event = field(default_factory=threading.Event)
    hashing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))

    @property
    def settings(self) -> Settings:
        """Return the site's settings."""
        return self.house.settings

    @property
    def db(self) -> Database:
        """Return the store."""
        return self.house.db

    async def soon(self, ask: Callable[..., T], *arguments: object) -> T:
        """Return `ask(db, *arguments)`, a short read, from wherever it disturbs nobody."""
        if self.front is not None:
            return ask(self.front, *arguments)
        return await run_in_threadpool(ask, self.db, *arguments)

    def patient_of(self, pseudonym: str, caller: Caller) -> str | None:
        """Return the patient that has this pseudonym, or None.

        Raises:
            Forbidden: `reidentify_first`: the caller sees names, and nobody allowed him to know this one.
        """
        if not is_pseudonym(pseudonym):
            return None
        with self.db.read() as connection:

            def everybody() -> Iterator[str]:  # only asked for a pseudonym that was not seen before
                yield from patients.ids(connection, self.house.centre)

            found = self.pseudonyms.patient_of(pseudonym, everybody())
            if found is not None and caller.sees_identity:
                require_led_back(self.house, connection, found, caller.name)
            return found

    def view(self, caller: Caller) -> View:
        """Return what this caller may see of a patient."""
        return View(None if caller.sees_identity else self.pseudonyms.of)

    def now(self) -> datetime:
        """Return the time of the house's clock."""
        return self.house.now()


def service_of(request: Request) -> Service:
    """Return the service that answers this request."""
    return cast("Service", request.app.state.service)
