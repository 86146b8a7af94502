from __future__ import annotations

import pytest

from tests.drivers.hl7_pcd.writer import Writer, treatment


@pytest.fixture
def writer() -> Writer:
    return Writer()


@pytest.fixture
def full(writer: Writer) -> Writer:
    return treatment(writer)
