"""`apherelog audit`: verify, anchor or export the chain."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingestor.commands.front import EXIT_BUG, Front, give_up, pass_front

if TYPE_CHECKING:
    from ingestor.ops.anchors import Contradiction


@click.group()
def audit() -> None:
    """Verify, anchor or export the audit chain."""


@audit.command()
@click.option(
    "--anchor", "files", multiple=True, type=click.Path(path_type=Path, dir_okay=False),
    help="Compare with the anchors in this file; may be repeated.",
)  # fmt: skip
@pass_front
def verify(front: Front, files: tuple[Path, ...]) -> None:
    """Check every entry against the one before; exit code 1 and the first bad number if one does not fit.

    A cut tail and a chain that was computed anew are seen only with an anchor from elsewhere.
    """
    from ingestor.ops import anchors
    from ingestor.store import audit as chain

    with front.house() as house, house.db.read() as connection:
        given = [one for file in files for one in anchors.anchors_in(file, house.centre)]
        bad = chain.first_bad(connection)
        parted = anchors.contradiction(connection, given)
    found: dict[str, Any] = {"first_bad": bad, "anchors": len(given), "anchor": _document(parted)}
    front.emit(found, _told(bad, parted, len(given)))
    give_up(0 if bad is None and parted is None else EXIT_BUG)


def _document(parted: Contradiction | None) -> dict[str, Any] | None:
    return {"kind": parted.kind, "first": parted.first, "last": parted.last} if parted else None


def _told(bad: int | None, parted: Contradiction | None, count: int) -> str:
    if bad is not None:
        return f"Entry {bad} does not fit."
    if parted is not None and parted.kind == "cut":
        return f"The end was cut off: entry {parted.first} is missing, an anchor names a later one."
    if parted is not None:
        return (
            f"The chain was computed anew: entries {parted.first} to {parted.last} are not what was anchored."
        )
    return "The chain is whole." + (f" It fits {count} anchors." if count else "")


@audit.command()
@pass_front
def anchor(front: Front) -> None:
    """Write number and hash of the newest entry to the places of the setting audit_anchors, now."""
    from ingestor.errors import SettingsError
    from ingestor.ops import anchors

    with front.store() as (settings, db):
        if not settings.audit_anchors:
            raise SettingsError("anchor_nowhere")
        anchors.require_usable(settings)
        dropped = anchors.drop(db, settings, datetime.now(UTC))
    seq = dropped.seq if dropped else None
    front.emit({"seq": seq, "hash": dropped.hash if dropped else None}, f"Anchored entry {seq}.")


@audit.command()
@click.option("--after", default=0, help="Only entries after this number.")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV instead of JSON lines.")
@pass_front
def export(front: Front, after: int, as_csv: bool) -> None:  # noqa: FBT001 - click hands flags over
    """Write all entries as JSON lines, or as CSV."""
    from ingestor.exports.trail import as_csv as written
    from ingestor.store import audit as chain

    with front.house() as house, house.db.read() as connection:
        if as_csv:
            for line in written(chain.entries(connection, after)):
                click.echo(line, nl=False)
            return
        front.json = True
        for entry in chain.entries(connection, after):
            front.emit(entry)
