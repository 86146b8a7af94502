"""Requests made up from the description itself, as each role: no bug, and no answer that is not described."""

import hashlib
from typing import Any

import httpx2
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.core.transport import Response
from schemathesis.schemas import APIOperation
from starlette.testclient import TestClient

from ingestor.access.permissions import AccountRole
from tests.api.clinic import FILE, Clinic
from tests.api.conftest import Staff

schemathesis.checks.load_all_checks()
CHECKS = [
    schemathesis.checks.CHECKS.get_one(name)
    for name in (
        "not_a_server_error", "status_code_conformance", "content_type_conformance",
        "response_schema_conformance", "response_headers_conformance",
    )
]  # fmt: skip
GENTLE = settings(
    max_examples=5, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def _operations(client: TestClient) -> list[APIOperation[Any, Any, Any, Any]]:
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    return [found.ok() for found in schema.get_all_operations()]


@pytest.mark.parametrize("role", [*AccountRole, None])
def test_every_answer_to_made_up_requests_is_described(
    role: AccountRole | None, ward: TestClient, people: Staff, clinic: Clinic
) -> None:
    """On a hospital of its own: made-up requests with real ids decide, link and delete."""
    who = people[role.value] if role else {}
    operations = _operations(ward)
    assert len(operations) > 15
    real = {
        "session": clinic.sessions[0], "name": "finding", "key": hashlib.sha256(clinic.exports[FILE]).hexdigest(),
        "pseudonym": ward.app.state.service.pseudonyms.of(clinic.anna),  # type: ignore[attr-defined]
    }  # fmt: skip
    for operation in operations:
        _try(operation, ward, who, real)


def _try(
    operation: APIOperation[Any, Any, Any, Any], client: TestClient, who: dict[str, str], real: dict[str, str]
) -> None:
    modes = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]

    @GENTLE
    @given(st.data())
    def attempt(data: st.DataObject) -> None:
        case = data.draw(
            data.draw(st.sampled_from([operation.as_strategy(generation_mode=m) for m in modes]))
        )
        case.headers.update(who)
        if data.draw(st.booleans()):
            case.path_parameters.update({k: v for k, v in real.items() if k in case.path_parameters})
        answer = _send(client, case.as_transport_kwargs(base_url="http://testserver"))
        case.validate_response(Response.from_any(answer), checks=CHECKS)

    attempt()


def _send(client: TestClient, sent: dict[str, Any]) -> httpx2.Response:
    kept = ("method", "url", "headers", "params", "files", "data", "json")
    ready = requests.Request(**{k: sent[k] for k in kept if sent.get(k) is not None}).prepare()
    body = ready.body.encode() if isinstance(ready.body, str) else ready.body or b""
    return client.request(str(ready.method), str(ready.url), headers=dict(ready.headers), content=body)
