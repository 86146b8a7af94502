"""Which readings of which machines a site has compared with the machine's screen and signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from ingestor.errors import NotFound
from ingestor.ids import fresh
from ingestor.store.tables import acceptance, device, revision, run

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A person compared one export of a model with the machine's screen, as one version of a driver reads it."""

    id: str
    driver: str
    version: str
    model: str
    person: str
    note: str
    at: datetime


def accept(
    connection: Connection,
    centre_id: str,
    machine: tuple[str, str, str],
    person: str,
    note: str,
    now: datetime,
) -> str:
    """Record that a person compared one export with the screen.

    Args:
        connection: a writing transaction.
        centre_id: whose site.
        machine: driver, driver version, device model.
        person: who compared.
        note: what was compared.
        now: when.
    """
    key = fresh("acc")
    driver, version, model = machine
    connection.execute(
        insert(acceptance).values(
            id=key, centre=centre_id, driver=driver, driver_version=version, model=model, person=person,
            note=note, at=now,
        )
    )  # fmt: skip
    return key


def revoke(connection: Connection, key: str, now: datetime) -> None:
    """Take an acceptance back.

    Raises:
        NotFound: there is none, or it was taken back before.
    """
    query = update(acceptance).where(acceptance.c.id == key, acceptance.c.revoked_at.is_(None))
    if connection.execute(query.values(revoked_at=now)).rowcount == 0:
        raise NotFound("not_found")


def accepted(connection: Connection) -> frozenset[tuple[str, str, str]]:
    """Return every (driver, driver version, device model) that is accepted."""
    columns = (acceptance.c.driver, acceptance.c.driver_version, acceptance.c.model)
    query = select(*columns).where(acceptance.c.revoked_at.is_(None))
    return frozenset((row.driver, row.driver_version, row.model) for row in connection.execute(query))


def standing(connection: Connection) -> list[Acceptance]:
    """Return every acceptance that holds, the oldest first."""
    columns = (
        acceptance.c.id, acceptance.c.driver, acceptance.c.driver_version, acceptance.c.model,
        acceptance.c.person, acceptance.c.note, acceptance.c.at,
    )  # fmt: skip
    query = (
        select(*columns).where(acceptance.c.revoked_at.is_(None)).order_by(acceptance.c.at, acceptance.c.id)
    )
    return [Acceptance(*row) for row in connection.execute(query)]


def machine_of(connection: Connection, key: str) -> tuple[str, str, str]:
    """Return driver, driver version and device model of an acceptance.

    Raises:
        NotFound: there is none of this id.
    """
    columns = (acceptance.c.driver, acceptance.c.driver_version, acceptance.c.model)
    row = connection.execute(select(*columns).where(acceptance.c.id == key)).one_or_none()
    if row is None:
        raise NotFound("not_found")
    return row.driver, row.driver_version, row.model


def sessions_read_by(connection: Connection, machine: tuple[str, str, str]) -> list[str]:
    """Return the sessions with a current reading by this driver, version and model."""
    driver, version, model = machine
    query = (
        select(run.c.session_id)
        .join(revision, revision.c.run_id == run.c.id)
        .join(device, device.c.id == run.c.device_id)
        .where(
            revision.c.state == "current", revision.c.driver == driver, revision.c.driver_version == version,
            device.c.model == model, run.c.session_id.is_not(None),
        )
        .distinct()
        .order_by(run.c.session_id)
    )  # fmt: skip
    return [str(row.session_id) for row in connection.execute(query)]


def models_read_by(connection: Connection, driver: str, version: str) -> list[str]:
    """Return the models of machines whose current readings are by this version of a driver."""
    query = (
        select(device.c.model)
        .join(run, run.c.device_id == device.c.id)
        .join(revision, revision.c.run_id == run.c.id)
        .where(
            revision.c.driver == driver, revision.c.driver_version == version, revision.c.state == "current"
        )
        .distinct()
        .order_by(device.c.model)
    )
    return [str(row.model) for row in connection.execute(query)]
