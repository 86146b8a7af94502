"""Messages of a device that reports by HL7: one report a minute and at every load, one message an alarm's sign."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from simulators.layouts import hl7_words as words
from simulators.numbers import decimal
from simulators.sampling import Samples, sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulators.incidents import Alarm
    from simulators.layouts.hl7_words import Term
    from simulators.treatment import Phase, Treatment

KEEP_ALIVE_SECONDS = 20
BEFORE = (-600, -300)


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    Attributes:
        second: when the machine sends it.
        segments: without their ends.
        counter: the plasma total on it [mL]; NaN if it is no report of the treatment.
        blood, anticoagulant: the totals on it [mL], as printed.
        cycle: the load it shows, from 1, or 0.
        position: the column it tells of.
        alarm: place of the alarm it begins, or -1; `alarm_end` likewise.
    """

    second: int
    segments: tuple[str, ...]
    control: str
    counter: float = float("nan")
    blood: float = float("nan")
    anticoagulant: float = float("nan")
    cycle: int = 0
    position: str = ""
    alarm: int = -1
    alarm_end: int = -1


def eui64(treatment: Treatment) -> str:
    """The machine's world-wide address."""
    return f"00A0C9FFFE{zlib.crc32(treatment.plan.device.serial.encode()) & 0xFFFFFF:06X}"


def therapy_id(treatment: Treatment) -> str:
    """Address and start time: the identity of the run."""
    return f"{eui64(treatment)}{treatment.plan.clock.wall(0):%Y%m%d%H%M%S}"


def messages(treatment: Treatment, hz: float) -> list[Message]:
    """All messages in the order they are sent."""
    sent = [*_reports(treatment, hz), *_alarms(treatment)]
    on = [m for m in sent if m.second <= 0 or any(a <= m.second <= b for a, b in treatment.powered)]
    ordered = sorted(on, key=lambda m: m.second)
    return [_numbered(treatment, number, message) for number, message in enumerate(ordered, start=1)]


def _numbered(treatment: Treatment, number: int, message: Message) -> Message:
    control = f"{eui64(treatment)[-6:]}{treatment.plan.clock.wall(0):%y%m%d%H%M}{number:05d}"
    head = message.segments[0].replace("|CONTROL|", f"|{control}|")
    return replace(message, segments=(head, *message.segments[1:]), control=control)


def stamp(treatment: Treatment, second: int) -> str:
    """Time with offset, as in MSH-7."""
    return f"{treatment.plan.clock.aware(second):%Y%m%d%H%M%S%z}"


def _head(treatment: Treatment, second: int, kind: str, profile: str) -> tuple[str, str]:
    plan = treatment.plan
    sender = f"{plan.device.model}^{eui64(treatment)}^EUI-64"
    head = f"MSH|^~\\&|{sender}||||{stamp(treatment, second)}||{kind}|CONTROL|P|2.6|||AL|NE||UNICODE UTF-8|||{profile}"
    typed = plan.typed_id
    if plan.troubles.second_patient and second > treatment.seconds // 2:
        typed = plan.troubles.second_patient
    machine = f"{plan.device.model}/{plan.device.serial}^^^^U"
    known = f"{typed}^^^HOSPITAL^MR~{machine}" if typed else machine
    return head, f"PID|||{known}||^^^^^^U"


def _order(treatment: Treatment, second: int, term: Term) -> str:
    plan = treatment.plan
    run = f"{therapy_id(treatment)}^{plan.device.model}^{eui64(treatment)}^EUI-64"
    return f"OBR|1||{run}|{term.coded}|||{stamp(treatment, second)}"


def _reports(treatment: Treatment, hz: float) -> Iterator[Message]:
    """Reports before, during and after the treatment."""
    for second in BEFORE:
        yield _report(treatment, second, "PRETX", None, -1)
    seconds = _moments(treatment, hz)
    s = sample(treatment, 1.0, from_start=True, forgets=False)
    places = np.searchsorted(s.seconds, seconds)
    for second, place in zip(seconds.tolist(), places.tolist(), strict=True):
        mode = "TX" if second < treatment.seconds else "POSTTX"
        yield _report(treatment, second, mode, s, place)


