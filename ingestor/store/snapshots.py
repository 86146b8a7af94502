"""The register of snapshots. A row is never changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from ingestor.store.tables import snapshot

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Registered:
    """A snapshot as it was registered.

    Attributes:
        as_of: its doses are as they were known then.
        asked: the filter, names and values as they were given.
        sha256: of `SHA256SUMS`, which has the sums of all other files.
    """

    name: str
    centre: str
    created_at: datetime
    as_of: datetime
    asked: list[list[str]]
    sha256: str
    actor: str


def register(connection: Connection, one: Registered) -> None:
    """Write a snapshot into the register."""
    connection.execute(
        insert(snapshot).values(
            name=one.name, centre=one.centre, created_at=one.created_at, as_of=one.as_of, asked=one.asked,
            sha256=one.sha256, actor=one.actor,
        )
    )  # fmt: skip


def named(connection: Connection, centre: str, name: str) -> Registered | None:
    """Return a snapshot, or None."""
    query = select(snapshot).where(snapshot.c.name == name, snapshot.c.centre == centre)
    row = connection.execute(query).one_or_none()
    return Registered(**row._mapping) if row is not None else None


def everything(connection: Connection, centre: str) -> list[Registered]:
    """Return all snapshots of a centre, oldest first."""
    query = (
        select(snapshot).where(snapshot.c.centre == centre).order_by(snapshot.c.created_at, snapshot.c.name)
    )
    return [Registered(**row._mapping) for row in connection.execute(query)]
