"""What a caller may see of a row: names for those who care for patients, pseudonyms for all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingestor.store import places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from api.web.door import Visit

_IDENTITY: dict[str, Any] = {"name": None, "birth_date": None, "identifiers": [], "typed": []}


def shown(visit: Visit, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of sessions as the caller may see them."""
    if visit.caller.sees_identity:
        return rows
    known = visit.pseudonyms
    return [
        row | _IDENTITY | {"pseudonym": known.of(row["patient_id"]) if row["patient_id"] else None}
        for row in rows
    ]


def of_own_ward(
    visit: Visit, connection: Connection, rows: list[dict[str, Any]], key: str = "session_id"
) -> list[dict[str, Any]]:
    """Return the rows whose session is of the caller's ward, or of none; all for callers without a ward."""
    if visit.caller.ward is None:
        return rows
    known = {row[key] for row in rows if row[key]}
    hidden = places.of_other_wards(connection, visit.caller.ward, known)
    return [row for row in rows if row[key] not in hidden]


def known_as(who: Mapping[str, Any]) -> str | None:
    """Return by what a ward knows a patient: the name, else the first identifier, else nothing."""
    identifiers = who.get("identifiers") or []
    return who.get("name") or (identifiers[0][1] if identifiers else None)
