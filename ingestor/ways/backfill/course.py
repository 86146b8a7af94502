"""The course of a backfill: while one batch is stored, the next is being read and the one after it kept."""

from __future__ import annotations

import logging
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ingestor.errors import Busy, DatabaseTrouble, StorageTrouble
from ingestor.flow import jobs, settling
from ingestor.flow.pipeline import settle
from ingestor.isolate.found import where
from ingestor.store import spread
from ingestor.store.trouble import GivenUp
from ingestor.ways.backfill.keeping import BATCH, Kept, bundles_below, keep_batch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ingestor.flow.house import House
    from ingestor.flow.pipeline import Receipt
    from ingestor.isolate import Reading
    from ingestor.meaning.clock import Clock
    from ingestor.store.sources import Order
    from ingestor.ways.backfill.engines import Engine, Promise
    from ingestor.ways.backfill.keeping import Addresses

log = logging.getLogger(__name__)

_TRIES = 5
Begun = tuple[list[tuple[Kept, "Promise"]], list[dict[str, Any]], "Clock"]


@dataclass(slots=True)
class Report:
    """What became of everything, so far."""

    bundles: int = 0
    done: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    began: float = field(default_factory=time.monotonic)

    def add(self, receipt: Receipt) -> None:
        """Count one receipt."""
        self.done += 1
        self.statuses[receipt["status"]] += 1
        self.rows.update(receipt["rows"])
        if receipt["status"] not in {"stored", "duplicate"}:
            self.codes[receipt["code"]] += 1

    @property
    def seconds(self) -> float:
        """Return the time since the beginning [s]."""
        return time.monotonic() - self.began

    @property
    def left_s(self) -> float:
        """Return the time that the rest will take if it goes on like this [s]."""
        return self.seconds / max(self.done, 1) * (self.bundles - self.done)

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {
            "bundles": self.bundles, "done": self.done, "statuses": dict(self.statuses), "codes": dict(self.codes),
            "rows": dict(self.rows), "seconds": round(self.seconds, 1),
            "per_second": round(self.done / max(self.seconds, 1e-9), 1),
        }  # fmt: skip


def backfill(house: House, root: str, order: Order, engine: Engine, report: Report) -> Iterator[Receipt]:
    """Take in everything below a folder or an address of shared storage; yield one receipt a bundle.

    Killed at any time, it leaves durable jobs and whole receipts; the same call goes on where it was.

    Args:
        house: the open house; this process is the only writer of the backfill.
        root: folder, or an address that fsspec opens.
        order: who fills in, and what for.
        engine: who reads.
        report: counts what is done.

    Raises:
        Busy, DatabaseTrouble, StorageTrouble: nothing more can be stored now.
    """
    list(jobs.run_due(house))
    bundles = bundles_below(house, root)
    report.bundles = len(bundles)
    with ThreadPoolExecutor(4, "keep") as threads:
        begun = (_begin(house, batch, order, engine, threads) for batch in _batches(bundles))
        for one in _ahead(begun):
            for receipt in _settle(house, one, order):
                report.add(receipt)
                yield receipt
    spread.learn(house.db, anew=True)


def _batches(bundles: list[Addresses]) -> Iterator[list[Addresses]]:
    yield from (bundles[at : at + BATCH] for at in range(0, len(bundles), BATCH))


def _ahead(items: Iterable[Begun]) -> Iterator[Begun]:
    """Yield every item once the one after it has begun."""
    found = iter(items)
    current = next(found, None)
    while current is not None:
        following = next(found, None)
        yield current
        current = following


def _begin(
    house: House, batch: list[Addresses], order: Order, engine: Engine, threads: ThreadPoolExecutor
) -> Begun:
    clock = house.clock(order.zone)
    kept, answered = [], []
    for one in keep_batch(house, batch, order, threads):
        if isinstance(one, Kept):
            kept.append((one, engine.read(one.members, one.addresses, clock, order.driver)))
        else:
            answered.append(one)
    return kept, answered, clock


def _settle(house: House, begun: Begun, order: Order) -> list[Receipt]:
    """Store one batch in one transaction; what could not be read elsewhere is read here, one by one."""
    kept, receipts, clock = begun
    readings = [(one.submission, promise.result()) for one, promise in kept]
    now = house.clock(order.zone)
    if (now.zones, now.offsets, now.default_zone) != (clock.zones, clock.offsets, clock.default_zone):
        readings = [(submission, None) for submission, _ in readings]
    ready = [(submission, reading) for submission, reading in readings if reading is not None]
    stored = _together(house, ready)
    alone = [_one(house, submission, None) for submission, reading in readings if reading is None]
    return [*receipts, *stored, *alone]


def _together(house: House, ready: list[tuple[str, Reading]]) -> list[Receipt]:
    for attempt in range(1, _TRIES + 1):
        try:
            with house.db.batch():
                return [_one(house, submission, reading) for submission, reading in ready]
        except GivenUp:
            if attempt == _TRIES:
                raise
            time.sleep(0.05 * 2**attempt)
    raise AssertionError  # the loop returns or raises


def _one(house: House, submission: str, reading: Reading | None) -> Receipt:
    try:
        return settle(house, submission, reading=reading)
    except (Busy, DatabaseTrouble, StorageTrouble):
        raise
    except Exception as error:  # noqa: BLE001 - one file in a loop
        log.error("settling_failed", extra={"submission": submission, "problem": where(error)})  # noqa: TRY400 - a traceback may quote the file
        return settling.fail(house, submission)
