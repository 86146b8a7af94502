"""Which readings of which machines a site has compared with the machine's screen and signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from ingestor.errors import NotFound
from ingestor.ids import fresh
from ingestor.store.tables import acceptance

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


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
