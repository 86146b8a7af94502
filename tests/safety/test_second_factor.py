"""A second factor: the codes of the standard, each good once, and a way in when the phone is lost."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ingestor.access import second_factor
from ingestor.access.second_factor import code_at, step_of
from tests.safety.conftest import PASSWORD, Person

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.safety.conftest import Office

NEW = "another wooden lamp"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037"),
     (20000000000, "353130")],
)  # fmt: skip
def test_the_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    """RFC 6238, appendix B, SHA-1; six of its eight digits."""
    secret = base64.b32encode(b"12345678901234567890").decode()
    assert code_at(secret, step_of(datetime.fromtimestamp(seconds, UTC))) == code


def _set_up(office: Office, person: Person) -> tuple[str, list[str]]:
    assert person.send("/account/factor", password="wrong").status_code == 422
    page = person.send("/account/factor", password=PASSWORD).text
    secret = re.search(r"secret=([A-Z2-7]{32})", page)
    assert secret is not None
    assert person.send("/account/factor/confirm", code="000000").status_code == 422
    now = office.service.now()
    page = person.send("/account/factor/confirm", code=code_at(secret[1], step_of(now))).text
    codes = re.findall(r"<li>([a-z2-7]{4}(?:-[a-z2-7]{4}){5})</li>", page)
    assert len(codes) == 10
    return secret[1], codes


def _sign_in(office: Office, code: str | None) -> tuple[int, str]:
    from starlette.testclient import TestClient

    browser = TestClient(office.client.app, follow_redirects=False)
    data = {"name": "admin", "password": PASSWORD} | ({"code": code} if code is not None else {})
    answer = browser.post("/login", data=data, headers={"accept": "application/json"})
    return answer.status_code, "" if answer.status_code == 303 else answer.json()["code"]


def test_with_a_second_factor_the_password_alone_opens_nothing(office: Office) -> None:
    secret, codes = _set_up(office, office.sign_in("admin"))
    assert _sign_in(office, None) == _sign_in(office, " ") == (401, "second_factor_needed")
    assert _sign_in(office, "abcdef") == _sign_in(office, "１２３４５６") == (401, "second_factor_wrong")
    used = code_at(secret, step_of(office.service.now()))
    assert _sign_in(office, used) == (401, "second_factor_wrong"), "the code that confirmed it is used up"
    later = code_at(secret, step_of(office.service.now() + timedelta(seconds=30)))
    assert _sign_in(office, later[:3] + " " + later[3:])[0] == 303
    assert _sign_in(office, later) == (401, "second_factor_wrong")
    assert _sign_in(office, codes[3].upper())[0] == 303
    assert _sign_in(office, codes[3]) == (401, "second_factor_wrong")
    assert {e["detail"].get("factor") for e in office.entries("login_failed")} == {"second"}


def test_the_form_of_the_login_asks_for_the_code_when_it_is_needed(office: Office) -> None:
    _set_up(office, office.sign_in("admin"))
    page = office.client.post(
        "/login",
        data={"name": "admin", "password": PASSWORD, "next": "/accounts"},
        headers={"accept": "text/html"},
    )
    assert page.status_code == 401
    assert 'name="code"' in page.text
    assert 'value="/accounts"' in page.text
    assert 'name="code"' not in office.client.get("/login").text


def test_where_it_is_demanded_an_administrator_without_it_can_only_set_it_up(
    office_of: Callable[..., Office],
) -> None:
    office = office_of(admin_second_factor=True)
    admin = office.sign_in("admin")
    assert admin.see("/accounts").status_code == 403
    assert "second factor" in admin.see("/accounts").text
    assert admin.see("/account").status_code == 200
    _set_up(office, admin)
    assert admin.see("/accounts").status_code == 200
    assert office.sign_in("nurse").see("/sessions").status_code == 200


def test_it_can_be_switched_off_with_the_password_or_by_another_administrator(office: Office) -> None:
    person = office.sign_in("nurse")
    _set_up(office, person)
    assert person.send("/account/factor/remove", password="wrong").status_code == 422
    assert person.send("/account/factor/remove", password=PASSWORD).status_code == 303
    _set_up(office, person)
    key = person.see("/v1/me", accept="application/json").json()["name"]
    from ingestor.store import accounts

    with office.service.db.read() as connection:
        account = accounts.by_name(connection, key)
    assert account is not None
    assert office.sign_in("admin").send(f"/accounts/{account.id}/factor").status_code == 303
    assert [e["actor"] for e in office.entries("remove_second_factor")] == ["nurse", "admin"]
    office.sign_in("nurse")


def test_a_password_is_changed_by_who_knows_the_old_one_and_ends_every_login(office: Office) -> None:
    one, other = office.sign_in("nurse"), office.sign_in("nurse")
    for fields in (
        {"password": "wrong", "new": NEW, "again": NEW}, {"password": PASSWORD, "new": NEW, "again": NEW + "!"},
        {"password": PASSWORD, "new": "password1", "again": "password1"}, {"password": PASSWORD, "new": "", "again": ""},
    ):  # fmt: skip
        assert one.send("/account/password", **fields).status_code == 422
    assert one.send("/account/password", password=PASSWORD, new=NEW, again=NEW).status_code == 303
    assert [p.see("/v1/me", accept="application/json").status_code for p in (one, other)] == [401, 401]
    sent = {"name": "nurse", "password": NEW}
    assert office.client.post("/login", data=sent).status_code == 303


def test_a_token_cannot_change_the_account_that_it_belongs_to(office: Office) -> None:
    from ingestor.access import tokens
    from ingestor.access.permissions import AccountRole
    from ingestor.store import accounts, audit

    with office.service.db.write() as connection:
        account = accounts.by_name(connection, "nurse")
        assert account is not None
        actor = audit.Actor("x", "admin")
        token = tokens.issue(connection, account, AccountRole.NURSE, 1, office.service.now(), actor)
    bearer = {"Authorization": f"Bearer {token}"}
    for path in ("/account/password", "/account/factor", "/account/factor/confirm", "/account/factor/remove"):
        assert office.client.post(path, headers=bearer, data={"password": PASSWORD}).status_code == 422


def test_an_address_of_the_secret_is_what_apps_read() -> None:
    assert second_factor.address("ABC", "maria ö") == (
        "otpauth://totp/apherelog%3Amaria%20%C3%B6?secret=ABC&issuer=apherelog"
    )
