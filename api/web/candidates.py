"""Who may be meant: suggestions with their reasons, and columns that speak against a choice."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from api.web.wording import said
from ingestor.flow.columns import if_linked
from ingestor.meaning.linking import Known, PastSession, candidates
from ingestor.store.answers import past, people
from ingestor.store.patients import survivor

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from ingestor.flow.house import House

_REACH = timedelta(days=60)
_MOST = 5


def suggest(
    house: House, connection: Connection, session: Row[Any], typed: list[str], language: str
) -> list[dict[str, Any]]:
    """Return who may be meant, best first, each with the reasons in words. Nothing is linked by this."""
    columns = past.columns_of(connection, [session.id]).get(session.id, ())
    serials = [serial for serial, _ in columns]
    known = [Known(*row) for row in past.known_identifiers(connection, house.centre)]
    found = candidates(
        typed[0] if typed else None, session.started_at, known, _past(house, connection, session, serials),
        house.settings.identifier_rule, serials,
    )[:_MOST]  # fmt: skip
    who = people.by_id(connection, house.centre, [one.patient for one in found])
    return [
        who[one.patient] | {"reasons": [said(code, language, {"detail": detail})["happened"] for code, detail in one.reasons]}
        for one in found
        if one.patient in who
    ]  # fmt: skip


def warnings(
    house: House, connection: Connection, session: Row[Any], patient: str, language: str
) -> list[dict[str, str]]:
    """Return what speaks against linking a session to a patient: columns that somebody else used."""
    found = if_linked(house, connection, session.id, survivor(connection, patient))
    return [said(one.code, language, one.told) | {"serial": one.use.serial} for one in found]


def _past(house: House, connection: Connection, session: Row[Any], serials: list[str]) -> list[PastSession]:
    start, end = session.started_at - _REACH, session.started_at + _REACH
    rows = past.linked_sessions(connection, house.centre, start, end, serials, but=session.id)
    return [PastSession(*row) for row in rows]
