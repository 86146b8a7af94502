"""Sessions as OMOP tables: they load into the model's own tables with every constraint on, and say what the doses say."""

from __future__ import annotations

import contextlib
import csv
import io
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, inspect, make_url, text

from ingestor.errors import Invalid
from ingestor.exports.concepts import SHIPPED, Concept, Concepts, draft, read, unmapped
from ingestor.exports.observed import figures
from ingestor.exports.omop import layout
from ingestor.exports.omop.book import Book, Site, why_not_here

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestor.exports.treatments import Treatment
    from tests.postgres import Databases

SITE = Site(
    "site", "Haus =1 für Test", "Europe/Vienna", datetime(2026, 6, 1, tzinfo=UTC),
    Concepts({"measurement": {"processed_plasma_ml": Concept(2000000001, "SITE")}}, "v5.0 29-AUG-25"),
    {"as_of": "2026-06-01T00:00:00Z"},
)  # fmt: skip
# In the order in which foreign keys want them.
LOADED = (
    "care_site", "person", "observation_period", "visit_occurrence", "procedure_occurrence", "device_exposure",
    "measurement", "cdm_source", "metadata", "source_to_concept_map",
)  # fmt: skip


def _files(treated: list[Treatment], site: Site = SITE) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for table, _, some in Book(site).lines([treated[:40], treated[40:]]):
        found[table] = found.get(table, b"") + some
    return found


@pytest.fixture(scope="module")
def files(treated: list[Treatment]) -> dict[str, bytes]:
    return _files(treated)


@pytest.fixture(scope="module")
def rows(files: dict[str, bytes]) -> dict[str, list[dict[str, str]]]:
    return {name: list(csv.DictReader(io.StringIO(data.decode()))) for name, data in files.items()}


@pytest.fixture(scope="module")
def loaded(files: dict[str, bytes], postgresql: Databases) -> Iterator[psycopg.Connection[Any]]:
    """The files in the tables of the model, with its foreign keys on."""
    url = postgresql.empty()
    _create(url)
    with psycopg.connect(url) as connection:
        _vocabulary(connection, files)
        for table in LOADED:
            columns = ",".join(layout.tables()[table])
            with connection.cursor().copy(
                f"COPY {table} ({columns}) FROM STDIN WITH (FORMAT csv, HEADER true)"  # type: ignore[arg-type] # names of our own
            ) as copy:
                copy.write(files[table])
        connection.commit()
        yield connection
    postgresql.drop(url)


def _create(url: str) -> None:
    from omop_alchemy.cdm import model
    from omop_alchemy.cdm.base import Base

    assert model is not None  # registers the tables
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        # These four stand in that description of the table, and not in the model.
        for name in ("start_date", "start_datetime", "end_date", "end_datetime"):
            connection.execute(text(f"ALTER TABLE source_to_concept_map DROP COLUMN {name}"))
        keys = {t: inspect(connection).get_foreign_keys(t) for t in LOADED}
    assert sum(map(len, keys.values())) > 30
    engine.dispose()


def _vocabulary(connection: psycopg.Connection[Any], files: dict[str, bytes]) -> None:
    """Write the least that foreign keys want: each concept that occurs, in one domain and one class."""
    concepts: dict[int, str] = {0: "None"}
    for name, data in files.items():
        for row in csv.DictReader(io.StringIO(data.decode())):
            for column, value in row.items():
                if column.endswith("concept_id") and value and name != "source_to_concept_map":
                    concepts.setdefault(int(value), "None")
            if name == "source_to_concept_map":
                concepts[int(row["target_concept_id"])] = row["target_vocabulary_id"]
    connection.execute(
        "SET session_replication_role = replica"
    )  # the vocabulary's own tables refer to each other
    connection.execute("INSERT INTO domain VALUES ('any', 'any', 0)")
    connection.execute("INSERT INTO concept_class VALUES ('any', 'any', 0)")
    for vocabulary in {*concepts.values(), "None"}:
        connection.execute(
            "INSERT INTO vocabulary (vocabulary_id, vocabulary_name, vocabulary_concept_id) VALUES (%s, %s, 0)",
            (vocabulary, vocabulary),
        )
    for key, vocabulary in concepts.items():
        connection.execute(
            "INSERT INTO concept (concept_id, concept_name, domain_id, vocabulary_id, concept_class_id, concept_code,"
            " valid_start_date, valid_end_date) VALUES (%s, 'x', 'any', %s, 'any', %s, '1970-01-01', '2099-12-31')",
            (key, vocabulary, str(key)),
        )
    connection.execute("SET session_replication_role = origin")


