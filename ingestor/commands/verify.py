"""`apherelog verify`: compute every dose again and compare."""

from __future__ import annotations

import click

from ingestor.commands.front import EXIT_BUG, Front, give_up, pass_front


@click.command()
@pass_front
def verify(front: Front) -> None:
    """Compute every dose again from what is kept, and compare it with what is served."""
    from ingestor.flow.verify import verify as run

    found = 0
    with front.house() as house:
        for mismatch in run(house):
            found += 1
            front.emit(
                {"session": mismatch.session, "fields": mismatch.fields},
                f"{mismatch.session}: {', '.join(mismatch.fields)}",
            )
    front.tell("Everything is as served." if not found else f"{found} sessions differ.")
    give_up(EXIT_BUG if found else 0)
