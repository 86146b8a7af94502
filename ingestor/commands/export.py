"""`apherelog export`: every row of a table to a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingestor.commands.front import Front, pass_front

if TYPE_CHECKING:
    from datetime import datetime

_DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])


@click.command()
@click.argument("table", type=click.Choice(["doses", "sessions", "cycles", "alarms", "events", "traces"]))
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "parquet", "arrow", "ndjson"]),
    default="csv",
    show_default=True,
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="File; standard output if not given."
)
@click.option("--from", "start", type=_DAY, help="Sessions that begin at or after this day (UTC).")
@click.option("--to", "end", type=_DAY, help="Sessions that begin before this day (UTC).")
@click.option("--status", multiple=True, help="Only doses of this status; may be repeated.")
@click.option("--device", multiple=True, help="Only this machine; may be repeated.")
@click.option("--driver", multiple=True, help="Only exports read by this driver; may be repeated.")
@click.option("--identified", is_flag=True, help="Internal patient ids instead of pseudonyms.")
@pass_front
def export(  # noqa: PLR0913, PLR0917 - one argument an option
    front: Front,
    table: str,
    kind: str,
    out: Path | None,
    start: datetime | None,
    end: datetime | None,
    status: tuple[str, ...],
    device: tuple[str, ...],
    driver: tuple[str, ...],
    *,
    identified: bool,
) -> None:
    """Write every row of TABLE. Patients are pseudonyms, as the service shows them to analysts."""
    from datetime import UTC
    from datetime import datetime as clock

    from ingestor.access.pseudonyms import prepare_key
    from ingestor.exports.batches import batches
    from ingestor.exports.files import write
    from ingestor.exports.rows import pages
    from ingestor.exports.view import View
    from ingestor.store import audit
    from ingestor.store.answers.doses import Wanted

    given = (("status", status), ("device", device), ("driver", driver))
    with front.store() as (settings, db):
        view = View() if identified else View(prepare_key(db, settings.data_dir).of)
        wanted = Wanted(
            settings.centre, equal=tuple((name, values) for name, values in given if values), as_of=clock.now(UTC),
            start=start.replace(tzinfo=UTC) if start else None, end=end.replace(tzinfo=UTC) if end else None,
        )  # fmt: skip
        found = batches(table, pages(db, table, wanted, view))
        if out is None:
            rows = write(table, kind, found, sys.stdout.buffer)
        else:
            with out.open("wb") as sink:
                rows = write(table, kind, found, sink)
        with db.write() as connection:
            audit.record(connection, front.actor(), "export", table, rows=rows, identified=identified)
    front.tell(f"{rows} rows of {table}" + (f" written to {out}" if out else ""))
