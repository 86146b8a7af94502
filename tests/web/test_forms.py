"""What a form may not do, asked over HTTP without a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from api.app import create_app
from ingestor.access import logins
from ingestor.config import Settings
from ingestor.store import accounts
from ingestor.store.tables import session, ward
from tests.web.clinic import furnish
from tests.web.conftest import PASSWORD, hashed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = {"accept": "text/html", "sec-fetch-site": "same-origin"}


class Ward:
    """A service with the clinic, and a nurse who is signed in."""

    def __init__(self, client: TestClient, made: dict[str, str], form_token: str) -> None:
        self.client, self.made, self.form_token = client, made, form_token
        self.house = client.app.state.service.house  # type: ignore[attr-defined]

    def send(self, path: str, headers: dict[str, str] = PAGE, **fields: str):
        data = {"form_token": self.form_token} | fields
        return self.client.post(path.format(**self.made), data=data, headers=headers)

    def patient_of(self, name: str) -> str | None:
        with self.house.db.read() as connection:
            row = connection.execute(session.select().where(session.c.id == self.made[name])).one()
        return row.patient_id


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Ward]:
    app = create_app(Settings(data_dir=tmp_path / "data", rate_limits=False))
    with TestClient(app, follow_redirects=False) as client:
        service = app.state.service
        with service.db.write() as connection:
            made = furnish(connection, service.house.centre)
            accounts.add(connection, service.house.centre, "nurse", "nurse", service.now(), password=hashed())
        opened = logins.log_in(service.db, "nurse", PASSWORD, service.now())
        client.cookies.set("sid", opened.secret)
        yield Ward(client, made, logins.form_token(opened.secret))


@pytest.mark.parametrize("token", ["", "0" * 32])
def test_a_form_without_the_logins_own_token_changes_nothing(here: Ward, token: str):
    answer = here.send("/sessions/{unlinked}/link/{anna}", form_token=token, reason="x")
    assert answer.status_code == 403
    assert "data-part" in answer.text or "<h1>" in answer.text
    assert here.patient_of("unlinked") is None


def test_a_form_that_another_site_sends_changes_nothing(here: Ward):
    answer = here.send(
        "/sessions/{unlinked}/link/{anna}", PAGE | {"sec-fetch-site": "cross-site"}, reason="x"
    )
    assert answer.status_code == 403
    assert here.patient_of("unlinked") is None


def test_a_session_of_another_ward_is_not_there(here: Ward):
    with here.house.db.write() as connection:
        connection.execute(ward.insert().values(id="w1", centre=here.house.centre, name="West"))
        connection.execute(ward.insert().values(id="w2", centre=here.house.centre, name="East"))
        connection.execute(update(session).where(session.c.id == here.made["unlinked"]).values(ward="w2"))
        nurse = accounts.by_name(connection, "nurse")
        accounts.set_role(connection, nurse.id, "nurse", "w1")
    for path in ("/sessions/{unlinked}", "/sessions/{unlinked}/link", "/sessions/{unlinked}/link/{anna}"):
        assert here.client.get(path.format(**here.made), headers=PAGE).status_code == 404
    assert here.send("/sessions/{unlinked}/link/{anna}", reason="x").status_code == 404
    assert here.patient_of("unlinked") is None
    assert here.made["unlinked"] not in here.client.get("/sessions", headers=PAGE).text
    assert here.client.get("/sessions/{linked}".format(**here.made), headers=PAGE).status_code == 200


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"identifier": "", "system": "KIS"}, "fehlt"),
        ({"identifier": "00481516", "system": "KIS"}, "gehört"),
        ({"identifier": "1", "system": "KIS", "birth_date": "2999-01-01"}, "Datum"),
        ({"identifier": "1", "system": "KIS", "birth_date": "gestern"}, "Datum"),
    ],
)
def test_a_patient_that_does_not_fit_is_not_added_and_what_was_typed_stays(
    here: Ward, fields: dict[str, str], said: str
):
    answer = here.send("/patients", PAGE | {"accept-language": "de"}, name="Dora Versuch", **fields)
    assert answer.status_code == 422
    assert said in answer.text
    assert "Dora Versuch" in answer.text
    assert "Dora" not in here.client.get("/patients", headers=PAGE).text


@pytest.mark.parametrize(
    ("value", "at"),
    [
        ("1_000", "2026-11-02T08:00"),
        ("٧٢", "2026-11-02T08:00"),
        ("72", "heute"),
        ("9999", "2026-11-02T08:00"),
    ],
)
def test_a_value_that_cannot_be_believed_is_not_recorded(here: Ward, value: str, at: str):
    before = here.client.get("/patients/{anna}".format(**here.made), headers=PAGE).text.count("72.5")
    answer = here.send("/patients/{anna}/measurements", kind="weight", value=value, at=at)
    assert answer.status_code == 422
    assert here.client.get("/patients/{anna}".format(**here.made), headers=PAGE).text.count("72.5") == before


@pytest.mark.parametrize(
    "path",
    [
        "/sessions?from=yesterday",
        "/sessions?before=x",
        "/week?of=9999-99-99",
        "/week?of=0001-01-01",
        "/cohort?to=%00",
    ],
)
def test_an_address_that_makes_no_sense_is_told_calmly(here: Ward, path: str):
    assert here.client.get(path, headers=PAGE).status_code in {403, 422}


def test_an_original_is_downloaded_and_never_shown_by_the_browser(here: Ward):
    from ingestor.flow import pipeline
    from ingestor.store.audit import Actor
    from ingestor.store.sources import Order, StoredMember

    trap = b"<html><script>alert(1)</script>%PDF-1.7\n"
    kept = here.house.archive.put_bytes(trap)
    receipt = pipeline.ingest(
        here.house,
        [StoredMember("a\r\nX: 1.html", kept.sha256, kept.size)],
        Order("web", Actor("nurse", "nurse")),
    )
    answer = here.client.get(f"/sources/{receipt['source']}/0/download", headers=PAGE)
    assert answer.content == trap
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    shown = here.client.get(f"/sources/{receipt['source']}", headers=PAGE)
    assert "<script>alert" not in shown.text
    assert "&lt;script&gt;" in shown.text


def test_the_look_at_an_original_is_on_record(here: Ward):
    from ingestor.store import audit

    kept = here.house.archive.put_bytes(b"text")
    from ingestor.flow import pipeline
    from ingestor.store.audit import Actor
    from ingestor.store.sources import Order, StoredMember

    receipt = pipeline.ingest(
        here.house, [StoredMember("a.txt", kept.sha256, kept.size)], Order("web", Actor("nurse", "nurse"))
    )
    here.client.get(f"/sources/{receipt['source']}", headers=PAGE)
    with here.house.db.read() as connection:
        last = list(audit.entries(connection))[-1]
    assert (last["action"], last["object"], last["actor"]) == ("read-raw", receipt["source"], "nurse")


def test_what_was_typed_differently_is_marked_before_a_link(here: Ward):
    shown = here.client.get("/sessions/{unlinked}/link/{anna}".format(**here.made), headers=PAGE).text
    assert "004815<mark>16</mark>" in shown or "004815<mark>1</mark>6" in shown
