"""`apherelog doctor`: explain a folder, a share or this installation."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingestor.commands.front import EXIT_OK, EXIT_REFUSED, Front, give_up, language, pass_front

if TYPE_CHECKING:
    from ingestor.flow.house import House
    from ingestor.ops.doctor import Check


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@pass_front
def doctor(front: Front, path: Path | None) -> None:
    """Explain PATH as a folder to watch, or this installation; exit code 3 if something should be done."""
    from ingestor.ops import doctor as ops
    from ingestor.phrases import both, sentence

    if path is not None:
        checks = ops.look_at_folder(path)
    else:
        with front.house() as house:
            checks = (
                ops.look_at_house(house.settings.data_dir, house.archive, house.db, lambda: _broken(house))
                + _folders(house)
                + _lines(house)
            )
    for check in checks:
        advice = f"\n      {sentence(check.code, language())}" if check.code else ""
        document = asdict(check) | {"message": both(check.code) if check.code else None}
        front.emit(document, f"{'!!' if check.code else 'ok'}  {check.name}: {check.value}{advice}")
    give_up(EXIT_REFUSED if any(c.code for c in checks) else EXIT_OK)


def _broken(house: House) -> list[str]:
    _, broken = house.reader.drivers()
    return [f"{b.name}: {b.problem}" for b in broken]


def _folders(house: House) -> list[Check]:
    """Tell how each watched folder stands."""
    from ingestor.ops.doctor import Check
    from ingestor.store import watching

    bad = {"folder_gone", "folder_missing", "folder_not_mounted", "folder_stuck"}
    with house.db.read() as connection:
        rows = watching.folders(connection, house.centre)
    return [
        Check("watched", f"{row.name}: {row.state.removeprefix('folder_')}, {row.open} open", row.state if row.state in bad else None)
        for row in rows
    ]  # fmt: skip


def _lines(house: House) -> list[Check]:
    """Tell how each line stands on which machines talk."""
    from ingestor.flow.lines import standing
    from ingestor.ops.doctor import Check
    from ingestor.store import lines

    bad = {lines.LOST, lines.DEAD}
    with house.db.read() as connection:
        found = standing(connection)
    return [
        Check(
            "line",
            f"{one.name}: {one.state.removeprefix('line_')} since {one.since:%Y-%m-%d %H:%M}Z, "
            f"last heard {f'{one.heard_at:%Y-%m-%d %H:%M}Z' if one.heard_at else 'never'}, {one.gaps} gaps",
            one.state if one.state in bad else None,
        )
        for one in found
    ]
