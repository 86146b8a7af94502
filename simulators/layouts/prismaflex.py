"""`prismaflex`: the treatment log of a bedside machine, as one `.LOX` (software 8.x) or three texts (5.x)."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from simulators.export import Export
from simulators.layout import Layout
from simulators.layouts import prismaflex_members as members
from simulators.layouts.lox import packed, remains, side_members
from simulators.layouts.prismaflex_words import ALARMS, LANGUAGES, PRIORITIES
from simulators.plan import Device
from simulators.pumps import UNITS_PER_ML
from simulators.renal import PLASMA_EXCHANGE, RenalRun, treat_renal
from simulators.truth import TIME, counter_reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulators.export import Members
    from simulators.incidents import Alarm
    from simulators.layout import Style
    from simulators.page import Page
    from simulators.pumps import Units
    from simulators.truth import SessionTruth

NAME = "prismaflex"


def render(runs: Sequence[RenalRun], style: Style) -> Export:
    """The log of one treatment."""
    (run,) = runs
    stem, minutes = stem_of(run), members.minutes_of(run)
    volumes = members.volumes_of(run, minutes)
    truth = _truth(run, volumes["effluent"], shows_software=style.version.startswith("8"))
    if style.version.startswith("5"):
        pages = _old_pages(run, minutes, volumes, style, stem)
        return Export(NAME, pages, (truth,))

    def pack(texts: Members) -> Members:
        return {f"{stem}.LOX": packed(texts)}

    head = members.head_of(run, style)
    pages = (
        members.events(
            run, [*head, *members.calibration(run), members.EVENTS], f"{stem}.PLE", style, members.iso
        ),
        members.pressures(run, minutes, [*head, "", members.PRESSURES], f"{stem}.PLP", members.iso),
        members.samples(
            run, minutes, volumes, [*head, "", f"{members.SAMPLES};"], f"{stem}.PLS", members.iso
        ),
    )
    return Export(NAME, pages, (truth,), side_members(run, stem, head), pack, remains)


def _old_pages(
    run: RenalRun, minutes: Units, volumes: dict[str, Units], style: Style, stem: str
) -> tuple[Page, ...]:
    head = members.head_of(run, style)[:1]
    return (
        members.events(run, [*head, members.OLD_EVENTS], f"{stem}E.TXT", style, members.c_locale),
        members.pressures(run, minutes, [*head, members.OLD_PRESSURES], f"{stem}P.TXT", members.c_locale),
        members.samples(
            run, minutes, volumes, [*head, members.OLD_SAMPLES], f"{stem}S.TXT", members.c_locale
        ),
    )


def stem_of(run: RenalRun) -> str:
    """Eight characters that all members of one treatment share."""
    key = f"{run.plan.device.serial} {run.plan.clock.start.isoformat()}"
    return f"{zlib.crc32(key.encode()):08X}"


def _truth(run: RenalRun, effluent: Units, *, shows_software: bool) -> SessionTruth:
    plan, clock = run.plan, run.plan.clock
    removed = counter_reading(effluent.astype(np.float64)) if run.removes_igg else None

    def local(second: int) -> str:
        return clock.true_local(second).strftime(TIME)

    return {
        "run": None,
        "device": {
            "maker": None,
            "model": None,
            "serial": plan.device.serial,
            "software": plan.device.software if shows_software else None,
        },
        "patient_id": plan.typed_id,
        "second_patient_id": plan.troubles.second_patient or None,
        "started_local": local(run.begin),
        "ended_local": local(run.end),
        "printed_start": clock.wall(run.begin).strftime(TIME),
        "printed_end": clock.wall(run.end).strftime(TIME),
        "zone": clock.zone,
        "complete": True,
        "therapy": run.prescription.therapy,
        "processed_plasma_ml": removed,
        "delivered_ml": round(float(run.loaded[-1]) / UNITS_PER_ML, 1) if run.removes_igg else None,
        "reported_ml": None,
        "readings": {"reported": None, "cycles": None, "counter": removed},
        "run_time_s": int(run.running.sum()),
        "blood_processed_ml": None,
        "ac_volume_ml": None,
        "cycles": [],
        "alarms": [_alarm(run, a) for a in run.alarms],
        "weight_kg": plan.patient.weight_kg,
        "hematocrit": plan.patient.hematocrit,
        "columns": [],
        "person": plan.patient.identifier,
    }


def _alarm(run: RenalRun, alarm: Alarm) -> dict[str, str | None]:
    """The log tells when an alarm began and not when it was over; its types have no published meaning."""
    group, kind = ALARMS[alarm.kind.kind]
    return {
        "code": f"{group}/{kind}",
        "kind": "other",
        "priority": PRIORITIES[group],
        "onset_local": run.plan.clock.true_local(alarm.onset).strftime(TIME),
        "cleared_local": None,
    }


LAYOUT = Layout(
    NAME,
    versions=("8.20", "5.10"),
    languages=LANGUAGES,
    device=Device("", "", "5d7f-", "8.20 V04R00"),
    treat=treat_renal,
    render=render,
    products=(),
    hung=0,
    therapies=(PLASMA_EXCHANGE, "CVVHDF", "CVVHD", "CVVH", "SCUF", "HP"),
)
