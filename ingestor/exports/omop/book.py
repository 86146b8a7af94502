"""Many sessions as the files of all tables, written piece by piece.

Numbers are given in order of appearance: the same sessions have the same numbers. What is stable across exports are
the source values: pseudonyms and ids of sessions. Only persons are kept in memory, one short entry each.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from ingestor.exports.concepts import NONE, Concepts, every_code
from ingestor.exports.omop import layout, rows
from ingestor.exports.omop.rows import CARE_SITE, VERSION_5_4, Meaning, Place, Row
from ingestor.exports.treatments import why_left_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date, datetime

    from ingestor.exports.treatments import Patient, Treatment

_VALID = {"valid_start_date": "1970-01-01", "valid_end_date": "2099-12-31"}


@dataclass(frozen=True, slots=True)
class Site:
    """Whose sessions these are.

    Attributes:
        as_of: the moment as of which the doses were known.
        facts: what else is known of the export, as texts.
    """

    centre: str
    name: str
    zone: str
    as_of: datetime
    concepts: Concepts = field(default_factory=Concepts)
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Person:
    number: int
    patient: Patient
    first: date
    last: date


def why_not_here(treatment: Treatment) -> str | None:
    """Return why a session is not in the tables; None: it is.

    The model has no place for a value that must not be used, and no person without a year of birth.
    """
    why = why_left_out(treatment)
    if why is None and treatment.dose["status"] == "withheld":
        return "withheld"
    if why is None and treatment.patient is not None and treatment.patient.birth_year is None:
        return "no_birth_year"
    return why


class Book:
    """The tables while they are written.

    Args:
        site: whose sessions these are.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._meaning = Meaning(site.concepts, ZoneInfo(site.zone))
        self._people: dict[str, _Person] = {}
        self._counts: Counter[str] = Counter()
        self._told: Counter[tuple[str, str]] = Counter()
        self._devices: set[str] = set()

    def lines(self, pieces: Iterable[list[Treatment]]) -> Iterator[tuple[str, int, bytes]]:
        """Yield (table, number of rows, lines) piece by piece; every table has its header, whatever is in it."""
        for table in layout.tables():
            yield table, 0, layout.header(table)
        for piece in pieces:
            found: dict[str, list[Row]] = {}
            for treatment in piece:
                self._add(treatment, found)
            yield from self._written(found)
        yield from self._written(dict(self._end()))

    def _written(self, found: Mapping[str, list[Row]]) -> Iterator[tuple[str, int, bytes]]:
        for table, some in found.items():
            yield table, len(some), layout.lines(table, some)

    def _add(self, treatment: Treatment, found: dict[str, list[Row]]) -> None:
        why, patient = why_not_here(treatment), treatment.patient
        if why is not None or patient is None:
            self._told["left_out", str(why)] += 1
            left = {"session_id": treatment.id, "started_at": treatment.dose["started_at"], "reason": why}
            found.setdefault(layout.EXCLUSIONS, []).append(left)
            return
        for name in ("method", "driver"):
            version = f" {treatment.dose['driver_version']}" if name == "driver" else ""
            self._told[name, f"{treatment.dose[name]}{version}"] += 1
        self._told["sessions", ""] += 1
        place = self._place(treatment, patient)
        found.setdefault("visit_occurrence", []).append(rows.visit(treatment, place, self._meaning))
        found.setdefault("procedure_occurrence", []).append(rows.procedure(treatment, place, self._meaning))
        self._devices.update(name for name, _ in rows.used(treatment) if name)
        for row in rows.devices(treatment, place, self._meaning):
            found.setdefault("device_exposure", []).append(self._numbered("device_exposure", row))
        for row in rows.measurements(treatment, place, self._meaning):
            found.setdefault("measurement", []).append(self._numbered("measurement", row))
            person = self._people[patient.id]
            person.first = min(person.first, row["measurement_date"])

    def _place(self, treatment: Treatment, patient: Patient) -> Place:
        start, end = rows.wall_clock(treatment)
        last = (end or start).date()
        person = self._people.get(patient.id)
        if person is None:
            person = _Person(len(self._people) + 1, patient, start.date(), last)
            self._people[patient.id] = person
        person.first, person.last = min(person.first, start.date()), max(person.last, last)
        self._counts["visit"] += 1
        return Place(person.number, self._counts["visit"], start, end)

    def _numbered(self, table: str, row: Row) -> Row:
        self._counts[table] += 1
        return {f"{table}_id": self._counts[table], **row}

    def _end(self) -> Iterator[tuple[str, list[Row]]]:
        """Yield the tables that are known when everything has gone by."""
        people = self._people.values()
        yield "person", [rows.person(p.patient, p.number) for p in people]
        yield "observation_period", [self._period(p) for p in people]
        yield "care_site", [self._care_site()]
        yield "cdm_source", [self._source()]
        yield "metadata", list(self._metadata())
        yield "source_to_concept_map", list(self._map())

    def _period(self, one: _Person) -> Row:
        return {
            "observation_period_id": one.number, "person_id": one.number,
            "observation_period_start_date": one.first, "observation_period_end_date": one.last,
            "period_type_concept_id": self._meaning.type,
        }  # fmt: skip

    def _care_site(self) -> Row:
        return {
            "care_site_id": CARE_SITE, "care_site_name": layout.printed(self._site.name, 255),
            "place_of_service_concept_id": 0, "care_site_source_value": self._site.centre,
        }  # fmt: skip

    def _source(self) -> Row:
        name, day = layout.printed(self._site.name, 255) or self._site.centre, self._site.as_of.date()
        return {
            "cdm_source_name": name, "cdm_source_abbreviation": self._site.centre[:25], "cdm_holder": name,
            "source_description": "Doses of immunoadsorption sessions, read from what the machines recorded",
            "cdm_etl_reference": "docs/omop.md", "source_release_date": day, "cdm_release_date": day,
            "cdm_version": "5.4", "cdm_version_concept_id": VERSION_5_4,
            "vocabulary_version": self._site.concepts.vocabulary_version,
        }  # fmt: skip

    def _metadata(self) -> Iterator[Row]:
        facts: list[tuple[str, str, Any]] = [(name, text, None) for name, text in self._site.facts.items()]
        counted = [(name, text, count) for (name, text), count in sorted(self._told.items())]
        for number, (name, text, count) in enumerate([*facts, *counted], start=1):
            yield {
                "metadata_id": number, "metadata_concept_id": 0, "metadata_type_concept_id": self._meaning.type,
                "name": name, "value_as_string": text[:250] or None,
                "value_as_concept_id": 0 if count is None else None, "value_as_number": count,
                "metadata_date": self._site.as_of.date(),
            }  # fmt: skip

    def _map(self) -> Iterator[Row]:
        for kind, codes in every_code(self._devices).items():
            written: set[str] = set()
            for code, means in codes.items():
                one, shown = self._site.concepts.of(kind, code), layout.printed(code)
                if shown is None or shown in written:
                    continue
                written.add(shown)
                yield {
                    "source_code": shown, "source_concept_id": 0, "source_vocabulary_id": f"ia-{kind}",
                    "source_code_description": means[:255] or None, "target_concept_id": one.id,
                    "target_vocabulary_id": one.vocabulary if one.id else NONE, **_VALID,
                }  # fmt: skip
