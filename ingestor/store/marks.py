"""Small facts that the house keeps about itself from one start to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from ingestor.store.tables import raw_file, setting

if TYPE_CHECKING:
    from sqlalchemy import Connection


def mark(connection: Connection, key: str) -> Any:  # noqa: ANN401 - whatever JSON was kept
    """Return what was kept under `key`, or None."""
    return connection.execute(select(setting.c.value).where(setting.c.key == key)).scalar()


def set_mark(connection: Connection, key: str, value: Any) -> None:  # noqa: ANN401 - any JSON
    """Keep a JSON value under `key`."""
    changed = connection.execute(update(setting).where(setting.c.key == key).values(value=value))
    if changed.rowcount == 0:
        connection.execute(insert(setting).values(key=key, value=value))


def known_in_shard(connection: Connection, shard: str) -> set[str]:
    """Return the sums with a row that begin with these two hexadecimal digits."""
    query = select(raw_file.c.sha256).where(raw_file.c.sha256 >= shard, raw_file.c.sha256 < f"{shard}g")
    return set(connection.execute(query).scalars())
