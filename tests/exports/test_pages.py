"""The pages on FHIR and OMOP say field by field what is written, no more and no less."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ingestor.exports.concepts import SHIPPED, Concepts
from ingestor.exports.fhir.bulk import LEFT_OUT, TYPES
from ingestor.exports.fhir.observations import STATUSES
from ingestor.exports.fhir.releases import RELEASES, as_release
from ingestor.exports.fhir.resources import left_out, of_treatment
from ingestor.exports.observed import figures
from ingestor.exports.omop import layout
from ingestor.exports.treatments import why_left_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestor.exports.treatments import Treatment

DOCS = Path(__file__).parents[2] / "docs"
# Data types that the page explains once.
WHOLE = {
    "coding", "valueQuantity", "effectivePeriod", "performedPeriod", "occurrencePeriod", "identifier", "_birthDate",
    "security", "extension", "reference", "version", "deviceName", "name",
}  # fmt: skip


def paths(value: object, at: str) -> Iterator[str]:
    """Yield the fields of a resource, lists without their numbers."""
    if isinstance(value, list):
        for one in value:
            yield from paths(one, at)
    elif isinstance(value, dict) and at.rpartition(".")[2] not in WHOLE:
        for name, one in value.items():
            yield from paths(one, f"{at}.{name}")
    else:
        yield at


def written(treated: list[Treatment]) -> dict[str, set[str]]:
    """Return every field that is written, with the releases that have it."""
    found: dict[str, set[str]] = {}
    for release in RELEASES:
        for one in treated:
            why = why_left_out(one)
            resources = [left_out(one.id, why)] if why else of_treatment(one, Concepts())
            for resource in resources:
                kind = resource["resourceType"]
                for path in paths(as_release(resource, release), kind):
                    found.setdefault(path, set()).add(release)
    return {path: some for path, some in found.items() if not path.endswith(".resourceType")}


def omop_table(table: str) -> str:
    rows = "".join(f"| {column} | {source} |\n" for column, source in layout.tables()[table].items())
    return f"| column | value |\n|---|---|\n{rows}"


def figure_table() -> str:
    rows = "".join(
        f"| {f.name} | {f.unit} | {f.category} | {f.loinc[0] if f.loinc else ''} | {f.display} |\n"
        for f in figures()
    )
    return f"| column | UCUM | category | LOINC | meaning |\n|---|---|---|---|---|\n{rows}"


def concept_table() -> str:
    rows = "".join(
        f"| {kind} | {code} | {one.id} | {one.vocabulary} |\n"
        for kind, codes in SHIPPED.items() for code, one in codes.items() if one.id
    )  # fmt: skip
    return f"| kind | code | concept | vocabulary |\n|---|---|---|---|\n{rows}"


def test_the_page_on_fhir_has_every_field_that_is_written(treated: list[Treatment]):
    page = (DOCS / "fhir.md").read_text("utf-8")
    told: dict[str, set[str]] = {}
    for path, only in re.findall(r"^\| ([A-Z]\w+\.[\w.]+)(?: \((R[45])\))? \|", page, re.MULTILINE):
        told.setdefault(path, set()).update({only} if only else RELEASES)
    assert told == written(treated)
    assert {path.partition(".")[0] for path in told} == {*TYPES, LEFT_OUT}


def test_the_page_on_fhir_has_every_figure_and_status():
    page = (DOCS / "fhir.md").read_text("utf-8")
    assert figure_table() in page
    for status, code in STATUSES.items():
        assert f"| {status} | {code} |" in page


@pytest.mark.parametrize("table", list(layout.tables()))
def test_the_page_on_omop_has_every_column(table: str):
    page = (DOCS / "omop.md").read_text("utf-8")
    assert f"### {table}\n\n{omop_table(table)}" in page


def test_the_page_on_omop_has_no_table_that_is_not_written_and_every_concept_that_is_shipped():
    page = (DOCS / "omop.md").read_text("utf-8")
    assert re.findall(r"^### (\w+)$", page, re.MULTILINE) == list(layout.tables())
    assert concept_table() in page
