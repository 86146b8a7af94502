"""`twin-column-report`: sectioned text, CP1252, decimal comma, German or English words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulators.clock import time_texts
from simulators.export import Export
from simulators.numbers import decimal, decimals
from simulators.plan import Device
from simulators.sampling import sample
from simulators.schedule import Order, schedule
from simulators.truth import truth_of
from simulators.twin_column import treat_twin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulators.treatment import Treatment
    from simulators.truth import SessionTruth

NAME = "twin-column-report"
VERSIONS = ("2.1", "2.0")
LANGUAGES = ("de", "en")
DEVICE = Device("AdsorptionsMonitor", "AdsorptionsMonitor TC-2", "AM-", "3.20")


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


def exports(order: Order) -> Iterator[Export]:
    """`order.sessions` files, each with `order.per_file` treatments."""
    version = order.version or VERSIONS[0]
    group: list[Treatment] = []
    for plan in schedule(order, DEVICE):
        group.append(treat_twin(plan))
        if len(group) == order.per_file:
            yield _file(group, version, order)
            group = []


def _file(group: list[Treatment], version: str, order: Order) -> Export:
    lines = [line for t in group for line in report(t, version, order.language, order.hz)]
    plan = group[0].plan
    name = f"TC_{plan.device.serial}_{plan.run}.txt"
    content = "".join(f"{line}\r\n" for line in lines).encode("cp1252")
    return Export(NAME, {name: content}, tuple(_truth(t) for t in group))


def _truth(treatment: Treatment) -> SessionTruth:
    return truth_of(treatment, treatment.plasma_ml)


def report(treatment: Treatment, version: str, language: str, hz: float) -> list[str]:
    """Lines of one treatment, from `#TCR` to the end mark."""
    words = _WORDS[language]
    lines = [f"#TCR {version}", *_head(treatment, words.head)]
    lines += [words.sections[0], words.columns, *_columns(treatment)]
    lines += [words.sections[1], *_cycles(treatment, words, language, version)]
    lines += [words.sections[2], words.alarms, *_alarms(treatment, language)]
    lines += [words.sections[3], *_samples(treatment, words, version, hz)]
    lines += [words.sections[4], *_totals(treatment, words.totals)]
    return [*lines, f"{words.end};{len(lines)}"]


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


def _cycles(treatment: Treatment, words: _Words, language: str, version: str) -> list[str]:
    shows_status = version != "2.0"
    lines = [words.cycles if shows_status else words.cycles.rsplit(";", 1)[0]]
    clock = treatment.plan.clock
    for phase in treatment.phases:
        word = _PHASES[phase.kind][LANGUAGES.index(language)]
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


def _samples(treatment: Treatment, words: _Words, version: str, hz: float) -> list[str]:
    header = words.samples
    if version == "2.0":
        header = header.replace(";QP;", f";{words.plasma_flow};")
    s = sample(treatment, hz)
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
