"""`apherelog export`: every row of a table to a file, and what belongs to it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from ingestor.access.pseudonyms import is_pseudonym, prepare_key
from ingestor.commands.front import Front, pass_front, whole_file
from ingestor.exports.asked import EQUAL, OTHERS, Asker, Query, wanted
from ingestor.exports.codebook import LANGUAGES, codebook
from ingestor.exports.fields import tables
from ingestor.exports.files import FORMATS, pieces
from ingestor.exports.rows import batches
from ingestor.exports.view import View
from ingestor.store import audit
from ingestor.store.answers import patients
from ingestor.store.answers.doses import RANGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from ingestor.access.pseudonyms import Pseudonyms
    from ingestor.config import Settings
    from ingestor.store.engine import Database

_ONCE = {
    "from": "Sessions that began on this day (or at this instant) or later.",
    "to": "Sessions that began until the end of this day, or before this instant.",
    "as_of": "Doses as they were known at the end of this day, or at this instant.",
    "complete": "true: only complete records; false: only incomplete ones.",
    "linked": "true: only sessions with a patient; false: only those without.",
}


@click.group()
def export() -> None:
    """Write tables, snapshots and documents for analysis. Patients are pseudonyms, as analysts see them."""


def _options() -> list[click.Option]:
    """Return the filters of the interface as options; ranges work, but would fill the page of the help."""
    found: list[click.Option] = [
        click.Option(
            [_flag(name)], multiple=True, help=f"Only this {name.replace('_', ' ')}; may be repeated."
        )
        for name in (*EQUAL, *OTHERS)
    ]
    found += [click.Option([_flag(name), f"given_{name}"], help=text) for name, text in _ONCE.items()]
    found += [
        click.Option([_flag(f"{name}_{end}")], hidden=True) for name in RANGES for end in ("min", "max")
    ]
    return found


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _command(table: str) -> click.Command:
    @pass_front
    def run(front: Front, /, kind: str, out: Path | None, **given: Any) -> None:  # noqa: ANN401 - one for each filter
        _write(front, table, kind, out, list(_asked(given)))

    own = [
        click.Option(
            ["--format", "kind"], type=click.Choice(list(FORMATS)), default="csv", show_default=True
        ),
        click.Option(
            ["--out"], type=click.Path(dir_okay=False, path_type=Path), help="File; else standard output."
        ),
    ]
    text = f"Write every row of the table of {table}."
    ranges = "Bounds of numbers are options as well, for example --pv-multiple-min 1.5 --weight-kg-max 90."
    return click.Command(table, callback=run, params=[*own, *_options()], help=text, epilog=ranges)


def _asked(given: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, values in given.items():
        for value in values if isinstance(values, tuple) else (values,):
            if value is not None:
                yield name.removeprefix("given_"), value


for _name in tables():
    export.add_command(_command(_name))


def _write(front: Front, table: str, kind: str, out: Path | None, given: list[tuple[str, str]]) -> None:
    with front.store() as (settings, db):
        pseudonyms = prepare_key(db, settings.data_dir)
        query = Query(
            [("as_of", datetime.now(UTC).isoformat()), *given] if _is_now(given) else given, _known()
        )
        asked = wanted(query, _asker(settings, db, pseudonyms))
        query.finish()
        counted = _Counted(batches(db, table, asked, View(pseudonyms.of)))
        with _sink(out) as sink:
            for piece in pieces(table, kind, counted):
                sink.write(piece)
        with db.write() as connection:
            audit.record(connection, front.actor(), "export", table, format=kind, rows=counted.rows)
    front.tell(f"{counted.rows} rows of {table}" + (f" written to {out}" if out else ""))


def _is_now(given: list[tuple[str, str]]) -> bool:
    return all(name != "as_of" for name, _ in given)


def _known() -> set[str]:
    return {*EQUAL, *OTHERS, *_ONCE, *(f"{n}_{end}" for n in RANGES for end in ("min", "max"))}


def _asker(settings: Settings, db: Database, pseudonyms: Pseudonyms) -> Asker:
    def patient(given: str) -> str:
        if not is_pseudonym(given):
            return given
        with db.read() as connection:
            return pseudonyms.patient_of(given, patients.ids(connection, settings.centre)) or given

    return Asker(settings.centre, settings.zone, patient)


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
