"""`apherelog simulate LAYOUT`: write what a machine would write, and the truth beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict, Unpack

import click

from simulators.export import write_exports
from simulators.layouts import twin_column_report
from simulators.schedule import Order

LAYOUTS = {twin_column_report.NAME: twin_column_report}


class Options(TypedDict):
    """The options of `simulate`, as click hands them over."""

    seed: int
    out: Path
    faults: tuple[str, ...]
    sessions: int
    per_file: int
    patients: int | None
    hours: float
    hz: float
    language: str
    version: str | None
    zone: str
    as_json: bool


@click.command()
@click.argument("layout", type=click.Choice([*LAYOUTS]))
@click.option("--seed", type=click.IntRange(0), required=True, help="Everything follows from this number.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write into."
)
@click.option("--fault", "faults", multiple=True, metavar="NAME", help="Damage the export; may be repeated.")
@click.option("--sessions", type=click.IntRange(1), default=1, show_default=True, help="Number of exports.")
@click.option(
    "--per-file", type=click.IntRange(1), default=1, show_default=True, help="Treatments in one file."
)
@click.option(
    "--patients", type=click.IntRange(1), help="Number of patients; one for ten treatments if not given."
)
@click.option("--hours", type=click.FloatRange(0.25, 24), default=4.0, show_default=True, help="Length.")
@click.option(
    "--hz",
    type=click.FloatRange(1 / 600, 10),
    default=1 / 60,
    help="Samples a second; one a minute if not given.",
)
@click.option("--language", type=click.Choice(["de", "en"]), default="de", show_default=True)
@click.option("--version", help="Version of the layout; the newest if not given.")
@click.option("--zone", default="Europe/Vienna", show_default=True, help="Zone of the machine's clock.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document of what was written.")
def simulate(layout: str, **options: Unpack[Options]) -> None:
    """Write an export of LAYOUT and truth.json beside it."""
    renderer = LAYOUTS[layout]
    version = options["version"] or renderer.VERSIONS[0]
    if version not in renderer.VERSIONS:
        raise click.BadParameter(
            f"{layout} has the versions {', '.join(renderer.VERSIONS)}", param_hint="--version"
        )
    order = Order(
        seed=options["seed"],
        sessions=options["sessions"],
        patients=options["patients"],
        hours=options["hours"],
        hz=options["hz"],
        per_file=options["per_file"],
        language=options["language"],
        version=version,
        zone=options["zone"],
    )
    written = write_exports(renderer.exports(order), options["out"], layout, order.seed, options["faults"])
    if options["as_json"]:
        click.echo(json.dumps(written, ensure_ascii=False))
        return
    files = len(written["files"])
    click.echo(f"{written['sessions']} treatments, {files} files, {written['bytes']} bytes: {written['out']}")
