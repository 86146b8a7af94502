"""The lists of codes that may stand in the data, each code with its words."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ingestor.model import DoseStatus, Evidence, Priority, Role, TimeMethod
from ingestor.phrases import LANGUAGES, catalogue
from ingestor.quantity import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Mapping

Words = dict[str, str]


def _w(de: str, en: str) -> Words:
    return {"de": de, "en": en}


_ALARMS: dict[str, Words] = {
    "access_pressure_low": _w("Zugangsdruck niedrig", "Access pressure low"),
    "access_pressure_high": _w("Zugangsdruck hoch", "Access pressure high"),
    "return_pressure_low": _w("Rückgabedruck niedrig", "Return pressure low"),
    "return_pressure_high": _w("Rückgabedruck hoch", "Return pressure high"),
    "tmp_low": _w("Transmembrandruck niedrig", "Transmembrane pressure low"),
    "tmp_high": _w("Transmembrandruck hoch", "Transmembrane pressure high"),
    "column_pressure_high": _w("Säulendruck hoch", "Column pressure high"),
    "air_detected": _w("Luft erkannt", "Air detected"),
    "blood_leak": _w("Blutleck", "Blood leak"),
    "hemolysis": _w("Hämolyse", "Hemolysis"),
    "ph_out_of_range": _w("pH außerhalb der Grenzen", "pH out of range"),
    "elution_incomplete": _w("Elution unvollständig", "Elution incomplete"),
    "bag_empty": _w("Beutel leer", "Bag empty"),
    "bag_full": _w("Beutel voll", "Bag full"),
    "anticoagulant": _w("Antikoagulans", "Anticoagulant"),
    "temperature": _w("Temperatur", "Temperature"),
    "valve": _w("Ventil", "Valve"),
    "power_failure": _w("Stromausfall", "Power failure"),
    "balance": _w("Bilanz oder Waage", "Balance or scale"),
    "operator_stop": _w("Vom Personal angehalten", "Stopped by staff"),
    "self_test": _w("Selbsttest", "Self test"),
    "system": _w("Gerätefehler", "System fault"),
    "other": _w("Anderer oder unbekannter Alarm", "Other or unknown alarm"),
}
_LISTS: dict[str, dict[str, Words]] = {
    "role": {
        Role.ADSORBER: _w("Adsorber", "Adsorber"),
        Role.SEPARATOR: _w("Separator", "Separator"),
        Role.COMBINED: _w("Separator und Adsorber", "Separator and adsorber"),
    },
    "evidence": {
        Evidence.SPECIFIED: _w("Nach der Beschreibung des Herstellers", "By the maker's specification"),
        Evidence.OBSERVED: _w("Aus Exporten erschlossen", "Inferred from exports"),
        Evidence.DECLARED: _w("Vom Haus beschrieben", "Described by the site"),
    },
    "dose_status": {
        DoseStatus.FINAL: _w("Endgültig", "Final"),
        DoseStatus.PROVISIONAL: _w("Vorläufig, siehe Gründe", "Provisional, see the reasons"),
        DoseStatus.WITHHELD: _w("Zurückgehalten, bis jemand entscheidet", "Withheld until somebody decides"),
        DoseStatus.BENCH: _w("Prüflauf ohne Patient", "Service run without a patient"),
    },
    "reading": {
        "reported": _w("Vom Gerät gedruckt", "Printed by the machine"),
        "cycles": _w("Summe der Beladungen", "Sum of the loads"),
        "counter": _w("Laufender Zähler", "Cumulative counter"),
        "integrated": _w("Fluss über die Zeit", "Flow over time"),
    },
    "agreement": {
        "agreed": _w("Die Lesungen stimmen überein", "The readings agree"),
        "single_source": _w("Nur eine Lesung", "One reading only"),
        "disagreed": _w("Die Lesungen widersprechen sich", "The readings disagree"),
    },
    "plasma_volume_formula": {
        "nadler": _w("Nadler mit Hämatokrit", "Nadler with hematocrit"),
        "kaplan": _w("Kaplan, 65 ml Blut je kg", "Kaplan, 65 mL of blood by kg"),
        "ml-per-kg-70": _w("70 ml Blut je kg", "70 mL of blood by kg"),
        "lemmens": _w("Lemmens nach BMI", "Lemmens by BMI"),
        "gilcher": _w("Gilcher nach Körperbau", "Gilcher by build"),
        "icsh": _w("ICSH nach Körperoberfläche", "ICSH by body surface"),
    },
    "time_method": {
        TimeMethod.OFFSET_IN_FILE: _w(
            "Abstand zu UTC steht in der Datei", "Offset from UTC stands in the file"
        ),
        TimeMethod.ZONE: _w("Zeitzone des Geräts", "Zone of the machine"),
        TimeMethod.ZONE_AMBIGUOUS: _w("Doppelte Stunde im Oktober", "Repeated hour in October"),
        TimeMethod.ZONE_NONEXISTENT: _w("Fehlende Stunde im März", "Missing hour in March"),
        TimeMethod.ELAPSED_COUNTER: _w("Laufzeitzähler des Geräts", "Run-time counter of the machine"),
        TimeMethod.CLOCK_JUMP: _w(
            "Die Uhr wurde während des Laufs verstellt", "The clock was set during the run"
        ),
    },
    "priority": {
        Priority.HIGH: _w("Hoch", "High"),
        Priority.MEDIUM: _w("Mittel", "Medium"),
        Priority.LOW: _w("Niedrig", "Low"),
        Priority.INFO: _w("Hinweis", "Notice"),
        Priority.UNKNOWN: _w("Unbekannt", "Unknown"),
    },
    "alarm_kind": _ALARMS,
    "channel": {c.id: _w(c.de, c.en) for c in CHANNELS.values()},
}


@cache
def all_codes() -> Mapping[str, Mapping[str, Words]]:
    """Return every list; those of the phrase book (findings, reasons, refusals, outcomes) included."""
    lists: dict[str, dict[str, Words]] = {
        name: {str(code): words for code, words in entries.items()} for name, entries in _LISTS.items()
    }
    for code, entry in catalogue().items():
        said = {lang: " ".join(entry[lang].values()) for lang in LANGUAGES}
        lists.setdefault(_BOOK.get(entry["kind"], entry["kind"]), {})[code] = said
    return lists


_BOOK = {"reason": "status_reason"}


def codes(name: str) -> Mapping[str, Words]:
    """Return one list: code -> words by language."""
    return all_codes()[name]
