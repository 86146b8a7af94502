"""`apherelog audit`: verify or export the chain."""

from __future__ import annotations

import click

from ingestor.commands.front import EXIT_BUG, Front, give_up, pass_front


@click.group()
def audit() -> None:
    """Verify or export the audit chain."""


@audit.command()
@pass_front
def verify(front: Front) -> None:
    """Check every entry against the one before; exit code 1 and the first bad number if one does not fit."""
    from ingestor.store import audit as chain

    with front.house() as house, house.db.read() as connection:
        bad = chain.first_bad(connection)
    front.emit({"first_bad": bad}, "The chain is whole." if bad is None else f"Entry {bad} does not fit.")
    give_up(0 if bad is None else EXIT_BUG)


@audit.command()
@click.option("--after", default=0, help="Only entries after this number.")
@pass_front
def export(front: Front, after: int) -> None:
    """Write all entries as JSON lines."""
    from ingestor.store import audit as chain

    front.json = True
    with front.house() as house, house.db.read() as connection:
        for entry in chain.entries(connection, after):
            front.emit(entry)
