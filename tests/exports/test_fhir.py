"""Sessions as FHIR: every resource is valid, every reference leads somewhere, and no value is another than the dose's."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from fhir.resources import get_fhir_model_class as class_of_r5
from fhir.resources.R4B import get_fhir_model_class as class_of_r4b
from pydantic import BaseModel

from ingestor.exports.concepts import Concept, Concepts
from ingestor.exports.fhir.bulk import LEFT_OUT, TYPES, lines
from ingestor.exports.fhir.bundle import bundle
from ingestor.exports.fhir.releases import RELEASES
from ingestor.exports.observed import figures
from ingestor.exports.treatments import treatments, why_left_out
from tests.exports.conftest import MOMENT, PSEUDONYMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestor.exports.treatments import Treatment
    from ingestor.store.engine import Database

    Json = dict[str, Any]

# The package has no models of R4 itself. R4B differs from it in resources about medicines, evidence and
# subscriptions, and in none of those used here.
CLASSES = {"R4": class_of_r4b, "R5": class_of_r5}
# Value sets that the package cuts short, and ones that it does not name; all are required by both releases.
# Source: HL7 FHIR R4 (4.0.1), observation-status, issue-type, quantity-comparator.
WHOLE = {
    "Observation.status": {"registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown"},
    "OperationOutcomeIssue.code": {"business-rule"},
    "Quantity.comparator": {"<", "<=", ">=", ">"},
}  # fmt: skip
SITE = Concepts(
    {
        "procedure": {"immunoadsorption": Concept(0, coding={"system": "urn:site", "code": "IA"})},
        "measurement": {"processed_plasma_ml": Concept(0, coding={"system": "urn:site", "code": "PPV"})},
    }
)


@pytest.fixture(scope="module", params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def files(treated: list[Treatment], release: str) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for kind, some in lines([treated[:40], treated[40:]], SITE, release):
        found.setdefault(kind, []).extend(json.loads(line) for line in some)
    return found


def _wrong_codes(model: BaseModel) -> Iterator[str]:
    """Yield every code that is not in the value set it must be from; the package itself takes any word."""
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        about = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        place = f"{type(model).__name__}.{name}"
        allowed: Any = WHOLE.get(place, set(about.get("enum_values", ())))  # type: ignore[arg-type]
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, BaseModel):
                yield from _wrong_codes(one)
            elif one is not None and allowed and str(one) not in allowed:
                yield f"{place} = {one}"


def test_every_resource_of_the_clinic_is_valid_and_its_required_codes_are_codes(
    files: dict[str, list[Json]], release: str
):
    assert set(files) == {*TYPES, LEFT_OUT}
    seen = set()
    for resources in files.values():
        for resource in resources:
            model = CLASSES[release](resource["resourceType"]).model_validate(resource)
            assert list(_wrong_codes(model)) == [], resource["id"]
            assert re.fullmatch(r"[A-Za-z0-9.\-]{1,64}", resource["id"])
            seen.add((resource["resourceType"], resource.get("status")))
    observed = {status for kind, status in seen if kind == "Observation"}
    assert observed == {"registered", "preliminary", "final"}


def test_the_check_of_codes_finds_a_wrong_one(release: str):
    nonsense = {"resourceType": "Observation", "status": "nonsense", "code": {"text": "x"}}
    model = CLASSES[release]("Observation").model_validate(nonsense)
    assert list(_wrong_codes(model)) == ["Observation.status = nonsense"]


def _references(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _references(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name == "reference" and isinstance(one, str):
                yield one
            else:
                yield from _references(one)


def test_every_reference_leads_to_a_resource_of_the_files_and_every_id_is_there_once(
    files: dict[str, list[Json]],
):
    names = [f"{r['resourceType']}/{r['id']}" for resources in files.values() for r in resources]
    assert len(names) == len(set(names))
    asked = [name for resources in files.values() for name in _references(resources)]
    assert len(asked) > len(names)
    assert set(asked) <= set(names)


def test_every_session_is_a_procedure_or_is_said_to_be_left_out(
    files: dict[str, list[Json]], treated: list[Treatment]
):
    told = {
        issue["diagnostics"]: issue["details"]["coding"][0]["code"]
        for r in files[LEFT_OUT]
        for issue in r["issue"]
    }
    assert told == {t.id: why_left_out(t) for t in treated if why_left_out(t)}
    assert {"bench", "no_patient"} == set(told.values())
    assert {p["id"] for p in files["Procedure"]} == {t.id for t in treated} - set(told)
    assert all(p["status"] in {"completed", "unknown"} for p in files["Procedure"])


def test_every_figure_is_an_observation_with_the_value_and_unit_of_the_dose_or_a_reason(
    files: dict[str, list[Json]], treated: list[Treatment]
):
    observed = {r["id"]: r for r in files["Observation"]}
    counted = 0
    for one in treated:
        if why_left_out(one):
            continue
        for figure in figures():
            found, value = observed[f"{one.id}-{figure.slug}"], one.dose[figure.name]
            assert found["partOf"] == [{"reference": f"Procedure/{one.id}"}]
            counted += 1
            if value is None:
                assert "valueQuantity" not in found
                assert found["dataAbsentReason"]["coding"][0]["code"] in {"unknown", "temp-unknown"}
            else:
                quantity = found["valueQuantity"]
                assert (quantity["value"], quantity["code"]) == (value, figure.unit)
                assert quantity["system"] == "http://unitsofmeasure.org"
    assert counted > 1000
    assert len(observed) == counted + len(files["Procedure"])


def test_a_withheld_dose_is_registered_without_a_value_and_shows_its_readings(files: dict[str, list[Json]]):
    observed = {r["id"]: r for r in files["Observation"]}
    plasma = observed["ses-withheld-processed-plasma-ml"]
    assert plasma["status"] == "registered"
    assert plasma["dataAbsentReason"]["coding"][0]["code"] == "temp-unknown"
    readings = [observed[one["reference"].removeprefix("Observation/")] for one in plasma["derivedFrom"]]
    assert {one["status"] for one in readings} == {"preliminary"}
    assert any("valueQuantity" in one for one in readings)


def test_a_partial_record_is_a_lower_bound(files: dict[str, list[Json]]):
    observed = {r["id"]: r for r in files["Observation"]}
    assert observed["ses-partial-processed-plasma-ml"]["valueQuantity"]["comparator"] == ">="
    assert "comparator" not in observed["ses-final-processed-plasma-ml"]["valueQuantity"]
    assert "comparator" not in observed["ses-partial-cycles-completed"]["valueQuantity"]


def test_a_patient_is_a_pseudonym_with_a_year_of_birth_and_the_very_old_have_none(
    files: dict[str, list[Json]],
):
    patients = {r["id"]: r for r in files["Patient"]}
    assert all(
        set(p) <= {"resourceType", "id", "meta", "identifier", "gender", "birthDate", "_birthDate"}
        for p in patients.values()
    )
    assert all(re.fullmatch("[0-9]{4}", p["birthDate"]) for p in patients.values() if "birthDate" in p)
    assert "birthDate" not in patients["ps-old"]
    assert patients["ps-old"]["_birthDate"]["extension"][0]["valueCode"] == "masked"
    assert "birthDate" in patients["ps-almost-old"]
    assert patients["ps-unknown"]["gender"] == "unknown"
    assert {c["code"] for c in patients["ps-made-up"]["meta"]["security"]} == {"PSEUDED", "HTEST"}


def test_provenance_names_files_driver_and_method(files: dict[str, list[Json]], treated: list[Treatment]):
    doses = {one.id: one.dose for one in treated}
    drivers = {d["id"]: d for d in files["Device"]}
    for one in files["Provenance"]:
        dose = doses[one["id"].removesuffix("-provenance")]
        assert [e["what"]["identifier"]["value"] for e in one.get("entity", [])] == dose["sources"]
        assert one["policy"] == [f"urn:apherelog:method:{dose['method']}"]
        driver = drivers[one["agent"][0]["who"]["reference"].removeprefix("Device/")]
        assert driver["version"] == [{"value": dose["driver_version"]}]


def test_public_codes_stand_only_where_a_system_has_the_thing(files: dict[str, list[Json]]):
    found: set[tuple[str, str]] = set()

    def collect(value: object) -> None:
        if isinstance(value, dict):
            if {"system", "code"} <= set(value):
                found.add((value["system"], value["code"]))
            for one in value.values():
                collect(one)
        elif isinstance(value, list):
            for one in value:
                collect(one)

    collect(list(files.values()))
    public = {pair for pair in found if "snomed" in pair[0] or "loinc" in pair[0]}
    assert public == {
        ("http://snomed.info/sct", "127788007"), ("http://snomed.info/sct", "277132007"), ("http://loinc.org", "29463-7"),
        ("http://loinc.org", "8302-2"), ("http://loinc.org", "20570-8"),
    }  # fmt: skip
    assert {("urn:site", "IA"), ("urn:site", "PPV")} <= found


def test_a_bundle_is_valid_and_whole_in_itself(treated: list[Treatment], release: str):
    one = next(t for t in treated if not why_left_out(t))
    found = bundle(one, Concepts(), release)
    model = CLASSES[release]("Bundle").model_validate(found)
    assert list(_wrong_codes(model)) == []
    addresses = [entry["fullUrl"] for entry in found["entry"]]
    assert len(addresses) == len(set(addresses))
    assert set(_references(found)) <= set(addresses)
    assert bundle(one, Concepts(), release) == found


def test_only_what_is_asked_for_is_written(treated: list[Treatment]):
    assert {kind for kind, _ in lines([treated], Concepts(), "R4", ("Patient",))} == {"Patient", LEFT_OUT}


def test_the_size_of_a_piece_changes_nothing(decades: Database):
    def all_lines(piece: int) -> dict[str, list[bytes]]:
        found: dict[str, list[bytes]] = {}
        for kind, some in lines(treatments(decades, MOMENT, PSEUDONYMS, piece), Concepts(), "R4"):
            found.setdefault(kind, []).extend(some)
        return found

    assert all_lines(7) == all_lines(1000)
