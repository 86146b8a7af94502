"""The names that a profile may use: what a column, a header line or a sum can mean."""

from __future__ import annotations

from ingestor.quantity import CHANNELS, FACTS, TOTALS

# Header fields that are text as printed.
TEXTS = (
    "maker", "model", "serial", "software", "run_id", "patient", "remark",
    "column_position", "column_product", "column_serial", "column_lot", "column_use", "column_expiry",
)  # fmt: skip
TIMES = ("date", "started", "ended")
HEADER = (*TEXTS, *TIMES, "service", *FACTS, *TOTALS)

# What the rows of a table are, and the columns such rows may have.
ROWS: dict[str, tuple[str, ...]] = {
    "header": HEADER,
    "columns": ("position", "product", "serial", "lot", "use", "expiry", "time"),
    "phases": ("cycle", "position", "phase", "start", "end", "volume", "status", "date", "index", "run_id"),
    "alarms": (
        "time", "date", "cleared", "acknowledged", "code", "class", "priority", "state", "text", "index",
        "run_id",
    ),
    "samples": (
        "time", "date", "elapsed", "state", "state_a", "state_b", "position", "index", *TEXTS, *CHANNELS,
    ),
    "events": ("time", "date", "kind", "text", "value", "index", "run_id"),
    "totals": (*TOTALS, *FACTS),
    "runs": (*HEADER, "alarms"),
}  # fmt: skip

# What must be there for a row to mean anything.
NEEDED: dict[str, tuple[str, ...]] = {
    "header": (),
    "columns": (),
    "phases": ("phase", "start"),
    "alarms": ("time", "code"),
    "samples": (),
    "events": (),
    "totals": (),
    "runs": ("started",),
}

# Names whose printed words are translated, and the words a profile may translate them to.
PHASES = (
    "prime", "load", "plasma_return", "elute", "neutralise", "recondition", "switch", "rinseback",
    "storage_fill",
)  # fmt: skip
VALUES: dict[str, tuple[str, ...]] = {
    "phase": PHASES,
    "status": ("completed", "aborted"),
    "priority": ("high", "medium", "low", "info"),
    "state": ("on", "continues", "off", "acknowledged"),
    "state_a": (*PHASES, "none"),
    "state_b": (*PHASES, "none"),
    "service": ("yes",),
}
KINDS = (
    "access_pressure_low", "access_pressure_high", "return_pressure_low", "return_pressure_high", "tmp_low",
    "tmp_high", "column_pressure_high", "air_detected", "blood_leak", "hemolysis", "ph_out_of_range",
    "elution_incomplete", "bag_empty", "bag_full", "anticoagulant", "temperature", "valve", "power_failure",
    "balance", "operator_stop", "self_test", "system", "other",
)  # fmt: skip

_SIGNED_UNITS = ("mm[Hg]", "Cel")
_SIGNED = ("excess_fluid",)
_MEASURED = {**CHANNELS, **FACTS, **TOTALS}


def is_measured(name: str) -> bool:
    """Say whether a name is a number with a unit."""
    return name in _MEASURED or name in {"volume", "value", "elapsed"}


def is_signed(name: str) -> bool:
    """Say whether a value below zero can be believed: pressures and temperatures, never volumes or flows."""
    return name == "value" or name in _SIGNED or (name in CHANNELS and CHANNELS[name].unit in _SIGNED_UNITS)


def canonical_unit(name: str) -> str:
    """Return the canonical unit of a name, empty where it has none."""
    if name in {"volume", "elapsed"}:
        return {"volume": "mL", "elapsed": "s"}[name]
    return _MEASURED[name].unit if name in _MEASURED else ""
