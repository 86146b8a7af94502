"""Every row of one database carried into another, in batches that can be taken up again.

Rows travel in the order of their keys, each batch in one transaction, so the last key in the target tells where an
interrupted move goes on. References inside a table are left out at first and set when all its rows are there.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, text, tuple_, update

from ingestor.faultpoints import point
from ingestor.store.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Row, Table

    from ingestor.store.engine import Database

# Rows a transaction; those of a trace are large.
_BATCH = 2_000
_HEAVY = {"trace": 50}


@dataclass(frozen=True, slots=True)
class Content:
    """What a table holds: number of rows, and a hash over all of them in the order of their keys."""

    rows: int
    sha256: str


def tables() -> list[Table]:
    """Return all tables, referred ones first; before all others the audit chain, which tells whose rows they are."""
    return sorted(metadata.sorted_tables, key=lambda t: t.name != "audit")


def is_empty(connection: Connection) -> bool:
    """Say whether no table has a row."""
    return not any(connection.execute(select(1).select_from(t).limit(1)).first() for t in tables())


def carry(source: Connection, target: Database, table: Table) -> int:
    """Carry the rows of one table that are not there yet; return how many.

    Args:
        source: nobody writes there meanwhile.
        target: has the same schema; what it holds of this table came by an earlier `carry`.
        table: those that it refers to were carried before.
    """
    inner = _inner_references(table)
    with target.read() as connection:
        last = _last_key(connection, table)
    carried = 0
    for rows in _batches(source, table, last):
        target.apply(partial(_insert, table=table, rows=rows, last=last, inner=inner))
        carried += len(rows)
        last = _key(table, rows[-1])
        point("move.batch")
    for name in inner:
        _refer(source, target, table, name)
    if target.writer.dialect.name == "postgresql":
        target.apply(lambda connection: _count_on(connection, table))
    return carried


def content(connection: Connection, table: Table) -> Content:
    """Return what a table holds, alike on both databases if it is."""
    digest = hashlib.sha256()
    count = 0
    for rows in _batches(connection, table, None):
        for row in rows:
            digest.update(_canonical(row))
        count += len(rows)
    return Content(count, digest.hexdigest())


def _batches(connection: Connection, table: Table, after: Any) -> Iterator[list[Row[Any]]]:  # noqa: ANN401
    size = _HEAVY.get(table.name, _BATCH)
    key = list(table.primary_key)
    while True:
        query = select(table).order_by(*key).limit(size)
        if after is not None:
            query = query.where(tuple_(*key) > tuple_(*after))
        rows = list(connection.execute(query))
        if rows:
            yield rows
        if len(rows) < size:
            return
        after = _key(table, rows[-1])


def _key(table: Table, row: Row[Any]) -> tuple[Any, ...]:
    return tuple(row._mapping[c.name] for c in table.primary_key)


def _last_key(connection: Connection, table: Table) -> tuple[Any, ...] | None:
    key = list(table.primary_key)
    row = connection.execute(select(*key).order_by(*(c.desc() for c in key)).limit(1)).first()
    return None if row is None else tuple(row)


def _inner_references(table: Table) -> list[str]:
    """Return the columns that refer to another row of the same table."""
    return [
        element.parent.name
        for constraint in table.foreign_key_constraints
        for element in constraint.elements
        if element.column.table is table
    ]


def _insert(
    connection: Connection,
    table: Table,
    rows: list[Row[Any]],
    last: tuple[Any, ...] | None,
    inner: list[str],
) -> None:
    """Insert one batch; after a connection was lost during its commit, it may be there already."""
    if _last_key(connection, table) != last:
        return
    blank = dict.fromkeys(inner)
    documents = [{**row._mapping, **blank} for row in rows]
    if connection.dialect.name == "postgresql":
        _copy(connection, table, documents)
    else:
        connection.execute(insert(table), documents)


def _copy(connection: Connection, table: Table, documents: list[dict[str, Any]]) -> None:
    """Send rows by COPY, each value as the column's type would bind it."""
    names = [c.name for c in table.columns]
    binds = [
        c.type.dialect_impl(connection.dialect).bind_processor(connection.dialect) for c in table.columns
    ]
    quoted = ", ".join(f'"{name}"' for name in names)
    driver = connection.connection.cursor()
    with driver.copy(f'COPY "{table.name}" ({quoted}) FROM STDIN') as sink:
        for document in documents:
            sink.write_row([b(document[n]) if b else document[n] for n, b in zip(names, binds, strict=True)])


def _refer(source: Connection, target: Database, table: Table, name: str) -> None:
    (key,) = table.primary_key
    column = table.c[name]
    known = source.execute(select(key, column).where(column.is_not(None)).order_by(key)).all()
    if not known:
        return
    with target.write() as connection:
        for own, other in known:
            connection.execute(update(table).where(key == own).values({name: other}))


def _count_on(connection: Connection, table: Table) -> None:
    """Let the next number follow the highest that was carried."""
    column = table.autoincrement_column
    if column is None or not _has_sequence(connection, table, column.name):
        return
    highest = connection.execute(select(func.max(column))).scalar()
    if highest is not None:
        connection.execute(
            text("SELECT setval(pg_get_serial_sequence(:table, :column), :highest)"),
            {"table": table.name, "column": column.name, "highest": highest},
        )


def _has_sequence(connection: Connection, table: Table, column: str) -> bool:
    found = connection.execute(
        text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": column}
    )
    return found.scalar() is not None


def _canonical(row: Row[Any]) -> bytes:
    plain = [
        v.hex() if isinstance(v, bytes) else v.isoformat() if isinstance(v, datetime) else v for v in row
    ]
    return json.dumps(plain, sort_keys=True, default=str).encode() + b"\n"
