"""What every route can reach: the open house, pseudonyms, counters and metrics. One per process, none at import."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from ingestor.access.throttle import Failures, Window

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request

    from api.metrics import Metrics
    from ingestor.access.pseudonyms import Pseudonyms
    from ingestor.config import Settings
    from ingestor.flow.house import House
    from ingestor.store.engine import Database

_UPLOADS_A_MINUTE = 60
_EXPORTS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Service:
    """The running service.

    Attributes:
        warnings: what is less than safe in this installation, shown by `/health`.
        failures: wrong logins by name and by address.
        uploads: requests that hand files in, by caller.
        refusals: refused permissions already on record a short while ago.
        exports: places for streams that write every row.
        hashing: places for password hashes; the others wait here and not in the threads that serve everybody.
    """

    house: House
    pseudonyms: Pseudonyms
    metrics: Metrics
    warnings: tuple[str, ...] = ()
    failures: Failures = field(default_factory=Failures)
    uploads: Window = field(default_factory=lambda: Window(_UPLOADS_A_MINUTE, 60))
    refusals: Window = field(default_factory=lambda: Window(1, 60))
    exports: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(_EXPORTS_AT_ONCE)
    )
    hashing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))

    @property
    def settings(self) -> Settings:
        """Return the site's settings."""
        return self.house.settings

    @property
    def db(self) -> Database:
        """Return the store."""
        return self.house.db

    def now(self) -> datetime:
        """Return the time of the house's clock."""
        return self.house.now()


def service_of(request: Request) -> Service:
    """Return the service that answers this request."""
    return cast("Service", request.app.state.service)
