"""What must be served for a clinic: worked out from its truth by the rules of the domain, without a line of the product.

Every number here is that of the simulator, or follows from such numbers by a rule that is stated beside it.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import combinations, groupby, pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

Truth = dict[str, Any]
# What becomes of an export that gives no reading that counts.
SET_ASIDE = {"refused", "waiting", "held", "duplicate"}
PRIORITIES = ("high", "medium", "low", "info", "unknown")
# How old a measurement may be.
AGES = {"weight": timedelta(days=30), "hematocrit": timedelta(days=7), "height": timedelta(days=3653)}
COURSE_GAP = timedelta(days=28)
# By how much somebody sets a clock back, and how much of a volume is printed.
SET_BACK = timedelta(minutes=55)
PRINTED = {"blood_processed_ml": 0.51, "ac_volume_ml": 0.51}
# Machines that separate and adsorb by themselves; the others stand behind a separator, or are one.
COMBINED = {"hl7-pcd", "prismaflex"}
# Layouts without a flow that could be added up.
UNSAMPLED = {"separator-record", "session-sheet", "prismaflex"}
# A complete record is withheld where two readings differ by more than this share of the larger.
WITHHELD_SHARE = 0.10


def utc(local: str, zone: str) -> datetime:
    """Return the instant that a clock of that zone meant."""
    return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def same_number(text: str) -> str:
    """Return an identifier without its leading zeros: the site's rule unless it chose another."""
    return text.strip().lstrip("0")


@dataclass(frozen=True)
class Expected:
    """One session that must be served.

    Attributes:
        parts: the truths of its runs; the one whose plasma counts first.
        sources: SHA-256 of the exports that count.
    """

    parts: tuple[Truth, ...]
    sources: frozenset[str]

    @property
    def key(self) -> tuple[str, str]:
        """Serial number and printed start of the run that leads."""
        return self.parts[0]["device"]["serial"], self.parts[0]["printed_start"]

    @property
    def starts(self) -> list[tuple[datetime, str]]:
        """Starts by the machines' own clocks, as instants and as printed, earliest first."""
        return sorted((utc(p["printed_start"], p["zone"]), p["printed_start"]) for p in self.parts)

    @property
    def is_complete(self) -> bool:
        return all(p["complete"] for p in self.parts)


