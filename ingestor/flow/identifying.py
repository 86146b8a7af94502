"""The one rule that links by itself: what is printed is exactly one patient's identifier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestor.flow.columns import follow
from ingestor.flow.dosing import recourse, redose
from ingestor.meaning.linking import Known, match, normalise_identifier
from ingestor.store import columns, links, patients, runs, sessions

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from ingestor.flow.house import House
    from ingestor.meaning.linking import Match

BY_IDENTIFIER = "identifier"
# Why a session has no patient; of several runs the first of these is told.
_WHY_NOBODY = ("no_patient_printed", "several_patients", "machine_number_printed", "unknown_identifier")


def link_by_identifier(house: House, connection: Connection, session_id: str) -> bool:
    """Let a session belong to the patient whom its machines name, if they name exactly one.

    A link that this rule made follows what is printed; what a person decided, unlinking included, is never
    overruled.

    Returns:
        Whether the link changed.
    """
    held = links.newest(connection, session_id)
    if held is not None and held.rule != BY_IDENTIFIER:
        return False
    holder = held.patient_id if held is not None else None
    found = [
        _match(house, connection, text, sessions.session_row(connection, session_id).started_at, serials)
        for text, serials in runs.printed_patients(connection, session_id)
    ]
    named = _one_of(found, connection)
    if named is None and holder is not None and _still_fits(found):
        return False
    if named == holder:
        return False
    links.append(
        connection, session_id, named, rule=BY_IDENTIFIER, actor="rule", reason=house.settings.identifier_rule,
        at=house.now(),
    )  # fmt: skip
    return True


def _one_of(found: list[Match], connection: Connection) -> str | None:
    """The one person whom all printed identifiers name, under the name that the identifier was given to."""
    persons = {patients.survivor(connection, m.patient) if m.patient else None for m in found}
    if len(persons) != 1 or None in persons:
        return None
    names = {m.patient for m in found if m.patient}
    (person,) = persons
    return names.pop() if len(names) == 1 else person


def _still_fits(found: list[Match]) -> bool:
    """The number has become somebody else's too since: that alone takes no session away from anybody."""
    return (
        bool(found)
        and all(m.code in {"several_patients", "exact_identifier"} for m in found)
        and any(m.code == "several_patients" for m in found)
    )


def _match(house: House, connection: Connection, text: str, at: datetime, serials: tuple[str, ...]) -> Match:
    """Compare with everybody who has this number; two entries of one person count as one."""
    rule = house.settings.identifier_rule
    rows = patients.with_identifier(connection, house.centre, normalise_identifier(text, rule))
    known = [Known(key, system, value, start, end) for key, system, value, start, end in rows]
    found = match(text, at, known, rule, serials)
    if found.code != "several_patients":
        return found
    merged = [
        Known(patients.survivor(connection, k.patient), k.system, k.value, k.valid_from, k.valid_to)
        for k in known
    ]
    return match(text, at, merged, rule, serials)


def why_nobody(house: House, connection: Connection, session_id: str) -> str | None:
    """Return the code why a session has no patient; None if it has one, or a person took the patient away."""
    row = sessions.session_row(connection, session_id)
    held = links.newest(connection, session_id)
    if row.patient_id is not None or (held is not None and held.rule != BY_IDENTIFIER):
        return None
    printed = runs.printed_patients(connection, session_id)
    found = {_match(house, connection, text, row.started_at, serials).code for text, serials in printed}
    return next((code for code in _WHY_NOBODY if code in found or not found), None)


def link_waiting(house: House, connection: Connection) -> list[str]:
    """Try the rule on every session that nobody has linked; return those that got a patient.

    Called when an identifier was added: sessions that came before their patient find him now.
    """
    linked = []
    for session_id in sessions.never_linked(connection, house.centre, BY_IDENTIFIER):
        if link_by_identifier(house, connection, session_id):
            redose(house, connection, session_id, "link")
            linked.append(session_id)
    found = {sessions.session_row(connection, s).patient_id for s in linked}
    recourse(house, connection, found)
    follow(house, connection, columns.serials_of_sessions(connection, linked), "link")
    return linked
