"""`apherelog machines`, and what `apherelog drivers` does with descriptions of formats."""

from __future__ import annotations

from dataclasses import asdict

import click

from drivers.machines import machines as catalogue
from ingestor.commands.drivers import drivers
from ingestor.commands.front import Front, language, pass_front

__all__ = ["drivers", "machines"]


@click.group()
def machines() -> None:
    """List the machines known by name."""


@machines.command("list")
@click.argument("words", nargs=-1)
@pass_front
def list_(front: Front, words: tuple[str, ...]) -> None:
    """List the catalogue of machines, or those whose name or maker holds all WORDS."""
    for machine in catalogue():
        said = f"{machine.name} {machine.maker}".lower()
        if not all(word.lower() in said for word in words):
            continue
        todo = {tongue: machine.todo(tongue) for tongue in ("de", "en")}
        note = machine.note.get(language(), "")
        about = ", ".join(filter(None, (machine.role, machine.columns, note)))
        text = f"{machine.name} – {machine.maker}\n  {about}\n  {todo[language()]}"
        front.emit({**asdict(machine), "todo": todo}, text)
