"""The folder that a clinic, or a registry of clinics, left behind: exports of all years, good and damaged.

Written centre by centre, session by session: memory holds one centre's diary and one export.
"""

from __future__ import annotations

import csv
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from simulators.clinic import Appointment, Clinic, Ward, appointments, people
from simulators.eras import SEPARATOR
from simulators.export import Folder, Written
from simulators.faults import CONTRADICTING, FAULTS, Fault
from simulators.igg import Laboratory
from simulators.layout import Style
from simulators.plan import Device
from simulators.simulation import at_bedside, exported

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from simulators.plan import Plan
    from simulators.truth import SessionTruth

NAME = "archive"
LAST_DAY = date(2021, 9, 24)
SYSTEM = "hospital"
# Share of exports to which each thing happens, where the layout lets it.
MISHAPS = (
    ("cut", 0.02),
    ("re-export", 0.02),
    ("same-again", 0.015),
    ("contradicting-re-export", 0.004),
    ("typed-wrong", 0.02),
    ("no-patient", 0.02),
    ("machine-as-patient", 0.01),
    ("power-failure", 0.01),
    ("column-change", 0.01),
    ("clock-back", 0.004),
    ("flipped-digit", 0.004),
    ("wrong-checksum", 0.004),
    ("counter-reset", 0.005),
    ("unknown-alarm", 0.01),
    ("missing-member", 0.005),
    ("unknown-column", 0.002),
)
# A row retyped by hand has no checksum to break and no power to lose.
BY_HAND = {"typed-wrong", "no-patient", "unknown-alarm"}
# What befalls the separator beside an adsorber as well: the same hands, the same socket, the same firmware.
SEEN_BY_BOTH = {"typed-wrong", "no-patient", "machine-as-patient", "unknown-alarm", "power-failure"}
PATIENT_COLUMNS = ("system", "identifier", "sex", "birth")
MEASUREMENT_COLUMNS = ("system", "identifier", "kind", "value", "unit", "at")


@dataclass(frozen=True, slots=True)
class ArchiveOrder:
    """What is asked for: one clinic, or `centres` of them that share patients and sessions evenly.

    Attributes:
        trouble: how many times as often as usual an export is damaged or sent again.
    """

    seed: int
    years: float
    patients: int
    sessions: int
    centres: int = 1
    zone: str = "Europe/Vienna"
    trouble: float = 1.0

    def clinics(self) -> Iterator[Clinic]:
        """Each clinic with its part."""
        first = date.fromordinal(LAST_DAY.toordinal() - round(self.years * 365.25))
        for number in range(self.centres):
            yield Clinic(
                seed=self.seed,
                number=number,
                patients=max(1, _part(self.patients, self.centres, number)),
                sessions=_part(self.sessions, self.centres, number),
                begin=first,
                end=LAST_DAY,
                zone=self.zone,
                folder=f"centre-{number + 1:02d}/" if self.centres > 1 else "",
                trouble=self.trouble,
            )


def _part(whole: int, parts: int, place: int) -> int:
    return whole * (place + 1) // parts - whole * place // parts


@dataclass
class Books:
    """The tables beside the exports, and the laboratory that fills them."""

    patients: Any
    measurements: Any
    laboratory: Laboratory = field(default_factory=Laboratory)

    def enter(self, identifier: str, kind: str, value: object, unit: str, at: str) -> None:
        """One measured value."""
        self.measurements.writerow((SYSTEM, identifier, kind, value, unit, at))


def write_archive(order: ArchiveOrder, out: Path) -> dict[str, Any]:
    """Write exports, `patients.csv`, `measurements.csv` and `truth.json`; what was written."""
    with ExitStack() as stack:
        folder = stack.enter_context(Folder(out, NAME, order.seed, keep_names=order.centres == 1))
        patients = _table(stack, out / "patients.csv", PATIENT_COLUMNS)
        measurements = _table(stack, out / "measurements.csv", MEASUREMENT_COLUMNS)
        for clinic in order.clinics():
            books = Books(patients, measurements)
            _register(clinic, books)
            for under, written in history(clinic, books):
                folder.add(written, f"exports/{under}")
    return folder.summary


def _table(stack: ExitStack, path: Path, columns: tuple[str, ...]) -> Any:  # noqa: ANN401  (csv's writer has no name)
    file = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    return writer


def _register(clinic: Clinic, books: Books) -> None:
    for patient in people(clinic):
        books.patients.writerow((SYSTEM, patient.identifier, patient.sex, patient.birth.isoformat()))
        day = clinic.begin.isoformat()
        books.enter(patient.identifier, "height", f"{patient.height_cm:.0f}", "cm", f"{day}T12:00:00")


@dataclass(frozen=True, slots=True)
class Retyped:
    """A session of the paper years, to be written into its month's sheet."""

    plan: Plan
    appointment: Appointment
    mishaps: list[Fault]


