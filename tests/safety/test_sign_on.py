"""F117: a small provider on loopback, honest and not; whatever it does, nobody gets in who should not, and no 500."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwk, jwt
from starlette.testclient import TestClient

from ingestor.access.sign_on import SignOnDown
from ingestor.store import accounts
from tests.safety.conftest import PAGE, PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.safety.conftest import Office

CLIENT = "apherelog-test"


class Hospital:
    """A provider. `wrong` changes the claims or the way in which the token is signed."""

    def __init__(self) -> None:
        self.key = jwk.RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
        self.published = [self.key]
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.how = "signed"
        self.codes: dict[str, dict[str, str]] = {}
        self.broken: str | None = None
        hospital = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._say(*hospital.get(self.path))

            def do_POST(self) -> None:
                form = self.rfile.read(int(self.headers["content-length"])).decode()
                self._say(*hospital.token({k: v[0] for k, v in parse_qs(form).items()}))

            def _say(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def get(self, path: str) -> tuple[int, bytes]:
        if self.broken == "nonsense":
            return 200, b"<html>"
        if self.broken == "error":
            return 500, b"{}"
        if path == "/keys":
            return 200, json.dumps({"keys": [key.as_dict(private=False) for key in self.published]}).encode()
        about = {
            "issuer": self.issuer if self.broken != "issuer" else "http://evil.example",
            "authorization_endpoint": f"{self.issuer}/authorize", "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys" if self.broken != "keys" else 7,
        }  # fmt: skip
        return 200, json.dumps(about).encode()

    def authorize(self, address: str) -> str:
        """Do what the person's browser does there; return the code."""
        query = {k: v[0] for k, v in parse_qs(urlsplit(address).query).items()}
        assert query["response_type"] == "code"
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return code

    def token(self, form: dict[str, str]) -> tuple[int, bytes]:
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if asked is None or asked["code_challenge"] != challenge.decode().rstrip("="):
            return 400, b'{"error": "invalid_grant"}'
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": "u-1", "iat": now, "exp": now + 300, "nonce": asked["nonce"],
                  "preferred_username": "maria", "groups": ["staff", "aph-nurses"]} | self.claims  # fmt: skip
        claims = {k: v for k, v in claims.items() if v is not None}
        return 200, json.dumps(
            {"access_token": "x", "token_type": "Bearer", "id_token": self._signed(claims)}
        ).encode()

    def _signed(self, claims: dict[str, Any]) -> str:
        if self.how == "none":
            parts = [json.dumps(p).encode() for p in ({"alg": "none"}, claims)]
            return ".".join(base64.urlsafe_b64encode(p).decode().rstrip("=") for p in parts) + "."
        if self.how == "shared":
            # The public key, which everybody has, taken for a shared secret.
            parts = [json.dumps(p).encode() for p in ({"alg": "HS256", "kid": "one"}, claims)]
            text = ".".join(base64.urlsafe_b64encode(p).decode().rstrip("=") for p in parts)
            signature = hmac.digest(self.key.as_pem(private=False), text.encode(), "sha256")
            return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
        if self.how == "stranger":
            stranger = jwk.RSAKey.generate_key(2048, {"kid": "one"})
            return jwt.encode({"alg": "RS256", "kid": "one"}, claims, stranger)
        if self.how == "garbage":
            return "a.b.c"
        return jwt.encode({"alg": "RS256", "kid": str(self.key.kid)} | self.header, claims, self.key)


@pytest.fixture(scope="module")
def _hospital() -> Iterator[Hospital]:
    made = Hospital()
    yield made
    made.close()


@pytest.fixture
def hospital(_hospital: Hospital) -> Hospital:
    _hospital.claims, _hospital.how, _hospital.broken = {}, "signed", None
    _hospital.published = [_hospital.key]
    return _hospital


GROUPS = {"aph-admins": "admin", "aph-nurses": "nurse"}


@pytest.fixture
def clinic(office_of: Callable[..., Office], hospital: Hospital) -> Office:
    return office_of(oidc_issuer=hospital.issuer, oidc_client_id=CLIENT, oidc_groups=GROUPS)


def _there(office: Office, wanted: str = "/sessions") -> tuple[TestClient, str, str]:
    browser = TestClient(office.client.app, follow_redirects=False)
    answer = browser.get("/login/sign-on", params={"next": wanted}, headers=PAGE)
    assert answer.status_code == 303, answer.text
    address = answer.headers["location"]
    return browser, address, parse_qs(urlsplit(address).query)["state"][0]


def _back(office: Office, hospital: Hospital) -> tuple[TestClient, Any]:
    browser, address, state = _there(office)
    code = hospital.authorize(address)
    return browser, browser.get("/login/sign-on/back", params={"code": code, "state": state}, headers=PAGE)


