"""Centres and machines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from ingestor.errors import Invalid, NotFound
from ingestor.ids import derived, fresh
from ingestor.store.tables import account, centre, clock_offset, device, revision, run, session, ward

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from ingestor.model import Device, Role


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A machine as registered: its zone is None where only the centre's default applies."""

    id: str
    maker: str
    model: str
    serial: str
    zone: str | None
    bench: bool


def ensure_centre(connection: Connection, centre_id: str, name: str, zone: str) -> None:
    """Register the centre if it is new; name and default zone follow the settings."""
    values = {"name": name, "zone": zone}
    if connection.execute(select(centre.c.id).where(centre.c.id == centre_id)).first() is None:
        connection.execute(insert(centre).values(id=centre_id, **values))
    else:
        connection.execute(update(centre).where(centre.c.id == centre_id).values(**values))


def device_id(centre_id: str, machine: Device) -> str:
    """Return the identity of a machine at a centre."""
    return derived("dev", centre_id, machine.maker, machine.model, machine.serial)


def ensure_device(connection: Connection, centre_id: str, machine: Device, role: Role, now: datetime) -> str:
    """Register a machine the first time it is seen and return its id."""
    key = device_id(centre_id, machine)
    if connection.execute(select(device.c.id).where(device.c.id == key)).first() is None:
        connection.execute(
            insert(device).values(
                id=key, centre=centre_id, maker=machine.maker, model=machine.model, serial=machine.serial,
                role=role.value, bench=False, first_seen=now,
            )
        )  # fmt: skip
    return key


def known_devices(connection: Connection, centre_id: str) -> list[KnownDevice]:
    """Return all machines of a centre."""
    columns = (device.c.id, device.c.maker, device.c.model, device.c.serial, device.c.zone, device.c.bench)
    return [
        KnownDevice(*row)
        for row in connection.execute(
            select(*columns).where(device.c.centre == centre_id).order_by(device.c.id)
        )
    ]


def wards(connection: Connection, centre_id: str) -> Sequence[Row[Any, Any, Any, Any]]:
    """Return the wards of a centre by name, each with its machines and accounts counted."""
    machines = select(func.count()).where(device.c.ward == ward.c.id).scalar_subquery()
    people = select(func.count()).where(account.c.ward == ward.c.id, account.c.disabled_at.is_(None))
    query = select(
        ward.c.id, ward.c.name, machines.label("machines"), people.scalar_subquery().label("people")
    )
    return connection.execute(query.where(ward.c.centre == centre_id).order_by(ward.c.name)).all()


def add_ward(connection: Connection, centre_id: str, name: str) -> str:
    """Register a ward and return its id.

    Raises:
        Invalid: `name_taken`.
    """
    key = fresh("wrd")
    try:
        with connection.begin_nested():
            connection.execute(insert(ward).values(id=key, centre=centre_id, name=name))
    except IntegrityError:
        raise Invalid("name_taken", name=name) from None
    return key


def require_ward(connection: Connection, centre_id: str, key: str) -> None:
    """See that there is such a ward.

    Raises:
        NotFound: `no_such_ward`.
    """
    query = select(ward.c.id).where(ward.c.id == key, ward.c.centre == centre_id)
    if connection.execute(query).first() is None:
        raise NotFound("no_such_ward")


def place_device(connection: Connection, key: str, ward_id: str | None) -> None:
    """Say on which ward a machine stands; its sessions belong to that ward from now on.

    Raises:
        NotFound: there is no such machine.
    """
    if connection.execute(update(device).where(device.c.id == key).values(ward=ward_id)).rowcount == 0:
        raise NotFound("no_such_device")
    used = select(run.c.session_id).where(run.c.device_id == key, run.c.session_id.is_not(None))
    connection.execute(update(session).where(session.c.id.in_(used)).values(ward=ward_id))


def of_other_wards(connection: Connection, ward_id: str, sessions: Iterable[str]) -> set[str]:
    """Return which of these sessions belong to another ward than this one."""
    query = select(session.c.id).where(
        session.c.id.in_(list(sessions)), session.c.ward.is_not(None), session.c.ward != ward_id
    )
    return set(connection.execute(query).scalars())


def is_of_other_ward(connection: Connection, source: str, ward_id: str) -> bool:
    """Tell whether a treatment of this file belongs to another ward."""
    query = (
        select(session.c.id)
        .join(run, run.c.session_id == session.c.id)
        .join(revision, revision.c.run_id == run.c.id)
        .where(revision.c.source == source, session.c.ward.is_not(None), session.c.ward != ward_id)
    )
    return connection.execute(query.limit(1)).first() is not None


def set_zone(connection: Connection, key: str, zone: str | None) -> None:
    """Declare the zone of a machine's clock.

    Raises:
        NotFound: there is no such machine.
    """
    if connection.execute(update(device).where(device.c.id == key).values(zone=zone)).rowcount == 0:
        raise NotFound("no_such_device")


def require_device(connection: Connection, key: str) -> KnownDevice:
    """Return a machine.

    Raises:
        NotFound: `no_such_device`.
    """
    columns = (device.c.id, device.c.maker, device.c.model, device.c.serial, device.c.zone, device.c.bench)
    row = connection.execute(select(*columns).where(device.c.id == key)).one_or_none()
    if row is None:
        raise NotFound("no_such_device")
    return KnownDevice(*row)


def add_offset(
    connection: Connection,
    device_key: str,
    seconds: int,
    span: tuple[datetime | None, datetime | None],
    actor: str,
    reason: str,
    now: datetime,
) -> str:
    """Write into the ledger how far a machine's clock was ahead; return the entry's id."""
    key = fresh("off")
    last = connection.execute(
        select(func.max(clock_offset.c.recorded_at)).where(clock_offset.c.device_id == device_key)
    ).scalar()
    if last is not None:
        # The later entry wins: two of one moment must have an order.
        now = max(now, last + timedelta(microseconds=1))
    connection.execute(
        insert(clock_offset).values(
            id=key, device_id=device_key, seconds=seconds, valid_from=span[0], valid_to=span[1], actor=actor,
            reason=reason, recorded_at=now,
        )
    )  # fmt: skip
    return key


def revoke_offset(connection: Connection, key: str, now: datetime) -> str:
    """Take an entry back; return the machine's id.

    Raises:
        NotFound: `no_such_offset`: there is none, or it was taken back before.
    """
    query = select(clock_offset.c.device_id).where(
        clock_offset.c.id == key, clock_offset.c.revoked_at.is_(None)
    )
    device_key = connection.execute(query).scalar()
    if device_key is None:
        raise NotFound("no_such_offset")
    connection.execute(update(clock_offset).where(clock_offset.c.id == key).values(revoked_at=now))
    return str(device_key)


def offsets(
    connection: Connection, centre_id: str
) -> list[tuple[str, str, str, int, datetime | None, datetime | None]]:
    """Return the ledger that holds: (maker, model, serial, seconds, valid from, valid to) of each entry not revoked."""
    query = (
        select(
            device.c.maker,
            device.c.model,
            device.c.serial,
            clock_offset.c.seconds,
            clock_offset.c.valid_from,
            clock_offset.c.valid_to,
        )
        .join(device)
        .where(device.c.centre == centre_id, clock_offset.c.revoked_at.is_(None))
        .order_by(clock_offset.c.recorded_at, clock_offset.c.id)
    )
    return [tuple(row) for row in connection.execute(query)]
