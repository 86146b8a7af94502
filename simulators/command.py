"""`apherelog simulate LAYOUT`: write what a machine would write, and the truth beside it."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import click

from simulators import archive
from simulators.catalogue import LAYOUTS
from simulators.export import Folder
from simulators.faults import FAULTS
from simulators.layout import Style
from simulators.live.talking import WAYS, Call, talk
from simulators.picture import picture
from simulators.schedule import Order, schedule
from simulators.simulation import NotPossibleError, at_bedside, faults_for
from simulators.simulation import simulate as simulated
from simulators.treatment import Treatment

if TYPE_CHECKING:
    from datetime import datetime

    from simulators.faults import Fault
    from simulators.layout import Layout


class Options(TypedDict):
    """The options of `simulate`, as click hands them over."""

    seed: int
    out: Path
    years: float
    centres: int
    faults: tuple[str, ...]
    sessions: int | None
    per_file: int
    patients: int | None
    hours: float
    hz: float
    language: str | None
    version: str | None
    therapy: str | None
    zone: str
    start: datetime | None
    live: str | None
    speed: float
    address: str
    picture: Path | None
    as_json: bool


_FAULTS_HELP = "\n".join(["\b", *(f"  {f.name:<24} {f.tells}" for f in FAULTS.values())])


@click.command(epilog=f"Faults, to be combined as you like:\n\n{_FAULTS_HELP}")
@click.argument("layout", type=click.Choice([*LAYOUTS, archive.NAME]))
@click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, help="Everything follows from it."
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder.")
@click.option("--fault", "faults", multiple=True, metavar="NAME", help="Damage; may be repeated.")
@click.option(
    "--sessions", type=click.IntRange(1), help="Number of exports [1]; of an archive: sessions [600]."
)
@click.option("--per-file", type=click.IntRange(1), default=1, show_default=True, help="Treatments a file.")
@click.option("--patients", type=click.IntRange(1), help="Patients; one for 10 (archive: 26) treatments.")
@click.option(
    "--years", type=click.FloatRange(0.5, 40), default=21.0, show_default=True, help="Of an archive."
)
@click.option("--centres", type=click.IntRange(1, 99), default=1, show_default=True, help="Of an archive.")
@click.option("--hours", type=click.FloatRange(0.25, 96), default=4.0, show_default=True, help="Length.")
@click.option("--hz", type=click.FloatRange(1 / 600, 10), default=1 / 60, help="Samples a second [1/60].")
@click.option("--language", help="Language of the machine; its usual one if not given.")
@click.option("--version", help="Version of the layout; the newest if not given.")
@click.option("--therapy", help="Therapy, for machines that do several.")
@click.option("--zone", default="Europe/Vienna", show_default=True, help="Zone of the machine's clock.")
@click.option("--start", type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d"]), help="Local time of the first.")
@click.option("--live", type=click.Choice(["pty", "tcp", "mllp"]), help="Tell it as it happens.")
@click.option(
    "--speed", type=click.FloatRange(0), default=1.0, help="Machine seconds a second; 0: no waiting."
)
@click.option("--to", "address", default="", help="HOST:PORT for tcp and mllp, a link's name for pty.")
@click.option("--picture", type=click.Path(path_type=Path, dir_okay=False), help="Draw the first one as SVG.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document of what was written.")
@click.pass_context
def simulate(context: click.Context, layout: str, **options: Unpack[Options]) -> None:
    """Write exports of LAYOUT and truth.json beside them; LAYOUT `archive` is a clinic of many years."""
    if layout == archive.NAME:
        tell(context, archive.write_archive(_archive(options), options["out"]), as_json=options["as_json"])
        return
    chosen = LAYOUTS[layout]
    style = _style(chosen, options)
    order = Order(
        seed=options["seed"],
        sessions=options["sessions"] or 1,
        patients=options["patients"],
        hours=options["hours"],
        per_file=options["per_file"],
        zone=options["zone"],
        start=options["start"],
    )
    if order.per_file > 1 and not chosen.holds_many:
        raise click.BadParameter(f"an export of {layout} holds one treatment", param_hint="--per-file")
    try:
        faults = faults_for(chosen, options["faults"])
    except NotPossibleError as error:
        raise click.BadParameter(str(error), param_hint="--fault") from error
    if options["live"]:
        told = talk(_call(layout, options), order, chosen, style, faults, say)
    else:
        told = simulated(order, chosen, style, faults)
    if options["picture"]:
        _draw(order, chosen, style, faults, options["picture"])
    with Folder(options["out"], layout, order.seed, options["faults"]) as folder:
        for written in told:
            folder.add(replace(written, members={}) if options["live"] else written)
    tell(context, folder.summary, as_json=options["as_json"])


def _draw(order: Order, layout: Layout, style: Style, faults: list[Fault], path: Path) -> None:
    treatment = layout.treat(at_bedside(next(schedule(order, layout)), layout, 0, faults), style)
    if not isinstance(treatment, Treatment):
        raise click.BadParameter(
            f"a treatment of {layout.name} has no columns to draw", param_hint="--picture"
        )
    names = ", ".join(f.name for f in faults if f.at_bedside)
    title = f"{layout.name}, seed {order.seed}" + (f", {names}" if names else "")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(picture(treatment, title), encoding="utf-8")


def say(news: dict[str, Any]) -> None:
    """One line at once: somebody waits for it."""
    click.echo(json.dumps(news))
    sys.stdout.flush()


def _call(layout: str, options: Options) -> Call:
    way = str(options["live"])
    if way not in WAYS.get(layout, ()):
        ways = ", ".join(f"{name} by {' or '.join(ways)}" for name, ways in WAYS.items())
        raise click.BadParameter(f"live are {ways}", param_hint="--live")
    return Call(way, options["speed"], options["address"])


def _archive(options: Options) -> archive.ArchiveOrder:
    sessions = options["sessions"] or 600
    return archive.ArchiveOrder(
        seed=options["seed"],
        years=options["years"],
        patients=options["patients"] or max(1, sessions // 26),
        sessions=sessions,
        centres=options["centres"],
        zone=options["zone"],
    )


def _style(layout: Layout, options: Options) -> Style:
    """How to print, checked against what the layout can."""
    language = _offered(layout, "language", layout.languages, options["language"])
    version = _offered(layout, "version", layout.versions, options["version"])
    therapy = _offered(layout, "therapy", layout.therapies, options["therapy"])
    return Style(language, version, options["hz"], therapy)


def _offered(layout: Layout, name: str, offered: tuple[str, ...], wanted: str | None) -> str:
    if wanted is None:
        return (*offered, "")[0]
    if wanted not in offered:
        raise click.BadParameter(f"{layout.name} has {', '.join(offered) or 'none'}", param_hint=f"--{name}")
    return wanted


def tell(context: click.Context, written: dict[str, Any], *, as_json: bool) -> None:
    """Say what was written: a JSON document or a line."""
    if as_json or getattr(context.obj, "json", False):
        click.echo(json.dumps(written, ensure_ascii=False))
        return
    files = written["files"] if isinstance(written["files"], int) else len(written["files"])
    click.echo(f"{written['sessions']} treatments, {files} files, {written['bytes']} bytes: {written['out']}")
