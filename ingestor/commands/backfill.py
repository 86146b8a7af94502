"""`apherelog backfill`: years of exports at once."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from ingestor.commands.front import EXIT_NOTHING, EXIT_REFUSED, Front, give_up, pass_front

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ingestor.flow.house import House
    from ingestor.ways.backfill import Engine, Report


@click.command()
@click.argument("folder")
@click.option(
    "--workers", type=click.IntRange(1, 256), help="Children that read at the same time; all cores."
)
@click.option("--scheduler", help="A Dask scheduler whose workers read, for example tcp://10.0.0.5:8786.")
@click.option("--zone", help="Time zone of the machine's clock, for example Europe/Vienna.")
@click.option("--driver", help="Ask only this driver.")
@pass_front
def backfill(
    front: Front,
    folder: str,
    workers: int | None,
    scheduler: str | None,
    zone: str | None,
    driver: str | None,
) -> None:
    """Take in all exports below FOLDER (eight levels deep), many at a time.

    FOLDER may be an address of shared storage that fsspec opens, such as s3://bucket/exports. Broken off, the same
    command goes on where it was. With --json one receipt a line, and the report as the last line. Exit codes as of
    `ingest`.
    """
    from ingestor.store.sources import Order
    from ingestor.ways.backfill import Report
    from ingestor.ways.backfill import backfill as fill

    if "://" not in folder and not os.path.isdir(folder):  # noqa: PTH112 - an address is no path
        raise click.BadParameter(f"there is no folder {folder}", param_hint="FOLDER")
    report = Report()
    with front.house() as house, _engine(house, workers, scheduler) as engine:
        order = Order("backfill", front.actor(), zone, driver)
        for receipt in fill(house, folder, order, engine, report):
            if front.json:
                front.emit(receipt)
            elif not front.quiet:
                _progress(report)
    front.emit({"report": report.to_json()}, _text(report.to_json()))
    give_up(_exit_code(report))


def _engine(house: House, workers: int | None, scheduler: str | None) -> AbstractContextManager[Engine]:
    if scheduler is not None:
        from ingestor.ways.backfill.cluster import Cluster

        return Cluster(house, scheduler)
    from ingestor.ways.backfill import Local

    return Local(house, workers or os.cpu_count() or 1)


def _progress(report: Report) -> None:
    """Say how far it is: on a terminal in one line that changes, else every thousand bundles."""
    line = (
        f"{report.done} of {report.bundles}, {report.done / max(report.seconds, 1e-9):.0f} a second, "
        f"{report.left_s / 60:.0f} min left"
    )
    if sys.stderr.isatty():
        click.echo(f"\r{line}   ", err=True, nl=report.done == report.bundles)
    elif report.done % 1000 == 0:
        click.echo(line, err=True)


def _text(told: dict[str, Any]) -> str:
    lines = [f"{told['done']} exports in {told['seconds']} s, {told['per_second']} a second."]
    lines += [f"  {status}: {count}" for status, count in sorted(told["statuses"].items())]
    lines += [f"    {code}: {count}" for code, count in sorted(told["codes"].items())]
    return "\n".join(lines)


def _exit_code(report: Report) -> int:
    refused = report.statuses["refused"]
    if refused == report.done:
        return EXIT_NOTHING
    return EXIT_REFUSED if refused else 0
