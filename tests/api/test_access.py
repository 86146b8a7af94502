"""Every route has a permission or stands on the public list; credentials are looked at before anything else."""

from datetime import UTC, datetime, timedelta

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Mount
from starlette.testclient import TestClient

from api.app import create_app
from api.openapi import permission_of, routes_of
from ingestor.access.logins import form_token
from ingestor.access.permissions import TABLE, AccountRole
from ingestor.config import Settings
from ingestor.store import audit
from ingestor.store.engine import open_database
from tests.api.conftest import PASSWORD, Staff

PUBLIC = {
    "/health",
    "/ready",
    "/metrics",
    "/docs",
    "/openapi.json",
    "/login",
    "/login/sign-on",
    "/login/sign-on/back",
    "/static",
}
BROWSER = {"Sec-Fetch-Site": "same-origin"}


def _sign_in(client: TestClient, name: str, **headers: str) -> str:
    answer = client.post("/login", data={"name": name, "password": PASSWORD}, headers=headers)
    assert answer.status_code == 303, answer.text
    return client.cookies["sid"]


def test_every_route_has_a_permission_or_is_public(client: TestClient) -> None:
    found = list(routes_of(client.app.routes))  # type: ignore[attr-defined]
    assert len(found) > 8
    for path, route in found:
        if isinstance(route, Mount):
            assert path in PUBLIC
            continue
        assert isinstance(route, APIRoute), path
        assert (permission_of(route.dependant) is None) == (path in PUBLIC), path


def test_a_permission_is_looked_at_before_anything_else_of_a_route(client: TestClient) -> None:
    for path, route in routes_of(client.app.routes):  # type: ignore[attr-defined]
        if isinstance(route, APIRoute) and permission_of(route.dependant) is not None:
            first = route.dependant.dependencies[0].call
            assert hasattr(first, "permission"), path
            assert route.body_field is None, f"{path} reads its body before it knows who asks"


def test_every_role_may_do_on_every_route_what_the_table_says(client: TestClient, staff: Staff) -> None:
    for path, route in routes_of(client.app.routes):  # type: ignore[attr-defined]
        if not isinstance(route, APIRoute) or (needed := permission_of(route.dependant)) is None:
            continue
        url = path.replace("{", "").replace("}", "")
        for method in route.methods or ():
            assert client.request(method, url).status_code == 401, (method, path)
            for role in AccountRole:
                status = client.request(method, url, headers=staff[role.value]).status_code
                assert (status == 403) == (needed not in TABLE[role]), (method, path, role, status)
                assert status != 401, (method, path, role)


@pytest.mark.parametrize(
    "given",
    [
        {}, {"Authorization": "Basic YW5uYTpw"}, {"Authorization": "Bearer"}, {"Authorization": "Bearer x y"},
        {"Authorization": "bearer apx_vie_aaaaaaaaaaaaaaaa_" + "A" * 43 + "_00000000"},
        {"Authorization": "Bearer " + "x" * 10_000}, {"Cookie": "sid=abc"}, {"Cookie": "__Host-sid=abc"},
    ],
)  # fmt: skip
def test_without_valid_credentials_the_answer_is_401_and_the_body_is_not_looked_at(
    client: TestClient, given: dict[str, str]
) -> None:
    def body() -> object:
        yield b"{"
        pytest.fail("the body was read")

    answer = client.post("/logout", headers=given | {"Content-Type": "application/json"}, content=body())
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_login_gives_a_cookie_that_only_the_browser_can_read(client: TestClient, staff: Staff) -> None:
    answer = client.post("/login", data={"name": "the nurse", "password": PASSWORD, "next": "/upload?x=1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/upload?x=1")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("sid=")
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert client.get("/v1/me").json()["role"] == "nurse"


def test_with_tls_the_cookie_is_bound_to_the_host(settings: Settings, staff: Staff) -> None:
    with TestClient(create_app(settings), "https://aph.example", follow_redirects=False) as client:
        answer = client.post("/login", data={"name": "the nurse", "password": PASSWORD})
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-sid=")
        assert "Secure" in cookie.split("; ")
        assert "Domain" not in cookie
        assert client.get("/v1/me").status_code == 200
        assert "max-age" in answer.headers["strict-transport-security"]


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example", "/\\evil.example", "x", "/a\nb"]
)
def test_a_login_never_leads_to_another_site(client: TestClient, staff: Staff, wanted: str) -> None:
    answer = client.post("/login", data={"name": "the nurse", "password": PASSWORD, "next": wanted})
    assert answer.headers["location"] == "/"


