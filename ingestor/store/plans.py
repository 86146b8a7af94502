"""Plans to let other readings count: made, approved, carried out item by item."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, insert, select, update

from ingestor.errors import NotFound
from ingestor.ids import fresh
from ingestor.store.tables import change, device, dose, plan, plan_item, revision, run, submission

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row


@dataclass(frozen=True, slots=True)
class Scope:
    """What a plan is about: all sources, or those one driver has read, or those of one machine.

    Attributes:
        cause: word for the feed of changes.
    """

    driver: str | None = None
    device: str | None = None
    cause: str = "reprocess"


@dataclass(slots=True)
class Item:
    """Sources and sessions that change together.

    Attributes:
        unit: what the item is known by within its plan.
        kind: `changed`, `stamp` (the same values, read by another version), `dose`, `new`, `unreadable`.
        retire: readings that stop counting.
        enter: readings that come in their stead.
        sessions: sessions whose doses are computed again.
        changes: one document a session concerned.
        troubles: sources that could not be read, with the code why.
        submission: a refused one that can be read now.
    """

    unit: str
    kind: str = "stamp"
    retire: list[str] = field(default_factory=list)
    enter: list[str] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    troubles: list[dict[str, Any]] = field(default_factory=list)
    submission: str | None = None


def open_plan(connection: Connection, centre_id: str, scope: Scope) -> Row[Any] | None:
    """Return the plan of this scope that is being made or waits for approval."""
    query = select(plan).where(
        plan.c.centre == centre_id, plan.c.state.in_(("making", "ready", "approved")), plan.c.cause == scope.cause,
        plan.c.driver.is_(None) if scope.driver is None else plan.c.driver == scope.driver,
        plan.c.device_id.is_(None) if scope.device is None else plan.c.device_id == scope.device,
    )  # fmt: skip
    return connection.execute(query.order_by(plan.c.at.desc(), plan.c.id).limit(1)).one_or_none()


def add(connection: Connection, centre_id: str, scope: Scope, worker: str, actor: str, now: datetime) -> str:
    """Begin a plan."""
    key = fresh("plan")
    connection.execute(
        insert(plan).values(
            id=key, centre=centre_id, state="making", driver=scope.driver, device_id=scope.device,
            cause=scope.cause, worker=worker, actor=actor, at=now, unchanged=0, reason="",
        )
    )  # fmt: skip
    return key


def open_ones(connection: Connection, centre_id: str, cause: str) -> list[Row[Any]]:
    """Return the plans of one cause that are not at their end."""
    query = select(plan).where(
        plan.c.centre == centre_id, plan.c.cause == cause, plan.c.state.in_(("making", "ready", "approved"))
    )
    return list(connection.execute(query.order_by(plan.c.at, plan.c.id)))


def take(connection: Connection, key: str, worker: str) -> None:
    """Let a process be the one that works on a plan."""
    connection.execute(update(plan).where(plan.c.id == key).values(worker=worker))


def is_open(connection: Connection, key: str, position: int) -> bool:
    """Tell whether an item was not carried out yet."""
    query = select(plan_item.c.state).where(plan_item.c.plan_id == key, plan_item.c.position == position)
    return connection.execute(query).scalar() == "open"


def require(connection: Connection, key: str) -> Row[Any]:
    """Return a plan.

    Raises:
        NotFound: `no_such_plan`.
    """
    row = connection.execute(select(plan).where(plan.c.id == key)).one_or_none()
    if row is None:
        raise NotFound("no_such_plan")
    return row


def set_state(connection: Connection, key: str, state: str, **values: Any) -> None:  # noqa: ANN401 - columns
    """Let a plan go on to its next state."""
    connection.execute(update(plan).where(plan.c.id == key).values(state=state, **values))


def count_unchanged(connection: Connection, key: str, number: int) -> None:
    """Note how many sessions would stay as they are."""
    connection.execute(update(plan).where(plan.c.id == key).values(unchanged=number))


def add_item(connection: Connection, key: str, item: Item) -> None:
    """Keep what would change."""
    last = select(func.coalesce(func.max(plan_item.c.position), 0)).where(plan_item.c.plan_id == key)
    connection.execute(
        insert(plan_item).values(
            plan_id=key, position=connection.execute(last).scalar_one() + 1, unit=item.unit, kind=item.kind,
            state="open", submission=item.submission, retire=item.retire, enter=item.enter,
            sessions=item.sessions, changes=item.changes, troubles=item.troubles,
        )
    )  # fmt: skip


def items(connection: Connection, key: str, state: str | None = None) -> list[Row[Any]]:
    """Return the items of a plan in order."""
    query = select(plan_item).where(plan_item.c.plan_id == key).order_by(plan_item.c.position)
    return list(connection.execute(query.where(plan_item.c.state == state) if state else query))


def units(connection: Connection, key: str) -> set[str]:
    """Return what the plan has looked at and found to change."""
    return set(connection.execute(select(plan_item.c.unit).where(plan_item.c.plan_id == key)).scalars())


def end_item(connection: Connection, key: str, position: int, state: str) -> None:
    """Note what became of an item."""
    connection.execute(
        update(plan_item)
        .where(plan_item.c.plan_id == key, plan_item.c.position == position)
        .values(state=state)
    )


def readings(connection: Connection, centre_id: str, scope: Scope) -> list[Row[Any]]:
    """Return the readings that count or are held of all sources in question, with machine and session."""
    wanted = select(revision.c.source).join(run, revision.c.run_id == run.c.id)
    if scope.driver is not None:
        wanted = wanted.where(revision.c.driver == scope.driver)
    if scope.device is not None:
        wanted = wanted.where(run.c.device_id == scope.device)
    query = (
        select(
            revision.c.id, revision.c.source, revision.c.treatment, revision.c.state, revision.c.driver,
            revision.c.driver_version, revision.c.basis, revision.c.started_at, run.c.id.label("run_id"),
            run.c.session_id, device.c.id.label("device_id"), device.c.maker, device.c.model, device.c.serial,
            _named("zone"), _named("driver"),
        )
        .join(run, revision.c.run_id == run.c.id)
        .join(device, run.c.device_id == device.c.id)
        .where(
            run.c.centre == centre_id, revision.c.state.in_(("current", "held")), revision.c.source.in_(wanted)
        )
        .order_by(revision.c.started_at, revision.c.id)
    )  # fmt: skip
    return list(connection.execute(query))


def _named(column: str) -> ColumnElement[str]:
    """What the person who sent a source first said of it."""
    query = (
        select(submission.c[column])
        .where(
            submission.c.source == revision.c.source,
            submission.c.status.in_(("stored", "superseded", "held")),
        )
        .order_by(submission.c.at, submission.c.id)
        .limit(1)
        .scalar_subquery()
    )
    return query.label(f"named_{column}")


def refused(connection: Connection, centre_id: str) -> list[Row[Any]]:
    """Return one refused submission of every source of which nothing was ever read."""
    known = select(revision.c.source)
    query = (
        select(submission.c.id, submission.c.source, submission.c.zone, submission.c.driver)
        .where(
            submission.c.centre == centre_id, submission.c.status == "refused", submission.c.source.not_in(known)
        )
        .order_by(submission.c.source, submission.c.at, submission.c.id)
    )  # fmt: skip
    newest: dict[str, Any] = {row.source: row for row in connection.execute(query)}
    return list(newest.values())


def last_change(connection: Connection) -> int:
    """Return the number of the newest entry in the feed of changes."""
    return int(connection.execute(select(func.coalesce(func.max(change.c.seq), 0))).scalar_one())


def changed_since(connection: Connection, seq: int) -> list[str]:
    """Return the sessions of which the feed tells since an entry, in its order."""
    query = select(change.c.session_id).where(change.c.seq > seq).order_by(change.c.seq)
    return list(dict.fromkeys(connection.execute(query).scalars()))


def served(connection: Connection, sessions: Collection[str], method: str) -> dict[str, dict[str, Any]]:
    """Return the doses that are served for some sessions."""
    query = select(dose).where(
        and_(dose.c.session_id.in_(sessions), dose.c.method == method, dose.c.known_to.is_(None))
    )
    return {row.session_id: dict(row._mapping) for row in connection.execute(query)}


def listing(connection: Connection, centre_id: str) -> Iterator[Row[Any]]:
    """Yield all plans, newest first."""
    yield from connection.execute(
        select(plan).where(plan.c.centre == centre_id).order_by(plan.c.at.desc(), plan.c.id)
    )
