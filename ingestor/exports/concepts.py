"""What a site's own words mean elsewhere: its map of concepts, one TOML file for OMOP and FHIR.

Whatever does not stand in it is unmapped: concept 0 in OMOP, a code of our own alone in FHIR.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from ingestor.errors import Invalid
from ingestor.exports.fields import tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FILE = "concepts.toml"
NONE = "None"
_MOST_CONCEPT = 2**31 - 1
# Source: OMOP CDM 5.4, widths of vocabulary_id and of cdm_source.vocabulary_version.
_LONGEST = 20


@dataclass(frozen=True, slots=True)
class Concept:
    """One entry.

    Attributes:
        id: concept of OMOP's standardised vocabularies; 0 is unmapped.
        vocabulary: to which vocabulary that concept belongs.
        coding: system, code and display for FHIR.
    """

    id: int = 0
    vocabulary: str = NONE
    coding: Mapping[str, str] | None = None


UNMAPPED = Concept()
# What is the same at every site. OMOP's own concepts of gender, type, unit and measurement; check them against the
# vocabulary that is used.
SHIPPED: dict[str, dict[str, Concept]] = {
    "procedure": {"immunoadsorption": UNMAPPED},
    "visit": {"session": UNMAPPED},
    "type": {"session": Concept(32817, "Type Concept")},
    "unit": {
        "mL": Concept(8587, "UCUM"), "kg": Concept(9529, "UCUM"), "cm": Concept(8582, "UCUM"),
        "min": Concept(8550, "UCUM"), "mL/min": Concept(8795, "UCUM"),
    },
    "measurement": {
        "weight_kg": Concept(3025315, "LOINC"), "height_cm": Concept(3036277, "LOINC"),
        "hematocrit": Concept(3009542, "LOINC"),
    },
    "status": {},
    "device": {},
}  # fmt: skip
_ABOUT = {
    "procedure": "The treatment itself. SNOMED CT has apheresis, but not immunoadsorption; a site may have a code.",
    "visit": "Every session is a visit. 9202 is an outpatient visit, 9201 an inpatient one; 0 leaves it open.",
    "type": "Where the records come from. 32817 is an electronic health record.",
    "unit": "Units of UCUM.",
    "measurement": "Columns of a dose; what they mean stands beside them.",
    "status": "Whether a dose may be used; others than these are not in the tables.",
    "device": "Models of machines and products of columns, as printed.",
}


@dataclass(frozen=True, slots=True)
class Concepts:
    """A site's map over what is the same everywhere."""

    own: Mapping[str, Mapping[str, Concept]] = field(default_factory=dict)
    vocabulary_version: str = "unknown"

    def of(self, kind: str, code: str) -> Concept:
        """Return what a code means; `UNMAPPED` where nobody has said it."""
        found = self.own.get(kind, {}).get(code)
        return SHIPPED[kind].get(code, UNMAPPED) if found is None else found

    def codings(self, kind: str, code: str) -> list[dict[str, str]]:
        """Return the codes for FHIR that the site has added."""
        found = self.of(kind, code).coding
        return [] if found is None else [dict(found)]


def read(text: str, place: str = FILE) -> Concepts:
    """Read a map.

    Args:
        text: of the file.
        place: its name, for the error.

    Raises:
        Invalid: `concept_map`, with what is wrong and where.
    """
    try:
        page = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid("concept_map", path=place, problem=str(error)) from None
    version = page.pop("vocabulary_version", "unknown")
    _require(
        isinstance(version, str) and 0 < len(version) <= _LONGEST,
        place,
        "vocabulary_version is no text of 1 to 20 characters",
    )
    own: dict[str, dict[str, Concept]] = {}
    for kind, entries in page.items():
        _require(
            kind in SHIPPED and isinstance(entries, dict),
            place,
            f"[{kind}] is not one of {', '.join(SHIPPED)}",
        )
        own[kind] = {code: _entry(f"[{kind}] {code}", entry, place) for code, entry in entries.items()}
    return Concepts(own, version)


