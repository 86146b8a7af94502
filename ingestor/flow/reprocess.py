"""Reading archived bytes again beside what counts: a plan is made, reported, and carried out once approved.

Nothing that counts changes before the approval. Making a plan and carrying it out go on where they were when the
program ended; each item is one transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingestor.errors import Busy, Invalid
from ingestor.faultpoints import point
from ingestor.flow import rereading, switching
from ingestor.flow.house import is_alive
from ingestor.flow.pipeline import settle
from ingestor.flow.settling import as_row
from ingestor.flow.verify import dose_differs
from ingestor.store import audit, places, plans, runs, sources
from ingestor.store.plans import Item, Scope
from ingestor.store.runs import Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from ingestor.flow.house import House
    from ingestor.flow.rereading import Unit
    from ingestor.isolate import Reading
    from ingestor.store.audit import Actor


def propose(house: House, scope: Scope, actor: Actor) -> str:
    """Read again what would be read otherwise now, and keep what would change as a plan; return its id.

    Raises:
        Invalid: `plan_unfinished`: an approved plan of this kind was not carried out to its end.
        Busy: another process is making this plan.
    """
    key = _begin(house, scope, actor)
    with house.db.read() as connection:
        seen = plans.units(connection, key)
        units = rereading.units(house, connection, scope)
    for unit in units:
        if unit.key not in seen:
            read = rereading.read_unit(house, unit)
            point("reprocess.read")
            _keep(house, key, lambda c, u=unit, r=read: _item(house, c, u, r, scope))  # type: ignore[misc]
    for item in _readable(house, scope):
        if item.unit not in seen:
            _keep(house, key, lambda _, one=item: one)  # type: ignore[misc]
    _finish(house, key, actor, {s for unit in units for s in unit.sessions})
    return key


def _keep(house: House, key: str, make: Callable[[Connection], Item | None]) -> None:
    with house.db.write() as connection:
        item = make(connection)
        if item is not None:
            plans.add_item(connection, key, item)
        point("reprocess.propose")
    point("reprocess.proposed")


def _finish(house: House, key: str, actor: Actor, looked_at: set[str]) -> None:
    with house.db.write() as connection:
        changed = {one["session"] for item in plans.items(connection, key) for one in item.changes}
        plans.count_unchanged(connection, key, len(looked_at - changed))
        plans.set_state(connection, key, "ready")
        audit.record(connection, actor, "propose-plan", key)
        point("reprocess.ready")


def rehearse(house: House, scope: Scope) -> Iterator[Item]:
    """Yield what a plan would hold, and keep nothing."""
    with house.db.read() as connection:
        units = rereading.units(house, connection, scope)
    for unit in units:
        read = rereading.read_unit(house, unit)
        with house.db.write() as connection:
            attempt = connection.begin_nested()
            item = _item(house, connection, unit, read, scope)
            attempt.rollback()
        if item is not None:
            yield item
    yield from _readable(house, scope)


def approve(house: House, key: str, actor: Actor, reason: str = "") -> None:
    """Carry a plan out, item by item; go on with one that was interrupted.

    Raises:
        NotFound: `no_such_plan`.
        Invalid: `plan_not_ready`: it is still being made, was carried out, or gave way to a newer one.
    """
    with house.db.write() as connection:
        row = plans.require(connection, key)
        if row.state not in {"ready", "approved"}:
            raise Invalid("plan_not_ready", state=row.state)
        if row.state == "ready":
            plans.set_state(connection, key, "approved", approved_by=actor.name, reason=reason)
            audit.record(connection, actor, "approve-plan", key, reason)
        todo = plans.items(connection, key, "open")
    point("reprocess.approved")
    for one in todo:
        if one.submission:
            settle(house, _reopen(house, one.submission))
        with house.db.write() as connection:
            _carry_out(house, connection, key, one, row.cause)
            point("reprocess.switch")
        point("reprocess.switched")
    with house.db.write() as connection:
        if plans.require(connection, key).state != "done":
            plans.set_state(connection, key, "done", ended_at=house.now())
            audit.record(connection, actor, "plan-done", key)


def _begin(house: House, scope: Scope, actor: Actor) -> str:
    """Go on with a plan that was not finished, or begin a new one in place of one that nobody approved."""
    with house.db.write() as connection:
        known = plans.open_plan(connection, house.centre, scope)
        if known is not None and known.state == "approved":
            raise Invalid("plan_unfinished", plan=known.id)
        if known is not None and known.state == "making":
            if known.worker != house.worker and is_alive(known.worker):
                raise Busy
            plans.take(connection, known.id, house.worker)
            return str(known.id)
        if known is not None:
            drop(connection, known.id)
        return plans.add(connection, house.centre, scope, house.worker, actor.name, house.now())


def drop(connection: Connection, key: str) -> None:
    """Let a plan give way; the readings it proposed never counted."""
    for item in plans.items(connection, key, "open"):
        for reading in item.enter:
            row = runs.revision_row(connection, reading)
            if row is not None and row.state == "proposed":
                runs.set_state(connection, reading, "superseded")
    plans.set_state(connection, key, "dropped")


def _item(
    house: House, connection: Connection, unit: Unit, read: dict[str, Reading], scope: Scope
) -> Item | None:
    item = Item(unit.key)
    for source, reading in read.items():
        if reading.trouble is not None or reading.driver is None:
            code = reading.trouble.code if reading.trouble else "unreadable"
            item.troubles.append({"source": source, "code": code})
            item.kind = "unreadable"
        else:
            _beside(house, connection, item, unit, source, reading)
    if not read:
        item.sessions = [s for s in unit.sessions if dose_differs(house, connection, s)]
    if item.enter or item.retire or item.sessions:
        switching.trial(house, connection, item, scope.cause)
        return item
    return item if item.troubles else None


def _beside(
    house: House, connection: Connection, item: Item, unit: Unit, source: str, reading: Reading
) -> None:
    """Keep new readings of a source beside the ones that count."""
    assert reading.driver is not None  # noqa: S101 - a reading without trouble has a driver
    kept = set()
    for number, one in enumerate(reading.runs):
        origin, row = Origin(source, number, reading.driver), as_row(one)
        key = runs.revision_id(origin, row.basis)
        known = runs.revision_row(connection, key)
        kept.add(key)
        if known is None or known.state not in {"current", "held"}:
            run_key = runs.run_id(house.centre, row.run)
            if runs.stored_run(connection, run_key) is None:
                device = places.ensure_device(
                    connection, house.centre, row.run.device, row.run.role, house.now()
                )
                runs.save_run(connection, run_key, house.centre, device, row.run)
            item.enter.append(runs.save_revision(connection, run_key, origin, row, "proposed", house.now()))
    item.retire += [r.id for r in unit.readings if r.source == source and r.id not in kept]


def _readable(house: House, scope: Scope) -> Iterator[Item]:
    """Refused files that can be read now."""
    if scope.device is not None:
        return
    with house.db.read() as connection:
        found = plans.refused(connection, house.centre)
    for row in found:
        reading = rereading.read(house, row.source, row.zone, row.driver)
        mine = reading.driver is not None and scope.driver in {None, reading.driver.name}
        if reading.trouble is None and mine and not reading.awaits:
            yield Item(row.source, "new", submission=row.id)


def _reopen(house: House, submission: str) -> str:
    with house.db.write() as connection:
        sources.reopen(connection, submission, house.worker, house.now())
    return submission


def _carry_out(house: House, connection: Connection, key: str, one: Any, cause: str) -> None:  # noqa: ANN401
    if not plans.is_open(connection, key, one.position):
        return
    item = Item(
        one.unit, one.kind, one.retire, one.enter, one.sessions, submission=one.submission,
    )  # fmt: skip
    if not switching.is_current(connection, item):
        plans.end_item(connection, key, one.position, "stale")
        return
    switching.switch(house, connection, item, cause)
    plans.end_item(connection, key, one.position, "done")
