"""Two decades of a clinic, taken in: what became of every file."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING

from tests import clinics

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.archive import ArchiveOrder
    from tests.clinics import Taken


def test_every_file_of_the_clinic_has_a_receipt_that_adds_up(taken_clinic: Callable[[ArchiveOrder], Taken]):
    taken = taken_clinic(clinics.SAMPLE)
    told = Counter((m["name"], m["sha256"]) for receipt in taken.receipts for m in receipt["members"])
    files = Counter(
        (p.name, sha256(p.read_bytes()).hexdigest()) for p in taken.clinic.exports.rglob("*") if p.is_file()
    )
    assert files <= told
    for receipt in taken.receipts:
        rows = receipt["rows"]
        assert rows["read"] == sum(rows[kind] for kind in ("stored", "held", "duplicate", "ignored"))
