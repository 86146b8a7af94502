"""Computing everything again from what is kept, and comparing it with what is served."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from ingestor.flow.dosing import dose_of
from ingestor.meaning.figures import run_figures
from ingestor.meaning.policy import METHOD
from ingestor.store import doses, runs, sessions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from ingestor.flow.house import House


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A session whose stored figures or served dose are not what is computed now; names of the fields."""

    session: str
    fields: tuple[str, ...]


def verify(house: House) -> Iterator[Mismatch]:
    """Recompute the figures of every current reading from its rows and trace, and every dose from those."""
    with house.db.read() as connection:
        for session_id in sessions.all_sessions(connection, house.centre):
            wrong = (*_figures(connection, session_id), *_dose(house, connection, session_id))
            if wrong:
                yield Mismatch(session_id, wrong)


def dose_differs(house: House, connection: Connection, session_id: str) -> bool:
    """Tell whether a session's dose would be another one if it were computed now."""
    return bool(_dose(house, connection, session_id))


def _figures(connection: Connection, session_id: str) -> tuple[str, ...]:
    wrong = []
    for row in runs.current_readings(connection, session_id):
        revision = runs.current_revision(connection, row.run_id)
        assert revision is not None  # noqa: S101 - it was just listed as current
        again = run_figures(runs.load(connection, revision)).to_json()
        wrong += [f"{row.run_id}.{name}" for name in again if again[name] != row.figures.get(name)]
    return tuple(wrong)


def _dose(house: House, connection: Connection, session_id: str) -> tuple[str, ...]:
    dose, served = dose_of(house, connection, session_id), doses.current(connection, session_id, METHOD)
    if dose is None or served is None:
        return () if dose is None and served is None else ("dose",)
    values = {f.name: getattr(dose, f.name) for f in fields(dose)}
    values |= {"status": dose.status.value}
    return doses.changed(dict(served._mapping), values)