def _moments(treatment: Treatment, hz: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Every period, and where a load begins or is over, so that even a short one is seen."""
    changes = [second for load in treatment.loads for second in (load.start, load.end)]
    regular = np.arange(0, treatment.seconds, 1 / hz).astype(np.int64)
    return np.unique(np.concatenate([regular, np.array([*changes, treatment.seconds], np.int64)]))


def _report(treatment: Treatment, second: int, mode: str, s: Samples | None, place: int) -> Message:
    head, patient = _head(treatment, second, "ORU^R01^ORU_R01", words.REPORT_PROFILE)
    lines = [head, patient, _order(treatment, second, words.MACHINE)]
    device = treatment.plan.device
    values: list[tuple[Term, str, str]] = [
        (words.MACHINE, "", ""),
        (words.MODEL, device.model, ""),
        (words.MAKER, device.maker, ""),
        (words.SERIAL, device.serial, ""),
        (words.SOFTWARE, device.software, ""),
        (words.SYSTEM, "", ""),
        (words.TIME, stamp(treatment, second), "AMEAS"),
        (words.MODE, mode, "AMEAS"),
        (words.MODALITY, "HP", "MSET"),
    ]
    phase = _shown_phase(treatment, second) if s else None
    if s is not None:
        values += _values(treatment, second, s, place)
        values += _column(treatment, second, phase) if phase else []
    time = stamp(treatment, second)
    lines += [observation(n, term, value, how, time) for n, (term, value, how) in enumerate(values, start=1)]
    load = phase.cycle if phase and phase.kind == "load" else 0
    message = Message(second, tuple(lines), "", cycle=load, position=phase.position if phase else "")
    if s is None:
        return message
    blood, anticoagulant = (
        float(s.blood[place]),
        float(decimal(s.blood[place] / (treatment.plan.ratio - 1), 0)),
    )
    return replace(message, counter=float(s.plasma[place]), blood=round(blood), anticoagulant=anticoagulant)


def observation(number: int, term: Term, value: str, how: str, time: str, flags: str = "") -> str:
    """One OBX."""
    status = "R" if value else "X"
    return f"OBX|{number}|{term.kind}|{term.coded}|{term.path}|{value}|{term.units}||{flags}|||{status}|||{time}|||{how}"


def _values(treatment: Treatment, second: int, s: Samples, place: int) -> list[tuple[Term, str, str]]:
    plan = treatment.plan
    ac_rate = s.blood_flow[place] / (plan.ratio - 1) * 60
    return [
        (words.THERAPY_TIME, str(second // 60), "AMEAS"),
        (words.AC_NAME, "ACD-A", "MSET"),
        (words.AC_MODE, "RATIO", "MSET"),
        (words.AC_RATE, decimal(ac_rate, 0), "AMEAS"),
        (words.AC_DELIVERED, decimal(s.blood[place] / (plan.ratio - 1), 0), "AMEAS"),
        (words.BLOOD_SETTING, decimal(plan.blood_flow, 0), "MSET"),
        (words.BLOOD_FLOW, decimal(s.blood_flow[place], 1), "AMEAS"),
        (words.ARTERIAL, decimal(s.access[place], 0), "AMEAS"),
        (words.VENOUS, decimal(s.back[place], 0), "AMEAS"),
        (words.BLOOD_TOTAL, decimal(s.blood[place] / 1000, 3), "AMEAS"),
        (words.HEMATOCRIT, decimal(plan.patient.hematocrit * 100, 0), "MMEAS"),
        (words.TMP, decimal(s.tmp[place], 0), "AMEAS"),
        (words.WEIGHT, decimal(plan.patient.weight_kg, 1), "MMEAS"),
        (words.PLASMA_FLOW, decimal(s.plasma_flow[place], 1), "AMEAS"),
        (words.PLASMA_TOTAL, decimal(s.plasma[place], 1), "AMEAS"),
        (words.COLUMN_PRESSURE, decimal(s.column[place], 0), "AMEAS"),
        (words.ELUATE_PH, decimal(s.ph[place], 2), "AMEAS"),
    ]


def _shown_phase(treatment: Treatment, second: int) -> Phase | None:
    """The column that is loaded; if none is, the one whose phase began last."""
    running = [p for p in treatment.phases if p.start <= second < p.end]
    loads = [p for p in running if p.kind == "load"]
    shown = loads or running
    return shown[-1] if shown else None


def _column(treatment: Treatment, second: int, phase: Phase) -> list[tuple[Term, str, str]]:
    hung = [c for c in treatment.columns if c.position == phase.position and c.since <= second]
    column = (hung or [c for c in treatment.columns if c.position == phase.position])[-1].column
    return [
        (words.CYCLE, str(phase.cycle), "AMEAS"),
        (words.POSITION, phase.position, "AMEAS"),
        (words.PHASE, phase.kind, "AMEAS"),
        (words.COLUMN_SERIAL, column.serial, "MSET"),
        (words.COLUMN_PRODUCT, column.product.name, "MSET"),
    ]


def _alarms(treatment: Treatment) -> Iterator[Message]:
    repeat = treatment.plan.troubles.keep_alives or KEEP_ALIVE_SECONDS
    for place, alarm in enumerate(treatment.alarms):
        over = treatment.seconds if alarm.cleared is None else alarm.cleared
        yield _sign(treatment, alarm, alarm.onset, "start", place)
        for second in range(alarm.onset + repeat, over, repeat):
            yield _sign(treatment, alarm, second, "continue")
        if alarm.cleared is not None:
            yield _sign(treatment, alarm, alarm.cleared, "end", place)


def _sign(treatment: Treatment, alarm: Alarm, second: int, phase: str, place: int = -1) -> Message:
    told = words.ALARMS[alarm.kind.kind]
    head, patient = _head(treatment, second, "ORU^R40^ORU_R40", words.ALARM_PROFILE)
    time, path = stamp(treatment, second), told.source.path
    seen = alarm.acknowledged is not None and second >= alarm.acknowledged
    first = f"OBX|1|CWE|{told.event.coded}|{path}|{told.source.coded}|||{told.flags}|||R|||{time}|||AMEAS"
    measured = "" if told.measured is None else decimal(told.measured, 0)
    lines = [head, patient, _order(treatment, second, words.ALARM), first]
    lines.append(observation(2, told.source, measured, "AMEAS", time))
    states = (
        (words.EVENT_PHASE, phase),
        (words.ALARM_STATE, "inactive" if phase == "end" else "active"),
        (words.INACTIVATION, "alert-acknowledged" if seen else "enabled"),
    )
    for number, (term, value) in enumerate(states, start=3):
        lines.append(f"OBX|{number}|ST|{term.coded}|{path}|{value}||||||R|||{time}")
    return Message(
        second,
        tuple(lines),
        "",
        alarm=place if phase == "start" else -1,
        alarm_end=place if phase == "end" else -1,
    )
