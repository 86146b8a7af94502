"""What goes wrong at the bedside: clocks, power, columns, counters, and what is typed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from simulators.clock import Clock, Setting
from simulators.patient import draw_patient
from simulators.plan import instant

if TYPE_CHECKING:
    from simulators.layout import Layout
    from simulators.plan import Plan

SET_BACK_SECONDS = 55 * 60
STORM_SECONDS = 1
WRONG_ZONES = ("UTC", "Europe/London", "America/New_York", "Asia/Tokyo")


def clock_back(plan: Plan, _layout: Layout, _number: int) -> Plan:
    """Somebody sets the clock back by 55 minutes in the middle."""
    second = int(plan.seconds * plan.rng("clock back").uniform(0.4, 0.6))
    return replace(plan, clock=replace(plan.clock, settings=(Setting(second, -SET_BACK_SECONDS),)))


def slow_clock(plan: Plan, _layout: Layout, _number: int) -> Plan:
    """The clock is some minutes slow, all the time."""
    late = int(plan.rng("slow clock").integers(120, 1500))
    return replace(plan, clock=replace(plan.clock, wrong_by=-late))


def wrong_zone(plan: Plan, _layout: Layout, _number: int) -> Plan:
    """The clock was set for another zone than the one the machine stands in."""
    others = [zone for zone in WRONG_ZONES if zone != plan.clock.zone]
    zone = others[int(plan.rng("wrong zone").integers(len(others)))]
    return replace(plan, clock=replace(plan.clock, shown_zone=zone))


def dst_autumn(plan: Plan, layout: Layout, number: int) -> Plan:
    """The night in which an hour comes twice: the last Sunday of October, 2024 first."""
    return _moved(plan, layout, _last_sunday(2024 - number % 12, 10) + timedelta(minutes=47), number)


def dst_spring(plan: Plan, layout: Layout, number: int) -> Plan:
    """The night in which an hour is missing: the last Sunday of March, 2025 first."""
    return _moved(plan, layout, _last_sunday(2025 - number % 12, 3) + timedelta(minutes=38), number)


def clock_not_changed(plan: Plan, layout: Layout, number: int) -> Plan:
    """The autumn night, on a machine whose clock nobody changes: it stays in summer time."""
    moved = dst_autumn(plan, layout, number)
    return replace(moved, clock=replace(moved.clock, keeps_summer_time=False))


def midnight(plan: Plan, layout: Layout, number: int) -> Plan:
    """An emergency late at night that runs past midnight."""
    evening = plan.clock.true_local(0).replace(hour=22, minute=11, second=5)
    return _moved(plan, layout, evening, number)


def leap_day(plan: Plan, layout: Layout, number: int) -> Plan:
    """29 February."""
    return _moved(plan, layout, datetime(2024 - 4 * (number % 5), 2, 29, 8, 4, 51), number)


def _last_sunday(year: int, month: int) -> datetime:
    last = datetime(year, month, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def _moved(plan: Plan, layout: Layout, start: datetime, number: int) -> Plan:
    clock = Clock(instant(start, plan.clock.zone), plan.clock.zone)
    return replace(plan, clock=clock, run=start.strftime(layout.run_format).format(number // 12 + 1))


def power_failure(plan: Plan, _layout: Layout, _number: int) -> Plan:
    """The mains fail in the middle and come back some minutes later; the treatment is resumed."""
    return replace(plan, troubles=replace(plan.troubles, power_failure=True))


def counter_reset(plan: Plan, _layout: Layout, _number: int) -> Plan:
    """The plasma counter falls to 0 in the middle of a load, without any other sign."""
    return replace(plan, troubles=replace(plan.troubles, counter_reset=True))


def column_change(plan: Plan, _layout: Layout, _number: int) -> Plan:
    """A column is replaced by a fresh one in the middle."""
    return replace(plan, troubles=replace(plan.troubles, column_change=True))


def keep_alive_storm(plan: Plan, _layout: Layout, _number: int) -> Plan:
    """Many alarms, each repeated every second for as long as it stands."""
    return replace(plan, troubles=replace(plan.troubles, keep_alives=STORM_SECONDS, alarms_per_hour=6.0))


def unknown_alarm(plan: Plan, _layout: Layout, _number: int) -> Plan:
    """An alarm code that stands in no table."""
    return replace(plan, troubles=replace(plan.troubles, unknown_alarm=True))


def typed_wrong(plan: Plan, _layout: Layout, _number: int) -> Plan:
    """A slip of the finger in the patient's identifier: a digit wrong, missing, doubled or two exchanged."""
    rng, typed = plan.rng("typed wrong"), plan.patient.identifier
    place = int(rng.integers(3, len(typed) - 1))
    slips = (
        typed[:place] + str((int(typed[place]) + int(rng.integers(1, 10))) % 10) + typed[place + 1 :],
        typed[:place] + typed[place + 1 :],
        typed[:place] + typed[place] * 2 + typed[place + 1 :],
        typed[:place] + typed[place + 1] + typed[place] + typed[place + 2 :],
    )
    wrong = slips[int(rng.integers(len(slips)))]
    return replace(plan, typed_id=wrong if wrong != typed else typed[:-1])


def no_patient(plan: Plan, _layout: Layout, _number: int) -> Plan:
    """Nobody typed an identifier."""
    return replace(plan, typed_id="")


def machine_as_patient(plan: Plan, _layout: Layout, _number: int) -> Plan:
    """The machine's own serial number stands in the patient field."""
    return replace(plan, typed_id=plan.device.serial)


def second_patient(plan: Plan, layout: Layout, number: int) -> Plan:
    """Another patient turns up in the same file: in every second treatment, or half way through."""
    other = draw_patient(plan.rng("second patient"))
    if layout.holds_many:
        return replace(plan, patient=other, typed_id=other.identifier) if number % 2 else plan
    troubles = replace(plan.troubles, second_patient=other.identifier, power_failure=layout.restarts)
    return replace(plan, troubles=troubles)
