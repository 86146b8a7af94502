"""`apherelog columns`: warnings about columns, and the word of a person on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ingestor.commands.front import Front, pass_front

if TYPE_CHECKING:
    from collections.abc import Callable

_REASON = click.option("--reason", required=True, help="Why; it is kept for ever.")


@click.group()
def columns() -> None:
    """Show warnings about columns and acknowledge them.

    A column that may be used again belongs to one patient; a column used with two, more often than its product
    allows (setting `columns`), or after its expiry stands here until somebody has said why it is as it is.
    """


@columns.command("warnings")
@pass_front
def warnings(front: Front) -> None:
    """List the warnings that nobody has acknowledged."""
    from ingestor.phrases import both
    from ingestor.store.answers import trays

    with front.house() as house, house.db.read() as connection:
        rows = trays.by_column(trays.column_warnings(connection, house.centre).values())
    for row in rows:
        sessions = [one["id"] for one in row["sessions"]]
        text = both(row["code"], **{k: "–" if v is None else v for k, v in row.items()})
        front.emit(
            row | {"sessions": sessions, "text": text},
            f"{row['code']}  {row['product']} {row['serial']}  {', '.join(sessions)}\n    {text['en']}",
        )


def _command(name: str, words: str) -> Callable[..., Any]:
    def command(front: Front, session: str, code: str, serial: str, reason: str) -> None:
        from ingestor.flow import columns as flow

        change = flow.acknowledge if name == "acknowledge" else flow.take_back
        with front.house() as house, house.db.write() as connection:
            changed = change(house, connection, session, code, serial, front.actor(), reason)
        front.emit(
            {"session": session, "code": code, "serial": serial, "changed": changed},
            f"{code} {serial}: {len(changed)} sessions follow.",
        )

    command.__doc__ = words
    for argument in ("serial", "code", "session"):
        command = click.argument(argument)(command)
    return columns.command(name)(_REASON(pass_front(command)))


acknowledge = _command("acknowledge", "Say that a warning of a session is known, and why it is as it is.")
take_back = _command("take-back", "Take an acknowledgement back.")
