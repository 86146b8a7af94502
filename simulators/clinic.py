"""A clinic over years: its patients with their courses, who is treated on which day on which machine."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from simulators.clock import Clock
from simulators.columns import Column, draw_column
from simulators.eras import ERAS, Era
from simulators.patient import Patient, draw_patient
from simulators.plan import Plan, draw_flows, instant, working_hours

if TYPE_CHECKING:
    from collections.abc import Iterator

SLOTS_A_DAY = 2
HOURS = (2.5, 3.0, 3.5, 4.0, 4.0, 4.5, 5.0)


@dataclass(frozen=True, slots=True)
class Clinic:
    """What is asked for.

    Attributes:
        number: its place among the centres, from 0.
        folder: where its exports lie, below the exports of all; empty for the only one.
        trouble: how many times as often as usual an export is damaged or sent again.
        begin, end: first and last day.
    """

    seed: int
    number: int
    patients: int
    sessions: int
    begin: date
    end: date
    zone: str
    folder: str = ""
    trouble: float = 1.0
    eras: tuple[Era, ...] = ERAS

    def rng(self, *key: int) -> np.random.Generator:
        """Randomness of one part of the clinic."""
        return np.random.default_rng([self.seed, 77, self.number, *key])

    def moment(self, day: date) -> float:
        """Share of all years that has passed on that day."""
        return (day - self.begin).days / max((self.end - self.begin).days, 1)


@dataclass(frozen=True, slots=True)
class Appointment:
    """One session to come: who, when, on which kind of machine."""

    day: date
    slot: int
    patient: int
    era: Era
    place: int


@dataclass
class _Diary:
    """Which machine is taken when; two patients never share one."""

    taken: dict[tuple[str, date], int] = field(default_factory=lambda: defaultdict(int))

    def book(self, era: Era, day: date) -> tuple[date, int]:
        """The first free slot on that machine from that day on."""
        while day.weekday() > 4 or self.taken[era.key, day] >= SLOTS_A_DAY:
            day += timedelta(days=1)
        slot = self.taken[era.key, day]
        self.taken[era.key, day] += 1
        return day, slot


def people(clinic: Clinic) -> list[Patient]:
    """The clinic's patients, drawn once."""
    return [draw_patient(clinic.rng(1, number)) for number in range(clinic.patients)]


def appointments(clinic: Clinic) -> list[Appointment]:
    """All sessions in order of time: courses of three to six, weeks apart, on one kind of machine each."""
    rng, diary = clinic.rng(2), _Diary()
    weights = rng.lognormal(0, 0.7, clinic.patients)
    shares = rng.multinomial(clinic.sessions, weights / weights.sum())
    booked: list[Appointment] = []
    for patient, share in enumerate(shares.tolist()):
        booked += _course_by_course(clinic, diary, rng, patient, share)
    return sorted(booked, key=lambda a: (a.day, a.slot, a.era.key))


def _course_by_course(
    clinic: Clinic, diary: _Diary, rng: np.random.Generator, patient: int, sessions: int
) -> Iterator[Appointment]:
    span = (clinic.end - clinic.begin).days
    weeks = max(3.0, min(26.0, span / 7 * 0.8 / max(sessions / 4.5, 1)))
    needed = int(sessions / 4.5 * weeks * 7)
    day = clinic.begin + timedelta(days=int(rng.integers(0, max(1, span - needed - 40))))
    place = 0
    while place < sessions:
        day = min(day, clinic.end - timedelta(days=12))
        era = _kind_of_machine(clinic, rng, day)
        for _ in range(min(int(rng.integers(3, 7)), sessions - place)):
            day, slot = diary.book(era, day)
            yield Appointment(day, slot, patient, era, place)
            day += timedelta(days=int(rng.choice([1, 1, 1, 2])))
            place += 1
        day += timedelta(days=int(weeks * 7 * rng.uniform(0.6, 1.4)))


def _kind_of_machine(clinic: Clinic, rng: np.random.Generator, day: date) -> Era:
    moment = min(clinic.moment(day), 0.999)
    there = [era for era in clinic.eras if era.begin <= moment < era.end] or [clinic.eras[-1]]
    weights = np.array([era.weight for era in there])
    return there[int(rng.choice(len(there), p=weights / weights.sum()))]


@dataclass
class Ward:
    """The clinic at work: bodies change, columns wear, machines are replaced."""

    clinic: Clinic
    patients: list[Patient]
    _columns: dict[tuple[int, str], tuple[Column, ...]] = field(default_factory=dict)

    def plan(self, appointment: Appointment, number: int) -> Plan:
        """The treatment of one appointment."""
        clinic, era = self.clinic, appointment.era
        rng = clinic.rng(3, number)
        patient = self._today(appointment, rng)
        share = min(max(era.share(clinic.moment(appointment.day)), 0.0), 0.999)
        midnight = datetime.combine(appointment.day, datetime.min.time())
        begin = working_hours(rng, midnight, appointment.slot, max(HOURS))
        columns = self._hang(appointment, rng)
        seconds = int(HOURS[int(rng.integers(len(HOURS)))] * 3600)
        plasma, blood, load = draw_flows(rng, patient, seconds, columns, era.layout.dose)
        wrong_by = int(rng.normal(0, 90))
        return Plan(
            seed=(clinic.seed, 78, clinic.number, number),
            run=begin.strftime(era.layout.run_format).format(appointment.slot + 1),
            device=era.device(share, f"{clinic.seed % 1000:03d}{clinic.number:02d}{ERAS.index(era)}"),
            patient=patient,
            typed_id=patient.identifier,
            clock=Clock(instant(begin, clinic.zone), clinic.zone, wrong_by=wrong_by),
            seconds=seconds,
            plasma_flow=plasma,
            blood_flow=blood,
            load_ml=load,
            ratio=float(rng.choice([10, 12, 12, 12, 14, 16])),
            columns=columns,
        )

    def _today(self, appointment: Appointment, rng: np.random.Generator) -> Patient:
        patient = self.patients[appointment.patient]
        trend = 1 + 0.04 * np.sin(appointment.place / 6 + appointment.patient)
        weight = round(patient.weight_kg * float(trend) * 2) / 2
        hematocrit = float(np.clip(patient.hematocrit + rng.normal(0, 0.012), 0.25, 0.52))
        return replace(patient, weight_kg=weight, hematocrit=round(hematocrit, 2))

    def _hang(self, appointment: Appointment, rng: np.random.Generator) -> tuple[Column, ...]:
        layout = appointment.era.layout
        if not layout.products:
            return ()
        key = (appointment.patient, appointment.era.key)
        before = self._columns.get(key)
        if before and all(column.may_be_used_again(appointment.day) for column in before):
            columns = tuple(column.used_again() for column in before)
        else:
            choice = appointment.patient % len(layout.products)
            columns = tuple(
                draw_column(rng, layout.products[choice], appointment.day) for _ in range(layout.hung)
            )
        self._columns[key] = columns
        return columns
