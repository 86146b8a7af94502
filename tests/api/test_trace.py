"""Samples of a session: any channels, any time, all of them or as many as a drawing shows."""

from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.api.clinic import Clinic
from tests.api.conftest import Staff


def _ask(client: TestClient, people: Staff, known: Clinic, **query: str | int) -> dict[str, Any]:
    answer = client.get(f"/v1/sessions/{known.sessions[0]}/trace", params=query, headers=people["analyst"])
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["runs"][0]
    return found


def _values(run: dict[str, Any], channel: str) -> list[float]:
    (found,) = [c["values"] for c in run["channels"] if c["channel"] == channel]
    return [v for v in found if v is not None]


@pytest.mark.parametrize("stretches", [1, 7, 40])
def test_fewer_rows_lose_no_peak(hospital: TestClient, people: Staff, known: Clinic, stretches: int) -> None:
    everything = _ask(hospital, people, known)
    some = _ask(hospital, people, known, stretches=stretches)
    assert some["samples"] == everything["samples"] == len(everything["time_ms"])
    assert len(some["time_ms"]) < len(everything["time_ms"])
    assert len(some["time_ms"]) <= 2 * stretches * len(some["channels"])
    assert some["time_ms"] == sorted(some["time_ms"])
    rows = dict(
        zip(everything["line"], zip(*(c["values"] for c in everything["channels"]), strict=True), strict=True)
    )
    for line, values in zip(
        some["line"], zip(*(c["values"] for c in some["channels"]), strict=True), strict=True
    ):
        assert rows[line] == values
    for channel in (c["channel"] for c in everything["channels"]):
        whole, part = _values(everything, channel), _values(some, channel)
        assert (min(part), max(part)) == (min(whole), max(whole)), channel


def test_a_stretch_of_time_has_the_rows_of_that_time(
    hospital: TestClient, people: Staff, known: Clinic
) -> None:
    everything = _ask(hospital, people, known, channel="plasma_flow")
    assert [c["channel"] for c in everything["channels"]] == ["plasma_flow"]
    start, end = everything["time_ms"][10], everything["time_ms"][30]
    asked = {
        n: datetime.fromtimestamp(at / 1000, UTC).isoformat() for n, at in (("from", start), ("to", end))
    }
    some = _ask(hospital, people, known, channel="plasma_flow", **asked)
    assert some["time_ms"] == [at for at in everything["time_ms"] if start <= at < end]
    assert some["channels"][0]["values"] == everything["channels"][0]["values"][10:30]
    assert _ask(hospital, people, known, to="2000-01-01")["time_ms"] == []


@pytest.mark.parametrize(
    "slip", ["stretches=0", "stretches=x", "from=yesterday", "until=2020-01-01", "to=2020-13-01"]
)
def test_slips_are_refused(hospital: TestClient, people: Staff, known: Clinic, slip: str) -> None:
    answer = hospital.get(f"/v1/sessions/{known.sessions[0]}/trace?{slip}", headers=people["analyst"])
    assert answer.status_code == 422
