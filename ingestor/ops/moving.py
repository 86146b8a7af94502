"""A site that outgrew its first database: everything moves into another one, and is compared afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestor.errors import DatabaseTrouble, Invalid
from ingestor.store import audit, moving, schema
from ingestor.store.engine import open_database

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from ingestor.store.audit import Actor
    from ingestor.store.engine import Database


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move did, by table: rows carried now, and rows that are there in all."""

    carried: dict[str, int]
    rows: dict[str, int]


def move(db: Database, url: str, actor: Actor, tell: Callable[[str, int], None] = lambda *_: None) -> Moved:
    """Carry a SQLite database into an empty one on PostgreSQL, or take up a move that was broken off.

    Nobody can write to the source meanwhile; it is not changed. The target is used only once every table there
    holds exactly what the source holds.

    Args:
        db: the source.
        url: of the target.
        actor: who moves it; audited in the target.
        tell: told table and rows carried as it goes on.

    Raises:
        Invalid: `move_what`: not from SQLite to PostgreSQL; `move_not_empty`: the target holds something else.
        DatabaseTrouble: `move_differs`: the target does not hold what the source holds.
    """
    if not db.is_sqlite or not url.startswith("postgresql"):
        raise Invalid("move_what")
    target = open_database(url)
    try:
        schema.upgrade(target)
        with db.write() as source:
            _claim(source, target)
            carried = {}
            for table in moving.tables():
                carried[table.name] = moving.carry(source, target, table)
                tell(table.name, carried[table.name])
            rows = _compare(source, target)
        _finish(target, actor, rows)
    finally:
        target.close()
    return Moved(carried, rows)


def _claim(source: Connection, target: Database) -> None:
    """Make sure that nobody else's rows are in the target: it is empty, or its audit chain begins ours.

    Raises:
        Invalid: `move_not_empty`.
    """
    with target.read() as connection:
        newest = audit.head(connection)
        stranger = (
            not moving.is_empty(connection)
            if newest is None
            else audit.hash_of(source, newest[0]) != newest[1]
        )
    if stranger:
        raise Invalid("move_not_empty")


def _compare(source: Connection, target: Database) -> dict[str, int]:
    rows = {}
    with target.read() as connection:
        for table in moving.tables():
            ours, theirs = moving.content(source, table), moving.content(connection, table)
            if ours != theirs:
                raise DatabaseTrouble("move_differs", table=table.name, here=ours.rows, there=theirs.rows)
            rows[table.name] = ours.rows
    return rows


def _finish(target: Database, actor: Actor, rows: dict[str, int]) -> None:
    with target.write() as connection:
        audit.record(connection, actor, "move", "database", rows=sum(rows.values()))
