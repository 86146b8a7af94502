"""Everything the drivers of this room say has its text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import drivers
from ingestor.phrases import catalogue

ROOMS = ("hl7_pcd", "prismaflex")
SAYS = re.compile(
    r"""(?:\.add|_find|Finding|ignored\[|hold=|code=)\(?\s*\n?\s*["']([a-z][a-z_]+)["']|return None, ["']([a-z_]+)["']"""
)


@pytest.mark.parametrize("room", ROOMS)
def test_every_code_a_driver_says_has_a_text(room: str):
    folder = Path(drivers.__path__[0]) / room
    said = {
        word
        for path in folder.glob("*.py")
        for found in SAYS.findall(path.read_text("utf-8"))
        for word in found
        if word
    }
    assert said
    assert said - set(catalogue()) == set()
