"""Uses of columns, and what persons said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from ingestor.ids import fresh
from ingestor.store.tables import column_use, column_word, dose, revision, run, session

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from sqlalchemy import Connection, Row

Word = tuple[str, str, str]


def uses(connection: Connection, centre: str, serials: Collection[str]) -> list[dict[str, Any]]:
    """Return every use that counts of some columns of a centre, as `ingestor.meaning.columns.Use` takes it.

    Service runs are none.
    """
    if not serials:
        return []
    query = (
        select(
            column_use, run.c.id.label("run_id"), revision.c.member, revision.c.started_local,
            session.c.id.label("session_id"), session.c.started_at, session.c.patient_id,
        )
        .join(revision, revision.c.id == column_use.c.revision_id)
        .join(run, run.c.id == revision.c.run_id)
        .join(session, session.c.id == run.c.session_id)
        .where(
            column_use.c.serial.in_(sorted(serials)), revision.c.state == "current", revision.c.bench.is_(False),
            session.c.centre == centre,
        )
    )  # fmt: skip
    return [
        {
            "serial": row.serial, "session": row.session_id, "run": row.run_id, "patient": row.patient_id,
            "started": row.started_at, "day": row.started_local.date(), "product": row.product,
            "position": row.column_position, "printed": row.use, "expiry": row.expiry,
            "regenerable": row.regenerable, "member": row.member, "line": row.line,
        }
        for row in connection.execute(query)
    ]  # fmt: skip


def serials_of_runs(connection: Connection, runs: Collection[str]) -> set[str]:
    """Return the columns that some runs name or ever named, in readings that count no more too."""
    query = (
        select(column_use.c.serial)
        .join(revision, revision.c.id == column_use.c.revision_id)
        .where(revision.c.run_id.in_(sorted(runs)), column_use.c.serial != "")
    )
    return set(connection.execute(query).scalars())


def serials_of_sessions(connection: Connection, sessions: Collection[str]) -> set[str]:
    """Return the columns of some sessions."""
    query = (
        select(column_use.c.serial)
        .join(revision, revision.c.id == column_use.c.revision_id)
        .join(run, run.c.id == revision.c.run_id)
        .where(
            run.c.session_id.in_(sorted(sessions)), revision.c.state == "current", column_use.c.serial != ""
        )
    )
    return set(connection.execute(query).scalars())


def words(connection: Connection, centre: str, serials: Collection[str]) -> list[Row[Any]]:
    """Return what persons said of some columns and did not take back, oldest first."""
    query = (
        select(column_word)
        .where(
            column_word.c.centre == centre, column_word.c.serial.in_(sorted(serials)), column_word.c.revoked_at.is_(None)
        )
        .order_by(column_word.c.at, column_word.c.id)
    )  # fmt: skip
    return list(connection.execute(query))


def add_word(connection: Connection, centre: str, word: Word, actor: str, reason: str, now: datetime) -> str:
    """Keep a person's word on a column; return its id."""
    key, (code, serial, subject) = fresh("word"), word
    connection.execute(
        insert(column_word).values(
            id=key,
            centre=centre,
            code=code,
            serial=serial,
            subject=subject,
            actor=actor,
            reason=reason,
            at=now,
        )
    )
    return key


def revoke_words(connection: Connection, keys: Iterable[str], now: datetime) -> None:
    """Take words back; they stay on record."""
    connection.execute(update(column_word).where(column_word.c.id.in_(list(keys))).values(revoked_at=now))


def served(
    connection: Connection,
    sessions: Collection[str],
    concerned: Collection[str],
    codes: Collection[str],
    method: str,
) -> dict[str, list[dict[str, Any]]]:
    """Return what is served as wrong with columns.

    Args:
        connection: the transaction.
        sessions: which may have something.
        concerned: of these, those that are looked at in any case.
        codes: status reasons by which the others are known.
        method: of the dose.
    """
    query = select(dose.c.session_id, dose.c.status_reasons).where(
        dose.c.session_id.in_(sorted(sessions)), dose.c.method == method, dose.c.known_to.is_(None)
    )
    wanted = [
        row.session_id
        for row in connection.execute(query)
        if row.session_id in concerned or not set(codes).isdisjoint(row.status_reasons)
    ]
    details = select(dose.c.session_id, dose.c.detail).where(
        dose.c.session_id.in_(wanted), dose.c.method == method, dose.c.known_to.is_(None)
    )
    return {
        row.session_id: row.detail.get("column_warnings", [])
        for row in (connection.execute(details) if wanted else ())
    }
