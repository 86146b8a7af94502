"""`twin-column-report`: sectioned text, CP1252, decimal comma, German or English words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from simulators.clock import time_texts
from simulators.export import Export
from simulators.layout import Cells, Layout
from simulators.numbers import decimal, decimals
from simulators.page import Marks, Page, joined
from simulators.plan import Device
from simulators.sampling import sample
from simulators.treatment import LOAD
from simulators.truth import Shown, truth_of
from simulators.twin_column import treat_twin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulators.layout import Style
    from simulators.sampling import Samples
    from simulators.treatment import Treatment

NAME = "twin-column-report"
LANGUAGES = ("de", "en")


@dataclass(frozen=True, slots=True)
class _Words:
    head: tuple[str, ...]
    sections: tuple[str, ...]
    columns: str
    cycles: str
    alarms: str
    samples: str
    plasma_flow: str
    totals: tuple[str, ...]
    status: tuple[str, str]
    end: str


_WORDS = {
    "de": _Words(
        (
            *("Gerät", "Seriennummer", "Software", "Behandlung", "Patient"),
            *("Beginn", "Ende", "Gewicht kg", "Hämatokrit %"),
        ),
        ("[Säulen]", "[Zyklen]", "[Alarme]", "[Messwerte]", "[Summe]"),
        "Position;Produkt;Seriennummer;Charge;Anwendung;Verfall",
        "Nr;Säule;Phase;Beginn;Ende;Volumen ml;Status",
        "Zeit;Code;Klasse;Text;Ende;Quittiert",
        "Zeit;QB;QP;PA;PV;PS;pH;T;VP",
        "Plasmafluss",
        ("Plasmavolumen ml", "Blutvolumen ml", "Antikoagulans ml", "Zyklen"),
        ("ok", "Abbruch"),
        "#ENDE",
    ),
    "en": _Words(
        (
            *("Device", "Serial number", "Software", "Treatment", "Patient"),
            *("Start", "End", "Weight kg", "Hematocrit %"),
        ),
        ("[Columns]", "[Cycles]", "[Alarms]", "[Samples]", "[Totals]"),
        "Position;Product;Serial number;Lot;Use;Expiry",
        "No;Column;Phase;Start;End;Volume ml;Status",
        "Time;Code;Class;Text;End;Acknowledged",
        "Time;QB;QP;PA;PV;PS;pH;T;VP",
        "Plasma flow",
        ("Plasma volume ml", "Blood volume ml", "Anticoagulant ml", "Cycles"),
        ("ok", "aborted"),
        "#END",
    ),
}
_PHASES = {
    "prime": ("Füllen", "Priming"),
    "load": ("Beladung", "Loading"),
    "plasma_return": ("Plasmarückgabe", "Plasma return"),
    "elute": ("Elution", "Elution"),
    "neutralise": ("Neutralisation", "Neutralisation"),
    "recondition": ("Rekonditionierung", "Reconditioning"),
    "switch": ("Umschaltung", "Switching"),
    "rinseback": ("Rückgabe", "Rinseback"),
}
_DATE_TIME = "%d.%m.%Y %H:%M:%S"


def render(treatments: Sequence[Treatment], style: Style) -> Export:
    """One file with one or more treatments."""
    plan = treatments[0].plan
    name = f"TC_{plan.device.serial}_{plan.run}.txt"
    page = joined([report(t, style) for t in treatments], name)
    shown = Shown(loads=True, status=style.version != "2.0")
    truths = tuple(
        truth_of(t, replace(shown, reported_ml=t.plasma_ml, counter=m.counter))
        for t, m in zip(treatments, page.marks, strict=True)
    )
    return Export(NAME, (replace(page, encoding="cp1252", seal=seal),), truths)


def report(treatment: Treatment, style: Style) -> Page:
    """One treatment, from `#TCR` to the end mark."""
    words, samples = _WORDS[style.language], sample(treatment, style.hz)
    parts = [
        [f"#TCR {style.version}", *_head(treatment, words.head)],
        [words.sections[0], words.columns, *_columns(treatment)],
        [words.sections[1], *_cycles(treatment, words, style)],
        [words.sections[2], words.alarms, *_alarms(treatment, style.language)],
        [words.sections[3], *_samples(treatment, samples, words, style)],
        [words.sections[4], *_totals(treatment, words.totals)],
    ]
    lines = [line for part in parts for line in part]
    begins = [0, *accumulate(len(part) for part in parts)]
    loads = [begins[2] + 2 + i for i, p in enumerate(treatment.phases) if p.kind == LOAD]
    marks = Marks(
        known=7,
        samples=np.arange(begins[4] + 2, begins[5]),
        counter=samples.plasma,
        loads=tuple(loads),
        load_ends=tuple(loads),
        alarms=tuple(range(begins[3] + 2, begins[4])),
        stop=7,
        reported=begins[5] + 1,
        totals=begins[5] + 3,
        end=len(lines),
    )
    return Page("", (*lines, f"{words.end};"), (marks,), seal=seal)


def seal(page: Page) -> tuple[str, ...]:
    """Put the count of lines into every end mark."""
    lines, first = list(page.lines), 0
    for place, line in enumerate(lines):
        if line.startswith("#TCR "):
            first = place
        elif line.startswith(("#ENDE;", "#END;")):
            lines[place] = f"{line.partition(';')[0]};{place - first}"
    return tuple(lines)


def _head(treatment: Treatment, keys: tuple[str, ...]) -> list[str]:
    plan, clock = treatment.plan, treatment.plan.clock
    values = (
        plan.device.model,
        plan.device.serial,
        plan.device.software,
        plan.run,
        plan.typed_id,
        clock.wall(0).strftime(_DATE_TIME),
        clock.wall(treatment.seconds).strftime(_DATE_TIME),
        decimal(plan.patient.weight_kg, 1, ","),
        decimal(plan.patient.hematocrit * 100, 0),
    )
    return [f"{key};{value}" for key, value in zip(keys, values, strict=True)]


def _columns(treatment: Treatment) -> list[str]:
    lines = []
    for hung in treatment.columns:
        column = hung.column
        values = (hung.position, column.product.name, column.serial, column.lot, str(column.use))
        lines.append(";".join((*values, f"{column.expiry:%d.%m.%Y}")))
    return lines


def _cycles(treatment: Treatment, words: _Words, style: Style) -> list[str]:
    shows_status = style.version != "2.0"
    lines = [words.cycles if shows_status else words.cycles.rsplit(";", 1)[0]]
    clock = treatment.plan.clock
    for phase in treatment.phases:
        word = _PHASES[phase.kind][LANGUAGES.index(style.language)]
        times = f"{clock.wall(phase.start):%H:%M:%S};{clock.wall(phase.end):%H:%M:%S}"
        line = f"{phase.cycle};{phase.position};{word};{times};{decimal(phase.volume_ml, 1, ',')}"
        lines.append(f"{line};{words.status[0 if phase.completed else 1]}" if shows_status else line)
    return lines


def _alarms(treatment: Treatment, language: str) -> list[str]:
    clock = treatment.plan.clock

    def time(second: int | None) -> str:
        return "---" if second is None else f"{clock.wall(second):%H:%M:%S}"

    return [
        f"{time(a.onset)};{a.kind.code};{a.kind.klass};{a.kind.text(language)};"
        f"{time(a.cleared)};{time(a.acknowledged)}"
        for a in treatment.alarms
    ]


def _samples(treatment: Treatment, s: Samples, words: _Words, style: Style) -> list[str]:
    header = words.samples
    if style.version == "2.0":
        header = header.replace(";QP;", f";{words.plasma_flow};")
    columns = (
        time_texts(treatment.plan.clock.walls(s.seconds)),
        decimals(s.blood_flow, 1, ","),
        decimals(s.plasma_flow, 1, ","),
        decimals(s.access, 0),
        decimals(s.back, 0),
        decimals(s.column, 0),
        decimals(s.ph, 2, ","),
        decimals(s.temperature, 1, ","),
        decimals(s.plasma, 1, ","),
    )
    return [header, *map(";".join, zip(*columns, strict=True))]


def _totals(treatment: Treatment, keys: tuple[str, ...]) -> list[str]:
    values = (
        decimal(treatment.plasma_ml, 1, ","),
        decimal(treatment.blood_ml, 0),
        decimal(treatment.anticoagulant_ml, 0),
        str(len(treatment.loads)),
    )
    return [f"{key};{value}" for key, value in zip(keys, values, strict=True)]


LAYOUT = Layout(
    NAME,
    versions=("2.1", "2.0"),
    languages=LANGUAGES,
    device=Device("", "AdsorptionsMonitor TC-2", "AM-", "3.20"),
    treat=treat_twin,
    render=render,
    holds_many=True,
    cells=Cells(";", ",", flow=2, counter=8, load=5),
    checksum=True,
    counts_lines=True,
)
