"""Laws that hold for every treatment: from the printed log to the dose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from ingestor.meaning.dose import Dose, compute
from ingestor.meaning.figures import run_figures
from ingestor.meaning.normalise import normalise
from tests.meaning.making import Making

if TYPE_CHECKING:
    from ingestor.driver import DeviceLog

D = Decimal
MAKE = Making()
BEGIN = datetime(2024, 3, 18, 8, 0)
# A whole treatment is made and measured for every example.
few = settings(max_examples=min(40, settings().max_examples))


@dataclass(frozen=True)
class Load:
    """Minutes of loading, flow while it lasts [mL/min], minutes of pause before it."""

    minutes: int
    flow: int
    pause: int
    completed: bool = True
    elution: int = 180

    @property
    def volume(self) -> int:
        return self.minutes * self.flow


loads = st.lists(
    st.builds(Load, st.integers(2, 12), st.integers(15, 40), st.integers(0, 4), st.booleans()),
    min_size=2,
    max_size=6,
)


def log(treatment: list[Load], **more: object) -> DeviceLog:
    """A treatment as a machine prints it: a sample a minute, one column after the other."""
    rows, times, flow, count = [], [], [], []
    at, total = BEGIN, 0
    for i, load in enumerate(treatment):
        for _ in range(load.pause):
            times.append(at)
            flow.append(0)
            count.append(total)
            at += timedelta(minutes=1)
        start = at
        for _ in range(load.minutes):
            times.append(at)
            flow.append(load.flow)
            count.append(total)
            at += timedelta(minutes=1)
            total += load.flow
        name = "AB"[i % 2]
        rows.append(MAKE.phase(i + 1, name, "load", str(start), str(at), str(load.volume), load.completed))
        rows.append(
            MAKE.phase(i + 1, name, "elute", str(at), str(at + timedelta(minutes=3)), str(load.elution))
        )
    times.append(at)
    flow.append(0)
    count.append(total)
    plain = {
        "start": str(BEGIN),
        "end": str(at),
        "phases": tuple(rows),
        "totals": (MAKE.total("processed_plasma", str(total)),),
        "patient": "17",
        "run_id": "20240318-01",
        "samples": MAKE.samples(
            [str(t) for t in times],
            MAKE.column("plasma_flow", [str(f) for f in flow], "ml/min"),
            MAKE.column("processed_plasma", [str(c) for c in count], "ml"),
        ),
    }
    return MAKE.log(**(plain | more))


def dose(*logs: DeviceLog, accepted: bool = True) -> Dose:
    parts = [
        MAKE.part(f"r{i}", run_figures(normalise(one, MAKE.clock())), accepted=accepted)
        for i, one in enumerate(logs)
    ]
    return compute(parts, MAKE.person())


@few
@given(treatment=loads)
def test_all_four_readings_of_an_undamaged_treatment_are_the_plasma_that_was_loaded(treatment):
    found = dose(log(treatment))
    total = sum(load.volume for load in treatment)
    readings = (found.reported_ml, found.cycles_ml, found.counter_ml, found.integrated_ml)
    assert readings == (total,) * 4
    assert found.loading_min == sum(load.minutes for load in treatment)
    assert found.cycles_completed == sum(load.completed for load in treatment)
    assert found.interruptions == sum(load.pause > 1 for load in treatment[1:])
    assert found.interrupted_min == sum(load.pause for load in treatment[1:] if load.pause > 1)


def cut(whole: DeviceLog, minute: int, *, restarted: bool) -> tuple[DeviceLog, DeviceLog]:
    """The same treatment in two records; a load that was running is in both, each with its share."""
    block = whole.samples
    assert block is not None
    at = BEGIN + timedelta(minutes=minute)
    here = minute
    first, second = [], []
    for row in whole.phases:
        if row.end.local <= at:
            first.append(row)
        elif row.start.local >= at:
            second.append(row)
        else:
            share = (at - row.start.local) / (row.end.local - row.start.local)
            part = (row.volume.value * D(share)).quantize(D("0.000001"))
            stamp = replace(row.start, local=at)
            first.append(replace(row, end=stamp, volume=replace(row.volume, value=part), completed=False))
            second.append(
                replace(row, start=stamp, volume=replace(row.volume, value=row.volume.value - part))
            )

    def some(rows: slice, less: int) -> object:
        columns = tuple(
            replace(
                c,
                mantissa=c.mantissa[rows] - (less if c.channel == "processed_plasma" else 0),
                null=c.null[rows],
            )
            for c in block.columns
        )
        return replace(block, local_ms=block.local_ms[rows], line=block.line[rows], columns=columns)

    counted = int(block.columns[1].mantissa[here]) if restarted else 0
    one = replace(
        whole,
        phases=tuple(first),
        samples=some(slice(0, here + 1), 0),
        totals=(),
        ended=None,
        end_reached=False,
    )
    total = whole.totals[0].number
    assert total.value is not None
    printed = replace(total, value=total.value - counted)
    two = replace(
        whole,
        phases=tuple(second),
        samples=some(slice(here, None), counted),
        totals=(replace(whole.totals[0], number=printed),),
        started=replace(whole.started, local=at),
    )
    return one, two


@few
@given(treatment=loads, where=st.floats(0.05, 0.95), restarted=st.booleans())
def test_splitting_a_run_in_two_does_not_change_the_dose(treatment, where, restarted):
    whole = log(treatment)
    minutes = len(whole.samples.local_ms) - 1
    halves = cut(whole, max(1, int(minutes * where)), restarted=restarted)
    one, two = dose(whole), dose(*halves)
    assert two.counter_ml == one.counter_ml
    assert abs(two.cycles_ml - one.cycles_ml) < D("0.001")
    assert abs(two.integrated_ml - one.integrated_ml) < D("0.001")
    assert two.loading_min == one.loading_min
    assert two.connected_min == one.connected_min
    if not restarted or halves[1].samples.columns[1].mantissa[0] == halves[0].samples.columns[1].mantissa[-1]:
        assert two.reported_ml == one.reported_ml
    assert abs(two.processed_plasma_ml - one.processed_plasma_ml) < D("0.001")


@few
@given(treatment=loads, where=st.floats(0.05, 0.95))
def test_the_order_in_which_the_halves_come_does_not_change_the_dose(treatment, where):
    whole = log(treatment)
    first, second = cut(whole, max(1, int((len(whole.samples.local_ms) - 1) * where)), restarted=True)
    one, two = (run_figures(normalise(half, MAKE.clock())) for half in (first, second))
    there = compute([MAKE.part("a", one), MAKE.part("b", two)], MAKE.person())
    back = compute([MAKE.part("b", two), MAKE.part("a", one)], MAKE.person())
    assert there == back


@few
@given(treatment=loads, elution=st.integers(0, 5000))
def test_elution_volume_never_counts(treatment, elution):
    other = [replace(load, elution=elution) for load in treatment]
    one, two = dose(log(treatment)), dose(log(other))
    assert one == two


@few
@given(treatment=loads, more=st.integers(1, 20), which=st.integers(0, 5))
def test_more_plasma_never_makes_a_smaller_dose(treatment, more, which):
    larger = [*treatment]
    i = which % len(larger)
    larger[i] = replace(larger[i], minutes=larger[i].minutes + more)
    one, two = dose(log(treatment)), dose(log(larger))
    assert two.processed_plasma_ml > one.processed_plasma_ml
    assert two.pv_multiple > one.pv_multiple
    assert two.native_plasma_ml is None or two.native_plasma_ml > one.native_plasma_ml
    assert two.loading_min > one.loading_min


@few
@given(treatment=loads, cut_at=st.floats(0.1, 0.9))
def test_a_shorter_record_never_tells_of_more_plasma(treatment, cut_at):
    whole = log(treatment)
    shorter, _ = cut(whole, max(1, int((len(whole.samples.local_ms) - 1) * cut_at)), restarted=False)
    one, two = dose(whole), dose(shorter)
    for name in ("reported_ml", "cycles_ml", "counter_ml", "integrated_ml"):
        part = getattr(two, name)
        assert part is None or part <= getattr(one, name)
    assert two.detail["lower_bound"] is True
    assert two.status == "provisional"


@few
@given(treatment=loads, kg=st.integers(40, 150))
def test_the_same_plasma_is_a_smaller_dose_for_a_larger_person(treatment, kg):
    part = MAKE.part("r", run_figures(normalise(log(treatment), MAKE.clock())))
    doses = [
        compute(
            [part],
            MAKE.person(
                MAKE.measured("weight", str(w), "kg"),
                MAKE.measured("height", "180", "cm"),
                MAKE.measured("hematocrit", "40", "%"),
            ),
        )
        for w in (kg, kg + 1)
    ]
    assert doses[1].pv_multiple < doses[0].pv_multiple
    assert doses[1].plasma_ml_per_kg < doses[0].plasma_ml_per_kg
    assert doses[1].processed_plasma_ml == doses[0].processed_plasma_ml


@few
@given(treatment=loads, offset=st.integers(-10_000, 10_000))
def test_a_correction_of_the_clock_moves_times_and_no_dose(treatment, offset):
    from ingestor.meaning.clock import Offset

    one = log(treatment)
    moved = MAKE.clock(offsets={("", "TC-2", "AM-1"): (Offset(offset),)})
    plain, corrected = (run_figures(normalise(one, clock)) for clock in (MAKE.clock(), moved))
    assert corrected.started == plain.started - timedelta(seconds=offset)
    assert corrected.readings == plain.readings
    assert (corrected.loading_s, len(corrected.still)) == (plain.loading_s, len(plain.still))


@few
@given(treatment=loads)
def test_what_is_measured_twice_is_measured_alike(treatment):
    run = normalise(log(treatment), MAKE.clock())
    assert run_figures(run) == run_figures(run)
    assert all(a.start.utc <= b.start.utc for a, b in pairwise(c for c in run.cycles))
