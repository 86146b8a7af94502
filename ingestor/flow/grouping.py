"""Which runs make one session: decided by `meaning.sessions`, written here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingestor.ids import derived
from ingestor.meaning import sessions as grouping
from ingestor.meaning.clock import device_key
from ingestor.meaning.linking import normalise_identifier
from ingestor.model import Role
from ingestor.store import doses, neighbours, runs, sessions
from ingestor.store.neighbours import Neighbour

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from ingestor.flow.house import House

    Span = tuple[datetime, datetime]

Near = dict[str, Neighbour]


@dataclass(slots=True)
class Regrouped:
    """What grouping changed.

    Attributes:
        changed: sessions that were made, or got other runs, times or flags.
        came_from: for each of them, the sessions from which its runs came.
        fresh: those of them that had none of their runs before.
        emptied: sessions that have no runs any more.
    """

    changed: list[str] = field(default_factory=list)
    came_from: dict[str, list[str]] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)
    emptied: list[str] = field(default_factory=list)


def regroup(
    house: House, connection: Connection, run_keys: Iterable[str], origins: Mapping[str, str]
) -> Regrouped:
    """Group the runs around some changed runs again.

    Args:
        house: the open house.
        connection: the writing transaction of the change.
        run_keys: runs that are new, have another reading, or lost the one they had.
        origins: for a new run that stands for another one, the session of that.
    """
    keys = list(run_keys)
    left = _let_go(connection, keys)
    inner = _around(house, connection, keys)
    context = neighbours.near(
        connection, house.centre, _merged([_span(n) for n in inner.values()]), grouping.REACH
    )
    known = {n.run_id: n for n in context} | inner
    before = {run: n.session_id or origins.get(run) for run, n in known.items()}
    done = Regrouped()
    for group in _groups(house, connection, known):
        if not inner.keys().isdisjoint(group.runs) and _differs(connection, group, known):
            _write(house, connection, group, known)
            done.changed.append(group.id)
            came = {s for run in group.runs if (s := before[run]) is not None} - {group.id}
            done.came_from[group.id] = sorted(came)
            if group.id not in {known[run].session_id for run in group.runs}:
                done.fresh.add(group.id)
    done.emptied = _retire(house, connection, done.came_from, left)
    return done


def _let_go(connection: Connection, keys: list[str]) -> set[str]:
    """Take runs that have no reading that counts out of their sessions; return those sessions."""
    left = set()
    for key in keys:
        known = runs.stored_run(connection, key)
        if known and known.session_id and runs.current_revision(connection, key) is None:
            runs.assign(connection, key, None)
            left.add(known.session_id)
    return left


def _around(house: House, connection: Connection, keys: list[str]) -> Near:
    """The runs whose sessions may change: near the changed ones, where these were before, and all tied to them."""
    spans = [span for key in keys for span in _spans(connection, key)]
    found = {n.run_id: n for n in neighbours.near(connection, house.centre, _merged(spans), grouping.REACH)}
    new = neighbours.tied(connection, found) - found.keys()
    while new:
        found |= {n.run_id: n for n in neighbours.by_id(connection, new)}
        new = neighbours.tied(connection, found) - found.keys() - new
    return found


def _spans(connection: Connection, key: str) -> list[Span]:
    """Where a run is, and where its session was before the change."""
    known = runs.stored_run(connection, key)
    if known is None:
        return []
    found = [(known.started_at, known.last_seen)]
    if known.session_id:
        row = sessions.session_row(connection, known.session_id)
        found.append((row.started_at, row.ended_at or row.started_at))
    return found


def _span(one: Neighbour) -> Span:
    return one.started_at, one.last_seen


def _merged(spans: list[Span]) -> list[Span]:
    """The same stretches of time, those that lie near each other as one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start - found[-1][1] <= grouping.REACH:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _groups(house: House, connection: Connection, known: Near) -> list[grouping.Group]:
    pairs = sessions.declared_pairs(connection, known)
    together = {frozenset((a, b)) for a, b, joined in pairs if joined}
    apart = {frozenset((a, b)) for a, b, joined in pairs if not joined}
    of_others = _of_different_patients(connection, known) - together
    groups = grouping.group([_brief(house, n) for n in known.values()], together, apart | of_others)
    return [_named(g, known) for g in groups]


def _named(group: grouping.Group, known: Near) -> grouping.Group:
    """Where the leading run is a stretch of another one's number, that one gives the session its identity."""
    leader = next(r for r in group.runs if derived("ses", r) == group.id)
    first = known[leader].half_of
    return group if first not in group.runs else _renamed(group, derived("ses", str(first)))


def _renamed(group: grouping.Group, key: str) -> grouping.Group:
    return grouping.Group(key, group.runs, group.rule, group.flags)


def _brief(house: House, near: Neighbour) -> grouping.RunBrief:
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


def _of_different_patients(connection: Connection, known: Near) -> set[frozenset[str]]:
    """Runs whose sessions belong to different persons are never joined by a rule."""
    owner = neighbours.owners(connection, {n.session_id for n in known.values() if n.session_id})
    mine = [(run, owner[n.session_id]) for run, n in known.items() if n.session_id in owner]
    return {frozenset((a, b)) for i, (a, pa) in enumerate(mine) for b, pb in mine[i + 1 :] if pa != pb}


def _outline(group: grouping.Group, known: Near) -> sessions.Outline:
    members = [known[r] for r in group.runs]
    ends = [n.ended_at for n in members if n.ended_at is not None]
    flags = tuple((f.code, f.runs) for f in group.flags)
    return sessions.Outline(group.id, min(n.started_at for n in members), max(ends) if ends else None, flags)


def _differs(connection: Connection, group: grouping.Group, known: Near) -> bool:
    if any(known[r].session_id != group.id for r in group.runs):
        return True
    return sessions.outline(connection, group.id) != _outline(group, known)


def _write(house: House, connection: Connection, group: grouping.Group, known: Near) -> None:
    sessions.save_outline(connection, house.centre, _outline(group, known), house.now())
    for run in group.runs:
        if known[run].session_id != group.id:
            runs.assign(connection, run, group.id)


def _retire(
    house: House, connection: Connection, came_from: dict[str, list[str]], left: set[str]
) -> list[str]:
    """Let sessions that lost all their runs answer with the session that took them, if there is one."""
    heirs = {old: key for key in sorted(came_from) for old in came_from[key]}
    empty = [s for s in sorted(heirs.keys() | left) if not runs.runs_of(connection, s)]
    for session_id in empty:
        if session_id in heirs:
            sessions.join_into(connection, session_id, heirs[session_id])
        doses.withdraw(connection, session_id, "joined" if session_id in heirs else "no_reading", house.now())
    return empty
