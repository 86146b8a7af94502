"""Requests of persons on their data, and what follows from them in the database."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, false, func, insert, or_, select, update

from ingestor.errors import NotFound
from ingestor.ids import fresh
from ingestor.store.tables import (
    alarm,
    dose,
    event,
    finding,
    identifier,
    identity,
    measurement,
    printed_patient,
    privacy_request,
    revision,
    run,
    session,
    source_member,
    submission,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row, Select

ERASED = "erased"


def add(
    connection: Connection, centre: str, kind: str, patient_id: str, by: str, reason: str, now: datetime
) -> str:
    """Write a request down and return its id."""
    key = fresh("prq")
    connection.execute(
        insert(privacy_request).values(
            id=key, centre=centre, kind=kind, patient_id=patient_id, asked_by=by, asked_at=now, reason=reason
        )
    )
    return key


def require(connection: Connection, centre: str, key: str) -> Row[Any]:
    """Return a request.

    Raises:
        NotFound: there is none.
    """
    query = select(privacy_request).where(privacy_request.c.id == key, privacy_request.c.centre == centre)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("no_such_request")
    return row


def change(connection: Connection, key: str, **values: object) -> None:
    """Write the decision on a request, or its end."""
    connection.execute(update(privacy_request).where(privacy_request.c.id == key).values(**values))


def listing(connection: Connection, centre: str, limit: int = 200) -> list[dict[str, Any]]:
    """Return requests, undecided ones first, then by time, newest first."""
    query = (
        select(privacy_request)
        .where(privacy_request.c.centre == centre)
        .order_by(privacy_request.c.decision.is_not(None), privacy_request.c.asked_at.desc())
        .limit(limit)
    )
    return [dict(row._mapping) for row in connection.execute(query)]


def led_back(connection: Connection, patient_id: str, by: str, since: datetime) -> bool:
    """Tell whether this person was allowed, since then, to know who is behind a pseudonym of this patient."""
    query = select(privacy_request.c.id).where(
        privacy_request.c.kind == "reidentification", privacy_request.c.patient_id == patient_id,
        privacy_request.c.decision == "granted", privacy_request.c.asked_by == by,
        privacy_request.c.decided_at >= since,
    )  # fmt: skip
    return connection.execute(query).first() is not None


def restricted() -> Select[Any]:
    """Return a query for the patients whose data may be stored and no more: asked for, not refused, not ended."""
    return select(privacy_request.c.patient_id).where(
        privacy_request.c.kind == "restriction", privacy_request.c.ended_at.is_(None),
        or_(privacy_request.c.decision.is_(None), privacy_request.c.decision == "granted"),
    )  # fmt: skip


def open_to_research(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return that a patient's id is not one of a restricted patient; nobody's sessions are open."""
    return or_(column.is_(None), column.not_in(restricted()))


def is_restricted(connection: Connection, patient_id: str) -> bool:
    """Tell whether this patient's data may only be stored."""
    query = restricted().where(privacy_request.c.patient_id == patient_id)
    return connection.execute(query.limit(1)).first() is not None


def sessions_of(connection: Connection, patients: Sequence[str]) -> list[str]:
    """Return the ids of these patients' sessions."""
    query = select(session.c.id).where(session.c.patient_id.in_(patients))
    return list(connection.execute(query).scalars())


