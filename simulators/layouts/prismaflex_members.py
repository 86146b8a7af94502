"""The members of a bedside machine's log that tell of the treatment: events, pressures, volumes."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from simulators.layouts.prismaflex_events import SETS, entries
from simulators.layouts.prismaflex_words import LANGUAGE_NAMES
from simulators.numbers import decimals
from simulators.page import Marks, Page
from simulators.renal import FLUIDS, PLASMA_EXCHANGE

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from simulators.layout import Style
    from simulators.pumps import Units
    from simulators.renal import RenalRun

    Stamp = Callable[[datetime], str]

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


def iso(wall: datetime) -> str:
    """A time as software 8.x prints it."""
    return f"{wall:%Y-%m-%d %H:%M:%S}"


def c_locale(wall: datetime) -> str:
    """A time as software 5.x prints it."""
    return f"{_DAYS[wall.weekday()]} {_MONTHS[wall.month - 1]} {wall.day:2d} {wall:%H:%M:%S %Y}"


def head_of(run: RenalRun, style: Style) -> list[str]:
    """The lines that all members begin with."""
    device = run.plan.device
    mark = zlib.crc32(device.serial.encode())
    return [
        f"MonitorID: {device.serial};",
        f"SW VERSION: {device.software};",
        f"Language: {LANGUAGE_NAMES[style.language]};",
        f"Language Version: {style.language.upper()} 8.20.03;",
        f"Fingerprint: {mark:08X}-{mark ^ 0xA5A5A5A5:08X};",
    ]


def calibration(run: RenalRun) -> list[str]:
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


def minutes_of(run: RenalRun) -> Units:
    """Seconds of the rows: full minutes of the clock, from a little before the run, while there was power."""
    past = run.plan.clock.wall(0).second
    first = (60 - past) % 60 + max(0, run.begin // 60 - 3) * 60
    rows = np.arange(first, run.end + 60, 60)
    rows = rows[rows <= run.seconds]
    on = np.zeros(len(rows), bool)
    for start, end in run.powered:
        on |= (rows >= start) & (rows <= end)
    return rows[on]


def volumes_of(run: RenalRun, minutes: Units) -> dict[str, Units]:
    """Whole mL, as printed, and what the patient lost too much or too little by the printed numbers."""
    shown = {name: np.rint(volume[minutes]).astype(np.int64) for name, volume in run.volumes.items()}
    given = sum(shown[name] for name in FLUIDS if name != "effluent")
    prescribed = run.prescription.removal * run.run_time(minutes) / 3600
    return shown | {"excess": np.rint(prescribed - (shown["effluent"] - given)).astype(np.int64)}


def events(run: RenalRun, head: list[str], name: str, style: Style, stamp: Stamp) -> Page:
    """Events, settings and alarms; the page knows where the run begins and ends."""
    listed = entries(run)
    excess = volumes_of(run, np.array([e.second for e in listed]))["excess"]
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


def pressures(run: RenalRun, minutes: Units, head: list[str], name: str, stamp: Stamp) -> Page:
    """Pressures, one row a minute."""
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


def samples(
    run: RenalRun, minutes: Units, volumes: dict[str, Units], head: list[str], name: str, stamp: Stamp
) -> Page:
    """Volumes and pumps, one row a minute; the plasma counter is marked where there is one."""
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
