"""`apherelog link` and `apherelog unlink`."""

from __future__ import annotations

import click

from ingestor.commands.front import Front, pass_front


@click.command()
@click.argument("session")
@click.argument("patient")
@click.option("--reason", required=True, help="Why; it is kept in the session's history.")
@pass_front
def link(front: Front, session: str, patient: str, reason: str) -> None:
    """Link a session to a patient."""
    from ingestor.flow import columns, second_person
    from ingestor.flow.receipt import finding_json

    with front.house() as house, house.db.write() as connection:
        against = columns.against(house, connection, session, patient)
        request = second_person.link(house, connection, session, patient, front.actor(), reason)
    warnings = [finding_json(one) for one in against]
    for one in warnings:
        front.tell(one["text"]["en"])
    document = {"session": session, "warnings": warnings}
    if request is not None:
        front.emit(document | {"asked": patient}, f"{session} → {patient}: waits for a second person")
        return
    front.emit(document | {"patient": patient}, f"{session} → {patient}")


@click.command()
@click.argument("session")
@click.option("--reason", required=True, help="Why; it is kept in the session's history.")
@pass_front
def unlink(front: Front, session: str, reason: str) -> None:
    """Undo the link of a session."""
    from ingestor.flow import linking

    with front.house() as house, house.db.write() as connection:
        linking.unlink(house, connection, session, front.actor(), reason)
    front.emit({"session": session, "patient": None}, f"{session} → –")
