"""`prismaflex`: the treatment log of a bedside machine, as one `.LOX` (software 8.x) or three texts (5.x)."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from simulators.export import Export
from simulators.layout import Layout
from simulators.layouts.lox import packed, remains, side_members
from simulators.layouts.prismaflex_events import SETS, entries
from simulators.layouts.prismaflex_words import ALARMS, LANGUAGE_NAMES, LANGUAGES, PRIORITIES
from simulators.numbers import decimals
from simulators.page import Marks, Page
from simulators.plan import Device
from simulators.pumps import UNITS_PER_ML
from simulators.renal import FLUIDS, PLASMA_EXCHANGE, RenalRun, treat_renal
from simulators.truth import TIME, counter_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from simulators.export import Members
    from simulators.incidents import Alarm
    from simulators.layout import Style
    from simulators.pumps import Units
    from simulators.truth import SessionTruth

    Stamp = Callable[[datetime], str]

NAME = "prismaflex"
EVENTS = "Index;Time;Class(cod);Class;Type(cod);Type;Sample(cod);Sample;ExcessPtFluidLoss/Gain"
PRESSURES = "Index;Time;ACCESS_PRESSURE;FILTER_PRESSURE;EFFLUENT_PRESSURE;RETURN_PRESSURE;ARPS_PRESSURE"
SAMPLES = (
    "Index;Time;RUN_TIME;POST_INFUSION;PRE_INFUSION;DIALYSATE;EFFLUENT;PREBLOOD_INF;SYRINGE_INF;"
    "EXCESS_PT_FLUID;PUMP1;PUMP2;PUMP3;PUMP4"
)
OLD_EVENTS = "Index;Time;ClassCod;Class;TypeCod;Type;SampleCod;Sample;Fluid"
OLD_PRESSURES = "index;time;access;filter;effl;return;arps"
OLD_SAMPLES = (
    "index;time;runtime;postinf;preinf;dialysate;effluent;prebloodinf;syringeinf;"
    "excessfluid;pumpone;pumptwo;pumpthree;pumpfour"
)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def render(runs: Sequence[RenalRun], style: Style) -> Export:
    """The log of one treatment."""
    (run,) = runs
    stem, minutes = stem_of(run), _minutes(run)
    volumes = _volumes(run, minutes)
    truth = _truth(run, volumes["effluent"], shows_software=style.version.startswith("8"))
    if style.version.startswith("5"):
        pages = _old_pages(run, minutes, volumes, style, stem)
        return Export(NAME, pages, (truth,))

    def pack(members: Members) -> Members:
        return {f"{stem}.LOX": packed(members)}

    head = _head(run, style)
    pages = (
        _events(run, [*head, *_calibration(run), EVENTS], f"{stem}.PLE", style, _iso),
        _pressures(run, minutes, [*head, "", PRESSURES], f"{stem}.PLP", _iso),
        _samples(run, minutes, volumes, [*head, "", f"{SAMPLES};"], f"{stem}.PLS", _iso),
    )
    return Export(NAME, pages, (truth,), side_members(run, stem, head), pack, remains)


def _old_pages(
    run: RenalRun, minutes: Units, volumes: dict[str, Units], style: Style, stem: str
) -> tuple[Page, ...]:
    head = _head(run, style)[:1]
    return (
        _events(run, [*head, OLD_EVENTS], f"{stem}E.TXT", style, _c_locale),
        _pressures(run, minutes, [*head, OLD_PRESSURES], f"{stem}P.TXT", _c_locale),
        _samples(run, minutes, volumes, [*head, OLD_SAMPLES], f"{stem}S.TXT", _c_locale),
    )


def stem_of(run: RenalRun) -> str:
    """Eight characters that all members of one treatment share."""
    key = f"{run.plan.device.serial} {run.plan.clock.start.isoformat()}"
    return f"{zlib.crc32(key.encode()):08X}"


def _iso(wall: datetime) -> str:
    return f"{wall:%Y-%m-%d %H:%M:%S}"


def _c_locale(wall: datetime) -> str:
    return f"{_DAYS[wall.weekday()]} {_MONTHS[wall.month - 1]} {wall.day:2d} {wall:%H:%M:%S %Y}"


def _head(run: RenalRun, style: Style) -> list[str]:
    device = run.plan.device
    mark = zlib.crc32(device.serial.encode())
    return [
        f"MonitorID: {device.serial};",
        f"SW VERSION: {device.software};",
        f"Language: {LANGUAGE_NAMES[style.language]};",
        f"Language Version: {style.language.upper()} 8.20.03;",
        f"Fingerprint: {mark:08X}-{mark ^ 0xA5A5A5A5:08X};",
    ]


def _calibration(run: RenalRun) -> list[str]:
    """The set and the tables between the head and the column row, which stands on line 27."""
    rng = run.plan.rng("calibration")
    scales = [
        f"Scale {n};gain {1 + rng.normal(0, 0.002):.5f};offset {rng.integers(-40, 40)};" for n in range(1, 5)
    ]
    pods = [f"Pod {n};{rng.integers(-3, 4)};{rng.integers(980, 1020)};" for n in range(1, 14)]
    return [
        f"Set Id: {SETS.get(run.prescription.therapy, 'ST100')};",
        "CALIBRATION;",
        *scales,
        "PRESSURES;",
        *pods,
        "",
    ]


def _minutes(run: RenalRun) -> Units:
    """Seconds of the rows: full minutes of the clock, from a little before the run, while there was power."""
    past = run.plan.clock.wall(0).second
    first = (60 - past) % 60 + max(0, run.begin // 60 - 3) * 60
    rows = np.arange(first, run.end + 60, 60)
    rows = rows[rows <= run.seconds]
    on = np.zeros(len(rows), bool)
    for start, end in run.powered:
        on |= (rows >= start) & (rows <= end)
    return rows[on]


def _volumes(run: RenalRun, minutes: Units) -> dict[str, Units]:
    """Whole mL, as printed, and what the patient lost too much or too little by the printed numbers."""
    shown = {name: np.rint(volume[minutes]).astype(np.int64) for name, volume in run.volumes.items()}
    given = sum(shown[name] for name in FLUIDS if name != "effluent")
    prescribed = run.prescription.removal * run.run_time(minutes) / 3600
    return shown | {"excess": np.rint(prescribed - (shown["effluent"] - given)).astype(np.int64)}


def _events(run: RenalRun, head: list[str], name: str, style: Style, stamp: Stamp) -> Page:
    listed = entries(run)
    excess = _volumes(run, np.array([e.second for e in listed]))["excess"]
    lines = []
    for index, entry in enumerate(listed, start=1):
        group, group_text, kind, kind_text, code, sample = entry.cells(style.language)
        cells = (
            f"{index:4d}",
            stamp(run.plan.clock.wall(entry.second)),
            f"{group:>4}",
            group_text,
            f"{kind:>4}",
        )
        lines.append(";".join((*cells, kind_text, f"{code:>6}", sample, f"{excess[index - 1]:5d}")))
    first = len(head)
    alarms = tuple(first + place for place, e in enumerate(listed) if e.alarm >= 0)
    end = next(first + place for place, e in enumerate(listed) if e.key == (8, 21))
    started = next(first + place for place, e in enumerate(listed) if e.key == (8, 16))
    marks = Marks(known=started + 1, alarms=alarms, alarm_ends=(-1,) * len(alarms), stop=end, end=end)
    return Page(name, (*head, *lines), (marks,), "utf-16-le", b"\xff\xfe", "\n", ends_with_newline=False)


def _pressures(run: RenalRun, minutes: Units, head: list[str], name: str, stamp: Stamp) -> Page:
    rng, n = run.plan.rng("pressures"), len(minutes)
    flow = run.running[np.minimum(minutes, run.seconds - 1)] * run.prescription.blood_ml_min
    age = minutes / max(run.seconds, 1)
    columns = (
        -(12 + 0.55 * flow) + rng.normal(0, 4, n),
        20 + flow * (0.7 + 0.35 * age) + rng.normal(0, 4, n),
        10 + flow * (0.1 - 0.2 * age) + rng.normal(0, 4, n),
        15 + 0.45 * flow + rng.normal(0, 4, n),
        rng.normal(4, 2, n),
    )
    return _rows(run, minutes, head, name, [decimals(c, 0) for c in columns], stamp)


def _samples(
    run: RenalRun, minutes: Units, volumes: dict[str, Units], head: list[str], name: str, stamp: Stamp
) -> Page:
    ordered, turning = run.prescription, run.running[np.minimum(minutes, run.seconds - 1)]
    order = (
        "post_infusion",
        "pre_infusion",
        "dialysate",
        "effluent",
        "preblood_infusion",
        "syringe",
        "excess",
    )
    pumps = (ordered.effluent, ordered.preblood_infusion, ordered.dialysate, ordered.post_infusion)
    columns = [decimals(run.run_time(minutes), 0), *(decimals(volumes[name], 0) for name in order)]
    columns += [decimals(np.rint(rate * turning), 0) for rate in pumps]
    page = _rows(run, minutes, head, name, columns, stamp)
    if ordered.therapy != PLASMA_EXCHANGE:
        return page
    return replace(page, marks=(replace(page.marks[0], counter=volumes["effluent"].astype(np.float64)),))


def _rows(
    run: RenalRun, minutes: Units, head: list[str], name: str, columns: list[list[str]], stamp: Stamp
) -> Page:
    """A member with one row a minute; cells are padded to five characters."""
    times = [stamp(run.plan.clock.wall(int(second))) for second in minutes]
    cells = zip(*columns, strict=True)
    lines = [
        ";".join((f"{index:4d}", time, *(f"{cell:>5}" for cell in row)))
        for index, (time, row) in enumerate(zip(times, cells, strict=True), start=1)
    ]
    first = len(head)
    marks = Marks(samples=np.arange(first, first + len(lines)), end=first + len(lines) - 1)
    return Page(name, (*head, *lines), (marks,), "ascii", b"", "\n", ends_with_newline=False)


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
