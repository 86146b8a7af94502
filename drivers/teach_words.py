"""Which word of an export may mean what: headings, keys, units, phases. Everything found here is a guess.

Source: the words of the declared layouts and of the machines' own screens, German and English.
"""

from __future__ import annotations

import re

from ingestor.quantity import CHANNELS, FACTS, TOTALS, ucum

Words = tuple[tuple[str, str], ...]

# Field -> pattern, the first that fits stands; patterns see small letters without signs around them.
SAMPLES: Words = (
    ("time", r"zeit|uhrzeit|time|timestamp|date ?time|datum ?zeit"),
    ("elapsed", r"elapsed.*|laufzeit|run ?time"),
    ("tmp", r"tmp.*|transmembran.*"),
    ("eluate_ph", r"ph|.*eluat.*"),
    ("plasma_flow", r"qp|.*plasma ?(fluss|flow).*"),
    ("blood_flow", r"qb|.*(blut|blood) ?(fluss|flow).*"),
    ("ac_flow", r"qac|.*(antikoagul|citrat|anticoag|ac).*(fluss|flow|rate).*"),
    ("column_pressure", r"ps|.*(säulen?|column).*(druck|press|mmhg).*"),
    ("filter_pressure", r"pf|.*filter.*(druck|press|mmhg)?.*"),
    ("access_pressure", r"pa|.*(zugang|arter|access).*"),
    ("return_pressure", r"pv|pr|.*(rückgabe|ven[öo]s|venous|return).*"),
    ("temperature", r"t|temp.*"),
    ("conductivity", r".*(leitf|conduct).*"),
    ("processed_plasma", r"vp|.*plasma ?(vol|total|menge|ml).*|.*processed.*"),
    ("blood_processed", r"vb|.*(blut|blood) ?(vol|total|menge|ml).*"),
    ("ac_volume", r"vac|.*(antikoagul|anticoag|citrat).*"),
    ("cycle_number", r".*(zyklus|cycle).*"),
    ("state", r"status|state|zustand|phase"),
)
ALARMS: Words = (
    ("time", r"zeit|time|uhrzeit|beginn|start"),
    ("code", r"code|nr|nummer|number|alarm"),
    ("priority", r"klasse|class|severity|priorit.*|stufe"),
    ("text", r"text|message|meldung|beschreibung"),
    ("cleared", r"ende|end|cleared"),
    ("acknowledged", r"quitt.*|ack.*"),
    ("state", r"phase|state|zustand"),
)
PHASES: Words = (
    ("cycle", r"nr|no|nummer|zyklus|cycle"),
    ("position", r"säule|column|position|pos"),
    ("phase", r"phase"),
    ("start", r"beginn|start|zeit|time"),
    ("end", r"ende|end"),
    ("volume", r".*(volum|menge).*|ml"),
    ("status", r"status|state|ergebnis|result"),
)
COLUMNS: Words = (
    ("position", r"position|pos|säule|column"),
    ("product", r"produkt|product|typ|type"),
    ("serial", r"serien.*|serial.*"),
    ("lot", r"charge|lot.*"),
    ("use", r"anwendung.*|use.*|nutzung.*"),
    ("expiry", r"verfall.*|expir.*|haltbar.*"),
)
HEADER: Words = (
    ("column_serial", r".*(säulen?|column) ?(nummer|serial|nr|no).*"),
    ("column_use", r".*(anwendung|use)( .*)?"),
    ("serial", r".*(serien|serial).*|s/?n"),
    ("maker", r".*(hersteller|maker|manufacturer|vendor).*"),
    ("software", r".*(software|firmware).*|sw.*|version"),
    ("patient", r".*patient.*"),
    ("run_id", r".*(behandlung|treatment|therapie|procedure|sitzung|session).*|run"),
    ("column_lot", r".*(charge|lot)( .*)?"),
    ("column_product", r".*(säule|column|adsorber).*"),
    ("alarms", r"alarme?|alarms"),
    ("remark", r".*(bemerkung|remark|kommentar|comment|notiz).*"),
    ("model", r".*(gerät|device|machine|modell?|monitor).*"),
    ("date", r"datum|date"),
    ("started", r".*(beginn|start).*"),
    ("ended", r".*(ende|end)"),
    ("weight", r".*(gewicht|weight).*"),
    ("hematocrit", r".*(hämatokrit|hematocrit|haematocrit).*|hct.*|hkt.*"),
    ("height", r".*(größe|height).*"),
    ("ac_ratio", r".*ratio.*|.*verhältnis.*"),
)
SUMS: Words = (
    ("inlet_processed", r".*(inlet|einlass).*"),
    ("plasma_removed", r".*plasma ?(removed|abgetrennt|entnommen|entfernt).*"),
    ("ac_to_patient", r".*(antikoagul|anticoag|citrat|ac).*(patient).*"),
    ("cycles", r".*(zyklen|cycles).*"),
    ("ac_volume", r".*(antikoagul|anticoag|citrat).*|ac.*"),
    ("blood_processed", r".*(blut|blood).*"),
    ("processed_plasma", r".*plasma.*"),
)
TABLES = {"samples": SAMPLES, "alarms": ALARMS, "phases": PHASES, "columns": COLUMNS}

