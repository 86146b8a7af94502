"""Work that nobody waits for: second attempts, jobs of processes that ended, late companions, anchors of the audit."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from ingestor.errors import IngestorError
from ingestor.flow.jobs import run_due
from ingestor.ops.anchors import Keeper

if TYPE_CHECKING:
    from ingestor.flow.house import House

log = logging.getLogger(__name__)
_PAUSE_S = 5.0
_PATIENCE_S = 8.0
_PASS_S, _LONGEST_PASS_S = 0.2, 2.0


class Worker:
    """One thread that settles what is due, until it is stopped.

    Args:
        house: the open house.
        due: set by whoever leaves a job; without it the worker looks every few seconds.
    """

    def __init__(self, house: House, due: threading.Event) -> None:
        self._house, self._due = house, due
        self._anchors = Keeper(house.db, house.settings, house.now)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="due jobs")

    def start(self) -> None:
        """Begin, with what an earlier end left."""
        self._due.set()
        self._thread.start()

    def stop(self) -> None:
        """End after the job in hand; what is not done by then is done by the next start."""
        self._stop.set()
        self._due.set()
        self._thread.join(_PATIENCE_S)

    def _let_pass(self) -> None:
        """While jobs are left thick and fast, keeping bytes comes before reading them; one is read now and then."""
        end = time.monotonic() + _LONGEST_PASS_S
        while self._due.is_set() and time.monotonic() < end and not self._stop.is_set():
            self._due.clear()
            self._stop.wait(_PASS_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._due.wait(_PAUSE_S)
            self._due.clear()
            if self._stop.is_set():
                return
            try:
                self._anchors.keep()
                self._let_pass()
                for _ in run_due(self._house):
                    self._let_pass()
                    if self._stop.is_set():
                        return
            except IngestorError as error:
                log.warning("jobs_wait", extra={"code": error.code})
            except Exception as error:  # noqa: BLE001 - one file in a loop: a bug in it must not stop the others
                log.critical("job_failed", extra={"kind": type(error).__name__})
