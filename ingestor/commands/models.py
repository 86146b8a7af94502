"""`apherelog export fhir`, `omop` and `concepts`: sessions in the data models of others."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingestor.access.pseudonyms import prepare_key
from ingestor.commands.asking import asked_for, options, wanted_of
from ingestor.commands.front import Front, pass_front, whole_file
from ingestor.exports.concepts import draft, unmapped
from ingestor.exports.fhir.releases import RELEASES
from ingestor.exports.view import View
from ingestor.ops.deliveries import Asked, Order, deliver, of_snapshot, shown, site_concepts, stock_of
from ingestor.ops.shelf import Shelf
from ingestor.store import audit
from ingestor.store.answers import inventory

if TYPE_CHECKING:
    from ingestor.access.pseudonyms import Pseudonyms
    from ingestor.config import Settings
    from ingestor.store.engine import Database


def _command(kind: str, text: str, *own: click.Option) -> click.Command:
    @pass_front
    def run(front: Front, /, out: Path, snapshot: str | None, release: str = "R4", **given: Any) -> None:  # noqa: ANN401 - one for each filter
        _deliver(front, kind, out, snapshot, release, list(asked_for(given)))

    shared = [
        click.Option(
            ["--out"], required=True, type=click.Path(file_okay=False, path_type=Path), help="A new folder."
        ),
        click.Option(
            ["--snapshot"], help="The doses of this data set, as they were known when it was taken."
        ),
    ]
    return click.Command(kind, callback=run, params=[*shared, *own, *options()], help=text)


def _deliver(front: Front, kind: str, out: Path, snapshot: str | None, release: str, given: Asked) -> None:
    with front.store() as (settings, db):
        pseudonyms = prepare_key(db, settings.data_dir)
        given, facts = _filter(settings, db, pseudonyms, snapshot, given)
        wanted = wanted_of(settings, db, given)
        if wanted.as_of is None:
            wanted = replace(wanted, as_of=datetime.now(UTC))
        stock = stock_of(settings, db, pseudonyms)
        request, asked = f"apherelog export {kind}", shown(given, wanted, stock.view)
        order = Order(kind, wanted, release, request=request, facts=facts, asked=asked)
        manifest = deliver(stock, order, out)
        with db.write() as connection:
            used = sorted({name for name, _ in given})
            audit.record(connection, front.actor(), "export", kind, filters=used, snapshot=snapshot)
    rows = "\n".join(f"{one['count']:>9}  {one['url']}" for one in [*manifest["output"], *manifest["error"]])
    front.emit(manifest, f"{rows}\n{out} was written")


def _filter(
    settings: Settings, db: Database, pseudonyms: Pseudonyms, name: str | None, given: Asked
) -> tuple[Asked, dict[str, str]]:
    """Return the filter, of the data set if one is named, and what the files say of that."""
    if name is None:
        return given, {}
    if given:
        raise click.UsageError("--snapshot brings its own filter; give no other")
    folder = settings.data_dir / "snapshots"
    return of_snapshot(Shelf(db, folder, settings.centre, View(pseudonyms.of), pseudonyms.key_id), name)


@click.command("concepts")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File; else standard output.")
@pass_front
def write_concepts(front: Front, out: Path | None) -> None:
    """Write a draft of the map of concepts, and say what is not mapped.

    It becomes the site's map as concepts.toml in the data folder. What stands in the map already is kept.
    """
    with front.store() as (settings, db):
        concepts, _ = site_concepts(settings.data_dir)
        with db.read() as connection:
            devices = inventory.names(connection, settings.centre)
    text, missing = draft(concepts, devices), unmapped(concepts, devices)
    if out is not None:
        with whole_file(out) as sink:
            sink.write(text.encode())
    if front.json:
        front.emit(
            {"path": str(out) if out else None, "unmapped": [{"kind": k, "code": c} for k, c in missing]}
        )
        return
    if out is None:
        click.echo(text, nl=False)
    front.tell(f"{len(missing)} not mapped: " + ", ".join(f"{kind} {code}" for kind, code in missing))


COMMANDS = (
    _command(
        "fhir", "Write every session of a patient as FHIR resources, one a line, in one file a type.",
        click.Option(["--release"], type=click.Choice(RELEASES), default="R4", show_default=True),
    ),
    _command("omop", "Write every session of a patient as tables of the OMOP Common Data Model 5.4."),
    write_concepts,
)  # fmt: skip
