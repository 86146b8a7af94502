"""`apherelog privacy`: requests of persons, and what has been kept long enough."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from ingestor.commands.front import Front, pass_front

_YEAR_DAYS = 365.25


@click.group()
def privacy() -> None:
    """List requests of persons on their data, and what has been kept long enough."""


@privacy.command("list")
@pass_front
def show(front: Front) -> None:
    """List requests: undecided ones first. They are made and decided in the pages, by two stewards."""
    from ingestor.store import privacy as stored

    with front.store() as (settings, db), db.read() as connection:
        rows = stored.listing(connection, settings.centre)
    for row in rows:
        state = row["decision"] or "open"
        front.emit(
            row, f"{row['id']}  {row['kind']}  {row['patient_id']}  {state}  {row['asked_at']:%Y-%m-%d}"
        )


@privacy.command()
@click.option("--years", type=click.IntRange(1, 200), help="Instead of the setting retention_years.")
@pass_front
def due(front: Front, years: int | None) -> None:
    """List whose last session is older than the time of retention. Nothing is deleted; that is a decision."""
    from ingestor.store import privacy as stored

    with front.store() as (settings, db), db.read() as connection:
        kept = years or settings.retention_years
        before = datetime.now(UTC) - timedelta(days=kept * _YEAR_DAYS)
        rows = stored.past_retention(connection, settings.centre, before)
    for row in rows:
        whose = row["patient_id"] or "(no patient)"
        front.emit(row, f"{whose}  {row['sessions']} sessions, the last on {row['last']:%Y-%m-%d}")
    front.tell(f"{len(rows)} beyond {kept} years.")