def _entry(where: str, entry: Any, place: str) -> Concept:  # noqa: ANN401 - whatever stands in the file
    _require(
        isinstance(entry, dict) and set(entry) <= {"concept_id", "vocabulary", "coding"},
        place,
        f"{where} takes concept_id, vocabulary and coding",
    )
    number, vocabulary, coding = (
        entry.get("concept_id", 0),
        entry.get("vocabulary", NONE),
        entry.get("coding"),
    )
    _require(
        type(number) is int and 0 <= number <= _MOST_CONCEPT, place, f"{where}: concept_id is no concept"
    )
    _require(
        isinstance(vocabulary, str) and 0 < len(vocabulary) <= _LONGEST,
        place,
        f"{where}: vocabulary is no name of 1 to 20 characters",
    )
    _require(number == 0 or vocabulary != NONE, place, f"{where}: a concept needs its vocabulary")
    if coding is not None:
        whole = isinstance(coding, dict) and {"system", "code"} <= set(coding) <= {
            "system",
            "code",
            "display",
        }
        _require(
            whole and all(isinstance(v, str) and v for v in coding.values()),
            place,
            f"{where}: coding takes system, code and display",
        )
    return Concept(number, vocabulary, coding)


def _require(holds: bool, place: str, problem: str) -> None:  # noqa: FBT001 - what must hold
    if not holds:
        raise Invalid("concept_map", path=place, problem=problem)


@cache
def _known() -> dict[str, dict[str, str]]:
    numbers = [f for f in tables()["doses"] if f.kind in {"number", "count"}]
    return {
        "procedure": {"immunoadsorption": "Immunoadsorption"}, "visit": {"session": "One session"},
        "type": {"session": "What machines recorded"},
        "unit": dict.fromkeys((f.unit or "1" for f in numbers), ""),
        "measurement": {f.name: f"{f.en} [{f.unit or '1'}]" for f in numbers} | {"status": "Whether the dose may be used"},
        "status": {"final": "Final", "provisional": "Provisional"}, "device": {},
    }  # fmt: skip


def every_code(devices: Iterable[str] = ()) -> dict[str, dict[str, str]]:
    """Return every code that an export can need, with what it means.

    Args:
        devices: models and products that occur at this site.
    """
    return _known() | {"device": dict.fromkeys(sorted(set(devices)), "")}


def unmapped(concepts: Concepts, devices: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Return (kind, code) of all that is concept 0."""
    return [
        (kind, code)
        for kind, codes in every_code(devices).items()
        for code in codes
        if not concepts.of(kind, code).id
    ]


def draft(concepts: Concepts, devices: Iterable[str] = ()) -> str:
    """Return a map with every code, what it means, and what is known of it; what a site has entered stays."""
    lines = [
        "# What this site's codes mean in OMOP's standardised vocabularies (concept_id and vocabulary) and in FHIR",
        "# (coding). 0 is unmapped: the export keeps the code beside it. A coding looks like this:",
        '# code = { concept_id = 0, coding = { system = "http://loinc.org", code = "...", display = "..." } }',
        "", f"vocabulary_version = {_quoted(concepts.vocabulary_version)}  # of the vocabularies these numbers are from",
    ]  # fmt: skip
    for kind, codes in every_code(devices).items():
        lines += ["", f"# {_ABOUT[kind]}", f"[{kind}]"]
        own = dict.fromkeys(concepts.own.get(kind, {}), "")
        for code, means in (own | codes).items():
            lines.append(
                f"{_quoted(code)} = {_value(concepts.of(kind, code))}" + (f"  # {means}" if means else "")
            )
    return "\n".join(lines) + "\n"


def _value(one: Concept) -> str:
    parts = [f"concept_id = {one.id}"]
    if one.id:
        parts.append(f"vocabulary = {_quoted(one.vocabulary)}")
    if one.coding is not None:
        inner = ", ".join(f"{name} = {_quoted(value)}" for name, value in one.coding.items())
        parts.append(f"coding = {{ {inner} }}")
    return f"{{ {', '.join(parts)} }}"


def _quoted(text: str) -> str:
    """Return a text as TOML writes it."""
    escaped = "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08X}" for c in text)
    return f'"{escaped}"'
