"""Channels, their canonical UCUM units and the closed table of conversions.

An unknown unit converts to nothing: the value becomes null with a finding, never a guess.

Source: UCUM, https://ucum.org/ucum, for the codes; factors are exact by definition of the units.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Range:
    """What is plausible: outside `soft` is flagged, outside `hard` is not believed."""

    soft: tuple[float, float]
    hard: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A kind of value with its canonical unit (UCUM) and its words."""

    id: str
    unit: str
    en: str
    de: str
    range: Range | None = None


_PRESSURE = Range((-300, 500), (-1000, 2000))

CHANNELS: dict[str, Quantity] = {
    q.id: q
    for q in (
        Quantity("blood_flow", "mL/min", "Blood flow", "Blutfluss", Range((0, 200), (0, 600))),
        Quantity("plasma_flow", "mL/min", "Plasma flow", "Plasmafluss", Range((0, 60), (0, 150))),
        Quantity("ac_flow", "mL/min", "Anticoagulant flow", "Antikoagulansfluss", Range((0, 20), (0, 100))),
        Quantity("access_pressure", "mm[Hg]", "Access pressure", "Zugangsdruck", _PRESSURE),
        Quantity("return_pressure", "mm[Hg]", "Return pressure", "Rückgabedruck", _PRESSURE),
        Quantity("column_pressure", "mm[Hg]", "Column pressure", "Säulendruck", _PRESSURE),
        Quantity("filter_pressure", "mm[Hg]", "Filter pressure", "Filterdruck", _PRESSURE),
        Quantity("effluent_pressure", "mm[Hg]", "Effluent pressure", "Effluatdruck", _PRESSURE),
        Quantity(
            "arps_pressure", "mm[Hg]", "Pressure at the repositioning system", "Druck am ARPS", _PRESSURE
        ),
        Quantity("tmp", "mm[Hg]", "Transmembrane pressure", "Transmembrandruck", _PRESSURE),
        Quantity("eluate_ph", "[pH]", "pH of the eluate", "pH des Eluats", Range((1.5, 9), (0, 14))),
        Quantity("temperature", "Cel", "Temperature", "Temperatur", Range((15, 42), (0, 60))),
        Quantity("conductivity", "mS/cm", "Conductivity", "Leitfähigkeit", Range((0, 20), (0, 100))),
        Quantity("processed_plasma", "mL", "Processed plasma, cumulative", "Plasmavolumen, laufend"),
        Quantity("blood_processed", "mL", "Processed blood, cumulative", "Blutvolumen, laufend"),
        Quantity("ac_volume", "mL", "Anticoagulant, cumulative", "Antikoagulans, laufend"),
        Quantity("effluent", "mL", "Effluent, cumulative", "Effluat, laufend"),
        Quantity("dialysate", "mL", "Dialysate, cumulative", "Dialysat, laufend"),
        Quantity("pre_infusion", "mL", "Pre-filter infusion, cumulative", "Vorverdünnung, laufend"),
        Quantity("post_infusion", "mL", "Post-filter infusion, cumulative", "Nachverdünnung, laufend"),
        Quantity("preblood_infusion", "mL", "Pre-blood-pump infusion, cumulative", "PBP-Infusion, laufend"),
        Quantity("syringe_infusion", "mL", "Syringe, cumulative", "Spritze, laufend"),
        Quantity("excess_fluid", "mL", "Excess patient fluid", "Flüssigkeitsüberschuss"),
        Quantity("pump_speed_1", "/min", "Pump 1", "Pumpe 1"),
        Quantity("pump_speed_2", "/min", "Pump 2", "Pumpe 2"),
        Quantity("pump_speed_3", "/min", "Pump 3", "Pumpe 3"),
        Quantity("pump_speed_4", "/min", "Pump 4", "Pumpe 4"),
        Quantity("cycle_number", "1", "Number of the column cycle", "Nummer des Säulenzyklus"),
    )
}

TOTALS: dict[str, Quantity] = {
    q.id: q
    for q in (
        Quantity(
            "processed_plasma",
            "mL",
            "Processed plasma",
            "Verarbeitetes Plasma",
            Range((1000, 12000), (0, 25000)),
        ),
        Quantity(
            "blood_processed", "mL", "Processed blood", "Verarbeitetes Blut", Range((0, 40000), (0, 100000))
        ),
        Quantity(
            "inlet_processed",
            "mL",
            "Inlet volume, with anticoagulant",
            "Einlassvolumen mit Antikoagulans",
            Range((0, 40000), (0, 100000)),
        ),
        Quantity(
            "plasma_removed", "mL", "Separated plasma", "Abgetrenntes Plasma", Range((0, 12000), (0, 25000))
        ),
        Quantity("ac_volume", "mL", "Anticoagulant", "Antikoagulans", Range((0, 3000), (0, 10000))),
        Quantity(
            "ac_to_patient",
            "mL",
            "Anticoagulant to the patient",
            "Antikoagulans an den Patienten",
            Range((0, 3000), (0, 10000)),
        ),
        Quantity("cycles", "{cycles}", "Cycles", "Zyklen", Range((0, 60), (0, 500))),
    )
}