def _count(connection: psycopg.Connection[Any], query: str) -> int:
    row = connection.execute(query).fetchone()  # type: ignore[arg-type] # queries of our own
    assert row is not None
    return int(row[0])


@pytest.mark.postgres
def test_every_row_loads_into_the_tables_of_the_model(
    loaded: psycopg.Connection[Any], rows: dict[str, list[dict[str, str]]]
):
    for table in LOADED:
        assert _count(loaded, f"SELECT count(*) FROM {table}") == len(rows[table]) > 0, table


@pytest.mark.postgres
def test_the_constraints_of_the_tables_are_on(loaded: psycopg.Connection[Any]):
    for wrong in (
        "UPDATE measurement SET person_id = 999999",
        "UPDATE visit_occurrence SET care_site_id = 2",
        "UPDATE procedure_occurrence SET procedure_concept_id = 77",
        "UPDATE person SET year_of_birth = NULL",
    ):
        with pytest.raises(psycopg.IntegrityError), loaded.transaction():
            loaded.execute(wrong)


@pytest.mark.postgres
def test_the_tables_say_what_the_doses_say(loaded: psycopg.Connection[Any], treated: list[Treatment]):
    query = (
        "SELECT v.visit_source_value, p.person_source_value, m.measurement_source_value, m.value_as_number"
        " FROM measurement m JOIN visit_occurrence v USING (visit_occurrence_id)"
        " JOIN procedure_occurrence o ON o.procedure_occurrence_id = m.measurement_event_id"
        " AND o.visit_occurrence_id = v.visit_occurrence_id"
        " JOIN person p ON p.person_id = m.person_id AND p.person_id = v.person_id AND p.person_id = o.person_id"
        " WHERE m.value_as_number IS NOT NULL"
    )
    found = {tuple(row[:3]): row[3] for row in loaded.execute(query)}
    expected = {
        (one.id, one.patient.id, f.name): one.dose[f.name]
        for one in treated if why_not_here(one) is None and one.patient
        for f in figures() if one.dose[f.name] is not None
    }  # fmt: skip
    assert found == expected
    assert len(found) > 1000


@pytest.mark.postgres
def test_every_record_lies_in_the_period_of_its_person(loaded: psycopg.Connection[Any]):
    for table, first, last in (
        ("visit_occurrence", "visit_start_date", "visit_end_date"),
        ("procedure_occurrence", "procedure_date", "procedure_date"),
        ("device_exposure", "device_exposure_start_date", "device_exposure_end_date"),
        ("measurement", "measurement_date", "measurement_date"),
    ):
        outside = (
            f"SELECT count(*) FROM {table} t JOIN observation_period o USING (person_id)"
            f" WHERE t.{first} < o.observation_period_start_date OR t.{last} > o.observation_period_end_date"
        )
        assert _count(loaded, outside) == 0, table


def test_the_tables_have_columns_of_the_model_alone():
    from omop_alchemy.cdm.base import Base

    for table in LOADED:
        known = {c.name for c in Base.metadata.tables[table].columns}
        required = {c.name for c in Base.metadata.tables[table].columns if not c.nullable} - {"start_date"}
        assert required <= set(layout.tables()[table]) <= known, table


def test_every_session_is_a_visit_or_is_said_to_be_left_out(
    rows: dict[str, list[dict[str, str]]], treated: list[Treatment]
):
    told = {row["session_id"]: row["reason"] for row in rows["exclusions"]}
    assert told == {t.id: why_not_here(t) for t in treated if why_not_here(t)}
    assert {"bench", "no_patient", "withheld", "no_birth_year"} == set(told.values())
    assert {row["visit_source_value"] for row in rows["visit_occurrence"]} == {t.id for t in treated} - set(
        told
    )
    counts = {(r["name"], r["value_as_string"]): r["value_as_number"] for r in rows["metadata"]}
    for reason, count in Counter(told.values()).items():
        assert counts["left_out", str(reason)] == str(count)
    assert counts["sessions", ""] == str(len(rows["visit_occurrence"]))


def test_numbers_are_dense_and_given_once(rows: dict[str, list[dict[str, str]]]):
    for table in set(LOADED) - {"cdm_source", "source_to_concept_map"}:
        key = next(iter(layout.tables()[table]))
        assert sorted(int(row[key]) for row in rows[table]) == list(range(1, len(rows[table]) + 1)), table


