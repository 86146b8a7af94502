"""Who is treated when, with which machine and columns: the plans of one `simulate` call."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from simulators.clock import Clock
from simulators.columns import Column, Product, draw_column
from simulators.patient import Patient, draw_patient
from simulators.plan import Plan, Troubles, draw_flows, instant, working_hours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulators.layout import Layout

SESSIONS_A_COURSE = 5
SESSIONS_A_DEVICE = 1000
LONGEST_OF_TWO_A_DAY = 5.0
EARLIEST = datetime(2012, 1, 2)


@dataclass(frozen=True, slots=True)
class Order:
    """What one call asked for.

    Attributes:
        seed: everything follows from it.
        sessions: number of exports, or of treatments where `per_file` puts several into one.
        hours: length from connecting to disconnecting [h].
    """

    seed: int
    sessions: int = 1
    patients: int | None = None
    hours: float = 4.0
    per_file: int = 1
    zone: str = "Europe/Vienna"
    start: datetime | None = None
    troubles: Troubles = field(default_factory=Troubles)

    def rng(self, *key: int) -> np.random.Generator:
        """Randomness of one part of the order."""
        return np.random.default_rng([self.seed, *key])

    @property
    def treatments(self) -> int:
        """Number of treatments in all exports together."""
        return self.sessions * self.per_file


@dataclass
class _Cupboard:
    """The columns kept for each patient between sessions."""

    products: tuple[Product, ...]
    hung: int
    kept: dict[str, tuple[Column, ...]] = field(default_factory=dict)

    def take(self, rng: np.random.Generator, patient: Patient, day: datetime) -> tuple[Column, ...]:
        if not self.products:
            return ()
        before = self.kept.get(patient.identifier)
        if before and before[0].product.is_regenerable and not before[0].is_worn:
            columns = tuple(c.used_again() for c in before)
        else:
            product = before[0].product if before else self.products[int(rng.integers(len(self.products)))]
            columns = tuple(draw_column(rng, product, day.date()) for _ in range(self.hung))
        self.kept[patient.identifier] = columns
        return columns


def _working_day(base: datetime, number: int) -> datetime:
    """The n-th working day from the Monday of the week of `base`, counted from 0."""
    monday = base - timedelta(days=base.weekday())
    return monday + timedelta(weeks=number // 5, days=number % 5)


def schedule(order: Order, layout: Layout) -> Iterator[Plan]:
    """Plans in order of time: courses of five working days, one or two patients a day.

    The serial number of the machine ends with the seed, so that the runs of two seeds never meet.
    """
    rng = order.rng(0)
    base = order.start or EARLIEST + timedelta(days=int(rng.integers(0, 3800)))
    count = order.patients or max(1, order.treatments // 10)
    patients = [draw_patient(order.rng(1, k)) for k in range(count)]
    since_monday = min(order.start.weekday(), 4) if order.start else 0
    cupboard = _Cupboard(layout.products, layout.hung)
    a_day = min(count, 2 if order.hours <= LONGEST_OF_TWO_A_DAY else 1)
    for number in range(order.treatments):
        draws = order.rng(2, number)
        machine, place = divmod(number, SESSIONS_A_DEVICE)
        working_day, slot = divmod(place, a_day)
        patient = patients[(machine + working_day // SESSIONS_A_COURSE * a_day + slot) % count]
        day = _working_day(base, working_day + since_monday)
        begin = order.start if order.start and not number else working_hours(draws, day, slot, order.hours)
        columns = cupboard.take(draws, patient, day)
        seconds = int(order.hours * 3600)
        plasma, blood, load = draw_flows(draws, patient, seconds, columns, layout.dose)
        serial = f"{layout.device.serial}{order.seed:04d}" + (f"-{machine}" if machine else "")
        yield Plan(
            seed=(order.seed, 3, number),
            run=begin.strftime(layout.run_format).format(slot + 1),
            device=replace(layout.device, serial=serial),
            patient=patient,
            typed_id=patient.identifier,
            clock=Clock(instant(begin, order.zone), order.zone),
            seconds=seconds,
            plasma_flow=plasma,
            blood_flow=blood,
            load_ml=load,
            ratio=float(draws.choice([10, 12, 12, 12, 14, 16])),
            columns=columns,
            troubles=order.troubles,
        )
