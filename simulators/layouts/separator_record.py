"""`separator-record`: the XML of a centrifugal separator, totals and alarm events without samples."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from simulators.export import Export
from simulators.layout import Dose, Layout
from simulators.numbers import decimal
from simulators.page import Marks, Page
from simulators.plan import Device
from simulators.single_column import treat_separator
from simulators.truth import Shown, truth_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulators.incidents import Alarm
    from simulators.layout import Style
    from simulators.treatment import Treatment

NAME = "separator-record"
NAMESPACE = "urn:apherelog:separator-record:1"
REPEAT_SECONDS = 30


def render(treatments: Sequence[Treatment], _style: Style) -> Export:
    """The record of one procedure."""
    (treatment,) = treatments
    plan = treatment.plan
    lines = [*_head(treatment), *_totals(treatment), *_settings(treatment)]
    reported = next(line for line, text in enumerate(lines) if "plasmaRemoved" in text)
    events, first, last = _events(treatment)
    marks = Marks(
        known=4,
        stop=1,
        reported=reported,
        totals=reported + 1,
        alarms=tuple(len(lines) + 1 + line for line in first),
        alarm_ends=tuple(len(lines) + 1 + line if line >= 0 else line for line in last),
        end=len(lines) + len(events) + 2,
    )
    lines += ["  <Events>", *events, "  </Events>", "</Procedure>"]
    page = Page(f"{plan.device.serial}_{plan.run}.xml", tuple(lines), (marks,), newline="\n")
    shown = Shown(reported_ml=treatment.plasma_ml, body=False, columns=False)
    truth = truth_of(treatment, shown) | {"role": "separator"}
    return Export(NAME, (page,), (truth,))


def _stamp(treatment: Treatment, second: int) -> str:
    return treatment.plan.clock.aware(second).isoformat(timespec="seconds")


def _head(treatment: Treatment) -> list[str]:
    plan, device = treatment.plan, treatment.plan.device
    start, end = _stamp(treatment, 0), _stamp(treatment, treatment.seconds)
    made_by = (
        f"maker={quoteattr(device.maker)} model={quoteattr(device.model)}"
        f" serial={quoteattr(device.serial)} software={quoteattr(device.software)}"
    )
    return [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<Procedure xmlns="{NAMESPACE}" id={quoteattr(plan.run)} start="{start}" end="{end}">',
        f"  <Device {made_by}/>",
        f"  <Patient id={quoteattr(plan.typed_id)}/>",
    ]


def _totals(treatment: Treatment) -> list[str]:
    plan = treatment.plan
    anticoagulant = round(treatment.anticoagulant_ml)
    inlet = round(treatment.blood_ml) + anticoagulant
    water = treatment.blood_ml * (1 - plan.patient.hematocrit) + treatment.anticoagulant_ml
    stays = treatment.anticoagulant_ml * max(0.0, 1 - treatment.plasma_ml / water)
    values = (
        ("inletProcessed", decimal(inlet, 0)),
        ("plasmaRemoved", decimal(treatment.plasma_ml, 1)),
        ("acUsed", decimal(anticoagulant, 0)),
        ("acToPatient", decimal(stays, 0)),
    )
    lines = [f'    <{name} unit="mL">{value}</{name}>' for name, value in values]
    return ["  <Totals>", *lines, f"    <ratio>{decimal(plan.ratio, 0)}</ratio>", "  </Totals>"]


def _settings(treatment: Treatment) -> list[str]:
    plan = treatment.plan
    inlet = plan.blood_flow * plan.ratio / (plan.ratio - 1)
    settings = (("inletFlow", decimal(inlet, 0)), ("plasmaFlow", decimal(plan.plasma_flow, 1)))
    lines = [
        f'    <Setting name="{name}" unit="mL/min">{escape(value)}</Setting>' for name, value in settings
    ]
    return ["  <Settings>", *lines, "  </Settings>"]


def _events(treatment: Treatment) -> tuple[list[str], list[int], list[int]]:
    """Events in order of time, and the places of each alarm's first and last one."""
    repeat = treatment.plan.troubles.keep_alives or REPEAT_SECONDS
    events: list[tuple[int, int, str, Alarm]] = []
    for place, alarm in enumerate(treatment.alarms):
        over = treatment.seconds if alarm.cleared is None else alarm.cleared
        events.append((alarm.onset, place, "start", alarm))
        events += [(s, place, "continue", alarm) for s in range(alarm.onset + repeat, over, repeat)]
        if alarm.cleared is not None:
            events.append((alarm.cleared, place, "end", alarm))
    events.sort(key=lambda e: (e[0], e[1]))
    lines = [
        f'    <Event time="{_stamp(treatment, second)}" code="{alarm.kind.code}"'
        f' priority="{alarm.kind.priority}" phase="{phase}"/>'
        for second, _, phase, alarm in events
    ]
    starts = {place: line for line, (_, place, phase, _) in enumerate(events) if phase == "start"}
    ends = {place: line for line, (_, place, phase, _) in enumerate(events) if phase == "end"}
    places = sorted(starts)
    return lines, [starts[place] for place in places], [ends.get(place, -1) for place in places]


LAYOUT = Layout(
    NAME,
    versions=("1",),
    languages=("de", "en"),
    device=Device("Northbrook", "CF-9", "CF-", "7.14"),
    treat=treat_separator,
    render=render,
    hung=0,
    products=(),
    dose=Dose((1.0, 2.2), (15, 40)),
)