def test_persons_have_a_sex_and_a_year_of_birth_and_the_very_old_share_an_age(
    rows: dict[str, list[dict[str, str]]], treated: list[Treatment]
):
    persons = {row["person_source_value"]: row for row in rows["person"]}
    patients = {t.patient.id: t.patient for t in treated if t.patient and not why_not_here(t)}
    assert set(persons) == set(patients)
    genders = {"male": "8507", "female": "8532", None: "0"}
    for key, one in patients.items():
        assert persons[key]["gender_concept_id"] == genders[one.sex]
        year = one.last_year - 90 if key == "ps-old" else one.birth_year
        assert persons[key]["year_of_birth"] == str(year)
    assert not {"month_of_birth", "day_of_birth", "birth_datetime"} & set(persons["ps-old"])
    older = [
        replace(t, patient=replace(t.patient, birth_year=1890))
        for t in treated
        if t.patient and t.patient.id == "ps-old"
    ]
    (same,) = csv.DictReader(io.StringIO(_files(older)["person"].decode()))
    assert same["year_of_birth"] == persons["ps-old"]["year_of_birth"]


def test_a_lower_bound_is_one_in_the_table_too(rows: dict[str, list[dict[str, str]]]):
    visits = {row["visit_occurrence_id"]: row["visit_source_value"] for row in rows["visit_occurrence"]}
    least = {
        (visits[row["visit_occurrence_id"]], row["measurement_source_value"])
        for row in rows["measurement"]
        if row["operator_concept_id"] == "4171755"
    }
    assert ("ses-partial", "processed_plasma_ml") in least
    assert not {name for _, name in least} & {"reported_ml", "cycles_completed", "status"}
    assert not [one for one in least if one[0] == "ses-final"]


def test_what_a_site_maps_is_mapped_and_the_rest_is_0(rows: dict[str, list[dict[str, str]]]):
    concepts = {(r["measurement_source_value"], r["measurement_concept_id"]) for r in rows["measurement"]}
    assert {("processed_plasma_ml", "2000000001"), ("reported_ml", "0"), ("weight_kg", "3025315")} <= concepts
    mapped = {(r["source_vocabulary_id"], r["source_code"]): r for r in rows["source_to_concept_map"]}
    assert mapped["ia-measurement", "processed_plasma_ml"]["target_vocabulary_id"] == "SITE"
    assert mapped["ia-measurement", "reported_ml"]["target_vocabulary_id"] == "None"
    devices = {r["device_source_value"] for r in rows["device_exposure"]} - {""}
    assert devices == {code for kind, code in mapped if kind == "ia-device"}


def test_texts_are_safe_to_open_and_fit_their_columns(
    rows: dict[str, list[dict[str, str]]], treated: list[Treatment]
):
    one = next(t for t in treated if not why_not_here(t) and t.columns)
    part = {
        "run": "r",
        "columns": [{**one.columns[0], "product": "=HYPERLINK(1)" + "x" * 60, "serial": "", "lot": "@L"}],
    }
    (row, *_) = [
        r
        for r in csv.DictReader(
            io.StringIO(
                _files([replace(one, detail={**one.detail, "columns": [part]})])["device_exposure"].decode()
            )
        )
        if "HYPERLINK" in r["device_source_value"]
    ]
    assert row["device_source_value"].startswith("'=")
    assert len(row["device_source_value"]) == 50
    assert row["production_id"] == "'@L"


# Source: OMOP CDM 5.4, widths of the columns that hold texts; a name that ends so, else the column's own.
WIDTHS = {
    "_source_value": 50, "source_code": 50, "vocabulary_id": 20, "source_code_description": 255, "production_id": 255,
    "care_site_name": 255, "cdm_source_name": 255, "cdm_source_abbreviation": 25, "cdm_holder": 255, "cdm_version": 10,
    "cdm_etl_reference": 255, "vocabulary_version": 20, "metadata.name": 250, "value_as_string": 250,
}  # fmt: skip


