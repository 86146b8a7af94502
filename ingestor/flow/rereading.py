"""What would be read otherwise now than it was, and reading it again from the archive."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ingestor.driver import Bundle, Member
from ingestor.errors import NotFound, StorageTrouble
from ingestor.isolate import Reading, Trouble
from ingestor.meaning.clock import device_key
from ingestor.store import plans, sources

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Row

    from ingestor.flow.house import House
    from ingestor.meaning.clock import Clock
    from ingestor.store.plans import Scope


@dataclass(slots=True)
class Unit:
    """Sources and sessions that hang together: what changes in one of them may change in all.

    Attributes:
        readings: that count or are held.
        outdated: sources that would be read otherwise now.
    """

    readings: list[Row[Any]] = field(default_factory=list)
    outdated: set[str] = field(default_factory=set)

    @property
    def key(self) -> str:
        """Return what the unit is known by: the first of its sources."""
        return str(min(r.source for r in self.readings))

    @property
    def sessions(self) -> list[str]:
        """Return the sessions concerned, in order of time."""
        return list(dict.fromkeys(r.session_id for r in self.readings if r.session_id))


def units(house: House, connection: Connection, scope: Scope) -> list[Unit]:
    """Return everything in question, in order of time."""
    of: dict[str, Unit] = {}
    for row in plans.readings(connection, house.centre, scope):
        names = [row.source, *([row.session_id] if row.session_id else [])]
        found = list({id(of[n]): of[n] for n in names if n in of}.values())
        unit = _one(found, of)
        unit.readings.append(row)
        of |= dict.fromkeys(names, unit)
    distinct = list({id(unit): unit for unit in of.values()}.values())
    _mark_outdated(house, distinct)
    return distinct


def _one(found: list[Unit], of: dict[str, Unit]) -> Unit:
    if not found:
        return Unit()
    first, *others = found
    for other in others:
        first.readings += other.readings
        of |= {name: first for name, unit in of.items() if unit is other}
    return first


def _mark_outdated(house: House, found: Iterable[Unit]) -> None:
    versions = {known.stamp.name: known.stamp.version for known in house.reader.drivers()[0]}
    clock = house.clock()
    for unit in found:
        unit.outdated = {r.source for r in unit.readings if _is_outdated(r, versions, clock)}


def _is_outdated(row: Row[Any], versions: dict[str, str], clock: Clock) -> bool:
    """Tell whether this driver, in its present version and with the present clock, would say something else."""
    if versions.get(row.driver) != row.driver_version:
        return True
    applied = timedelta(seconds=int(row.basis.rpartition(" ")[2] or 0))
    mine = replace(clock, zone=row.named_zone)
    expected = mine.basis_at(device_key(row.maker, row.model, row.serial), row.started_at + applied)
    return bool(expected != row.basis)


def read(house: House, source: str, zone: str | None, driver: str | None) -> Reading:
    """Read a source again from its archived bytes."""
    with house.db.read() as connection:
        members = sources.members_of(connection, source)
    try:
        bundle = Bundle(tuple(Member(m.name, house.archive.read(m.sha256)) for m in members))
    except (NotFound, StorageTrouble) as error:
        return Reading(trouble=Trouble(error.code, {}))
    return house.reader.read(bundle, house.clock(zone), driver)


def read_unit(house: House, unit: Unit) -> dict[str, Reading]:
    """Read the outdated sources of a unit again."""
    named = {r.source: (r.named_zone, r.named_driver) for r in unit.readings}
    return {source: read(house, source, *named[source]) for source in sorted(unit.outdated)}
