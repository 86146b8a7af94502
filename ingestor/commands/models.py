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
from ingestor.ops.deliveries import Order, Stock, deliver, site_concepts
from ingestor.ops.shelf import Shelf, folder_of
from ingestor.store import audit
from ingestor.store.answers import inventory

if TYPE_CHECKING:
    from ingestor.access.pseudonyms import Pseudonyms
    from ingestor.config import Settings
    from ingestor.store.answers.doses import Wanted
    from ingestor.store.engine import Database

Asked = list[tuple[str, str]]


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
        given, facts = _of_snapshot(settings, db, pseudonyms, snapshot, given)
        wanted = wanted_of(settings, db, given)
        if wanted.as_of is None:
            wanted = replace(wanted, as_of=datetime.now(UTC))
        facts |= {f"filter_{n}": v for n, v in _shown(given, wanted, pseudonyms)}
        order = Order(kind, wanted, release, request=f"apherelog export {kind}", facts=facts)
        manifest = deliver(stock(settings, db, pseudonyms), order, out)
        with db.write() as connection:
            used = sorted({name for name, _ in given})
            audit.record(connection, front.actor(), "export", kind, filters=used, snapshot=snapshot)
    rows = "\n".join(f"{one['count']:>9}  {one['url']}" for one in [*manifest["output"], *manifest["error"]])
    front.emit(manifest, f"{rows}\n{out} was written")


def stock(settings: Settings, db: Database, pseudonyms: Pseudonyms) -> Stock:
    """Return from what deliveries of this site are made."""
    concepts, digest = site_concepts(settings.data_dir)
    facts = {"pseudonym_key": pseudonyms.key_id, "concepts_sha256": digest}
    return Stock(db, settings.centre_name, settings.zone, View(pseudonyms.of), concepts, facts)


def _of_snapshot(
    settings: Settings, db: Database, pseudonyms: Pseudonyms, name: str | None, given: Asked
) -> tuple[Asked, dict[str, str]]:
    """Return the filter of a data set and what the files say of it."""
    if name is None:
        return given, {}
    if given:
        raise click.UsageError("--snapshot brings its own filter; give no other")
    folder = settings.data_dir / "snapshots"
    one, _ = folder_of(Shelf(db, folder, settings.centre, View(pseudonyms.of), pseudonyms.key_id), name)
    asked = [(n, v) for n, v in one.asked if n != "as_of"]
    return [*asked, ("as_of", one.as_of.isoformat())], {"snapshot": name, "snapshot_sha256": one.sha256}


def _shown(given: Asked, wanted: Wanted, pseudonyms: Pseudonyms) -> Asked:
    """Return the filter as the files may show it: patients by pseudonym, whatever they were named by."""
    patients = [
        ("patient", pseudonyms.of(key)) for name, keys in wanted.equal if name == "patient" for key in keys
    ]
    found: dict[str, list[str]] = {}
    for name, value in [*((n, v) for n, v in given if n not in {"patient", "as_of"}), *patients]:
        found.setdefault(name, []).append(value)
    return [(name, "|".join(values)) for name, values in found.items()]


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