def test_a_login_ends_the_one_that_the_browser_had_before(client: TestClient, staff: Staff) -> None:
    first = _sign_in(client, "the nurse")
    second = _sign_in(client, "the analyst")
    assert first != second
    client.cookies.clear()
    assert client.get("/v1/me", headers={"Cookie": f"sid={first}"}).status_code == 401
    assert client.get("/v1/me", headers={"Cookie": f"sid={second}"}).status_code == 200


def test_after_logout_the_cookie_is_worth_nothing(client: TestClient, staff: Staff) -> None:
    secret = _sign_in(client, "the nurse")
    answer = client.post("/logout", data={"form_token": form_token(secret)}, headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert client.get("/v1/me", headers={"Cookie": f"sid={secret}"}).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"},
        {"Origin": "https://evil.example"}, {"Origin": "https://testserver"}, {"Origin": "http://testserver:81"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
    ],
)  # fmt: skip
def test_a_form_of_another_site_changes_nothing(
    client: TestClient, staff: Staff, headers: dict[str, str]
) -> None:
    secret = _sign_in(client, "the nurse")
    answer = client.post("/logout", data={"form_token": form_token(secret)}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_form")
    assert client.get("/v1/me").status_code == 200


@pytest.mark.parametrize("headers", [BROWSER, {"Origin": "http://testserver"}, {"Sec-Fetch-Site": "none"}])
@pytest.mark.parametrize("token", ["", "x", form_token("another login")])
def test_a_form_of_another_login_changes_nothing(
    client: TestClient, staff: Staff, headers: dict[str, str], token: str
) -> None:
    _sign_in(client, "the nurse")
    answer = client.post("/logout", data={"form_token": token}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "form_over")
    assert client.get("/v1/me").status_code == 200


def test_another_site_cannot_sign_a_browser_in(client: TestClient, staff: Staff) -> None:
    answer = client.post(
        "/login", data={"name": "the nurse", "password": PASSWORD}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_wrong_logins_are_slowed_down_and_right_ones_are_not_locked_out_for_good(
    settings: Settings, staff: Staff
) -> None:
    now = [0.0]
    with TestClient(create_app(settings), follow_redirects=False) as client:
        client.app.state.service.failures._clock = lambda: now[0]  # type: ignore[attr-defined]
        for _ in range(10):
            assert client.post("/login", data={"name": "the nurse", "password": "no"}).status_code == 401
        held = client.post("/login", data={"name": "the nurse", "password": PASSWORD})
        assert (held.status_code, held.json()["code"]) == (429, "too_many_logins")
        now[0] += int(held.headers["retry-after"])
        assert client.post("/login", data={"name": "the nurse", "password": PASSWORD}).status_code == 303


def test_rate_limits_can_be_switched_off(settings: Settings, staff: Staff) -> None:
    free = settings.model_copy(update={"rate_limits": False})
    with TestClient(create_app(free), follow_redirects=False) as client:
        answers = {client.post("/login", data={"name": "x", "password": "no"}).status_code for _ in range(12)}
    assert answers == {401}


@pytest.mark.parametrize("where", ["/v1/me?token={}", "/v1/me?a=1&t=x%20{}", "/v1/{}", "/health?{}"])
def test_a_token_in_an_address_is_refused_and_revoked(client: TestClient, staff: Staff, where: str) -> None:
    token = staff.tokens["analyst"]
    answer = client.get(where.format(token), headers=staff["analyst"])
    assert (answer.status_code, answer.json()["code"]) == (401, "token_in_url")
    assert token not in answer.text
    assert client.get("/v1/me", headers=staff["analyst"]).json()["code"] == "token_revoked"
    assert client.get("/v1/me", headers=staff["nurse"]).status_code == 200


def test_a_percent_encoded_token_in_an_address_is_found_as_well(client: TestClient, staff: Staff) -> None:
    coded = "".join(f"%{ord(c):02x}" for c in staff.tokens["analyst"])
    assert client.get(f"/v1/me?k={coded}").json()["code"] == "token_in_url"


def test_a_login_ends_by_itself(settings: Settings, staff: Staff) -> None:
    now = [datetime.now(UTC)]
    with TestClient(create_app(settings, now=lambda: now[0]), follow_redirects=False) as client:
        _sign_in(client, "the nurse")
        now[0] += timedelta(minutes=31)
        answer = client.get("/v1/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "login_over")


def test_a_refused_permission_is_on_record_once(client: TestClient, staff: Staff, settings: Settings) -> None:
    for _ in range(3):
        assert client.get("/v1/me", headers=staff["agent"]).status_code == 403
    db = open_database(settings.url)
    with db.read() as connection:
        refused = [(e["actor"], e["object"]) for e in audit.entries(connection) if e["action"] == "refused"]
    db.close()
    assert refused == [("the agent", "own_account")]
