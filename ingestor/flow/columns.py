"""Warnings about columns: they follow whatever changes, and a person can say that one is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingestor.errors import NotFound
from ingestor.flow.concerns import concerns_of
from ingestor.flow.dosing import redose
from ingestor.meaning.columns import ANOTHER, CODES
from ingestor.meaning.policy import METHOD
from ingestor.model import Finding, Severity
from ingestor.phrases import catalogue
from ingestor.store import audit, columns, patients, sessions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy import Connection, Row

    from ingestor.flow.house import House
    from ingestor.meaning.columns import Concern
    from ingestor.store.audit import Actor


def follow(house: House, connection: Connection, serials: Collection[str], cause: str) -> list[str]:
    """Let every session with one of these columns say what is wrong with them now; return those that changed.

    Args:
        house: the open house.
        connection: the transaction of the change.
        serials: columns whose uses, patients or acknowledgements have changed.
        cause: why, for the feed of changes.
    """
    if not serials:
        return []
    users = {row["session"] for row in columns.uses(connection, house.centre, serials)}
    found = concerns_of(house, connection, serials)
    told = columns.served(connection, users, found.keys(), (*CODES, "column_acknowledged"), METHOD)
    changed = [
        session
        for session in sorted(told)
        if [one.to_json() for one in found.get(session, ())]
        != [one for one in told[session] if one["serial"] in serials]
    ]
    for session in changed:
        redose(house, connection, session, cause)
    return changed


def of_session(house: House, connection: Connection, session_id: str) -> tuple[Concern, ...]:
    """Return what is wrong with the columns of a session."""
    serials = columns.serials_of_sessions(connection, [session_id])
    return concerns_of(house, connection, serials).get(session_id, ())


def if_linked(house: House, connection: Connection, session_id: str, patient_id: str) -> list[Concern]:
    """Return what would speak against linking a session to a patient: columns that somebody else used."""
    serials = columns.serials_of_sessions(connection, [session_id])
    found = concerns_of(house, connection, serials, {session_id: patient_id})
    return [one for one in found.get(session_id, ()) if one.code == ANOTHER and not one.acknowledged]


def against(house: House, connection: Connection, session_id: str, patient_id: str) -> list[Finding]:
    """Return what a person must be told who links a session to a patient."""
    row = sessions.session_row(connection, session_id)
    patients.require(connection, patient_id)
    found = if_linked(house, connection, row.id, patients.survivor(connection, patient_id))
    return [_finding(one) for one in found]


def findings(house: House, connection: Connection, session_ids: Iterable[str]) -> list[Finding]:
    """Return what a receipt must say of the columns of some sessions, each with the line that names the column."""
    return [
        _finding(one)
        for session_id in session_ids
        for one in of_session(house, connection, session_id)
        if not one.acknowledged
    ]


def _finding(one: Concern) -> Finding:
    severity = Severity(catalogue()[one.code]["severity"])
    return Finding(one.code, severity, one.use.member, one.use.line, one.told)


def acknowledge(
    house: House, connection: Connection, session_id: str, code: str, serial: str, actor: Actor, reason: str
) -> list[str]:
    """Say that a warning is known, and why it is as it is; return the sessions that change.

    Of a column with two patients it is said once for both, and holds until somebody else comes.

    Raises:
        NotFound: `no_such_session`; `no_such_warning`: this session has none like that.
    """
    one = _concern(house, connection, session_id, code, serial)
    said = {word.subject for word in words_on(house, connection, one)}
    missing = [subject for subject in one.subjects if subject not in said]
    new = missing if code == ANOTHER else missing[: 0 if said else 1]
    keys = [
        columns.add_word(connection, house.centre, (code, serial, subject), actor.name, reason, house.now())
        for subject in new
    ]
    if not keys:
        return []
    audit.record(connection, actor, "acknowledge-column", one.use.session, reason, code=code, words=keys)
    return follow(house, connection, {serial}, "column")


def take_back(
    house: House, connection: Connection, session_id: str, code: str, serial: str, actor: Actor, reason: str
) -> list[str]:
    """Take an acknowledgement back: the warning is as loud as before; return the sessions that change.

    Raises:
        NotFound: `no_such_session`; `no_such_warning`: nobody has said anything of that kind.
    """
    one = _concern(house, connection, session_id, code, serial)
    keys = [word.id for word in words_on(house, connection, one)]
    if not keys:
        raise NotFound("no_such_warning")
    columns.revoke_words(connection, keys, house.now())
    audit.record(connection, actor, "unacknowledge-column", one.use.session, reason, code=code, words=keys)
    return follow(house, connection, {serial}, "column")


def _concern(house: House, connection: Connection, session_id: str, code: str, serial: str) -> Concern:
    row = sessions.session_row(connection, session_id)
    for one in of_session(house, connection, row.id):
        if (one.code, one.use.serial) == (code, serial):
            return one
    raise NotFound("no_such_warning")


def words_on(house: House, connection: Connection, one: Concern) -> list[Row[Any]]:
    """Return what persons said of a warning: who, when and why."""
    found = columns.words(connection, house.centre, [one.use.serial])
    return [word for word in found if word.code == one.code and word.subject in one.subjects]
