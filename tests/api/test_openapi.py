"""The description of the interface is checked in: whoever changes it sees what changes for others.

`WRITE_OPENAPI=1 python -m pytest tests/api/test_openapi.py` writes it anew.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from tests.api.conftest import Staff

KEPT = Path(__file__).parents[2] / "docs" / "openapi.json"
HTTP = {"get", "post", "put", "patch", "delete"}


def _served(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    found["info"]["version"] = "*"
    return found


def _operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (path, method): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in HTTP
    }


def test_the_description_that_is_checked_in_is_the_one_that_is_served(hospital: TestClient) -> None:
    served = _served(hospital)
    if os.environ.get("WRITE_OPENAPI"):
        KEPT.write_text(json.dumps(served, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
    kept = json.loads(KEPT.read_text("utf-8"))
    old, new = _operations(kept), _operations(served)
    changed = sorted(f"{method.upper()} {path}" for path, method in old.keys() ^ new.keys())
    changed += sorted(f"{m.upper()} {p}" for p, m in old.keys() & new.keys() if old[p, m] != new[p, m])
    assert changed == [], f"see the head of {Path(__file__).name} for how to take the change over"
    assert kept == served


def test_every_operation_has_a_name_of_its_own_that_does_not_change(hospital: TestClient) -> None:
    names = [operation["operationId"] for operation in _operations(_served(hospital)).values()]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", name) for name in names)


def test_every_operation_declares_its_problems(hospital: TestClient) -> None:
    document = _served(hospital)
    assert document["openapi"].startswith("3.1")
    for (path, method), operation in _operations(document).items():
        problems = {s: r for s, r in operation["responses"].items() if s[0] in "45"}
        assert {"400", "500"} <= set(problems), (method, path)
        if operation.get("security"):
            assert {"401", "403", "429"} <= set(problems), (method, path)
        for status, response in problems.items():
            if (method, path, status) != ("get", "/ready", "503"):
                schema = response["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}, (method, path, status)


def test_no_problem_says_the_same_twice(hospital: TestClient, people: Staff) -> None:
    for path in (
        "/v1/doses?limit=0&x=1",
        "/v1/sessions/none",
        "/v1/nothing",
        "/v1/snapshots/none",
        "/v1/doses.xlsx",
    ):
        body = hospital.get(path, headers=people["analyst"]).json()
        for language in ("de", "en"):
            parts = body["parts"][language]
            assert body["message"][language] == " ".join(text for text in parts.values() if text)
            sentences = re.split(r"(?<=[.!?])\s+", body["message"][language])
            assert len(sentences) == len(set(sentences)), path
            assert all(parts[p].endswith((".", "!", "?")) for p in ("happened", "means") if parts[p]), parts
        assert "places" not in body.get("details", {})
        assert "errors" not in body.get("details", {})
    invalid = hospital.get("/v1/doses?limit=0&x=1", headers=people["analyst"]).json()
    assert {e["where"] for e in invalid["errors"]} == {"limit", "x"}
