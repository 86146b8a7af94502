"""`apherelog patients`: list, add, measure, import."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingestor.commands.front import EXIT_REFUSED, Front, give_up, pass_front

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.group()
def patients() -> None:
    """List, add, measure or import patients."""


def _pairs(values: Sequence[str]) -> dict[str, str]:
    pairs = [v.partition("=") for v in values]
    if any(not system or not value for system, _, value in pairs):
        raise click.BadParameter("expected SYSTEM=VALUE", param_hint="--identifier")
    return {system: value for system, _, value in pairs}


def instant(text: str, zone: str) -> datetime:
    """Read an ISO date or time; without an offset it is in the site's zone, a date alone means noon."""
    from zoneinfo import ZoneInfo

    try:
        at = datetime.fromisoformat(text if len(text) > 10 else f"{text}T12:00")  # noqa: PLR2004 - YYYY-MM-DD
    except ValueError:
        raise click.BadParameter(f"expected an ISO time, got '{text}'", param_hint="--at") from None
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


@patients.command("add")
@click.option("--identifier", "identifiers", multiple=True, metavar="SYSTEM=VALUE")
@click.option("--sex", type=click.Choice(["female", "male"]))
@click.option("--birth", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--test", is_flag=True, help="A made-up person for trying things out.")
@pass_front
def add(
    front: Front, identifiers: Sequence[str], sex: str | None, birth: datetime | None, *, test: bool
) -> None:
    """Add a patient."""
    from ingestor.flow.patients import NewPatient
    from ingestor.flow.patients import add as add_patient

    birth_date: date | None = birth.date() if birth else None
    new = NewPatient(sex, birth_date, None, test, _pairs(identifiers))
    with front.house() as house, house.db.write() as connection:
        key = add_patient(house, connection, new, front.actor())
    front.emit({"patient": key}, key)


@patients.command("measure")
@click.argument("patient")
@click.argument("kind")
@click.argument("value")
@click.argument("unit")
@click.option("--at", required=True, help="When it was measured; ISO, the site's zone if none is given.")
@pass_front
def measure(front: Front, patient: str, kind: str, value: str, unit: str, at: str) -> None:
    """Record a measured value: weight, height, hematocrit, igg..."""
    from ingestor.flow.patients import NewMeasurement
    from ingestor.flow.patients import measure as record

    try:
        number = Decimal(value)
    except InvalidOperation:
        raise click.BadParameter(f"expected a number with a decimal point, got '{value}'") from None
    with front.house() as house, house.db.write() as connection:
        new = NewMeasurement(kind, number, unit, instant(at, house.settings.zone))
        key = record(house, connection, patient, new, front.actor())
    front.emit({"measurement": key}, key)


@patients.command("list")
@pass_front
def list_(front: Front) -> None:
    """List patients with their identifiers."""
    from ingestor.store.patients import listing

    with front.house() as house, house.db.read() as connection:
        for row in listing(connection, house.centre):
            names = ", ".join(f"{i['system']}={i['value']}" for i in row["identifiers"])
            front.emit(row, f"{row['patient']}  {row['sex'] or '–'}  {row['sessions']} sessions  {names}")


@patients.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@pass_front
def import_(front: Front, file: Path) -> None:
    """Import patients or measurements from a CSV file (UTF-8, comma, header).

    Patients: columns system, identifier, sex, birth. Measurements: system, identifier, kind, value, unit, at.
    Each good row is taken; a bad one is told with its line and stops nobody.
    """
    from ingestor.flow.patient_import import import_csv

    with front.house() as house:
        done, troubles = import_csv(house, file.read_text("utf-8-sig"), front.actor())
    for trouble in troubles:
        front.tell(f"{file.name}:{trouble.line}  {trouble.text}")
    document = {"patients": done.patients, "measurements": done.measurements, "known": done.known}
    text = f"{done.patients} patients, {done.measurements} measurements, {done.known} known before"
    front.emit(document | {"troubles": [{"line": t.line, "text": t.text} for t in troubles]}, text)
    give_up(EXIT_REFUSED if troubles else 0)
