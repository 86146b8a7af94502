"""Work that is due: jobs of ended processes, second attempts, companions nobody waits for, corrected clocks."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ingestor.errors import Busy, DatabaseTrouble, StorageTrouble
from ingestor.flow import clocks, settling
from ingestor.flow.house import is_alive
from ingestor.flow.pipeline import settle
from ingestor.isolate.found import where
from ingestor.store import sources
from ingestor.store.tending import tend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestor.flow.house import House

log = logging.getLogger(__name__)


def run_due(house: House) -> Iterator[dict[str, Any]]:
    """Settle every job that is due, oldest first, and yield the receipts.

    A file that brings the program down in an unforeseen way is set aside after its third attempt and stops
    nobody else.

    Raises:
        Busy, DatabaseTrouble, StorageTrouble: nothing can be settled now; what was begun is due again later.
    """
    tend(house.db)
    reclaim(house, begun_here=True)
    clocks.carry_out(house)
    while (submission := _claim(house)) is not None:
        try:
            receipt = settle(house, submission, alone=True)
        except (Busy, DatabaseTrouble, StorageTrouble):
            with house.db.write() as connection:
                sources.give_back(connection, submission, house.now())
            raise
        except Exception as error:  # noqa: BLE001 - one file in a loop
            log.error("settling_failed", extra={"submission": submission, "problem": where(error)})  # noqa: TRY400 - a traceback may quote the file
            receipt = settling.fail(house, submission)
        yield receipt


def reclaim(house: House, *, begun_here: bool = False) -> int:
    """Give back the jobs of dead processes; return how many.

    Args:
        house: the open house.
        begun_here: also those that this process began and no longer works on, for want of a database or a disk.
    """
    with house.db.read() as connection:
        left = [
            key
            for key, worker in sources.running_jobs(connection)
            if (begun_here and worker == house.worker and key not in house.at_work) or not is_alive(worker)
        ]
    if left:
        with house.db.write() as connection:
            for key in left:
                sources.requeue(connection, key, house.now())
    return len(left)


def _claim(house: House) -> str | None:
    with house.db.read() as connection:
        if not sources.is_due(connection, house.now()):
            return None
    with house.db.write() as connection:
        return sources.claim(connection, house.worker, house.now())
