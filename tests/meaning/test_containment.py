"""One reading stands in another: then counting both would count it twice."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from ingestor.meaning.containment import contains
from ingestor.model import Fact, Role, Run, Total
from tests.meaning.test_revisions import at, run, trace


def piece(first: int = 15, last: int = 45, **more: object) -> Run:
    """A stretch of `run()`, cut off: its second and third load, the last of them still going on."""
    whole = run()
    plain = {
        "started": at(first), "complete": False, "totals": (), "facts": (), "alarms": (), "cycles": (),
        "phases": whole.phases[1:3], "trace": trace(range(first, last)),
    }  # fmt: skip
    return replace(whole, **(plain | more))


def test_a_stretch_of_a_record_stands_in_it_and_the_record_not_in_the_stretch():
    assert contains(run(), piece())
    assert contains(run(), run())
    assert not contains(piece(), run())


def test_the_last_load_of_a_cut_stretch_may_have_gone_on_and_no_other():
    first, second = piece().phases
    assert contains(run(), piece(phases=(first, replace(second, volume_ml=Decimal(9), end=None))))
    assert not contains(run(), piece(phases=(replace(first, volume_ml=Decimal(9)), second)))
    assert not contains(run(), piece(complete=True, phases=(first, replace(second, volume_ml=Decimal(9)))))


@pytest.mark.parametrize(
    "change",
    [
        {"device": replace(run().device, serial="AM-2")}, {"role": Role.SEPARATOR}, {"patient_printed": "4712"},
        {"facts": (Fact("weight", Decimal(71), "kg", "71", 8),)}, {"trace": trace(range(15, 45), rise=31)},
        {"trace": trace(range(15, 61))}, {"alarms": (replace(run().alarms[0], code="105"),)},
        {"alarms": (replace(run().alarms[0], onset=at(6)),)},
        {"phases": (replace(run().phases[1], position="A"), run().phases[2])},
        {"phases": (replace(run().phases[1], start=at(16)), run().phases[2])},
    ],
)  # fmt: skip
def test_whatever_the_whole_does_not_say_stands_not_in_it(change: dict[str, object]):
    assert not contains(run(), piece(**change))


@pytest.mark.parametrize(
    "change",
    [
        {"patient_printed": None}, {"facts": run().facts}, {"facts": (Fact("height", Decimal(170), "cm", "170", 8),)},
        {"facts": (Fact("weight", None, "kg", "?", 8),)}, {"alarms": run().alarms}, {"trace": None}, {"phases": ()},
        {"totals": (Total("processed_plasma", Decimal(5), "mL", "5", 90),)},
    ],
)  # fmt: skip
def test_what_is_not_said_or_said_alike_contradicts_nothing(change: dict[str, object]):
    assert contains(run(), piece(**change))


def test_sums_of_a_record_that_reached_its_end_must_agree():
    ended = piece(complete=True, phases=run().phases[1:3])
    assert contains(run(), ended)
    sums = (Total("processed_plasma", Decimal(5), "mL", "5", 90),)
    assert not contains(run(), replace(ended, totals=sums))
    assert contains(run(), replace(ended, totals=run().totals))


def test_a_record_of_nothing_stands_nowhere():
    assert not contains(run(), piece(trace=None, phases=()))
    assert not contains(run(), piece(trace=None, phases=run().phases[1:2]))
    assert not contains(run(), piece(trace=trace(range(0)), phases=()))
    assert not contains(replace(run(), trace=None), piece())


def test_the_same_value_printed_with_more_digits_is_the_same_and_nothing_is_not_zero():
    fine = trace(range(15, 45))
    column = fine.columns[0]
    finer = replace(fine, columns=(replace(column, mantissa=column.mantissa * 10, scale=2),))
    assert contains(run(), piece(trace=finer))
    lost = trace(range(15, 45))
    lost.columns[0].null[3] = True
    assert not contains(run(), piece(trace=lost))
    other = replace(fine, columns=(replace(column, channel="plasma_flow"),))
    assert not contains(run(), piece(trace=other))
    later = replace(fine, local_ms=fine.local_ms + np.int64(1))
    assert not contains(run(), piece(trace=later))
