"""`apherelog config show`."""

from __future__ import annotations

import click

from ingestor.commands.front import Front, pass_front


@click.group()
def config() -> None:
    """Show the settings and where each comes from."""


@config.command()
@pass_front
def show(front: Front) -> None:
    """List every setting, its value and where the value comes from. Passwords in URLs are hidden."""
    from ingestor.config import origins

    for name, value, origin in origins(front.settings()):
        front.emit({"setting": name, "value": value, "from": origin}, f"{name} = {value}  ({origin})")
