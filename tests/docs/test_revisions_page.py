"""The commands of the page on readings are run as they stand there; what it names exists."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from api.app import create_app
from ingestor.config import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "revisions.md").read_text("utf-8")
METHOD = (ROOT / "docs" / "dose-method.md").read_text("utf-8")


def test_the_commands_of_the_page_do_what_it_says(tmp_path: Path):
    script = "\n".join(re.findall(r"<!-- executed: revisions -->\n```bash\n(.*?)```", PAGE, re.DOTALL))
    assert script.count("apherelog") > 15
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


def test_every_address_of_the_page_is_one_of_the_service(tmp_path: Path):
    described = create_app(Settings(data_dir=tmp_path)).openapi()["paths"]
    asked = re.findall(r"`(GET|POST) (/v1/[^` ]+)`", PAGE)
    assert len(asked) >= 7
    for method, path in asked:
        assert method.lower() in described[path], path


def test_every_law_that_the_pages_name_is_a_test():
    written = "\n".join(p.read_text("utf-8") for p in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_[a-z_0-9]+)`", METHOD))
    assert len(named) > 20
    assert {name for name in named if f"def {name}(" not in written} == set()
    files = set(re.findall(r"`(tests/[a-z_/]+\.py)`", PAGE))
    assert {name for name in files if not (ROOT / name).exists()} == set()
