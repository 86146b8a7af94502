"""The house opened: settings, archive, database and the reader of bundles, checked and recovered."""

from __future__ import annotations

import logging
import os
import socket
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from ingestor.archive import Archive
from ingestor.disk import make_folder
from ingestor.faultpoints import point
from ingestor.isolate import Reader
from ingestor.meaning.clock import Clock, Offset, device_key
from ingestor.meaning.policy import Policy
from ingestor.store import arrivals, places, schema, spread
from ingestor.store.engine import durability_warnings, open_database
from ingestor.store.together import Together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection

    from ingestor.config import Settings
    from ingestor.meaning.clock import DeviceKey
    from ingestor.store.arrivals import Arrival
    from ingestor.store.engine import Database

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class House:
    """Everything a flow needs, handed from one root.

    Attributes:
        now: the clock of the machine; tests give their own.
        worker: name of this process, so that its unfinished jobs can be told from a living neighbour's.
        arrivals: makes bundles durable, those that come at the same time in one transaction.
        at_work: submissions that some thread of this process is settling now.
    """

    settings: Settings
    db: Database
    archive: Archive
    reader: Reader
    now: Callable[[], datetime]
    worker: str
    arrivals: Together[Arrival, str]
    at_work: set[str] = field(default_factory=set)

    @property
    def centre(self) -> str:
        """Return the id of the centre that this house serves."""
        return self.settings.centre

    @contextmanager
    def working_on(self, submission: str) -> Iterator[None]:
        """Mark a submission as being settled by this process."""
        self.at_work.add(submission)
        try:
            yield
        finally:
            self.at_work.discard(submission)

    def policy(self) -> Policy:
        """Return how this site judges doses."""
        chosen = self.settings
        return Policy(
            formula=chosen.plasma_volume_formula,
            withhold_above=Decimal(str(chosen.withhold_above)),
            weight_age=timedelta(days=chosen.weight_days),
            hematocrit_age=timedelta(days=chosen.hematocrit_days),
            height_age=timedelta(days=round(chosen.height_years * 365.25)),
            extraction={
                name: Decimal(str(one.extraction)) for name, one in chosen.columns.items() if one.extraction
            },
            column_uses={name: one.uses for name, one in chosen.columns.items() if one.uses},
        )

    def clock(self, zone: str | None = None) -> Clock:
        """Return what is known of the clocks of this centre's machines.

        Args:
            zone: named by a person for one source; stronger than everything but an offset in the file.
        """
        with self.db.read() as connection:
            devices = places.known_devices(connection, self.centre)
            ledger = places.offsets(connection, self.centre)
        offsets: dict[DeviceKey, tuple[Offset, ...]] = {}
        for maker, model, serial, seconds, start, end in ledger:
            key = device_key(maker, model, serial)
            offsets[key] = (*offsets.get(key, ()), Offset(seconds, start, end))
        zones = {device_key(d.maker, d.model, d.serial): d.zone for d in devices if d.zone}
        return Clock(self.settings.zone, self.now(), zones, offsets, zone)


def this_worker() -> str:
    """Return a name for this process that no other process on this machine has had."""
    with open("/proc/self/stat", encoding="ascii") as stat:  # noqa: PTH123
        started = stat.read().rsplit(")", 1)[1].split()[19]
    return f"{socket.gethostname()}:{os.getpid()}:{started}"


def is_alive(worker: str) -> bool:
    """Tell whether the process of this name still runs here; processes of other hosts count as alive."""
    host, _, rest = worker.partition(":")
    if host != socket.gethostname():
        return bool(host)
    pid, _, started = rest.partition(":")
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:  # noqa: PTH123
            return stat.read().rsplit(")", 1)[1].split()[19] == started
    except OSError:
        return False


def _warn(db: Database) -> None:
    for setting in durability_warnings(db):
        log.critical("database_not_durable", extra={"setting": setting})


def _arrivals(db: Database) -> Together[Arrival, str]:
    def accept(those: Sequence[Arrival]) -> list[str]:
        def work(connection: Connection) -> list[str]:
            keys = arrivals.accept(connection, those)
            point("pipeline.keep")
            return keys

        return db.apply(work)

    return Together(accept)


@contextmanager
def open_house(
    settings: Settings, now: Callable[[], datetime] | None = None, reader: Reader | None = None
) -> Iterator[House]:
    """Open the house: folders, database at this program's version, archive, centre, recovery.

    Args:
        settings: of this site.
        now: the clock; the system's if None.
        reader: one that outlives this house; one of its own if None.

    Raises:
        SettingsError: the data folder cannot be used.
        DatabaseTrouble: the database cannot be used, or belongs to a newer program.
    """
    from ingestor.flow.recovery import recover

    make_folder(settings.data_dir)
    archive = Archive(settings.data_dir / "archive", limit=settings.max_file_mib << 20)
    archive.prepare()
    db = open_database(settings.url)
    own = reader or Reader(settings.data_dir / "profiles")
    try:
        schema.upgrade(db)
        _warn(db)
        spread.learn(db)
        house = House(
            settings, db, archive, own, now or (lambda: datetime.now(UTC)), this_worker(), _arrivals(db)
        )
        with db.write() as connection:
            places.ensure_centre(connection, settings.centre, settings.centre_name, settings.zone)
        recover(house)
        yield house
    finally:
        if reader is None:
            own.close()
        db.close()
        archive.close()