FACTS: dict[str, Quantity] = {
    q.id: q
    for q in (
        Quantity("weight", "kg", "Weight", "Gewicht", Range((30, 200), (2, 400))),
        Quantity("height", "cm", "Height", "Größe", Range((120, 210), (40, 260))),
        Quantity("hematocrit", "1", "Hematocrit", "Hämatokrit", Range((0.18, 0.60), (0.05, 0.80))),
        Quantity(
            "ac_ratio",
            "1",
            "Inlet to anticoagulant ratio",
            "Verhältnis Einlass zu Antikoagulans",
            Range((6, 50), (1, 200)),
        ),
        Quantity("igg", "g/L", "IgG", "IgG", Range((0, 60), (0, 200))),
        Quantity("iga", "g/L", "IgA", "IgA", Range((0, 30), (0, 200))),
        Quantity("igm", "g/L", "IgM", "IgM", Range((0, 30), (0, 200))),
    )
}

# Spellings seen on machines and forms -> UCUM. Closed: what is not here is unknown.
ALIASES: dict[str, str] = {
    "ml": "mL", "mL": "mL", "ML": "mL", "l": "L", "L": "L", "Liter": "L",
    "cl": "cL", "cL": "cL", "dl": "dL", "dL": "dL",
    "ml/min": "mL/min", "mL/min": "mL/min", "l/min": "L/min", "L/min": "L/min",
    "ml/h": "mL/h", "mL/h": "mL/h", "ml/hr": "mL/h", "mL/hr": "mL/h", "l/h": "L/h", "L/h": "L/h",
    "ml/kg": "mL/kg", "mL/kg": "mL/kg",
    "kg": "kg", "g": "g", "lb": "[lb_av]", "[lb_av]": "[lb_av]", "cm": "cm", "m": "m", "mm": "mm",
    "mmHg": "mm[Hg]", "mm Hg": "mm[Hg]", "mm[Hg]": "mm[Hg]", "kPa": "kPa", "mbar": "mbar",
    "hPa": "mbar",
    "s": "s", "sec": "s", "min": "min", "h": "h", "hr": "h",
    "%": "%", "1": "1", "": "1", "{ratio}": "1", "%{vol}": "%",
    "g/L": "g/L", "g/l": "g/L", "mg/dL": "mg/dL", "mg/dl": "mg/dL", "mmol/L": "mmol/L", "mmol/l": "mmol/L",
    "Cel": "Cel", "°C": "Cel", "C": "Cel", "[degF]": "[degF]", "°F": "[degF]",
    "mS/cm": "mS/cm", "pH": "[pH]", "[pH]": "[pH]",
    "{cycles}": "{cycles}", "/min": "/min", "rpm": "/min", "1/min": "/min",
}  # fmt: skip

# (from, to) -> value_to = value_from * factor + offset
_CONVERSIONS: dict[tuple[str, str], tuple[Decimal, Decimal]] = {
    ("L", "mL"): (Decimal(1000), Decimal(0)),
    ("dL", "mL"): (Decimal(100), Decimal(0)),
    ("cL", "mL"): (Decimal(10), Decimal(0)),
    ("[lb_av]", "kg"): (Decimal("0.45359237"), Decimal(0)),
    ("L/min", "mL/min"): (Decimal(1000), Decimal(0)),
    ("g", "kg"): (Decimal("0.001"), Decimal(0)),
    ("m", "cm"): (Decimal(100), Decimal(0)),
    ("mm", "cm"): (Decimal("0.1"), Decimal(0)),
    ("%", "1"): (Decimal("0.01"), Decimal(0)),
    ("mg/dL", "g/L"): (Decimal("0.01"), Decimal(0)),
    ("min", "s"): (Decimal(60), Decimal(0)),
    ("h", "s"): (Decimal(3600), Decimal(0)),
    ("1", "{cycles}"): (Decimal(1), Decimal(0)),
}  # fmt: skip

# Conversions whose exact factor is a fraction: multiply, then divide.
_FRACTIONS: dict[tuple[str, str], tuple[Decimal, Decimal]] = {
    ("mL/h", "mL/min"): (Decimal(1), Decimal(60)),
    ("L/h", "mL/min"): (Decimal(1000), Decimal(60)),
    ("kPa", "mm[Hg]"): (Decimal(1000), Decimal("133.322387415")),
    ("mbar", "mm[Hg]"): (Decimal(100), Decimal("133.322387415")),
}


def ucum(spelling: str) -> str | None:
    """Return the UCUM code of a printed unit, or None where the spelling is unknown."""
    return ALIASES.get(spelling.strip())


def convert(value: Decimal, spelling: str, to: str) -> Decimal | None:
    """Return `value` in the canonical unit `to`, or None where no exact conversion is known."""
    code = ucum(spelling)
    if code is None:
        return None
    if code == to:
        return value
    if (pair := (code, to)) in _FRACTIONS:
        times, over = _FRACTIONS[pair]
        return value * times / over
    if pair in _CONVERSIONS:
        factor, offset = _CONVERSIONS[pair]
        return value * factor + offset
    return None
