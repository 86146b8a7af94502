"""Files by centre and year tell what the tables tell, and an update writes only what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest

from ingestor.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.clinics import Taken

pytestmark = pytest.mark.sqlite


def _run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(a) for a in arguments])
    return int(ended.value.code or 0)


def _stamps(folder: Path) -> dict[str, int]:
    return {str(p.relative_to(folder)): p.stat().st_mtime_ns for p in folder.rglob("*.parquet")}


@pytest.fixture
def data(taken_clinic: Callable[..., Taken], tmp_path: Path) -> Path:
    from tests import clinics

    return taken_clinic(clinics.SAMPLE).copied(tmp_path / "data")


def test_any_engine_reads_the_folder_as_the_one_table_that_it_is(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "registry"
    assert _run("--data", data, "export", "partitions", "--out", out) == 0
    for table in ("doses", "cycles", "alarms", "traces"):
        whole = tmp_path / f"{table}.parquet"
        assert _run("--data", data, "export", table, "--format", "parquet", "--out", whole) == 0
        rows = pq.read_metadata(whole).num_rows
        assert rows > 0
        glob = f"{out}/{table}/*/*/*.parquet"
        (counted,) = duckdb.sql(
            f"SELECT count(*) FROM read_parquet('{glob}', hive_partitioning=true)"
        ).fetchall()[0]
        assert counted == rows
        assert pl.scan_parquet(glob, hive_partitioning=True).select(pl.len()).collect().item() == rows
    columns = pq.read_schema(tmp_path / "doses.parquet").names
    theirs = duckdb.sql(
        f"SELECT {','.join(columns)} FROM read_parquet('{out}/doses/*/*/*.parquet') ORDER BY started_at, session_id"
    ).to_arrow_table()
    ours = pq.read_table(tmp_path / "doses.parquet")
    assert theirs.to_pylist() == ours.to_pylist()


def test_an_update_writes_only_the_years_in_which_something_changed(data: Path, tmp_path: Path) -> None:
    out, fresh = tmp_path / "registry", tmp_path / "fresh"
    assert _run("--data", data, "export", "partitions", "--out", out) == 0
    before = _stamps(out)
    assert _run("--data", data, "export", "partitions", "--out", out) == 0
    assert _stamps(out) == before
    session, year, patient = duckdb.sql(
        f"SELECT session_id, year, patient FROM read_parquet('{out}/doses/*/*/*.parquet', hive_partitioning=true) "
        "WHERE patient IS NOT NULL ORDER BY session_id LIMIT 1"
    ).fetchall()[0]
    assert _run("--data", data, "unlink", session, "--reason", "the other bed") == 0
    assert _run("--data", data, "export", "partitions", "--out", out) == 0
    changed = {name for name, at in _stamps(out).items() if before.get(name) != at}
    assert f"doses/centre=site/year={year}/part-0.parquet" in changed
    # Courses are numbered anew for that patient: only years in which this patient was treated are touched.
    (years,) = duckdb.sql(
        f"SELECT list(DISTINCT year) FROM read_parquet('{out}/doses/*/*/*.parquet', "
        f"hive_partitioning=true) WHERE patient = '{patient}' OR session_id = '{session}'"
    ).fetchall()[0]
    assert {int(name.split("year=")[1].split("/")[0]) for name in changed} <= {int(y) for y in years}
    assert _run("--data", data, "export", "partitions", "--out", fresh) == 0
    assert {n: (fresh / n).read_bytes() for n in _stamps(fresh)} == {
        n: (out / n).read_bytes() for n in _stamps(out)
    }


def test_a_folder_of_other_tables_is_left_alone(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "registry"
    assert _run("--data", data, "export", "partitions", "--out", out, "--table", "doses") == 0
    before = _stamps(out)
    assert _run("--data", data, "export", "partitions", "--out", out) == 2
    assert _stamps(out) == before
