"""One seed and one version give the same bytes and the same truth, in every process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from simulators import VERSION
from simulators.catalogue import LAYOUTS
from tests.simulators.goldens import FAULTS, KEPT


def test_another_process_with_another_hash_seed_and_zone_writes_the_bytes_that_are_kept():
    """If this is meant: count up VERSION in simulators/__init__.py, then `python -m tests.simulators.goldens --renew`."""
    environment = os.environ | {"PYTHONHASHSEED": "4711", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulators.goldens"], cwd=Path(__file__).parents[2], env=environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    kept = json.loads(KEPT.read_text("utf-8"))
    assert json.loads(done.stdout) == kept["sums"]
    assert kept["version"] == VERSION


def test_every_layout_in_every_version_and_language_is_kept():
    kept = json.loads(KEPT.read_text("utf-8"))["sums"]
    assert set(FAULTS) == set(LAYOUTS)
    wanted = {
        f"{name} {version} {language}"
        for name, layout in LAYOUTS.items()
        for version in layout.versions
        for language in layout.languages
    }
    assert set(kept) == wanted | {f"{name} damaged" for name in LAYOUTS} | {"clinic"}
