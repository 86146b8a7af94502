"""What waits for a person, and how much of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from ingestor.store.answers.worklist import Wanted, count
from ingestor.store.tables import revision, run, submission

if TYPE_CHECKING:
    from sqlalchemy import Connection

TRAYS = ("unlinked", "held", "withheld", "preview", "waiting", "refused")


def counts(connection: Connection, centre: str, ward: str | None = None) -> dict[str, int]:
    """Return how much is in each tray."""
    states = (
        select(submission.c.status, func.count())
        .where(
            submission.c.centre == centre, submission.c.status.in_(("preview", "waiting", "refused")),
            or_(submission.c.code.is_(None), submission.c.code != "dismissed"),
        )
        .group_by(submission.c.status)
    )  # fmt: skip
    submitted = {row.status: row[1] for row in connection.execute(states)}
    held = (
        select(func.count())
        .select_from(revision.join(run, run.c.id == revision.c.run_id))
        .where(revision.c.state == "held", run.c.centre == centre)
    )
    found = {
        "unlinked": count(connection, centre, Wanted(linked=False, ward=ward)),
        "held": int(connection.execute(held).scalar_one()),
        "withheld": count(connection, centre, Wanted(status="withheld", ward=ward)),
        **{status: int(submitted.get(status, 0)) for status in ("preview", "waiting", "refused")},
    }
    return {name: found[name] for name in TRAYS}
