"""`apherelog export snapshot`, `snapshots` and `diff`: data sets that never change."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingestor.access.pseudonyms import prepare_key
from ingestor.commands.asking import asked_for, options, wanted_of
from ingestor.commands.front import Front, pass_front
from ingestor.exports.view import View
from ingestor.ops import snapshots
from ingestor.ops.shelf import Shelf, changed_since, damaged, difference, folder_of
from ingestor.store import snapshots as stored_snapshots

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestor.config import Settings


@pass_front
def _snapshot(front: Front, /, name: str, rebuild: Path | None, **given: Any) -> None:  # noqa: ANN401 - one for each filter
    """Write down a data set that never changes; or build it again elsewhere and compare."""
    with _shelf(front) as (settings, shelf):
        if rebuild is not None:
            _rebuild(front, settings, shelf, name, rebuild)
            return
        asked = tuple(asked_for(given))
        wanted = wanted_of(settings, shelf.db, asked)
        one = snapshots.take(shelf, snapshots.Order(name, wanted, asked, front.actor(), datetime.now(UTC)))
        place = shelf.folder / name
    front.emit(
        {"name": name, "sha256": one.sha256, "path": str(place)},
        f"{name} was written: {place}\nsha256 {one.sha256}",
    )


_SNAPSHOT = click.Command(
        "snapshot", callback=_snapshot, help=_snapshot.__doc__,
        params=[
            click.Argument(["name"]),
            click.Option(["--rebuild"], type=click.Path(file_okay=False, path_type=Path), help="Build the tables of this snapshot again in a new folder, and compare."),
            *options(),
        ],
)  # fmt: skip


def _rebuild(front: Front, settings: Settings, shelf: Shelf, name: str, into: Path) -> None:
    one, _ = folder_of(shelf, name)
    given = [(n, v) for n, v in one.asked if n != "as_of"]
    wanted = wanted_of(settings, shelf.db, [*given, ("as_of", one.as_of.isoformat())])
    found = snapshots.rebuilt(shelf, name, wanted, into)
    front.emit(
        {"name": name, "files": found}, "\n".join(f"{state:<10} {path}" for path, state in found.items())
    )


@click.command("snapshots")
@pass_front
def list_snapshots(front: Front) -> None:
    """List the data sets, and check that nothing of them has changed."""
    with _shelf(front) as (settings, shelf), shelf.db.read() as connection:
        for one in stored_snapshots.everything(connection, settings.centre):
            bad = damaged(shelf, one.name)
            row = {
                "name": one.name,
                "created_at": one.created_at,
                "as_of": one.as_of,
                "sha256": one.sha256,
                "damaged": bad,
                "changed": len(changed_since(shelf, one.name)) if not bad else None,
            }
            since = f", {row['changed']} doses changed since" if row["changed"] else ""
            state = "DAMAGED" if bad else f"intact{since}"
            front.emit(row, f"{one.name}  {one.created_at:%Y-%m-%d}  {one.sha256}  {state}")


@click.command("diff")
@click.argument("first")
@click.argument("second")
@pass_front
def diff(front: Front, first: str, second: str) -> None:
    """Show which doses two data sets hold in common, and which differ in what."""
    with _shelf(front) as (_, shelf):
        found = difference(shelf, first, second)
    text = [f"{len(found[kind])} {kind}" for kind in ("added", "removed", "changed")]
    text += [
        f"  {c['session_id']}  {', '.join(c['fields'])}  ({', '.join(w['cause'] for w in c['why'])})"
        for c in found["changed"]
    ]
    front.emit(found, "\n".join(text))


@contextmanager
def _shelf(front: Front) -> Iterator[tuple[Settings, Shelf]]:
    with front.store() as (settings, db):
        pseudonyms = prepare_key(db, settings.data_dir)
        yield (
            settings,
            Shelf(
                db, settings.data_dir / "snapshots", settings.centre, View(pseudonyms.of), pseudonyms.key_id
            ),
        )


COMMANDS = (_SNAPSHOT, list_snapshots, diff)
