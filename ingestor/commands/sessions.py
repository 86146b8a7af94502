"""`apherelog sessions`: list, show, dose, evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ingestor.commands.front import Front, pass_front

if TYPE_CHECKING:
    from ingestor.flow.house import House
    from ingestor.store.answers.sessions import SessionFacts


@click.group()
def sessions() -> None:
    """List and show sessions and their doses."""


@sessions.command("list")
@click.option("--unlinked", is_flag=True, help="Only sessions without a patient.")
@pass_front
def list_(front: Front, *, unlinked: bool) -> None:
    """List sessions by start, one JSON object a line with --json."""
    from ingestor.exports import plain
    from ingestor.exports.fields import names
    from ingestor.exports.rows import pages
    from ingestor.exports.view import View
    from ingestor.store.answers.doses import Wanted

    with front.store() as (settings, db):
        wanted = Wanted(settings.centre, linked=False if unlinked else None)
        for page in pages(db, "sessions", wanted, View()):
            for raw in page:
                row = plain.row("sessions", [raw[i] for i in range(len(names("sessions")))], None)
                plasma = row["processed_plasma_ml"]
                volume = "–" if plasma is None else f"{plasma:.0f} mL"
                front.emit(
                    row,
                    f"{row['session_id']}  {row['started_local'] or row['started_at']}  {row['device_model']} "
                    f"{row['device_serial']}  {volume}  {row['status']}  {row['patient'] or 'no patient'}",
                )


def _facts(house: House, key: str) -> SessionFacts:
    from ingestor.store.answers.sessions import facts

    with house.db.read() as connection:
        return facts(connection, house.centre, key)


@sessions.command()
@click.argument("session")
@pass_front
def show(front: Front, session: str) -> None:
    """Show everything about a session."""
    from ingestor.exports.session import document, tidy
    from ingestor.exports.view import View

    with front.house() as house:
        whole = tidy(document(_facts(house, session), View()))
    front.emit(whole, _outline(whole))


def _outline(whole: dict[str, object]) -> str:
    import json

    return json.dumps(whole, ensure_ascii=False, indent=2, default=str)


@sessions.command()
@click.argument("session")
@pass_front
def dose(front: Front, session: str) -> None:
    """Show the dose row of a session."""
    from ingestor.exports.session import dose as dose_row
    from ingestor.exports.view import View

    with front.house() as house:
        row = dose_row(_facts(house, session), View())
    text = "\n".join(f"{name:<26} {value}" for name, value in (row or {}).items() if value is not None)
    front.emit(row, text or "No dose is served for this session.")


@sessions.command("evidence")
@click.argument("session")
@pass_front
def evidence_(front: Front, session: str) -> None:
    """Show where every figure of a session's dose stands: file, line, and the line itself."""
    from ingestor.errors import NotFound, StorageTrouble
    from ingestor.exports import evidence as raw_lines
    from ingestor.exports.view import View
    from ingestor.store.answers import evidence

    with front.house() as house:
        facts = _facts(house, session)
        read = [one for one in facts.runs if one.current is not None]
        with house.db.read() as connection:
            places = {one.row.id: evidence.places(connection, one) for one in read}
            sources = list(dict.fromkeys(one.current.source for one in read if one.current is not None))
            files = [evidence.source_facts(connection, source) for source in sources]

        def content(sha256: str) -> bytes | None:
            try:
                return house.archive.read(sha256)
            except (NotFound, StorageTrouble):
                return None

        whole = raw_lines.document(facts, places, files, content, View())
    front.emit(whole, _outline(whole))
