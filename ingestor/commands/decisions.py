"""`apherelog held` and `apherelog pairs`: what only a person can decide. `apherelog sessions decide` is the third."""

from __future__ import annotations

from dataclasses import asdict

import click

from ingestor.commands.front import Front, pass_front

_REASON = click.option("--reason", required=True, help="Why; it is kept for ever.")


@click.group()
def held() -> None:
    """Show readings that contradict earlier ones, and decide which counts."""


@held.command("list")
@pass_front
def list_(front: Front) -> None:
    """List the readings that wait for a decision."""
    from ingestor.store.answers import trays

    with front.house() as house, house.db.read() as connection:
        for row in trays.held(connection, house.centre):
            why = row["hold"] or "contradicts"
            line = f"{row['id']}  {row['started_local']}  {row['model']} {row['serial']}  {why}"
            front.emit(row | {"hold": why}, line)


@held.command()
@click.argument("revision")
@pass_front
def show(front: Front, revision: str) -> None:
    """Show how a reading differs from the one that counts."""
    from ingestor.flow import decisions

    with front.house() as house, house.db.read() as connection:
        found = decisions.difference(connection, revision)
    differences = [asdict(one) for one in found.differences] if found else []
    lines = [f"{one['record']}  {one['old']} → {one['new']}" for one in differences]
    document = {"revision": revision, "relation": found.relation.value if found else None}
    front.emit(document | {"differences": differences}, "\n".join(lines) or "Nothing to compare it with.")


@held.command()
@click.argument("revision")
@_REASON
@pass_front
def accept(front: Front, revision: str, reason: str) -> None:
    """Let a reading count: a held one, or an older one again."""
    from ingestor.flow import decisions

    with front.house() as house, house.db.write() as connection:
        sessions = decisions.let_count(house, connection, revision, front.actor(), reason)
    front.emit({"revision": revision, "sessions": sessions}, "\n".join(sessions))


@held.command()
@click.argument("revision")
@_REASON
@pass_front
def reject(front: Front, revision: str, reason: str) -> None:
    """Decide that a held reading does not count."""
    from ingestor.flow import decisions

    with front.house() as house, house.db.write() as connection:
        decisions.reject(connection, revision, front.actor(), reason)
    front.emit({"revision": revision, "state": "rejected"}, f"{revision} does not count.")


@click.group()
def pairs() -> None:
    """Say of two runs whether they are one treatment."""


@pairs.command("list")
@pass_front
def questions(front: Front) -> None:
    """List the sessions whose runs raise that question; they count in no course until it is answered."""
    from ingestor.store.answers import trays

    with front.house() as house, house.db.read() as connection:
        for row in trays.questions(connection, house.centre):
            codes = ", ".join(f"{flag['code']}: {' '.join(flag['runs'])}" for flag in row["flags"])
            front.emit(row, f"{row['id']}  {row['started_at']}  {codes}")


@pairs.command()
@click.argument("first")
@click.argument("second")
@_REASON
@pass_front
def together(front: Front, first: str, second: str, reason: str) -> None:
    """Two runs are one treatment."""
    _declare(front, (first, second), reason, together=True)


@pairs.command()
@click.argument("first")
@click.argument("second")
@_REASON
@pass_front
def apart(front: Front, first: str, second: str, reason: str) -> None:
    """Two runs are two treatments."""
    _declare(front, (first, second), reason, together=False)


def _declare(front: Front, runs: tuple[str, str], reason: str, *, together: bool) -> None:
    from ingestor.flow import decisions

    with front.house() as house, house.db.write() as connection:
        found = decisions.declare_pair(house, connection, *runs, front.actor(), reason, together=together)
    front.emit({"runs": runs, "together": together, "sessions": found}, "\n".join(found))