def history(clinic: Clinic, books: Books) -> Iterator[tuple[str, Written]]:
    """Every export of a clinic in order of time, with the folder it lies in."""
    ward = Ward(clinic, people(clinic))
    sheets: dict[str, list[Retyped]] = {}
    month = ""
    for number, appointment in enumerate(appointments(clinic)):
        if f"{appointment.day:%Y-%m}" != month:
            yield from _retyped(clinic, sheets, books)
            month, sheets = f"{appointment.day:%Y-%m}", {}
        plan = ward.plan(appointment, number)
        mishaps = _mishaps(clinic, number, appointment)
        plan = at_bedside(plan, appointment.era.layout, number, mishaps)
        if appointment.era.by_month:
            sheets.setdefault(plan.device.serial, []).append(Retyped(plan, appointment, mishaps))
            continue
        yield from _of_one(clinic, appointment, plan, mishaps, books)
    yield from _retyped(clinic, sheets, books)


def _mishaps(clinic: Clinic, number: int, appointment: Appointment) -> list[Fault]:
    rng = clinic.rng(4, number)
    chosen = {name for name, share in MISHAPS if rng.random() < share * clinic.trouble}
    if appointment.era.by_month:
        chosen &= BY_HAND
    return [f for f in FAULTS.values() if f.name in chosen and f.fits(appointment.era.layout)]


def _place(clinic: Clinic, appointment: Appointment) -> str:
    return f"{clinic.folder}{appointment.day.year}"


def _style(clinic: Clinic, appointment: Appointment) -> Style:
    era = appointment.era
    return era.style(min(max(era.share(clinic.moment(appointment.day)), 0.0), 0.999))


def _retyped(clinic: Clinic, sheets: dict[str, list[Retyped]], books: Books) -> Iterator[tuple[str, Written]]:
    for rows in sheets.values():
        plans, appointment = [row.plan for row in rows], rows[0].appointment
        layout = appointment.era.layout
        for written in exported(plans, layout, _style(clinic, appointment), [], books.laboratory):
            _measure(plans, written.sessions, books)
            yield _place(clinic, appointment), _said(written, layout.name, clinic, [r.mishaps for r in rows])


def _of_one(
    clinic: Clinic, appointment: Appointment, plan: Plan, mishaps: list[Fault], books: Books
) -> Iterator[tuple[str, Written]]:
    era, place = appointment.era, _place(clinic, appointment)
    for which, written in enumerate(
        exported([plan], era.layout, _style(clinic, appointment), mishaps, books.laboratory)
    ):
        if not which:
            _measure([plan], written.sessions, books)
        yield place, _said(written, era.layout.name, clinic, [mishaps])
    if era.with_separator:
        typed = [fault for fault in mishaps if fault.name in SEEN_BY_BOTH]
        yield place, _said(_separated(plan), SEPARATOR.name, clinic, [typed])


def _separated(plan: Plan) -> Written:
    """What the separator before an adsorber wrote: the same plasma, another machine, another clock."""
    own = SEPARATOR.device
    device = Device(own.maker, own.model, plan.device.serial.replace("AM-", own.serial), own.software)
    slow = int(plan.rng("separator clock").integers(-240, 240))
    treatment = SEPARATOR.treat(replace(plan, device=device, columns=()), Style())
    clock = replace(plan.clock, wrong_by=slow, settings=())
    treatment = replace(treatment, plan=replace(treatment.plan, clock=clock))
    export = SEPARATOR.render([treatment], Style())
    with_run = {"with": {"serial": plan.device.serial, "run": plan.run}}
    sessions = tuple({**s, **with_run} for s in export.sessions)
    return Written(export.members(), sessions)


def _measure(plans: list[Plan], sessions: tuple[SessionTruth, ...], books: Books) -> None:
    """Weight and hematocrit of the day, IgG before and after."""
    for plan, session in zip(plans, sessions, strict=True):
        patient = plan.patient
        before, after = plan.clock.true_local(-1800), plan.clock.true_local(plan.seconds + 900)
        books.enter(patient.identifier, "weight", patient.weight_kg, "kg", before.isoformat())
        books.enter(
            patient.identifier, "hematocrit", round(patient.hematocrit * 100), "%", before.isoformat()
        )
        for value, at in ((session["igg_before_g_l"], before), (session["igg_after_g_l"], after)):
            if value is not None:
                books.enter(patient.identifier, "igg", value, "g/L", at.isoformat())


def _said(written: Written, layout: str, clinic: Clinic, mishaps: list[list[Fault]]) -> Written:
    """Each truth with its layout, its centre and what befell it."""
    note = {"layout": layout, "centre": clinic.number + 1}
    sessions = zip(written.sessions, mishaps, strict=True)
    told = tuple({**s, **note, "faults": list(_befell(s, of_it))} for s, of_it in sessions)
    return replace(written, sessions=told)


def _befell(truth: SessionTruth, mishaps: list[Fault]) -> Iterator[str]:
    """What befell one export; one that contradicts another is sound in itself."""
    for fault in mishaps:
        if fault.at_bedside or fault.name == CONTRADICTING or not truth.get("contradicts"):
            yield fault.name