_PHASE: Words = (
    ("plasma_return", r"plasma.*(rück|return).*"),
    ("prime", r".*(füll|spül|prim).*"),
    ("load", r".*(belad|load|behandl|treatment|adsor).*"),
    ("elute", r".*elu.*"),
    ("neutralise", r".*neutral.*"),
    ("recondition", r".*(rekond|recond|regener).*"),
    ("switch", r".*(umschalt|switch|wechsel|change).*"),
    ("rinseback", r".*(rückgabe|rinse|reinf).*"),
)
_STATUS: Words = (
    ("aborted", r".*(abbr|abort|cancel|stop).*"),
    ("completed", r"ok|.*(fertig|complete|beend|done).*"),
)
_PRIORITY: Words = (
    ("low", r"low|niedrig|1"), ("medium", r"medium|mittel|2"), ("high", r"high|hoch|3"),
)  # fmt: skip
_ALARM_STATE: Words = (
    ("on", r"start|on|ein|kommt|1"),
    ("continues", r"continue.*|weiter"),
    ("off", r"end|off|aus|geht|0"),
    ("acknowledged", r"ack.*|quitt.*|2"),
)
_VALUES = {"alarm_state": _ALARM_STATE, "phase": _PHASE, "status": _STATUS, "priority": _PRIORITY}
_UNITS = {
    "mL/min": "mL/min", "mm[Hg]": "mmHg", "mL": "mL", "Cel": "°C", "[pH]": "pH", "kg": "kg", "cm": "cm",
    "mS/cm": "mS/cm", "s": "s", "/min": "/min", "{cycles}": "1", "1": "1",
}  # fmt: skip
_UNIT_IN_WORD = re.compile(r"(?:^|[ _(\[])(m?[lL]/(?:min|h)|mmHg|m[lL]|[lL]|kg|cm|%|°C|mS/cm|min|s|h)[)\]]?$")
_SNAKE = (
    ("_ml_min", "mL/min"), ("_ml_h", "mL/h"), ("_mmhg", "mmHg"), ("_ml", "mL"), ("_kg", "kg"), ("_s", "s"), ("_c", "°C"),
)  # fmt: skip


def guess(word: str, words: Words) -> str | None:
    """Return the field that a word may be, None where nobody guesses."""
    plain = re.sub(r"[_.:\-]+", " ", word.lower()).strip()
    bare = _UNIT_IN_WORD.sub("", plain).strip()
    return next(
        (name for name, pattern in words if re.fullmatch(pattern, bare) or re.fullmatch(pattern, plain)), None
    )


def guess_value(field: str, word: str) -> str | None:
    """Return the canonical word for a printed phase, status or priority, None where nobody guesses."""
    return guess(word, _VALUES[field]) if field in _VALUES else None


def has_values(field: str) -> bool:
    """Say whether a field's printed words are translated."""
    return field in _VALUES


def guess_unit(word: str, field: str) -> tuple[str, bool]:
    """Return the unit of a field and whether the heading itself prints it."""
    for ending, unit in _SNAKE:
        if word.lower().endswith(ending):
            return unit, True
    if (match := _UNIT_IN_WORD.search(word)) and ucum(match[1]) is not None:
        return match[1], True
    known = {**CHANNELS, **TOTALS, **FACTS}.get(field)
    unit = "mL" if field == "volume" else "s" if field == "elapsed" else known.unit if known else ""
    if field == "hematocrit":
        return "%", False
    return _UNITS.get(unit, unit), False


def needs_unit(field: str) -> bool:
    """Say whether a field is a measured value."""
    return field in CHANNELS or field in TOTALS or field in FACTS or field in {"volume", "elapsed"}
