"""A service of its own, with one account a role, and people who are signed in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from ingestor.access import logins, passwords
from ingestor.access.permissions import AccountRole
from ingestor.config import Settings
from ingestor.store import accounts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from httpx2 import Response

    from api.service import Service

PASSWORD = "a made-up pass phrase"
PAGE = {"accept": "text/html", "sec-fetch-site": "same-origin", "accept-language": "en"}


@cache
def hashed() -> str:
    return passwords.hashed(PASSWORD)


@dataclass
class Person:
    """Somebody at a browser."""

    client: TestClient
    form_token: str

    def see(self, path: str, **headers: str) -> Response:
        return self.client.get(path, headers=PAGE | headers)

    def send(self, path: str, **fields: str) -> Response:
        return self.client.post(path, data={"form_token": self.form_token} | fields, headers=PAGE)


@dataclass
class Office:
    """The service with its people."""

    client: TestClient
    service: Service

    def sign_in(self, name: str) -> Person:
        opened = logins.log_in(self.service.db, name, PASSWORD, self.service.now())
        browser = TestClient(self.client.app, follow_redirects=False)
        browser.cookies.set("sid", opened.secret)
        return Person(browser, logins.form_token(opened.secret))

    def entries(self, action: str) -> list[dict[str, Any]]:
        from ingestor.store import audit

        with self.service.db.read() as connection:
            return [e for e in audit.entries(connection) if e["action"] == action]


@pytest.fixture
def office_of(tmp_path: Path) -> Iterator[Callable[..., Office]]:
    """Return a function that opens a service with some settings."""
    open_clients: list[TestClient] = []

    def open_office(**settings: object) -> Office:
        chosen = {"data_dir": tmp_path / "data", "rate_limits": False} | settings
        client = TestClient(create_app(Settings(**chosen)), follow_redirects=False)
        client.__enter__()
        open_clients.append(client)
        service = client.app.state.service
        with service.db.write() as connection:
            for role in AccountRole:
                if accounts.by_name(connection, role.value) is None:
                    accounts.add(
                        connection,
                        service.house.centre,
                        role.value,
                        role.value,
                        service.now(),
                        password=hashed(),
                    )
        return Office(client, service)

    yield open_office
    for client in open_clients:
        client.__exit__(None, None, None)


@pytest.fixture
def office(office_of: Callable[..., Office]) -> Office:
    return office_of()
