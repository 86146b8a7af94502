"""Patients and measurements from a CSV file."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ingestor.errors import IngestorError, Invalid
from ingestor.flow.patients import NewMeasurement, NewPatient, add, measure
from ingestor.meaning.linking import normalise_identifier
from ingestor.phrases import catalogue, sentence
from ingestor.store import patients

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ingestor.flow.house import House
    from ingestor.store.audit import Actor


@dataclass(slots=True)
class Done:
    """What an import did."""

    patients: int = 0
    measurements: int = 0
    known: int = 0


@dataclass(frozen=True, slots=True)
class Trouble:
    """A row that was not taken. The text never quotes the row."""

    line: int
    text: str


def import_csv(house: House, text: str, actor: Actor) -> tuple[Done, list[Trouble]]:
    """Take every good row of a file of patients or of measurements.

    Raises:
        Invalid: `import_columns`: the header names neither.
    """
    rows = csv.DictReader(io.StringIO(text))
    columns = set(rows.fieldnames or ())
    if not {"system", "identifier"} <= columns or not (
        {"sex"} <= columns or {"kind", "value", "unit", "at"} <= columns
    ):
        raise Invalid("import_columns")
    done, troubles = Done(), []
    take = _measurement if "kind" in columns else _patient
    for row in rows:
        try:
            with house.db.write() as connection:
                take(house, connection, row, actor, done)
        except IngestorError as error:
            code = error.code if error.code in catalogue() else "invalid"
            troubles.append(Trouble(rows.line_num, sentence(code, "en", **error.details)))
    return done, troubles


def _patient(house: House, connection: Connection, row: dict[str, str], actor: Actor, done: Done) -> None:
    if _known(house, connection, row) is not None:
        done.known += 1
        return
    sex = (row["sex"] or "").strip() or None
    if sex not in {None, "female", "male"}:
        raise Invalid("import_sex")
    new = NewPatient(sex, _date(row.get("birth")), None, False, {row["system"]: row["identifier"]})  # noqa: FBT003
    add(house, connection, new, actor)
    done.patients += 1


def _measurement(house: House, connection: Connection, row: dict[str, str], actor: Actor, done: Done) -> None:
    key = _known(house, connection, row)
    if key is None:
        raise Invalid("import_nobody")
    try:
        value = Decimal(row["value"])
    except InvalidOperation:
        raise Invalid("import_number") from None
    new = NewMeasurement(row["kind"], value, row["unit"], _instant(row["at"], house.settings.zone), "import")
    if patients.has_measurement(connection, key, new.kind, new.at):
        done.known += 1
        return
    measure(house, connection, key, new, actor)
    done.measurements += 1


def _known(house: House, connection: Connection, row: dict[str, str]) -> str | None:
    if not row["identifier"]:
        raise Invalid("import_columns")
    normalised = normalise_identifier(row["identifier"], house.settings.identifier_rule)
    return patients.find(connection, house.centre, row["system"], normalised)


def _date(text: str | None) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid("import_time") from None


def _instant(text: str, zone: str) -> datetime:
    try:
        at = datetime.fromisoformat(text if "T" in text or " " in text else f"{text}T12:00")
    except ValueError:
        raise Invalid("import_time") from None
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
