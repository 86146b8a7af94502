"""Letting other readings count: tried and rolled back to be reported, or done for good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ingestor.flow.dosing import recourse, redose
from ingestor.flow.meaning import give_meaning
from ingestor.flow.placing import Place, place
from ingestor.flow.settling import changed
from ingestor.meaning.policy import METHOD
from ingestor.model import Status
from ingestor.store import doses, neighbours, plans, runs, sessions

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ingestor.flow.house import House
    from ingestor.store.plans import Item

# Columns of a dose that say by whom it was read, not what it is.
_STAMP = frozenset({"driver", "driver_version", "evidence", "detail"})


@dataclass(frozen=True, slots=True)
class _Retired:
    """A reading that stopped counting or was held: of which treatment of which source, and where it belonged."""

    reading: str
    treatment: tuple[str, int]
    run: str
    session: str | None
    counted: bool


def switch(house: House, connection: Connection, item: Item, cause: str) -> None:
    """Let the readings of an item that enter count in place of those that retire; doses follow."""
    if item.enter or item.retire:
        _exchange(house, connection, item, cause)
    for session_id in item.sessions:
        row = sessions.session_row(connection, session_id)
        redose(house, connection, row.id, cause)
        recourse(house, connection, (row.patient_id,))


def _exchange(house: House, connection: Connection, item: Item, cause: str) -> None:
    old = [_retired(connection, key) for key in item.retire]
    coming = [_coming(house, connection, key) for key in item.enter]
    # What counted comes before what was held beside it; a reading that stays with its run before one that does not.
    kept = {one.run for one in old}
    counted = {one.treatment for one in old if one.counted}
    coming.sort(
        key=lambda one: (
            (one.origin.source, one.origin.treatment) not in counted,
            runs.run_id(house.centre, one.reading.run) not in kept,
        )
    )
    placed = [place(one) for one in coming]
    keys, origins = changed(connection, coming, placed)
    for one, answer in zip(coming, placed, strict=True):
        key = runs.revision_id(one.origin, one.reading.basis)
        if answer.status is Status.DUPLICATE:
            runs.replace_reading(connection, key, runs.current_revision(connection, answer.run))
        for before in old:
            if before.treatment == (one.origin.source, one.origin.treatment):
                runs.replace_reading(connection, before.reading, key)
                if before.session and before.run != answer.run:
                    origins[answer.run] = before.session
    give_meaning(house, connection, [*(one.run for one in old), *keys], origins, cause)


def _retired(connection: Connection, key: str) -> _Retired:
    """Let a reading stop counting."""
    row = runs.revision_row(connection, key)
    assert row is not None  # noqa: S101 - a plan names readings that exist; none is ever deleted
    known = runs.stored_run(connection, row.run_id)
    runs.replace_reading(connection, key, None)
    session = known.session_id if known else None
    return _Retired(key, (row.source, row.treatment), row.run_id, session, row.state == "current")


def _coming(house: House, connection: Connection, key: str) -> Place:
    origin, reading = runs.stored_reading(connection, key)
    seen = datetime.fromisoformat(reading.figures["last_seen"])
    return Place(house, connection, origin, reading, seen, again=True)


def is_current(connection: Connection, item: Item) -> bool:
    """Tell whether the world is still the one for which the item was made."""
    rows = [runs.revision_row(connection, key) for key in item.retire]
    coming = [runs.revision_row(connection, key) for key in item.enter]
    standing = all(row is not None and row.state in {"current", "held"} for row in rows)
    return standing and all(row is not None and row.state == "proposed" for row in coming)


def trial(house: House, connection: Connection, item: Item, cause: str) -> None:
    """Find out what a switch would change, and leave everything as it was."""
    seq = plans.last_change(connection)
    attempt = connection.begin_nested()
    switch(house, connection, item, cause)
    concerned = plans.changed_since(connection, seq)
    after = plans.served(connection, concerned, METHOD)
    attempt.rollback()
    before = plans.served(connection, concerned, METHOD)
    owners = neighbours.owners(connection, concerned)
    item.changes = [
        _difference(session, before.get(session), after.get(session), owners.get(session))
        for session in concerned
        if before.get(session) != after.get(session)
    ]
    said = {name for one in item.changes for name in one["fields"]} - _STAMP
    if said or any(one["kind"] != "changed" for one in item.changes):
        item.kind = "changed" if item.enter or item.retire else "dose"


def _difference(
    session: str, before: dict[str, Any] | None, after: dict[str, Any] | None, patient: str | None
) -> dict[str, Any]:
    known = after or before or {}
    names = doses.changed(before, after) if before and after else ()
    told = ("processed_plasma_ml", "status") if not names else [n for n in names if n != "detail"]
    return {
        "session": session,
        "patient": patient or known.get("patient_id"),
        "device_serial": known.get("device_serial"),
        "started_local": _plain(known.get("started_local")),
        "kind": "changed" if before and after else "new" if after else "withdrawn",
        "fields": {n: [_plain((before or {}).get(n)), _plain((after or {}).get(n))] for n in told},
    }


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, datetime) else value
