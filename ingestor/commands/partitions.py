"""`apherelog export partitions`: the tables as Parquet files by centre and year, kept up to date."""

from __future__ import annotations

from pathlib import Path

import click

from ingestor.access.pseudonyms import prepare_key
from ingestor.commands.front import Front, pass_front
from ingestor.exports.view import View
from ingestor.ops import partitions
from ingestor.store import audit
from ingestor.store.engine import identities_hidden


@click.command("partitions")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder.")
@click.option(
    "--table",
    "tables",
    multiple=True,
    type=click.Choice(partitions.TABLES),
    help="Only these; all by default.",
)
@pass_front
def write_partitions(front: Front, out: Path, tables: tuple[str, ...]) -> None:
    """Write doses, cycles, alarms and traces as Parquet, a file a centre and year, or bring such files up to date.

    Only years in which something changed since the last time are written again. DuckDB, Polars, Spark and pandas
    read the folder of a table as one.
    """
    with front.store() as (settings, db), identities_hidden():
        view = View(prepare_key(db, settings.data_dir).of)
        written = partitions.update(db, settings.centre, view, out, tables or partitions.TABLES)
        with db.write() as connection:
            audit.record(connection, front.actor(), "export", "partitions", years=len(written.years))
    front.emit(
        {"seq": written.seq, "years": list(written.years), "rows": written.rows},
        f"{len(written.years)} years written: {sum(written.rows.values())} rows.",
    )
