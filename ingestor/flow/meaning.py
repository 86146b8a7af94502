"""What follows from a changed run: its session, the patient, the doses and the courses, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestor.flow.columns import follow
from ingestor.flow.dosing import recourse, redose
from ingestor.flow.grouping import regroup
from ingestor.flow.identifying import BY_IDENTIFIER, link_by_identifier
from ingestor.store import columns, links, neighbours, runs, sessions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from ingestor.flow.grouping import Regrouped
    from ingestor.flow.house import House


def give_meaning(
    house: House,
    connection: Connection,
    run_keys: Iterable[str],
    origins: Mapping[str, str],
    cause: str,
) -> list[str]:
    """Group, link and dose everything that changed runs touch; return the sessions that stand.

    Args:
        house: the open house.
        connection: the writing transaction of the change.
        run_keys: runs that are new, have another reading, or lost the one they had.
        origins: for a new run that stands for another one, the session of that.
        cause: why, for the feed of changes.
    """
    keys = list(dict.fromkeys(run_keys))
    done = regroup(house, connection, keys, origins)
    mine = [known.session_id for key in keys if (known := runs.stored_run(connection, key)) is not None]
    live = list(dict.fromkeys([*done.changed, *(s for s in mine if s)]))
    concerned = {*live, *done.emptied, *(s for came in done.came_from.values() for s in came)}
    patients = set(neighbours.owners(connection, concerned).values())
    for session_id in done.changed:
        _carry(house, connection, session_id, done)
    for session_id in live:
        link_by_identifier(house, connection, session_id)
        redose(house, connection, session_id, cause)
    recourse(house, connection, {*patients, *neighbours.owners(connection, live).values()})
    theirs = columns.serials_of_sessions(connection, live) | columns.serials_of_runs(connection, keys)
    follow(house, connection, theirs, cause)
    return live


def _carry(house: House, connection: Connection, session_id: str, done: Regrouped) -> None:
    """What a person said of a session goes with its runs to the new one, unless that has a history of its own."""
    origins = done.came_from[session_id]
    held = links.newest(connection, session_id)
    decided = [
        link for old in origins if (link := links.newest(connection, old)) and link.rule != BY_IDENTIFIER
    ]
    said = max(decided, key=lambda link: (link.at, link.id), default=None)
    by_person = held is not None and held.rule != BY_IDENTIFIER
    if said is not None and (not by_person or session_id in done.fresh):
        if held is None or (held.patient_id, held.rule) != (said.patient_id, said.rule):
            links.append(
                connection, session_id, said.patient_id, rule=said.rule, actor=said.actor, reason=said.reason,
                at=house.now(),
            )  # fmt: skip
    elif origins and by_person and session_id in done.fresh:
        links.append(
            connection, session_id, None, rule=BY_IDENTIFIER, actor="rule", reason="regrouped", at=house.now()
        )
    if session_id in done.fresh:
        for old in origins:
            sessions.inherit(connection, session_id, old)
