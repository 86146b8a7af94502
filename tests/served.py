"""What a house serves and keeps, read as plain rows to be compared with what was expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select

from ingestor.store import tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Table

    from ingestor.store.engine import Database
    from tests.expected import Expected

Key = tuple[frozenset[str], str, str]


@dataclass(frozen=True)
class Served:
    """One session as it is served.

    Attributes:
        dose: the columns of its dose.
        person: the identifier of the patient it is linked to.
        rows: serial number of a machine to its stored cycles, columns and alarms.
    """

    dose: Mapping[str, Any]
    person: str | None
    rows: Mapping[str, Mapping[str, list[tuple[Any, ...]]]]


def key_of(one: Expected) -> Key:
    """Return by what an expected session is found among the served ones."""
    (_, printed), *_ = one.starts
    return one.sources, one.key[0], printed[:16]


def sessions(db: Database) -> dict[Key, Served]:
    """Return every session that is served."""
    with db.read() as connection:
        people = {row.patient_id: row.value for row in connection.execute(select(tables.identifier))}
        rows = _rows(connection)
        doses = connection.execute(select(tables.dose).where(tables.dose.c.known_to.is_(None))).all()
    found = {
        (frozenset(d.sources), d.device_serial, d.started_local.isoformat()[:16]): Served(
            d._mapping, people.get(d.patient_id), rows.get(d.session_id, {})
        )
        for d in doses
    }
    assert len(found) == len(doses), "two sessions of the same run"
    return found


_PARTS: dict[str, tuple[Table, tuple[str, ...]]] = {
    "cycles": (tables.cycle, ("column_position", "load_ml", "completed")),
    "columns": (tables.column_use, ("column_position", "product", "serial", "lot", "use")),
    "alarms": (tables.alarm, ("code", "priority")),
}


def _rows(connection: Connection) -> dict[str, dict[str, dict[str, list[tuple[Any, ...]]]]]:
    """Session to machine to kind to rows of its current reading."""
    found: dict[str, dict[str, dict[str, list[tuple[Any, ...]]]]] = {}
    for kind, (table, names) in _PARTS.items():
        query = (
            select(tables.run.c.session_id, tables.device.c.serial.label("machine"), *(table.c[n] for n in names))
            .join(tables.revision, and_(tables.revision.c.id == table.c.revision_id, tables.revision.c.state == "current"))
            .join(tables.run, tables.run.c.id == tables.revision.c.run_id)
            .join(tables.device, tables.device.c.id == tables.run.c.device_id)
            .order_by(tables.revision.c.id, table.c.position)
        )  # fmt: skip
        for session, machine, *values in connection.execute(query):
            of_machine = found.setdefault(session, {}).setdefault(machine, {})
            of_machine.setdefault(kind, []).append(tuple(values))
    return found
