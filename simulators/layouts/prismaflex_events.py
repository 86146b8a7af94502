"""The events of a bedside run: what was chosen, set, pressed, and what alarmed, by class and type code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulators.layouts.prismaflex_words import ALARMS, CLASSES, LANGUAGES, word
from simulators.renal import PLASMA_EXCHANGE

if TYPE_CHECKING:
    from simulators.renal import RenalRun

SETS = {PLASMA_EXCHANGE: "TPE2000"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the event member; `alarm` is the place of the alarm it shows, or -1."""

    second: int
    key: tuple[int, int]
    code: int = 0
    sample: str = ""
    alarm: int = -1

    def cells(self, language: str) -> tuple[str, ...]:
        """Class, type and sample, each as code and text."""
        group, kind = self.key
        text = word(self.key, language)
        if self.key == (8, 8):
            text = f"{text}: {self.sample}"
        shown = "" if self.key == (8, 8) else self.sample
        return (str(group), CLASSES[group][LANGUAGES.index(language)], str(kind), text, str(self.code), shown)


def entries(run: RenalRun) -> list[Entry]:
    """All rows in order of time; several share a second, as they do on the machine."""
    listed = [*_before(run), *_set_values(run), *_alarms(run), *_after(run)]
    on = [e for e in listed if any(start <= e.second <= end for start, end in run.powered)]
    return sorted(on, key=lambda e: e.second)


def _before(run: RenalRun) -> list[Entry]:
    begin, therapy = run.begin, run.prescription.therapy
    steps = (
        ((8, 71), 0.02),
        ((8, 72), 0.06),
        ((8, 8), 0.12),
        ((8, 42), 0.14),
        ((8, 11), 0.2),
        ((8, 13), 0.3),
        ((8, 14), 0.72),
        ((8, 15), 0.8),
        ((8, 38), 0.9),
    )
    samples = {(8, 8): therapy, (8, 42): "Heparin"}
    listed = [Entry(int(begin * share), key, sample=samples.get(key, "")) for key, share in steps]
    return [*listed, Entry(begin, (8, 16))]


def _set_values(run: RenalRun) -> list[Entry]:
    """Typed by hand; the patient's identifier only when the treatment is under way."""
    plan, ordered, begin = run.plan, run.prescription, run.begin
    set_name = SETS.get(ordered.therapy, "ST100")
    percent = plan.patient.hematocrit * 100
    values = [
        (0.12, (16, 550), 7 if ordered.therapy == PLASMA_EXCHANGE else 3, ordered.therapy),
        (0.2, (16, 532), 40, set_name),
        (0.88, (16, 26), round(plan.patient.weight_kg * 10), f"{plan.patient.weight_kg:.1f} kg"),
        (0.88, (16, 47), round(percent * 10), f"{percent:.1f} %"),
        (0.95, (16, 17), round(ordered.blood_ml_min), f"{ordered.blood_ml_min:.0f} ml/min"),
        (0.95, (16, 22), round(ordered.preblood_infusion), f"{ordered.preblood_infusion:.0f} ml/h"),
        (0.95, (16, 20), round(ordered.post_infusion), f"{ordered.post_infusion:.0f} ml/h"),
        (0.95, (16, 21), round(ordered.dialysate), f"{ordered.dialysate:.0f} ml/h"),
        (0.95, (16, 24), round(ordered.removal), f"{ordered.removal:.0f} ml/h"),
        (0.95, (16, 565), round(ordered.syringe * 10), f"{ordered.syringe:.1f} ml/h"),
    ]
    listed = [Entry(int(begin * share), key, code, sample) for share, key, code, sample in values]
    late = begin + int(plan.rng("typed late").integers(60, 900))
    if plan.typed_id:
        listed.append(Entry(late, (16, 416), 0, plan.typed_id))
    if plan.troubles.second_patient:
        listed.append(Entry((run.begin + run.end) // 2, (16, 416), 0, plan.troubles.second_patient))
    return listed


def _alarms(run: RenalRun) -> list[Entry]:
    return [Entry(a.onset, ALARMS[a.kind.kind], alarm=place) for place, a in enumerate(run.alarms)]


def _after(run: RenalRun) -> list[Entry]:
    return [
        Entry(run.end, (8, 19)),
        Entry(run.end, (8, 21)),
        Entry(min(run.end + 75, run.seconds), (8, 84)),
    ]