def test_every_text_is_as_wide_as_its_column_at_most_and_every_number_fits(treated: list[Treatment]):
    long = "L" * 300
    site = replace(SITE, name=long, centre="c" * 40, facts={"filter_column": long})
    one = next(t for t in treated if not why_not_here(t) and t.columns)
    part = {"run": "r", "columns": [{**one.columns[0], "product": long, "serial": long}]}
    everything = [
        *treated,
        replace(one, dose={**one.dose, "session_id": "ses-long"}, detail={**one.detail, "columns": [part]}),
    ]
    for table, data in _files(everything, site).items():
        for row in csv.DictReader(io.StringIO(data.decode())):
            for column, value in row.items():
                if column.endswith("_id") and not column.endswith(
                    ("vocabulary_id", "production_id", "session_id")
                ):
                    assert value == "" or 0 <= int(value) < 2**31, (table, column)
                for name, width in WIDTHS.items():
                    if f"{table}.{column}".endswith(name):
                        assert len(value) <= width, (table, column)


def test_a_site_without_a_name_is_named_by_its_id(treated: list[Treatment]):
    (row,) = csv.DictReader(io.StringIO(_files(treated, replace(SITE, name=""))["cdm_source"].decode()))
    assert (row["cdm_source_name"], row["cdm_holder"]) == ("site", "site")


def test_days_are_those_of_the_machine(rows: dict[str, list[dict[str, str]]], treated: list[Treatment]):
    visits = {row["visit_source_value"]: row for row in rows["visit_occurrence"]}
    for one in treated:
        if why_not_here(one):
            continue
        assert visits[one.id]["visit_start_datetime"] == one.dose["started_local"]
        day = date.fromisoformat(visits[one.id]["visit_start_date"])
        assert day <= date.fromisoformat(visits[one.id]["visit_end_date"])
    assert visits["ses-open"]["visit_end_datetime"] == ""
    assert visits["ses-open"]["visit_end_date"] == visits["ses-open"]["visit_start_date"]


def test_the_same_sessions_give_the_same_bytes(files: dict[str, bytes], treated: list[Treatment]):
    assert _files(treated) == files


def test_a_draft_reads_back_as_what_it_was_made_of():
    own = Concepts(
        {"device": {'odd "name"\\\n': Concept(5, "SITE")}, "unit": {"mL": Concept(0)},
         "procedure": {"immunoadsorption": Concept(0, coding={"system": "urn:x", "code": "1"})}},
        "v1",
    )  # fmt: skip
    again = read(draft(own, ["TC-2"]))
    assert again.vocabulary_version == "v1"
    for kind, codes in own.own.items():
        for code, one in codes.items():
            assert again.of(kind, code) == one
    assert again.of("unit", "kg").id == 9529
    assert ("device", "TC-2") in unmapped(again, ["TC-2"])
    assert ("unit", "mL") in unmapped(again)
    assert ("unit", "kg") not in unmapped(again)


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ("[measure]\n", "[measure]"), ("measurement = 3\n", "[measurement]"), ("[unit]\nmL = 3\n", "[unit] mL"),
        ("[unit]\nmL = { concept_id = -1, vocabulary = 'x' }\n", "concept_id"),
        ("[unit]\nmL = { concept_id = true }\n", "concept_id"), ("[unit]\nmL = { concept_id = 3 }\n", "vocabulary"),
        ("[unit]\nmL = { id = 3 }\n", "[unit] mL"), ("[unit]\nmL = { coding = { code = 'x' } }\n", "coding"),
        ("vocabulary_version = 3\n", "vocabulary_version"), ("x", "key"),
    ],
)  # fmt: skip
def test_a_slip_in_the_map_is_an_error_that_names_the_place(page: str, problem: str):
    with pytest.raises(Invalid) as caught:
        read(page)
    assert caught.value.code == "concept_map"
    assert problem in str(caught.value.details["problem"])


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
ENTRIES = st.builds(
    Concept,
    st.integers(1, 2**31 - 1),
    NAMES,
    st.none() | st.fixed_dictionaries({"system": NAMES, "code": NAMES}, optional={"display": NAMES}),
)


@given(st.dictionaries(st.sampled_from(sorted(SHIPPED)), st.dictionaries(NAMES, ENTRIES, max_size=3)), NAMES)
def test_whatever_a_site_enters_is_kept_by_the_next_draft(
    entered: dict[str, dict[str, Concept]], version: str
):
    again = read(draft(Concepts(entered, version)))
    assert again.vocabulary_version == version
    for kind, codes in entered.items():
        for code, one in codes.items():
            assert again.of(kind, code) == one


@given(st.text(max_size=60) | st.text(st.sampled_from('[]={}"\n unitmL.concept_id0123'), max_size=60))
def test_any_text_is_a_map_or_is_refused(page: str):
    with contextlib.suppress(Invalid):
        assert isinstance(read(page), Concepts)
