"""Which runs make one session: decided by `meaning.sessions`, written here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestor.meaning import sessions as grouping
from ingestor.meaning.clock import device_key
from ingestor.meaning.linking import normalise_identifier
from ingestor.model import Role
from ingestor.store import doses, links, runs, sessions

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from ingestor.flow.house import House


def regroup(house: House, connection: Connection, started: datetime, ended: datetime) -> list[str]:
    """Group all runs near a stretch of time again; return the sessions that were made or changed."""
    near = sessions.neighbours(connection, house.centre, started, ended, grouping.REACH)
    pairs = sessions.declared_pairs(connection, [n.run_id for n in near])
    groups = grouping.group(
        [_brief(house, n) for n in near],
        together=[frozenset((a, b)) for a, b, together in pairs if together],
        apart=[frozenset((a, b)) for a, b, together in pairs if not together]
        + _apart_by_link(connection, near),
    )
    before = {n.run_id: n.session_id for n in near}
    times = {n.run_id: (n.started_at, n.ended_at) for n in near}
    touched = [g for g in groups if _differs(connection, g, before)]
    for one in touched:
        _write(house, connection, one, before, times)
    heirs = {old: g.id for g in touched for r in g.runs if (old := before[r]) and old != g.id}
    _retire(house, connection, heirs)
    return [g.id for g in touched]


def _brief(house: House, near: sessions.Neighbour) -> grouping.RunBrief:
    printed = near.patient_printed
    return grouping.RunBrief(
        id=near.run_id,
        device=device_key(near.maker, near.model, near.serial),
        role=Role(near.role),
        patient=normalise_identifier(printed, house.settings.identifier_rule) if printed else None,
        started=near.started_at,
        ended=near.last_seen,
        complete=near.complete,
        columns=near.columns,
        printed_id=near.printed_id,
        bench=near.bench,
    )


def _apart_by_link(connection: Connection, near: list[sessions.Neighbour]) -> list[frozenset[str]]:
    """Runs whose sessions belong to different persons are never joined by a rule."""
    owner = {
        n.run_id: sessions.session_row(connection, n.session_id).patient_id for n in near if n.session_id
    }
    known = [(run, patient) for run, patient in owner.items() if patient]
    return [frozenset((a, b)) for i, (a, pa) in enumerate(known) for b, pb in known[i + 1 :] if pa != pb]


def _differs(connection: Connection, group: grouping.Group, before: dict[str, str | None]) -> bool:
    if any(before[r] != group.id for r in group.runs):
        return True
    flags = [{"code": f.code, "runs": list(f.runs)} for f in group.flags]
    return bool(sessions.session_row(connection, group.id).flags != flags)


def _write(
    house: House,
    connection: Connection,
    group: grouping.Group,
    before: dict[str, str | None],
    times: dict[str, tuple[datetime, datetime | None]],
) -> None:
    starts, ends = zip(*(times[r] for r in group.runs), strict=True)
    known = [end for end in ends if end is not None]
    outline = sessions.Outline(
        group.id, min(starts), max(known) if known else None, tuple((f.code, f.runs) for f in group.flags)
    )
    sessions.save_outline(connection, house.centre, outline, house.now())
    for run in group.runs:
        if before[run] != group.id:
            runs.assign(connection, run, group.id)
            _carry_link(house, connection, before[run], group.id)


def _carry_link(house: House, connection: Connection, old: str | None, new: str) -> None:
    """A link goes with the run to its new session, unless that one has a history of its own."""
    held = links.newest(connection, old) if old else None
    if held is not None and held.patient_id and links.newest(connection, new) is None:
        links.append(
            connection,
            new,
            held.patient_id,
            rule="joined",
            actor=held.actor,
            reason=held.reason,
            at=house.now(),
        )


def _retire(house: House, connection: Connection, heirs: dict[str, str]) -> None:
    """Let sessions that lost all their runs answer with the session that took them."""
    for session_id, heir in sorted(heirs.items()):
        if not runs.runs_of(connection, session_id):
            sessions.join_into(connection, session_id, heir)
            doses.withdraw(connection, session_id, "joined", house.now())


def span(connection: Connection, run_key: str) -> tuple[datetime, datetime]:
    """Return the stretch of time of a run."""
    one = runs.stored_run(connection, run_key)
    if one is None:
        raise AssertionError(run_key)
    return one.started_at, one.ended_at or one.started_at
