"""`apherelog ingest`: read exported files or folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingestor.commands.front import EXIT_NOTHING, EXIT_REFUSED, Front, give_up, language, pass_front

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--zone", help="Time zone of the machine's clock, for example Europe/Vienna.")
@click.option("--driver", help="Ask only this driver.")
@pass_front
def ingest(front: Front, paths: Sequence[Path], zone: str | None, driver: str | None) -> None:
    """Read exported files, or all files of folders (eight levels deep).

    One receipt a bundle, one JSON object a line with --json. Exit code 3: some files were refused; 4: none
    was recognised.
    """
    from ingestor.flow.jobs import run_due
    from ingestor.store.sources import Order
    from ingestor.ways.files import ingest_paths

    with front.house() as house:
        order = Order("ingest", front.actor(), zone, driver)
        statuses = []
        for receipt in ingest_paths(house, paths, order):
            statuses.append(receipt["status"])
            front.emit(receipt, _text(receipt, remarks=front.verbose))
        # What a process left that was ended before it was done: not asked for here, so no data on stdout.
        for receipt in run_due(house):
            front.tell(_text(receipt, remarks=False))
    if not statuses:
        front.tell("Nothing to read there.")
    give_up(_exit_code(statuses))


def _text(receipt: dict[str, Any], *, remarks: bool) -> str:
    names = ", ".join(m["name"] for m in receipt["members"])
    lines = [f"{names} – {receipt['message'][language()]}"]
    lines += [
        f"  {f['member']}:{f['line']}  {f['text'][language()]}"
        for f in receipt["findings"]
        if remarks or f["severity"] != "info"
    ]
    return "\n".join(lines)


def _exit_code(statuses: Sequence[str]) -> int:
    refused = sum(s == "refused" for s in statuses)
    if not statuses or refused == len(statuses):
        return EXIT_NOTHING
    return EXIT_REFUSED if refused else 0
