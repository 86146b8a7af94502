"""What waits for a person, and how much of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import String, and_, cast, func, select

from ingestor.store.answers import worklist
from ingestor.store.answers.worklist import Wanted
from ingestor.store.tables import (
    column_use,
    device,
    finding,
    identity,
    revision,
    run,
    session,
    submission,
    watch_folder,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Select

SUBMITTED = ("preview", "waiting", "refused")
# States of a watched folder in which somebody must do something.
SHARE_TROUBLE = ("folder_gone", "folder_not_mounted", "folder_stuck")
# Findings about something that no driver has seen before.
UNSEEN = (
    "unknown_column", "new_column", "other_columns", "unknown_section", "unknown_key", "unknown_line", "unknown_word",
    "unknown_alarm", "unknown_term", "unknown_phase", "unknown_class", "unknown_events",
)  # fmt: skip


def counts(connection: Connection, centre: str, ward: str | None = None) -> dict[str, int]:
    """Return how much is in the trays that the database counts; `ward` limits sessions to a ward."""
    states = (
        select(submission.c.status, func.count().label("n"))
        .where(
            submission.c.centre == centre,
            submission.c.status.in_(SUBMITTED),
            submission.c.cleared_at.is_(None),
        )
        .group_by(submission.c.status)
    )
    submitted = {row.status: int(row.n) for row in connection.execute(states)}
    return {
        "unlinked": worklist.count(connection, centre, Wanted(linked=False, ward=ward)),
        "preview": submitted.get("preview", 0),
        "held": _count(connection, _held(centre)),
        "withheld": worklist.count(connection, centre, Wanted(status="withheld", ward=ward)),
        "questions": _count(connection, _questions(centre)),
        "waiting": submitted.get("waiting", 0),
        "refused": submitted.get("refused", 0),
        "unseen": _count(connection, _unseen(centre)),
        "share": _count(connection, _shares(centre)),
    }


def _count(connection: Connection, query: Select[Any]) -> int:
    return int(
        connection.execute(select(func.count()).select_from(query.order_by(None).subquery())).scalar_one()
    )


def _held(centre: str) -> Select[Any]:
    return (
        select(
            revision.c.id, revision.c.run_id, revision.c.source, revision.c.member, revision.c.hold,
            revision.c.started_local, revision.c.read_at, run.c.session_id, device.c.model, device.c.serial,
        )
        .join(run, run.c.id == revision.c.run_id)
        .join(device, device.c.id == run.c.device_id)
        .where(revision.c.state == "held", run.c.centre == centre)
        .order_by(revision.c.read_at.desc(), revision.c.id)
    )  # fmt: skip


def held(connection: Connection, centre: str) -> list[dict[str, Any]]:
    """Return the readings that wait for a decision, newest first."""
    return [dict(row._mapping) for row in connection.execute(_held(centre))]


def _questions(centre: str) -> Select[Any]:
    return (
        select(session.c.id, session.c.flags, session.c.started_at)
        .where(
            session.c.centre == centre, session.c.joined_into.is_(None),
            cast(session.c.flags, String) != "[]",
        )
        .order_by(session.c.started_at.desc(), session.c.id)
    )  # fmt: skip


def questions(connection: Connection, centre: str) -> list[dict[str, Any]]:
    """Return the sessions whose runs raise a question: do they belong together?"""
    return [dict(row._mapping) for row in connection.execute(_questions(centre))]


def _unseen(centre: str) -> Select[Any]:
    params = cast(finding.c.params, String)
    return (
        select(
            finding.c.code, params.label("params"), revision.c.driver, func.count().label("times"),
            func.max(revision.c.read_at).label("last"), func.max(revision.c.source).label("source"),
            func.max(finding.c.line).label("line"), func.max(run.c.session_id).label("session_id"),
        )
        .join(revision, revision.c.id == finding.c.revision_id)
        .join(run, run.c.id == revision.c.run_id)
        .where(finding.c.code.in_(UNSEEN), revision.c.state == "current", run.c.centre == centre)
        .group_by(finding.c.code, params, revision.c.driver)
        .order_by(func.count().desc(), finding.c.code)
    )  # fmt: skip


def unseen(connection: Connection, centre: str) -> list[dict[str, Any]]:
    """Return what no driver knew, each thing once, the commonest first; `params` is JSON text."""
    return [dict(row._mapping) for row in connection.execute(_unseen(centre).limit(200))]


def _shares(centre: str) -> Select[Any]:
    return (
        select(watch_folder)
        .where(watch_folder.c.centre == centre, watch_folder.c.state.in_(SHARE_TROUBLE))
        .order_by(watch_folder.c.name)
    )


def shares(connection: Connection, centre: str) -> list[dict[str, Any]]:
    """Return watched folders that are out of reach."""
    return [dict(row._mapping) for row in connection.execute(_shares(centre))]


def names(connection: Connection, serials: Sequence[str]) -> dict[str, list[tuple[str, str | None]]]:
    """Return the patients, (id, name), with whom some columns were used."""
    query = (
        select(column_use.c.serial, session.c.patient_id, identity.c.name)
        .join(revision, and_(revision.c.id == column_use.c.revision_id, revision.c.state == "current"))
        .join(run, run.c.id == revision.c.run_id)
        .join(session, session.c.id == run.c.session_id)
        .outerjoin(identity, identity.c.patient_id == session.c.patient_id)
        .where(column_use.c.serial.in_(serials), session.c.patient_id.is_not(None))
        .distinct()
    )
    found: dict[str, list[tuple[str, str | None]]] = {}
    for row in connection.execute(query):
        found.setdefault(row.serial, []).append((row.patient_id, row.name))
    return found
