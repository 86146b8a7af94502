"""Work that is due: jobs of processes that ended, second attempts, companions nobody waits for any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingestor.flow.pipeline import settle
from ingestor.store import sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestor.flow.house import House


def run_due(house: House) -> Iterator[dict[str, Any]]:
    """Settle every job that is due, oldest first, and yield the receipts."""
    while True:
        with house.db.write() as connection:
            submission = sources.claim(connection, house.worker, house.now())
        if submission is None:
            return
        yield settle(house, submission, alone=True)
