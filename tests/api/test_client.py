"""The client of notebooks gets what the interface has, waits when it must and never takes half for whole."""

import hashlib
import http.server
import json
import threading
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from api.app import create_app
from api.client import Client, Problem
from ingestor.config import Settings
from ingestor.exports.fields import tables
from tests.api.clinic import Clinic
from tests.api.conftest import Staff
from tests.web.conftest import run_app


@pytest.fixture(scope="module")
def client(furnished: tuple[Clinic, Staff], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    import shutil

    data = tmp_path_factory.mktemp("served") / "data"
    shutil.copytree(furnished[0].data, data)
    url, (server, thread) = run_app(create_app(Settings(data_dir=data, centre="vie")))  # type: ignore[misc]
    yield Client(url, furnished[1].tokens["analyst"])
    server.should_exit = True
    thread.join(10)


def test_doses_come_as_every_kind_of_table_with_the_same_rows(client: Client, known: Clinic) -> None:
    arrow = client.doses("arrow")
    assert set(arrow["session_id"].to_pylist()) == set(known.sessions)
    frame = client.doses()
    assert isinstance(frame, pd.DataFrame)
    assert frame.attrs["units"] == {f.name: f.unit for f in tables()["doses"] if f.unit} == client.units()
    assert frame.attrs["meanings"]["pv_multiple"].startswith("Processed plasma as a multiple")
    assert isinstance(client.doses("polars"), pl.DataFrame)
    values = arrow["processed_plasma_ml"].to_pylist()
    assert frame["processed_plasma_ml"].tolist() == values
    assert client.doses("polars")["processed_plasma_ml"].to_list() == values
    assert arrow.schema.field("processed_plasma_ml").metadata[b"unit"] == b"mL"


def test_rows_are_read_page_by_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.client._PAGE", 2)
    rows = list(client.doses("rows"))
    assert [r["session_id"] for r in rows] == client.doses("arrow")["session_id"].to_pylist()
    assert len(list(client.changes())) >= len(rows)
    cycles = list(client.table("cycles", "rows", session=rows[0]["session_id"]))
    assert len(cycles) == rows[0]["cycles_completed"] + rows[0]["cycles_aborted"]


def test_filters_are_those_of_the_interface_and_their_slips_are_told(client: Client) -> None:
    linked = client.doses("arrow", linked=True)
    assert linked.num_rows == 3
    patients = sorted(set(linked["patient"].to_pylist()))
    assert client.doses("arrow", patient=patients).num_rows == 3
    middle = linked["started_at"].to_pylist()[1]
    since = client.doses("arrow", since=middle.date(), linked=True, to=date(2100, 1, 1)).num_rows
    assert since == sum(at.date() >= middle.date() for at in linked["started_at"].to_pylist())
    assert client.doses("arrow", as_of=datetime(2000, 1, 1, tzinfo=UTC)).num_rows == 0
    with pytest.raises(Problem) as error:
        client.doses(statsu="final")
    assert (error.value.status, error.value.code) == (422, "invalid_request")
    assert "statsu" in str(error.value)
    with pytest.raises(ValueError, match="zone"):
        client.doses(as_of=datetime(2026, 1, 1))  # noqa: DTZ001 - whose clock?


def test_what_a_filter_leaves_out_is_counted(client: Client, known: Clinic) -> None:
    everything = client.exclusions()
    assert (everything["sessions"], everything["included"]) == (len(known.sessions), len(known.sessions))
    some = client.exclusions(linked=True, weight_kg_min=1000)
    assert some["included"] == 0
    assert some["filtered"] == {"linked": 2, "weight_kg_min": len(known.sessions)}
    assert sum(everything["statuses"].values()) == everything["included"]
    assert everything["reasons"]["no_patient"] == 2
    with pytest.raises(Problem):
        client.exclusions(limit=3)


def test_a_client_without_an_address_or_a_token_says_so(
    monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    monkeypatch.delenv("APHERELOG_TOKEN", raising=False)
    for url in (None, "file:///etc/passwd", "http://localhost"):
        with pytest.raises(ValueError, match="APHERELOG_URL"):
            Client(url)
    monkeypatch.setenv("APHERELOG_URL", client._url)
    monkeypatch.setenv("APHERELOG_TOKEN", client._token)
    assert Client().doses("arrow").num_rows > 0
    assert client._token not in repr(client)
    with pytest.raises(Problem) as error:
        Client(client._url, "apx_wrong").doses("arrow")
    assert error.value.status == 401


Answer = Callable[[http.server.BaseHTTPRequestHandler, int], None]


@pytest.fixture
def played() -> Iterator[Callable[[Answer], tuple[Client, list[str]]]]:
    """A service that answers as a test wishes, with the number of the question in hand."""
    servers: list[http.server.HTTPServer] = []

    def play(answer: Answer) -> tuple[Client, list[str]]:
        asked: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.headers.get("Authorization", ""))
                answer(self, len(asked))

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return Client(f"http://127.0.0.1:{server.server_port}", "t"), asked

    yield play
    for server in servers:
        server.shutdown()
        server.server_close()


def _send(handler: http.server.BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in ({"content_length": str(len(body))} | headers).items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr("api.client.time.sleep", found.append)
    return found


def test_a_busy_service_is_asked_again_when_it_says_so(
    played: Callable[[Answer], tuple[Client, list[str]]], pauses: list[float]
) -> None:
    def busy_twice(handler: http.server.BaseHTTPRequestHandler, number: int) -> None:
        if number <= 2:
            _send(handler, 503, b"{}", retry_after="7")
        else:
            _send(handler, 200, b'{"items": [{"n": 1}], "next": null}')

    client, asked = played(busy_twice)
    assert list(client.doses("rows")) == [{"n": 1}]
    assert (pauses, len(asked)) == ([7.0, 7.0], 3)


def test_half_a_file_is_asked_for_again_and_never_used(
    played: Callable[[Answer], tuple[Client, list[str]]], pauses: list[float]
) -> None:
    def half(handler: http.server.BaseHTTPRequestHandler, number: int) -> None:
        _send(handler, 200, b'{"items": [', content_length="500")

    client, asked = played(half)
    with pytest.raises(Exception, match="IncompleteRead"):
        list(client.doses("rows"))
    assert (len(asked), len(pauses)) == (5, 4)


def test_a_refusal_is_not_asked_again_and_a_token_follows_no_redirect(
    played: Callable[[Answer], tuple[Client, list[str]]], pauses: list[float]
) -> None:
    elsewhere, seen = played(lambda handler, _: _send(handler, 200, b"{}"))
    client, asked = played(lambda handler, _: _send(handler, 302, b"", location=elsewhere._url))
    with pytest.raises(Problem) as error:
        client.document("/v1/codes")
    assert (error.value.status, len(asked), seen, pauses) == (302, 1, [], [])


def test_a_table_of_a_data_set_is_checked_against_its_sum(
    played: Callable[[Answer], tuple[Client, list[str]]],
) -> None:
    import io

    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pa.table({"session_id": ["ses-1"]}), sink)
    data = sink.getvalue()
    resource = {"path": "doses.parquet", "hash": f"sha256:{hashlib.sha256(data).hexdigest()}"}
    about = json.dumps({"resources": [resource]})

    def play(handler: http.server.BaseHTTPRequestHandler, number: int) -> None:
        del number
        is_file = "/files/" in handler.path
        _send(handler, 200, data[: len(data) - cut] if is_file else about.encode())

    client, cut = played(play)[0], 0
    assert client.snapshot("one", kind="arrow").to_pylist() == [{"session_id": "ses-1"}]
    cut = 1
    with pytest.raises(Problem) as error:
        client.snapshot("one")
    assert error.value.code == "snapshot_damaged"


def test_an_installation_offers_the_client_under_its_own_name() -> None:
    from api import apherelog_client

    assert apherelog_client.Client is Client
    root = Path(__file__).parents[2]
    build = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]
    assert build["wheel"]["force-include"] == {"api/apherelog_client.py": "apherelog_client.py"}