def forget(connection: Connection, patients: Sequence[str], words: Collection[str]) -> dict[str, int]:
    """Take away whatever names these patients; return how many rows of each kind.

    Sex, year of birth and measured values stay: doses rest on them.

    Args:
        connection: writes.
        patients: everybody who is the person.
        words: texts that identify the person; a printed text that holds one of them is blanked.
    """
    own = select(session.c.id).where(session.c.patient_id.in_(patients))
    readings = select(revision.c.id).join(run, run.c.id == revision.c.run_id).where(run.c.session_id.in_(own))
    told = select(measurement.c.source).where(measurement.c.patient_id.in_(patients))
    origins = set(connection.execute(told).scalars())
    gone = {
        "identities": delete(identity).where(identity.c.patient_id.in_(patients)),
        "identifiers": delete(identifier).where(identifier.c.patient_id.in_(patients)),
        "printed": delete(printed_patient).where(printed_patient.c.revision_id.in_(readings)),
        "origins": update(measurement).where(measurement.c.patient_id.in_(patients)).values(source=ERASED),
    }
    counts = {name: connection.execute(statement).rowcount for name, statement in gone.items()}
    read = select(revision.c.source).where(revision.c.id.in_(readings))
    named = select(source_member.c.name).where(source_member.c.source.in_(read))
    _forget_names(connection, read, {*words, *connection.execute(named).scalars()})
    names = update(source_member).where(source_member.c.source.in_(read)).values(name=ERASED)
    counts["file_names"] = connection.execute(names).rowcount
    for table, key in ((revision, revision.c.id), (finding, finding.c.revision_id)):
        connection.execute(update(table).where(key.in_(readings)).values(member=ERASED))
    for table in (alarm, event):
        telling = or_(
            false(), *(func.lower(table.c.text).contains(w.lower(), autoescape=True) for w in words)
        )
        blanked = update(table).where(table.c.revision_id.in_(readings), telling).values(text=ERASED)
        counts[table.name] = connection.execute(blanked).rowcount
    counts["doses"] = _forget_origins(connection, own, origins)
    return counts


def _forget_names(connection: Connection, read: Select[Any], names: set[str]) -> None:
    """Blank names of files and of the person in what senders were told."""
    query = select(submission.c.id, submission.c.receipt).where(submission.c.source.in_(read))
    for row in connection.execute(query).all():
        told = json.dumps(row.receipt, ensure_ascii=False)
        for name in sorted(names, key=len, reverse=True):
            told = told.replace(json.dumps(name, ensure_ascii=False)[1:-1], ERASED)
        values = {"receipt": json.loads(told), "names": None, "note": None}
        connection.execute(update(submission).where(submission.c.id == row.id).values(**values))


def _forget_origins(connection: Connection, own: Select[Any], origins: set[str]) -> int:
    """Blank where the measured values of doses came from, those that were served before included."""
    query = select(dose.c.id, dose.c.detail).where(dose.c.session_id.in_(own))
    changed = 0
    for row in connection.execute(query).all():
        before = row.detail.get("inputs", [])
        inputs = [one | {"source": ERASED} if one["source"] in origins else one for one in before]
        if inputs != before:
            values = {"detail": row.detail | {"inputs": inputs}}
            connection.execute(update(dose).where(dose.c.id == row.id).values(**values))
            changed += 1
    return changed


def _erased() -> Select[Any]:
    return select(privacy_request.c.patient_id).where(
        privacy_request.c.kind == "erasure", privacy_request.c.decision == "granted"
    )


def run_is_of_erased(connection: Connection, run_id: str) -> bool:
    """Tell whether a run belongs to a patient whose identity was erased: what is printed there is not kept again."""
    query = (
        select(run.c.id)
        .join(session, session.c.id == run.c.session_id)
        .where(run.c.id == run_id, session.c.patient_id.in_(_erased()))
    )
    return connection.execute(query).first() is not None


def source_is_closed(connection: Connection, source: str) -> bool:
    """Tell whether an original holds a treatment of a patient who was erased or restricted."""
    query = (
        select(revision.c.id)
        .join(run, run.c.id == revision.c.run_id)
        .join(session, session.c.id == run.c.session_id)
        .where(
            revision.c.source == source,
            or_(session.c.patient_id.in_(_erased()), session.c.patient_id.in_(restricted())),
        )
        .limit(1)
    )
    return connection.execute(query).first() is not None


def past_retention(connection: Connection, centre: str, before: datetime) -> list[dict[str, Any]]:
    """Return patients whose last session began before a moment, with number of sessions; nobody's as None."""
    last = func.max(session.c.started_at)
    query = (
        select(session.c.patient_id, func.count().label("sessions"), last.label("last"))
        .where(session.c.centre == centre, session.c.joined_into.is_(None))
        .group_by(session.c.patient_id)
        .having(and_(last < before))
        .order_by(last)
    )
    return [dict(row._mapping) for row in connection.execute(query)]


def doses_withheld_from_research(connection: Connection) -> int:
    """Return how many served doses a restriction keeps back now."""
    query = (
        select(func.count())
        .select_from(dose)
        .where(dose.c.known_to.is_(None), dose.c.patient_id.in_(restricted()))
    )
    return int(connection.execute(query).scalar_one())
