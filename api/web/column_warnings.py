"""Warnings about columns in words, with who acknowledged them and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.web.kept import kept_of
from api.web.wording import said
from ingestor.flow import columns as flow
from ingestor.flow.concerns import concerns_of
from ingestor.store.answers import people

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from api.web.door import Visit
    from ingestor.meaning.columns import Concern


def of_session(visit: Visit, connection: Connection, session_id: str) -> list[dict[str, Any]]:
    """Return the warnings of a session."""
    return [_shown(visit, connection, one) for one in flow.of_session(visit.house, connection, session_id)]


def of_column(visit: Visit, connection: Connection, serial: str) -> list[dict[str, Any]]:
    """Return the warnings about a column, each once, with the newest session that has it."""
    found = concerns_of(visit.house, connection, {serial})
    newest = sorted((one for each in found.values() for one in each), key=lambda one: one.use.started)
    return [_shown(visit, connection, one) for one in {one.code: one for one in newest}.values()]


def waiting(visit: Visit, connection: Connection) -> list[dict[str, Any]]:
    """Return what is in the tray: one entry a column and code, with the sessions concerned."""
    rows = kept_of(visit.request.app).column_warnings(connection, visit.caller.centre)
    keys = {one["patient_id"] for row in rows for one in row["sessions"] if one["patient_id"]}
    who = people.by_id(connection, visit.caller.centre, sorted(keys)) if visit.caller.sees_identity else {}
    names = {key: person["name"] for key, person in who.items()}
    return [
        row
        | {
            "parts": said(row["code"], visit.language, _dashed(row)),
            "sessions": [one | {"name": names.get(one["patient_id"])} for one in row["sessions"]],
        }
        for row in rows
    ]


def _dashed(row: dict[str, Any]) -> dict[str, Any]:
    return {name: "–" if value is None else value for name, value in row.items()}


def _shown(visit: Visit, connection: Connection, one: Concern) -> dict[str, Any]:
    words = flow.words_on(visit.house, connection, one)
    return one.to_json() | {
        "session_id": one.use.session, "parts": said(one.code, visit.language, one.told),
        "words": [{"actor": w.actor, "reason": w.reason, "at": w.at} for w in words],
    }  # fmt: skip
