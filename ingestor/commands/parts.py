"""`apherelog parts`: what this installation is made of."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from ingestor.commands.front import Front, pass_front


@click.group()
def parts() -> None:
    """List the parts of this installation: their licences, or a bill of materials."""


@parts.command()
@pass_front
def licences(front: Front) -> None:
    """List every part with its version and licence."""
    from ingestor.ops import parts as made_of

    for name, version, licence in made_of.licences():
        front.emit({"name": name, "version": version, "licence": licence}, f"{name} {version}  {licence}")


@parts.command()
def bill() -> None:
    """Write the bill of materials (CycloneDX 1.6, JSON)."""
    from ingestor.ops import parts as made_of

    click.echo(json.dumps(made_of.bill(datetime.now(UTC)), indent=1))
