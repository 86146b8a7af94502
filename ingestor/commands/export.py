"""`apherelog export`: every row of a table to a file, and what belongs to it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from ingestor.access.pseudonyms import ANALYSIS, prepare_key
from ingestor.commands import models, snapshot
from ingestor.commands.asking import asked_for, options, wanted_of
from ingestor.commands.front import Front, pass_front, whole_file
from ingestor.commands.partitions import write_partitions
from ingestor.exports.codebook import LANGUAGES, codebook
from ingestor.exports.fields import tables
from ingestor.exports.files import FORMATS, pieces
from ingestor.exports.rows import batches
from ingestor.exports.view import View
from ingestor.store import audit
from ingestor.store.engine import identities_hidden

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa


@click.group()
def export() -> None:
    """Write tables, snapshots and documents for analysis. Patients are pseudonyms, as analysts see them."""


def _command(table: str) -> click.Command:
    @pass_front
    def run(front: Front, /, kind: str, out: Path | None, purpose: str, **given: Any) -> None:  # noqa: ANN401 - one for each filter
        _write(front, table, (kind, purpose), out, list(asked_for(given)))

    own = [
        click.Option(
            ["--purpose"],
            default=ANALYSIS,
            show_default=True,
            help="Patients get other pseudonyms for another purpose; both cannot be joined without the key.",
        ),
        click.Option(
            ["--format", "kind"], type=click.Choice(list(FORMATS)), default="csv", show_default=True
        ),
        click.Option(
            ["--out"], type=click.Path(dir_okay=False, path_type=Path), help="File; else standard output."
        ),
    ]
    text = f"Write every row of the table of {table}."
    ranges = "Bounds of numbers are options as well, for example --pv-multiple-min 1.5 --weight-kg-max 90."
    return click.Command(table, callback=run, params=[*own, *options()], help=text, epilog=ranges)


for _name in tables():
    export.add_command(_command(_name))
for _other in (*snapshot.COMMANDS, *models.COMMANDS, write_partitions):
    export.add_command(_other)


def _write(
    front: Front, table: str, how: tuple[str, str], out: Path | None, given: list[tuple[str, str]]
) -> None:
    kind, purpose = how
    with front.store() as (settings, db), identities_hidden():
        pseudonyms = prepare_key(db, settings.data_dir).for_purpose(purpose)
        asked = wanted_of(settings, db, given)
        if asked.as_of is None:
            asked = replace(asked, as_of=datetime.now(UTC))
        counted = _Counted(batches(db, table, asked, View(pseudonyms.of)))
        with _sink(out) as sink:
            for piece in pieces(table, kind, counted):
                sink.write(piece)
        with db.write() as connection:
            audit.record(
                connection, front.actor(), "export", table, format=kind, rows=counted.rows, purpose=purpose
            )
    front.tell(f"{counted.rows} rows of {table}" + (f" written to {out}" if out else ""))


class _Counted:
    """Batches that remember how many rows went by."""

    def __init__(self, found: Iterable[pa.RecordBatch]) -> None:
        self.rows = 0
        self._found = found

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._found:
            self.rows += len(batch)
            yield batch


@contextmanager
def _sink(out: Path | None) -> Iterator[IO[bytes]]:
    if out is None or str(out) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with whole_file(out) as sink:
        yield sink


@export.command("codebook")
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File; else standard output.")
def write_codebook(language: str, out: Path | None) -> None:
    """Write the page that explains every column and every code."""
    with _sink(out) as sink:
        sink.write(codebook(language).encode())
