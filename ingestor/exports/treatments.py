"""Sessions as other data models need them: the dose, who was treated and with what. Never with a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ingestor.exports import plain
from ingestor.store.answers import treatments as stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ingestor.exports.view import View
    from ingestor.store.answers.doses import Wanted
    from ingestor.store.answers.treatments import Found, Machine, Person
    from ingestor.store.engine import Database

PIECE = 250
OLDEST = 90


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient by pseudonym.

    Attributes:
        id: the pseudonym.
        birth_year: None where it is not known.
        last_year: of the last session known then.
        test: made up to try the program.
    """

    id: str
    sex: str | None
    birth_year: int | None
    last_year: int
    test: bool

    @property
    def oldest(self) -> bool:
        """Tell whether the patient is one of the few who are told apart by age alone."""
        return self.birth_year is not None and self.last_year - self.birth_year >= OLDEST


@dataclass(frozen=True, slots=True)
class Treatment:
    """One session.

    Attributes:
        dose: the row that was served, by name, as the exports of doses have it.
        detail: what it was computed from.
        known_from: since when it was served; ISO 8601.
        patient: None where nobody is linked.
        machines: of its runs, each once, the leading one first.
    """

    dose: Mapping[str, Any]
    detail: Mapping[str, Any]
    known_from: str
    patient: Patient | None
    machines: tuple[Machine, ...]

    @property
    def id(self) -> str:
        """Return the id of the session."""
        return str(self.dose["session_id"])

    @property
    def columns(self) -> tuple[Mapping[str, Any], ...]:
        """Return the columns of all runs, in order, each with its `run`."""
        return tuple(
            {"run": part["run"], **column}
            for part in self.detail.get("columns", ())
            for column in part["columns"]
        )


def treatments(db: Database, wanted: Wanted, view: View, piece: int = PIECE) -> Iterator[list[Treatment]]:
    """Yield all sessions of a filter that have a dose, by start, some at a time.

    Args:
        db: the store.
        wanted: the filter, with its moment.
        view: makes the pseudonyms.
        piece: how many are held at once.
    """
    after = None
    while True:
        with db.read() as connection:
            found = stored.rows(connection, wanted, piece, after)
            patients = {row.row[1] for row in found} - {None}
            people = stored.persons(connection, patients, wanted.as_of)
            machines = stored.machines(connection, {key for row in found for key in _machines(row)})
        yield [_treatment(row, people, machines, view) for row in found]
        if len(found) < piece:
            return
        after = found[-1].place


def _machines(found: Found) -> list[str]:
    leading = found.row[7]
    return list(dict.fromkeys([leading, *(run["device"] for run in found.detail.get("runs", ()))]))


def _treatment(
    found: Found, people: Mapping[str, Person], machines: Mapping[str, Machine], view: View
) -> Treatment:
    person = people.get(found.row[1])
    patient = None
    if person is not None:
        shown = str(view.patient(found.row[1]))
        patient = Patient(shown, person.sex, person.birth_year, person.last.year, person.test)
    return Treatment(
        dose=plain.row("doses", found.row, view.pseudonym), detail=found.detail,
        known_from=str(plain.instant(found.known_from)), patient=patient,
        machines=tuple(machines[key] for key in _machines(found)),
    )  # fmt: skip


def why_left_out(treatment: Treatment) -> str | None:
    """Return why a session cannot stand in a data model that knows treatments of patients only; None: it can."""
    if treatment.dose["status"] == "bench":
        return "bench"
    return "no_patient" if treatment.patient is None else None
