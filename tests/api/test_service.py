"""What is the same for every answer: headers, problems, hosts, limits; and what stands outside the login."""

import hashlib
import json
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from api.app import create_app
from ingestor.config import Settings
from ingestor.phrases import catalogue
from tests.api.conftest import Staff

VENDOR = Path(__file__).parents[2] / "api" / "static" / "vendor"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/health"), ("GET", "/nowhere"), ("PUT", "/health"), ("GET", "/v1/me"), ("GET", "/docs"),
     ("GET", "/static/docs.js"), ("GET", "/static/none"), ("POST", "/login")],
)  # fmt: skip
def test_every_answer_has_the_headers_that_keep_a_browser_safe(
    client: TestClient, method: str, path: str
) -> None:
    headers = client.request(method, path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    csp = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert csp["default-src"] == csp["form-action"] == "'self'"
    assert {csp[name] for name in ("object-src", "base-uri", "frame-ancestors")} == {"'none'"}
    assert "script-src" not in csp


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nowhere", 404, "not_found"), ("PUT", "/health", 405, "method_not_allowed"),
     ("GET", "/v1/me", 401, "login_needed"), ("GET", "/static/none", 404, "not_found"),
     ("GET", "/static/../app.py", 404, "not_found"), ("GET", "/static/%2e%2e/app.py", 404, "not_found")],
)  # fmt: skip
def test_every_error_is_a_problem_with_a_code_that_has_its_words(
    client: TestClient, method: str, path: str, status: int, code: str
) -> None:
    answer = client.request(method, path, headers={"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"})
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    german = catalogue()[code]["de"]
    assert problem["title"] == german["happened"]
    assert problem["parts"]["de"]["todo"] == german["todo"]
    assert set(problem["message"]) == {"de", "en"}


def test_health_and_readiness_tell_two_things(client: TestClient, settings: Settings) -> None:
    assert client.get("/health").json()["status"] == "ok"
    assert client.get("/ready").json() == {
        "status": "ready", "checks": {"database": True, "schema": True, "room": True},
    }  # fmt: skip
    for path in settings.data_dir.glob("archive/tmp"):
        path.rmdir()
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()["checks"]["room"]) == (503, False)
    assert client.get("/health").status_code == 200


def test_metrics_count_answers_by_template(client: TestClient) -> None:
    client.get("/health")
    client.get("/v1/secret-id")
    text = client.get("/metrics").text
    assert 'apherelog_requests_total{method="GET",route="/health",status="200"} 1.0' in text
    assert 'apherelog_state{what="sessions"} 0.0' in text
    assert "secret-id" not in text


@pytest.mark.parametrize(
    ("setting", "paths"), [("public_docs", ("/docs", "/openapi.json")), ("public_metrics", ("/metrics",))]
)
def test_what_is_public_can_be_put_behind_the_login(
    settings: Settings, staff: Staff, setting: str, paths: tuple[str, ...]
) -> None:
    with TestClient(create_app(settings.model_copy(update={setting: False}))) as client:
        for path in paths:
            assert client.get(path).status_code == 401
            assert client.get(path, headers=staff["analyst"]).status_code == 200


@pytest.mark.parametrize(
    ("allowed", "host", "status"),
    [(("aph.example",), "aph.example", 200), (("aph.example",), "APH.example:8443", 200),
     (("aph.example",), "evil.example", 400), (("aph.example",), "", 400), (("*.example",), "a.example", 200),
     (("*.example",), "example.evil", 400), (("[::1]",), "[::1]:8080", 200), (("*",), "whatever", 200)],
)  # fmt: skip
def test_the_service_answers_to_its_own_names_only(
    settings: Settings, allowed: tuple[str, ...], host: str, status: int
) -> None:
    with TestClient(create_app(settings.model_copy(update={"allowed_hosts": allowed}))) as client:
        answer = client.get("/health", headers={"Host": host})
    assert answer.status_code == status
    assert status == 200 or answer.json()["code"] == "unknown_host"


def test_a_body_above_the_limit_is_refused_with_and_without_its_length(client: TestClient) -> None:
    def pieces() -> object:
        for _ in range(40):
            yield b"x" * (64 << 10)

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for content in (b"name=" + b"x" * (2 << 20), pieces()):
        answer = client.post("/login", content=content, headers=form)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_flood_of_fields_is_refused(client: TestClient) -> None:
    many = "&".join(f"f{n}=1" for n in range(1000))
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post("/login", content=many, headers=form).status_code == 400
    parts = {f"f{n}": (f"f{n}", b"x") for n in range(50)}
    assert client.post("/login", files=parts).status_code == 400


def test_a_bug_is_answered_with_a_reference_and_logged_without_what_was_sent(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(settings)

    @app.get("/broken")
    def broken(request: Request) -> None:
        raise ValueError(request.headers["x-patient"])

    with TestClient(app) as client:
        answer = client.get("/broken", headers={"X-Patient": "Anna Beispiel"})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (500, "internal")
    assert answer.headers["x-content-type-options"] == "nosniff"
    record = next(r for r in caplog.records if r.message == "bug")
    assert record.reference == problem["details"]["reference"]
    assert "raise ValueError" in record.frames
    assert "Beispiel" not in caplog.text + answer.text + str(record.__dict__)


def test_the_documentation_is_complete_without_another_host(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    assert "http" not in page.text.replace('http-equiv="', "")
    for path in ("swagger-ui.css", "swagger-ui-bundle.js"):
        assert client.get(f"/static/vendor/swagger-ui/{path}").status_code == 200
    assert "<script>" not in page.text


def test_vendored_files_are_what_their_list_says() -> None:
    for sums in VENDOR.glob("*/SHA256SUMS"):
        listed = dict(reversed(line.split()) for line in sums.read_text().splitlines())
        present = {f.name for f in sums.parent.iterdir()} - {"SHA256SUMS"}
        assert set(listed) == present
        assert {"LICENSE", "VERSION"} <= present
        for name, digest in listed.items():
            assert hashlib.sha256((sums.parent / name).read_bytes()).hexdigest() == digest


def test_the_description_is_openapi_3_1_with_problems_and_fixed_operation_ids(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    operations = [o for path in document["paths"].values() for o in path.values()]
    ids = [o["operationId"] for o in operations]
    assert len(set(ids)) == len(ids)
    assert document["paths"]["/v1/me"]["get"]["operationId"] == "read_me"
    assert document["paths"]["/v1/me"]["get"]["security"] == [{"token": []}, {"login": []}]
    assert "security" not in document["paths"]["/health"]["get"]
    for operation in operations:
        for status, response in operation["responses"].items():
            assert int(status) < 400 or "application/problem+json" in response["content"]
    assert "HTTPValidationError" not in json.dumps(document)