def test_who_is_vouched_for_gets_in_with_the_role_of_the_group(clinic: Office, hospital: Hospital) -> None:
    browser, answer = _back(clinic, hospital)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sessions")
    me = browser.get("/v1/me").json()
    assert (me["name"], me["role"]) == ("maria", "nurse")
    hospital.claims = {"groups": ["aph-nurses", "aph-admins"], "preferred_username": "renamed"}
    browser, answer = _back(clinic, hospital)
    me = browser.get("/v1/me").json()
    assert (me["name"], me["role"]) == ("maria", "admin"), (
        "issuer and subject are the person; the first group counts"
    )
    assert [e["detail"]["way"] for e in clinic.entries("login")] == ["sign-on", "sign-on"]
    assert "sign-on of elsewhere" not in browser.get("/account", headers=PAGE).text
    assert 'action="/account/password"' not in browser.get("/account", headers=PAGE).text


@pytest.mark.parametrize(
    ("claims", "how"),
    [
        ({"nonce": "another"}, "signed"), ({"nonce": None}, "signed"), ({"iss": "http://evil.example"}, "signed"),
        ({"aud": "another-service"}, "signed"), ({"aud": [CLIENT, "other"], "azp": "other"}, "signed"),
        ({"exp": 1_600_000_000}, "signed"), ({"exp": None}, "signed"), ({"sub": None}, "signed"),
        ({"groups": ["staff"]}, "signed"), ({"groups": "aph-admins"}, "signed"), ({"groups": None}, "signed"),
        ({}, "none"), ({}, "shared"), ({}, "stranger"), ({}, "garbage"), ({"preferred_username": "admin"}, "signed"),
        ({"preferred_username": "a\nb"}, "signed"),
    ],
)  # fmt: skip
def test_a_token_that_proves_nothing_opens_nothing(
    clinic: Office, hospital: Hospital, claims: dict[str, Any], how: str
) -> None:
    hospital.claims, hospital.how = claims, how
    browser, answer = _back(clinic, hospital)
    assert answer.status_code == 403
    assert "<form" in answer.text, "the form of the login is still there"
    assert "sid" not in browser.cookies
    assert browser.get("/v1/me").status_code == 401


def test_an_answer_is_good_once_and_for_the_browser_that_left(clinic: Office, hospital: Hospital) -> None:
    browser, address, state = _there(clinic)
    code = hospital.authorize(address)
    stranger = TestClient(clinic.client.app, follow_redirects=False)
    for who, sent in ((stranger, state), (browser, "other"), (browser, "")):
        assert (
            who.get("/login/sign-on/back", params={"code": code, "state": sent}, headers=PAGE).status_code
            == 403
        )
    assert browser.get("/login/sign-on/back", params={"code": "wrong", "state": state}).status_code == 403
    browser, address, state = _there(clinic)
    code = hospital.authorize(address)
    first = browser.get("/login/sign-on/back", params={"code": code, "state": state})
    browser.cookies.set("sign-on", state)
    again = browser.get("/login/sign-on/back", params={"code": code, "state": state})
    assert (first.status_code, again.status_code) == (303, 403)


def test_a_rotated_key_is_asked_for(clinic: Office, hospital: Hospital) -> None:
    now = [0.0]
    _back(clinic, hospital)
    provider = clinic.client.app.state.sign_on
    provider._clock = lambda: now[0]
    provider._keys = (0.0, provider._keys[1])
    provider._about = (0.0, provider._about[1])
    old, hospital.key = hospital.key, jwk.RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})
    hospital.published = [hospital.key]
    try:
        assert _back(clinic, hospital)[1].status_code == 403, "not more often than every ten seconds"
        now[0] = 11.0
        assert _back(clinic, hospital)[1].status_code == 303
    finally:
        hospital.key = old


@pytest.mark.parametrize("broken", ["error", "nonsense", "issuer", "down"])
def test_a_provider_in_trouble_is_told_and_local_accounts_get_in(
    office_of: Callable[..., Office], hospital: Hospital, broken: str
) -> None:
    hospital.broken = broken
    issuer = "http://127.0.0.1:9" if broken == "down" else hospital.issuer
    office = office_of(oidc_issuer=issuer, oidc_client_id=CLIENT, oidc_groups=GROUPS)
    answer = office.client.get("/login/sign-on", headers=PAGE)
    assert answer.status_code == 503
    assert "cannot be reached" in answer.text
    assert office.client.post("/login", data={"name": "admin", "password": PASSWORD}).status_code == 303


def test_keys_that_cannot_be_had_are_trouble_too(clinic: Office, hospital: Hospital) -> None:
    hospital.broken = "keys"
    assert _back(clinic, hospital)[1].status_code == 503


def test_a_closed_account_stays_closed(clinic: Office, hospital: Hospital) -> None:
    _back(clinic, hospital)
    with clinic.service.db.write() as connection:
        account = accounts.by_name(connection, "maria")
        assert account is not None
        accounts.disable(connection, account.id, clinic.service.now())
    assert _back(clinic, hospital)[1].status_code == 403


def test_without_the_setting_there_is_no_such_way_in(office: Office) -> None:
    assert office.client.get("/login/sign-on").status_code == 404
    assert office.client.get("/login/sign-on/back").status_code == 404
    assert "/login/sign-on" not in office.client.get("/login", headers=PAGE).text


def test_an_address_of_another_kind_is_not_asked(clinic: Office, hospital: Hospital) -> None:
    _back(clinic, hospital)
    with pytest.raises(SignOnDown):
        clinic.client.app.state.sign_on._asked("file:///etc/passwd")
