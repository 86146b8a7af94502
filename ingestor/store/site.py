"""The few facts about this site that live in the database itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from ingestor.store.tables import setting

if TYPE_CHECKING:
    from sqlalchemy import Connection


def fact(connection: Connection, key: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return a fact, or None where it was never written."""
    return connection.execute(select(setting.c.value).where(setting.c.key == key)).scalar()


def settle_fact(connection: Connection, key: str, value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Write a fact unless it stands; return what holds from now on."""
    try:
        with connection.begin_nested():
            connection.execute(insert(setting).values(key=key, value=value))
    except IntegrityError:
        return fact(connection, key)
    return value


def set_fact(connection: Connection, key: str, value: Any) -> None:  # noqa: ANN401 - any JSON value
    """Write a fact, in place of an older one."""
    changed = connection.execute(update(setting).where(setting.c.key == key).values(value=value))
    if changed.rowcount == 0:
        connection.execute(insert(setting).values(key=key, value=value))
