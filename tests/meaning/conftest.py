"""Everything here is made by hand."""

from __future__ import annotations

import pytest

from tests.meaning.making import Making


@pytest.fixture
def make() -> Making:
    return Making()
