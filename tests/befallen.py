"""What must be said of every file of a clinic: worked out from what befell it, without a line of the product."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from tests import expected

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tests.expected import Registry, Truth

FRAMES = {"frames_damaged", "frames_lost", "numbers_missing"}
# What a cut archive leaves of its members.
CUT_ARCHIVE = {"archive_cut", "member_ends_early", "member_missing"}
# Fault, layout and completeness to what the file's reader must find. `*`: every other layout.
FOUND: dict[tuple[str, str], set[str]] = {
    ("clock-back", "*"): {"clock_set_back"},
    ("clock-back", "session-sheet"): set(),
    ("counter-reset", "*"): {"counter_began_again"},
    ("power-failure", "twin-column-report"): {"counter_began_again"},
    ("power-failure", "single-column-table"): {"counter_began_again"},
    ("power-failure", "twin-column-journal"): {"went_on"},
    ("power-failure", "twin-column-serial"): {"went_on"},
    ("flipped-digit", "twin-column-serial"): FRAMES,
    ("wrong-checksum", "twin-column-serial"): FRAMES,
    ("wrong-checksum", "twin-column-report"): {"end_count_wrong"},
    ("wrong-checksum", "hl7-pcd"): {"batch_count"},
    ("unknown-column", "*"): {"unknown_column"},
    ("missing-member", "prismaflex"): {"member_missing"},
}
# May be said besides: what a cut leaves behind, what is unusual and right, what another word says as well.
BESIDES = {"value_unusual", "line_cut", "total_of_last_segment", "frames_lost", "numbers_missing"}
OUTCOMES = {
    "stored_partial", "superseded", "duplicate", "duplicate_content", "duplicate_held", "held_contradicts", "held_doubt",
    "waiting_companion",
}  # fmt: skip


@dataclass(frozen=True)
class Befallen:
    """What must be said of one source.

    Attributes:
        statuses: one each time it came in.
        must: remarks, the words for the outcome apart.
        may: remarks that are no mistake.
    """

    statuses: tuple[str, ...]
    must: frozenset[str]
    may: frozenset[str]


def files(folder: Path, truths: Sequence[Truth], registry: Registry) -> dict[str, Befallen]:
    """Return for every source of a clinic what must be said of it."""
    served = expected.sessions(folder, truths)
    parts = {id(part): one for one in served for part in one.parts}
    counting = {expected.treatment(part): parts[id(part)] for one in served for part in one.parts}
    of_source: dict[str, list[list[Truth]]] = {}
    exports: dict[tuple[str, ...], list[Truth]] = {}
    for truth in truths:
        exports.setdefault(tuple(truth["files"]), []).append(truth)
    for names, mine in exports.items():
        of_source.setdefault(expected.bundle(folder, names), []).append(mine)
    return {source: _befallen(all_of_it, counting, registry) for source, all_of_it in of_source.items()}


def _befallen(
    arrivals: list[list[Truth]], counting: dict[tuple[str, str], Any], registry: Registry
) -> Befallen:
    must: set[str] = set()
    may = set(BESIDES)
    for truth in (truth for mine in arrivals for truth in mine):
        required, allowed = _of_treatment(truth, counting.get(expected.treatment(truth)), registry)
        must |= required
        may |= allowed
    return Befallen(tuple(sorted(status(mine[0]) for mine in arrivals)), frozenset(must), frozenset(may))


def status(truth: Truth) -> str:
    """Return what must become of an export."""
    if not truth.get("readable", True) and "expected" not in truth:
        return "refused"
    return str(truth.get("expected", ["stored"])[0])


def _of_treatment(
    truth: Truth, one: expected.Expected | None, registry: Registry
) -> tuple[set[str], set[str]]:
    there = status(truth)
    if there in {"refused", "waiting"}:
        return set(), set()
    must, may = set[str](), set[str]()
    if one is not None:
        doubted, may = _of_dose(one)
        must = doubted | _of_person(truth, registry)
    if there == "duplicate":
        return must, may
    found = _in_file(truth)
    if truth["complete"] or not {"cut", "missing"} & truth.keys():
        return must | found, may
    cut = {"truncated"} if "cut" in truth else {"member_missing"}
    # Where a file was cut, what befell its rest is gone with it; its readings cover different stretches.
    return must | cut | _always(truth), may | found | CUT_ARCHIVE


def _in_file(truth: Truth) -> set[str]:
    found = _always(truth)
    for fault in truth["faults"]:
        found |= FOUND.get((fault, truth["layout"]), FOUND.get((fault, "*"), set()))
    if status(truth) == "held" and truth["layout"] == "twin-column-journal" and "expected_at" in truth:
        found.add("checksum_wrong")
    if "flipped" in truth and truth["readings"]["counter"] != truth["processed_plasma_ml"]:
        found.add("counter_began_again")
    return found


def _always(truth: Truth) -> set[str]:
    """A bedside log never says what its volumes mean; its alarms, and those of no table, are not known."""
    unknown = {"unknown_alarm" for alarm in truth["alarms"] if alarm["kind"] == "other"}
    return unknown | ({"plasma_assumed"} if truth["layout"] == "prismaflex" else set())


def _of_person(truth: Truth, registry: Registry) -> set[str]:
    typed = truth["patient_id"]
    if registry.person([typed]) is not None:
        return set()
    serials = {truth["device"]["serial"], truth.get("with", {}).get("serial")}
    # In these two layouts the machine's number is known for what it is: it never was a patient's.
    if not typed or (typed in serials and truth["layout"] in expected.COMBINED):
        return {"no_patient_printed"}
    return {"machine_number_printed" if typed in serials else "unknown_identifier"}


def _of_dose(one: expected.Expected) -> tuple[set[str], set[str]]:
    lead = one.parts[0]
    known = [v for v in lead["readings"].values() if v is not None]
    apart = any(abs(a - b) > max(0.02 * max(a, b), 20) for a, b in combinations(known, 2))
    must, may = (
        set[str](),
        {"unjoined_runs"} if lead["device"]["serial"].startswith(("CF-", "AM-")) else set[str](),
    )
    if "with" in lead:
        must.add("separator_only")
    if expected.withheld(one):
        must.add("readings_withheld")
    elif one.is_complete and apart:
        must.add("readings_disagree")
    elif not one.is_complete:
        may.add("readings_disagree")
    return must, may


def told(documents: Iterable[dict[str, Any]]) -> dict[str, tuple[tuple[str, ...], set[str]]]:
    """Return of every source what the house says: its statuses, and its remarks but for the outcome's word."""
    found: dict[str, tuple[list[str], set[str]]] = {}
    for one in documents:
        statuses, remarks = found.setdefault(one["source"], ([], set()))
        statuses.append(one["status"])
        remarks |= set(one["remarks"]) - OUTCOMES - {one["code"]}
    return {source: (tuple(sorted(statuses)), remarks) for source, (statuses, remarks) in found.items()}
