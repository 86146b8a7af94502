"""The evidence pack: everything of one session, and it can be checked without the program."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tests.api.clinic import Clinic
    from tests.api.conftest import Staff


def test_a_pack_holds_the_originals_the_lines_and_sums_that_fit(
    hospital: TestClient, people: Staff, known: Clinic
):
    path = f"/v1/sessions/{known.sessions[0]}/evidence.zip"
    answer = hospital.get(path, headers=people["steward"])
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.content)) as pack:
        files = {name: pack.read(name) for name in pack.namelist()}
    sums = dict(reversed(line.split("  ")) for line in files.pop("SHA256SUMS").decode().splitlines())
    assert sums == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    (original,) = [data for name, data in files.items() if name.startswith("originals/")]
    assert original in known.exports.values()
    assert (
        json.loads(files["evidence.json"])
        == hospital.get(f"/v1/sessions/{known.sessions[0]}/evidence", headers=people["steward"]).json()
    )
    again = hospital.get(path, headers=people["steward"])
    assert again.content == answer.content


def test_an_analyst_s_pack_names_nobody(hospital: TestClient, people: Staff, known: Clinic):
    answer = hospital.get(f"/v1/sessions/{known.sessions[0]}/evidence.zip", headers=people["analyst"])
    with zipfile.ZipFile(io.BytesIO(answer.content)) as pack:
        text = b"".join(pack.read(name) for name in pack.namelist()).decode()
        assert not [name for name in pack.namelist() if name.startswith("originals")]
    assert not [secret for secret in known.secrets if secret in text]
