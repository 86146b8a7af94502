"""`apherelog sessions`: list, show, dose, evidence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingestor.commands.front import Front, pass_front, whole_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestor.exports.view import View
    from ingestor.flow.house import House
    from ingestor.store.answers.evidence import SourceFacts
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
    from ingestor.exports.rows import listed
    from ingestor.store.answers.doses import Wanted

    with front.store() as (settings, db):
        for page in listed(db, Wanted(settings.centre, linked=False if unlinked else None)):
            for found in page:
                row = plain.row("sessions", [found[name] for name in names("sessions")], None)
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


@sessions.command()
@click.argument("session")
@click.option(
    "--pack",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write all of it, originals included, to this ZIP file.",
)
@click.option(
    "--without-identifiers",
    "masked",
    is_flag=True,
    help="The patient is a pseudonym, lines that may name a person are hidden, originals are left out.",
)
@pass_front
def evidence(front: Front, session: str, file: Path | None, *, masked: bool) -> None:
    """Show for every figure of a session's dose the lines it was read from."""
    from ingestor.access.pseudonyms import prepare_key
    from ingestor.exports.evidence import document
    from ingestor.exports.view import View
    from ingestor.store.answers.evidence import gathered

    with front.house() as house:
        facts = _facts(house, session)
        view = View(prepare_key(house.db, house.settings.data_dir).of) if masked else View()
        with house.db.read() as connection:
            places, files = gathered(connection, facts)
        found = document(facts, places, files, house.archive.content, view)
        if file is not None:
            _write_pack(front, house, (facts, found, files, view), file)
    lines = [
        f"{reading:<10} {place.get('member') or place['source']}:{place['line']}  {place['text'] or place['printed']}"
        for reading, about in found["readings"].items()
        for place in about["facts"]
    ]
    front.emit(found, "\n".join(lines) or "No reading of this session is current.")


def _write_pack(
    front: Front,
    house: House,
    parts: tuple[SessionFacts, dict[str, Any], Sequence[SourceFacts], View],
    file: Path,
) -> None:
    from ingestor.exports import pack
    from ingestor.exports.session import document
    from ingestor.store import audit

    facts, found, files, view = parts
    originals = house.archive.content if view.identified else None
    with house.db.write() as connection:
        audit.record(
            connection, front.actor(), "evidence-pack", facts.row.id, originals=originals is not None
        )
    with whole_file(file) as sink:
        pack.write(pack.Contents(document(facts, view), found, files, originals), sink)


@sessions.command()
@click.argument("session")
@click.argument("reading", metavar="reported|cycles|counter|integrated|-")
@click.option("--reason", required=True, help="Why; it is kept with the session.")
@pass_front
def decide(front: Front, session: str, reading: str, reason: str) -> None:
    """Say which reading of the processed plasma counts for a withheld dose; - takes the word back."""
    from ingestor.flow import decisions

    chosen = None if reading == "-" else reading
    with front.house() as house:
        with house.db.write() as connection:
            decisions.decide_dose(house, connection, session, chosen, front.actor(), reason)
        row = _dose_row(house, session)
    front.emit(row, f"{row['status']}  {row['processed_plasma_ml']} mL  {row['processed_plasma_reading']}")


def _dose_row(house: House, session: str) -> dict[str, Any]:
    from ingestor.errors import NotFound
    from ingestor.exports.session import dose as dose_row
    from ingestor.exports.view import View

    row = dose_row(_facts(house, session), View())
    if row is None:
        raise NotFound("no_dose")
    return row
