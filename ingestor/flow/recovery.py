"""Making good what an earlier end left half done, before any door opens."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ingestor.flow.house import is_alive
from ingestor.store import sources

if TYPE_CHECKING:
    from ingestor.flow.house import House

log = logging.getLogger(__name__)


def recover(house: House) -> None:
    """Give jobs of dead processes back, and sweep away broken-off copies."""
    house.archive.sweep_tmp()
    with house.db.read() as connection:
        gone = [key for key, worker in sources.running_jobs(connection) if not is_alive(worker)]
    if not gone:
        return
    with house.db.write() as connection:
        for key in gone:
            sources.requeue(connection, key, house.now())
    log.warning("jobs_recovered", extra={"count": len(gone)})
