"""What waits for a person, and how much of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import String, cast, func, or_, select

from ingestor.store.answers import worklist
from ingestor.store.answers.worklist import Wanted
from ingestor.store.tables import (
    device,
    dose,
    finding,
    revision,
    run,
    session,
    submission,
    watch_folder,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection, Select

SUBMITTED = ("preview", "waiting", "refused")
# States of a watched folder in which somebody must do something.
SHARE_TROUBLE = ("folder_gone", "folder_missing", "folder_not_mounted", "folder_stuck")
# What the doses of sessions say of columns, as long as nobody has acknowledged it.
COLUMN_WARNINGS = ("column_of_another_patient", "column_overused", "column_expired")
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


def column_warnings(
    connection: Connection, centre: str, sessions: Collection[str] | None = None
) -> dict[str, dict[str, Any]]:
    """Return by session what its dose says is wrong with its columns; of all sessions if none is named."""
    reasons = cast(dose.c.status_reasons, String)
    query = select(dose.c.session_id, dose.c.started_at, dose.c.started_local, dose.c.patient_id, dose.c.detail).where(
        dose.c.centre == centre, dose.c.known_to.is_(None),
        or_(*(reasons.contains(f'"{code}"') for code in COLUMN_WARNINGS)),
    )  # fmt: skip
    if sessions is not None:
        query = query.where(dose.c.session_id.in_(sessions))
    return {
        row.session_id: {
            "id": row.session_id, "started_at": row.started_at, "started_local": row.started_local,
            "patient_id": row.patient_id, "warnings": row.detail.get("column_warnings", []),
        }
        for row in connection.execute(query)
    }  # fmt: skip


def by_column(sessions: Collection[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the warnings of some sessions that nobody has acknowledged, newest first: one entry a column and code.

    Each has the warning as it stands with the newest session, and `sessions`, those concerned.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in sorted(sessions, key=lambda row: (row["started_at"], row["id"]), reverse=True):
        told = {name: row[name] for name in ("id", "started_local", "patient_id")}
        for one in row["warnings"]:
            if not one["acknowledged"]:
                entry = found.setdefault((one["serial"], one["code"]), one | {"sessions": []})
                entry["sessions"].append(told)
    return list(found.values())


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
