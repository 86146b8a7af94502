"""The tables as Parquet files, one for each centre and year, kept up to date by the feed of changes.

`DIR/doses/centre=vienna/year=2024/part-0.parquet`: the layout that DuckDB, Polars, Spark and pandas read as one
table. Only years in which something changed are written again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from ingestor.errors import Invalid
from ingestor.exports.batches import schema
from ingestor.exports.rows import batches
from ingestor.store.answers import changes
from ingestor.store.answers.doses import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ingestor.exports.view import View
    from ingestor.store.engine import Database

TABLES = ("doses", "cycles", "alarms", "traces")
STATE = "_state.json"
_ROW_GROUP = 100_000


@dataclass(frozen=True, slots=True)
class Written:
    """What an update did.

    Attributes:
        seq: the newest change that the files know of.
        years: that were written again.
        rows: by table, in these years.
    """

    seq: int
    years: tuple[int, ...]
    rows: dict[str, int]


def update(db: Database, centre: str, view: View, folder: Path, tables: Iterable[str] = TABLES) -> Written:
    """Bring the files below a folder to the present state of the store.

    Each file is replaced as a whole; broken off, the next update writes again what changed since the last that was
    finished.

    Args:
        db: the store.
        centre: whose sessions.
        view: what the reader may see of persons.
        folder: made if it is not there.
        tables: which of `TABLES`; must be the same at every update of a folder.

    Raises:
        Invalid: `partitions_other`: the folder was written for another centre or other tables.
    """
    names = sorted(tables)
    known = _state(folder, centre, names)
    with db.read() as connection:
        seq = changes.newest(connection)
        years = sorted(changes.years_since(connection, centre, known))
    rows = dict.fromkeys(names, 0)
    for year in years:
        for table in names:
            rows[table] += _write(db, table, centre, year, view, folder)
    state = {"centre": centre, "tables": names, "seq": seq}
    _replace(folder / STATE, json.dumps(state).encode())
    return Written(seq, tuple(years), rows)


def _state(folder: Path, centre: str, names: list[str]) -> int:
    """Return the newest change that the files know of, 0 for a new folder."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / STATE
    if not file.exists():
        return 0
    state = json.loads(file.read_text("utf-8"))
    if (state["centre"], state["tables"]) != (centre, names):
        raise Invalid("partitions_other", path=str(folder))
    return int(state["seq"])


def _write(db: Database, table: str, centre: str, year: int, view: View, folder: Path) -> int:
    """Write one partition; return its rows. One without rows has no file."""
    target = folder / table / f"centre={centre}" / f"year={year}" / "part-0.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    wanted = Wanted(
        centre,
        start=datetime(year, 1, 1, tzinfo=UTC),
        end=datetime(year + 1, 1, 1, tzinfo=UTC),
        as_of=datetime.now(UTC) if table == "doses" else None,
    )
    half = target.with_name(".part-0.parquet.new")
    rows = 0
    with pq.ParquetWriter(half, schema(table), compression="zstd") as writer:
        for batch in batches(db, table, wanted, view):
            writer.write_batch(batch, row_group_size=_ROW_GROUP)
            rows += len(batch)
    if rows:
        half.replace(target)
    else:
        half.unlink()
        target.unlink(missing_ok=True)
    return rows


def _replace(file: Path, content: bytes) -> None:
    half = file.with_name(f".{file.name}.new")
    half.write_bytes(content)
    half.replace(file)
