"""How many sessions a filter of doses leaves out, and which part of it does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, select

from ingestor.store.answers import doses
from ingestor.store.tables import dose, session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from ingestor.store.answers.doses import Wanted

_FRAME = {"centre", "start", "end", "as_of", "ward"}


@dataclass(frozen=True, slots=True)
class Counted:
    """Sessions of one stretch of time, counted.

    Attributes:
        sessions: all of them.
        without_dose: those for which none is served.
        included: those whose dose fits the whole filter.
        filtered: name of a filter -> doses that it alone leaves out; a dose may be left out by several.
        statuses, reasons: of the doses that are included.
        lower_bounds: included doses of records that are not complete.
        without_plasma, without_multiple: included doses without a volume, or without a multiple of the plasma volume.
    """

    sessions: int
    without_dose: int
    included: int
    filtered: dict[str, int]
    statuses: dict[str, int]
    reasons: dict[str, int]
    lower_bounds: int
    without_plasma: int
    without_multiple: int


def counted(connection: Connection, wanted: Wanted) -> Counted:
    """Count what a filter takes and what it leaves."""
    frame = type(wanted)(**{name: getattr(wanted, name) for name in _FRAME})
    sessions = connection.execute(
        select(func.count()).select_from(session).where(doses.of_sessions(frame))
    ).scalar_one()
    dosed = doses.count(connection, frame)
    filtered = {name: dosed - doses.count(connection, one) for name, one in _each(frame, wanted)}
    taken = doses.conditions(wanted)
    by_status = select(dose.c.status, func.count()).where(taken).group_by(dose.c.status)
    statuses = {row[0]: row[1] for row in connection.execute(by_status)}
    missing = (
        dose.c.complete.is_(False), dose.c.processed_plasma_ml.is_(None), dose.c.pv_multiple.is_(None),
    )  # fmt: skip
    lower, no_plasma, no_multiple = (
        connection.execute(select(func.count()).select_from(dose).where(and_(taken, one))).scalar_one()
        for one in missing
    )
    return Counted(
        sessions, sessions - dosed, sum(statuses.values()), filtered, statuses, _reasons(connection, wanted),
        lower, no_plasma, no_multiple,
    )  # fmt: skip


def _each(frame: Wanted, wanted: Wanted) -> Iterator[tuple[str, Wanted]]:
    """Yield every part of a filter by name, alone in the same frame."""
    for pair in wanted.equal:
        yield pair[0], replace(frame, equal=(pair,))
    for bound in wanted.least:
        yield f"{bound[0]}_min", replace(frame, least=(bound,))
    for bound in wanted.most:
        yield f"{bound[0]}_max", replace(frame, most=(bound,))
    for name in ("column", "alarm", "reason", "complete", "linked"):
        value = getattr(wanted, name)
        if value not in {(), None}:
            yield name, replace(frame, **{name: value})


def _reasons(connection: Connection, wanted: Wanted) -> dict[str, int]:
    """Count reasons; the lists repeat, so each different one is read once."""
    query = (
        select(dose.c.status_reasons, func.count())
        .where(doses.conditions(wanted))
        .group_by(dose.c.status_reasons)
    )
    found: dict[str, int] = {}
    for reasons, count in connection.execute(query):
        for reason in reasons:
            found[reason] = found.get(reason, 0) + count
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))
