"""One session with everything that belongs to it, and sessions as flat rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select

from ingestor.errors import NotFound, OtherWard
from ingestor.store import columns, links, privacy, runs, sessions
from ingestor.store.answers import doses
from ingestor.store.engine import is_veiled, unveiled
from ingestor.store.tables import (
    device,
    dose,
    identifier,
    identity,
    patient,
    printed_patient,
    revision,
    run,
    session,
    trace,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from ingestor.model import Run


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One run of a session.

    Attributes:
        row: of the run, with the machine's `maker`, `model` and `serial`.
        revisions: all readings, oldest first, without their rows.
        reading: what the current reading says, without its trace; None while the only reading is held.
    """

    row: Row[Any]
    revisions: Sequence[Row[Any]]
    current: Row[Any] | None
    reading: Run | None


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """A session as it is stored; whoever shows it decides what may be seen.

    Attributes:
        dose: the raw row that is served, or None.
        detail: what the dose was computed from.
        joined: ids of the sessions that were joined into this one.
        column_words: what persons said of warnings about its columns, and did not take back.
        words: everything that identifies the patient: never shown to those who may not see it.
    """

    row: Row[Any]
    runs: tuple[RunFacts, ...]
    dose: Sequence[Any] | None
    detail: dict[str, Any]
    links: Sequence[Row[Any]]
    joined: tuple[str, ...]
    column_words: Sequence[Row[Any]]
    words: tuple[str, ...]


def facts(connection: Connection, centre: str, key: str, ward: str | None = None) -> SessionFacts:
    """Return all that is known of a session; one that was joined into another answers with that one.

    Raises:
        NotFound: there is none, or the ward may not see it.
    """
    row = sessions.session_row(connection, key)
    if row.centre != centre:
        raise NotFound("no_such_session")
    if ward is not None and row.ward not in {None, ward}:
        raise OtherWard("no_such_session", session=row.id)
    if is_veiled(connection) and row.patient_id and privacy.is_restricted(connection, row.patient_id):
        raise NotFound("no_such_session")
    detail = connection.execute(
        select(dose.c.detail).where(dose.c.session_id == row.id, dose.c.known_to.is_(None))
    ).scalar()
    joined = connection.execute(select(session.c.id).where(session.c.joined_into == row.id)).scalars()
    return SessionFacts(
        row=row, runs=tuple(_run(connection, found) for found in _runs(connection, row.id)),
        dose=doses.newest(connection, row.id), detail=detail or {},
        links=links.history(connection, row.id), joined=tuple(joined),
        column_words=_column_words(connection, row, detail or {}),
        words=identifying(connection, [row.id])[row.id],
    )  # fmt: skip


def _column_words(connection: Connection, row: Row[Any], detail: dict[str, Any]) -> Sequence[Row[Any]]:
    """Words on what is acknowledged: of its runs, or of its patient and another one."""
    serials = {one["serial"] for one in detail.get("column_warnings", ()) if one["acknowledged"]}
    mine = {str(row.patient_id), *(found.id for found in _runs(connection, row.id))} if serials else set()
    found = columns.words(connection, row.centre, serials) if serials else []
    return [word for word in found if not mine.isdisjoint(word.subject.split(" "))]


def _runs(connection: Connection, session_id: str) -> Sequence[Row[Any]]:
    query = (
        select(run, device.c.maker, device.c.model, device.c.serial)
        .join(device, run.c.device_id == device.c.id)
        .where(run.c.session_id == session_id)
        .order_by(run.c.started_at, run.c.id)
    )
    return connection.execute(query).all()


def _run(connection: Connection, row: Row[Any]) -> RunFacts:
    revisions = runs.revisions_of(connection, [row.id])
    current = next((r for r in revisions if r.state == "current"), None)
    reading = runs.load(connection, current.id, with_trace=False) if current is not None else None
    return RunFacts(row, revisions, current, reading)


def identifying(connection: Connection, keys: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return for each of some sessions every text that is known to identify its patient, dates in ISO form.

    It is what must be cut out of an answer; so it looks behind the veil.
    """
    found: dict[str, set[str]] = {key: set() for key in keys}
    printed = (
        select(run.c.session_id, printed_patient.c.text)
        .join(revision, revision.c.run_id == run.c.id)
        .join(printed_patient, printed_patient.c.revision_id == revision.c.id)
        .where(run.c.session_id.in_(keys))
    )
    same = or_(patient.c.id == session.c.patient_id, patient.c.merged_into == session.c.patient_id)
    linked = (
        select(session.c.id, patient.c.id.label("patient")).join(patient, same).where(session.c.id.in_(keys))
    )
    people = linked.subquery()
    numbers = select(people.c.id, identifier.c.value).join(
        identifier, identifier.c.patient_id == people.c.patient
    )
    persons = select(people.c.id, identity.c.name, identity.c.birth_date).join(
        identity, identity.c.patient_id == people.c.patient
    )
    with unveiled(connection) as whole:
        for query in (printed, numbers):
            for key, text in whole.execute(query):
                found[key].add(text)
        for key, name, born in whole.execute(persons):
            found[key] |= {name or "", born.isoformat() if born else ""}
    return {key: tuple(sorted(words - {""})) for key, words in found.items()}


def block(connection: Connection, one: RunFacts) -> bytes | None:
    """Return the samples of a run's current reading as they are stored, None where nothing was sampled."""
    if one.current is None:
        return None
    return connection.execute(select(trace.c.block).where(trace.c.revision_id == one.current.id)).scalar()


_LISTED = (
    "course", "started_local", "device", "device_model", "device_serial", "driver", "status",
    "status_reasons", "complete", "processed_plasma_ml",
)  # fmt: skip


def listed(
    connection: Connection,
    wanted: doses.Wanted,
    *,
    descending: bool,
    limit: int,
    after: tuple[datetime, str] | None = None,
) -> list[dict[str, Any]]:
    """Return sessions by start as flat rows; one without a dose has no values in the dose's columns.

    Args:
        connection: a reading transaction.
        wanted: the filter; what concerns a dose leaves out sessions without one.
        descending: newest first.
        limit: at most so many.
        after: start and id of the last row of the page before.
    """
    counted = select(func.count()).where(run.c.session_id == session.c.id).scalar_subquery()
    query = (
        select(
            session.c.id.label("session_id"), session.c.patient_id.label("patient"), session.c.started_at,
            session.c.ended_at, counted.label("runs"), *(dose.c[name] for name in _LISTED),
        )
        .select_from(session)
        .outerjoin(dose, and_(dose.c.session_id == session.c.id, doses.known(wanted.as_of)))
        .where(doses.of_sessions(wanted), doses.limits(wanted))
        .limit(limit)
    )  # fmt: skip
    start, key = session.c.started_at, session.c.id
    if after is not None:
        at, last = after
        later = (
            or_(start < at, and_(start == at, key < last))
            if descending
            else or_(start > at, and_(start == at, key > last))
        )
        query = query.where(later)
    query = query.order_by(*((start.desc(), key.desc()) if descending else (start, key)))
    return [dict(row._mapping) for row in connection.execute(query)]