@dataclass(frozen=True)
class Registry:
    """The two tables beside the exports.

    Attributes:
        people: sex by identifier.
        measured: kind and identifier to (moment, value).
    """

    people: dict[str, str]
    measured: dict[tuple[str, str], list[tuple[datetime, float]]] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, zone: str) -> Registry:
        """Read `patients.csv` and `measurements.csv`."""
        with (folder / "patients.csv").open(encoding="utf-8", newline="") as file:
            found = cls({row["identifier"]: row["sex"] for row in csv.DictReader(file)})
        with (folder / "measurements.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                value = float(row["value"]) / (100 if row["unit"] == "%" else 1)
                of_kind = found.measured.setdefault((row["kind"], row["identifier"]), [])
                of_kind.append((utc(row["at"], zone), value))
        return found

    def person(self, typed: Iterable[str]) -> str | None:
        """Return whom a session is linked to: all runs name exactly one person's number."""
        numbers = {same_number(text) for text in typed}
        found = {one for one in self.people if same_number(one) in numbers}
        return found.pop() if len(numbers) == len(found) == 1 else None

    def nearest(self, kind: str, person: str, at: datetime) -> float | None:
        """Return the measurement nearest to a moment, if it is not too old."""
        near = [
            (abs(at - m), m, v) for m, v in self.measured.get((kind, person), []) if abs(at - m) <= AGES[kind]
        ]
        return min(near)[2] if near else None


def bundle(folder: Path, names: Sequence[str]) -> str:
    """Return what identifies an export: its own sum, or that of the sorted lines `name NUL sum LF`."""
    sums = {name.rpartition("/")[2]: sha256((folder / name).read_bytes()).hexdigest() for name in names}
    if len(sums) == 1:
        return next(iter(sums.values()))
    lines = sorted(f"{name}\0{digest}\n".encode() for name, digest in sums.items())
    return sha256(b"".join(lines)).hexdigest()


def treatment(truth: Truth) -> tuple[str, str]:
    """Serial and the machine's own number of the treatment, or its start where the layout has no number."""
    return truth["device"]["serial"], truth["run"] or truth["printed_start"]


def counting(truths: Iterable[Truth]) -> list[Truth]:
    """Return of each treatment the export that counts: the last that was neither refused, held nor known already."""
    found: dict[tuple[str, str], Truth] = {}
    for truth in truths:
        if truth.get("readable", True) and not SET_ASIDE & set(truth.get("expected", ())):
            found[treatment(truth)] = truth
    return list(found.values())


def sessions(folder: Path, truths: Sequence[Truth]) -> list[Expected]:
    """Return the sessions of a clinic: a separator and the adsorber behind it are one if both name one patient."""
    adsorbers = {treatment(t): t for t in counting(truths) if "with" not in t}
    alone, partner = [], {}
    for separator in (t for t in counting(truths) if "with" in t):
        key = separator["with"]["serial"], separator["with"]["run"]
        if key in adsorbers and separator["patient_id"] and _overlap(separator, adsorbers[key]):
            partner[key] = separator
        else:
            alone.append((separator,))
    grouped = [(t, partner[k]) if k in partner else (t,) for k, t in adsorbers.items()]
    return [
        Expected(parts, frozenset(bundle(folder, p["files"]) for p in parts)) for parts in (*grouped, *alone)
    ]


def _overlap(one: Truth, other: Truth) -> bool:
    """By at least half of the shorter, on the machines' own clocks; a record that was cut has no printed end."""
    (a, b), (c, d) = (
        (utc(t["printed_start"], t["zone"]), utc(t["printed_end"], t["zone"])) for t in (one, other)
    )
    return (min(b, d) - max(a, c)) * 2 >= min(b - a, d - c)


def courses(served: Sequence[tuple[str, str, datetime]]) -> dict[str, str]:
    """Return the number of each session's course; `served` are (session, person, start)."""
    found = {}
    for _, mine in groupby(sorted(served, key=lambda s: (s[1], s[2])), key=lambda s: s[1]):
        ordered, number = list(mine), 1
        found[ordered[0][0]] = "1"
        for before, after in pairwise(ordered):
            number += after[2] - before[2] > COURSE_GAP
            found[after[0]] = str(number)
    return found


def dose(one: Expected, registry: Registry) -> dict[str, Any]:
    """Return the columns of the dose that the truth decides."""
    (start, printed), *_ = one.starts
    lead, last = one.parts[0], one.parts[-1]
    readings = lead["readings"]
    person = registry.person(p["patient_id"] for p in one.parts)
    alarms = Counter(alarm["priority"] for p in one.parts for alarm in p["alarms"])
    return {
        "started_at": start,
        "started_local": datetime.fromisoformat(printed),
        "ended_at": _ended(one),
        "device_serial": lead["device"]["serial"],
        "role": lead.get("role", "combined" if lead["layout"] in COMBINED else "adsorber"),
        "complete": one.is_complete,
        **{f"{name}_ml": value for name, value in readings.items()},
        # The separator sees the blood.
        "blood_processed_ml": last["blood_processed_ml"],
        "ac_volume_ml": last["ac_volume_ml"],
        **{f"alarms_{priority}": alarms[priority] for priority in PRIORITIES},
        **_cycles(lead),
        **_body(one, registry, person, start),
    }


def _ended(one: Expected) -> datetime | None:
    """The latest end; none where the record that goes on longest has none."""
    if any(p["ended_local"] is None for p in one.parts):
        return None
    # The order of the samples tells how long it really took.
    return max(utc(p["printed_end"], p["zone"]) + SET_BACK * ("clock-back" in p["faults"]) for p in one.parts)


def _cycles(truth: Truth) -> dict[str, Any]:
    """Loads by how they ended; one that was running where the record was cut is neither."""
    if truth.get("role") == "separator" or truth["layout"] == "prismaflex":
        return {"cycles_completed": None, "cycles_aborted": None}
    ends = Counter(cycle["completed"] for cycle in truth["cycles"])
    aborted = None if truth["layout"] == "session-sheet" else ends[False]
    return {"cycles_completed": ends[True], "cycles_aborted": aborted}


def withheld(one: Expected) -> bool:
    """The readings of a complete record differ by more than a tenth, what flowed (the integrated one) among them."""
    lead = one.parts[0]
    known = {name: value for name, value in lead["readings"].items() if value is not None}
    if lead["layout"] not in UNSAMPLED:
        known["integrated"] = lead["delivered_ml"]
    return one.is_complete and any(
        abs(known[a] - known[b]) > WITHHELD_SHARE * max(known[a], known[b]) for a, b in combinations(known, 2)
    )


def _body(one: Expected, registry: Registry, person: str | None, start: datetime) -> dict[str, Any]:
    """What was measured near the session, else what a machine recorded."""
    recorded = {
        kind: next((p[name] for p in reversed(one.parts) if p[name] is not None), None)
        for kind, name in (("weight", "weight_kg"), ("hematocrit", "hematocrit"))
    }
    measured = {kind: registry.nearest(kind, person, start) if person else None for kind in AGES}
    weight, hematocrit = (
        measured[k] if measured[k] is not None else recorded[k] for k in ("weight", "hematocrit")
    )
    height = measured["height"]
    volume, formula = plasma_volume(registry.people.get(person or ""), height, weight, hematocrit)
    processed = next((v for v in one.parts[0]["readings"].values() if v is not None), None)
    processed = None if withheld(one) else processed
    return {
        "weight_kg": weight,
        "hematocrit": hematocrit,
        "height_cm": height,
        "plasma_volume_ml": volume,
        "plasma_volume_formula": formula,
        "processed_plasma_ml": processed,
        "pv_multiple": processed / volume if volume and processed is not None else None,
        "plasma_ml_per_kg": processed / weight if weight and processed is not None else None,
    }


def plasma_volume(
    sex: str | None, height_cm: float | None, weight_kg: float | None, hematocrit: float | None
) -> tuple[float | None, str | None]:
    """Nadler's plasma volume [mL]; Kaplan's where sex or height is not known."""
    if weight_kg is None or hematocrit is None:
        return None, None
    if sex is None or height_cm is None:
        return 65 * weight_kg * (1 - hematocrit), "kaplan"
    a, b, c = {"male": (366.9, 32.19, 604.1), "female": (356.1, 33.08, 183.3)}[sex]
    return (a * (height_cm / 100) ** 3 + b * weight_kg + c) * (1 - hematocrit), "nadler"


def cycles(truth: Truth) -> list[tuple[Any, ...]]:
    """Return the cycles of a run as they must be stored: column, volume, whether completed."""
    if truth["layout"] in UNSAMPLED:
        return []
    rows = [(c["column"], c["load_ml"], c["completed"]) for c in truth["cycles"]]
    if truth["readings"]["cycles"] is None:
        return [(column, None, completed) for column, _, completed in rows]
    place = truth.get("flipped", {}).get("cycle", len(rows) + 1) - 1
    if place < len(rows):
        column, volume, completed = rows[place]
        rows[place] = (column, round(volume + truth["flipped"]["off_ml"], 1), completed)
    return rows


def columns(truth: Truth) -> list[tuple[Any, ...]]:
    """Return the columns of a run as they must be stored."""
    return [
        (c["position"] or "", c["product"] or "", c["serial"] or "", c["lot"] or "", c["use"])
        for c in truth["columns"]
    ]


def alarms(truth: Truth) -> list[tuple[str, str]]:
    """Return code and priority of each alarm of a run; a class that is part of the key stands apart from the code."""
    return [(a["code"].rpartition("/")[2], a["priority"]) for a in truth["alarms"]]


def differs(name: str, expected: Any, got: Any) -> bool:  # noqa: ANN401 - a value of any column
    """Tell whether a served value is not the expected one, to the printed place or six digits."""
    if not isinstance(expected, float) or got is None:
        return bool(expected != got)
    slack = PRINTED.get(name, 0.0501 if name.endswith("_ml") else 0.0)
    return abs(float(got) - expected) > max(slack, 1e-6 * abs(expected))
