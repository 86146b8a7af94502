"""What a house knows, in a form that two houses can be compared by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ingestor.store import doses, tables

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ingestor.flow.house import House

Known = dict[str, Any]


def known(house: House) -> Known:
    """Sessions with their runs and patients, and doses with their courses; neither when nor in what order."""
    with house.db.read() as connection:
        return {"sessions": _sessions(connection), "doses": _doses(connection)}


def _sessions(connection: Connection) -> Known:
    rows = connection.execute(
        select(tables.session.c.id, tables.session.c.patient_id, tables.session.c.flags, tables.run.c.id, tables.revision.c.source)
        .join(tables.run, tables.run.c.session_id == tables.session.c.id)
        .join(tables.revision, (tables.revision.c.run_id == tables.run.c.id) & (tables.revision.c.state == "current"))
        .where(tables.session.c.joined_into.is_(None))
    )  # fmt: skip
    found: Known = {}
    for session, patient, flags, _, source in rows:
        one = found.setdefault(session, {"patient": patient, "flags": set(), "sources": []})
        one["flags"] |= {flag["code"] for flag in flags}
        one["sources"] = sorted([*one["sources"], source])
    return found


def _doses(connection: Connection) -> Known:
    rows = connection.execute(select(tables.dose).where(tables.dose.c.known_to.is_(None)))
    apart = {*doses.KEPT_APART, "detail"}
    return {row.session_id: {k: v for k, v in row._mapping.items() if k not in apart} for row in rows}


def plasma(house: House) -> float:
    """What all doses that are served add up to [mL]."""
    return float(sum(d["processed_plasma_ml"] or 0 for d in known(house)["doses"].values()))
