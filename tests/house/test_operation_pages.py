"""The pages for hospitals name tests, settings and files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingestor.config import Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "operation").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    known = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)\(", file.read_text("utf-8"), re.MULTILINE)
    }
    assert [name for name in re.findall(r"`(test_\w+)`", text) if name not in known] == []
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text)]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_risk_has_a_control_that_is_tested() -> None:
    rows = [
        r for r in (ROOT / "docs/operation/risks.md").read_text("utf-8").splitlines() if r.startswith("| ")
    ][1:]
    assert len(rows) > 15
    assert [row for row in rows if "`test_" not in row and "](../" not in row] == []


def test_settings_that_pages_name_exist() -> None:
    named = {
        "retention_years", "smallest_cell", "audit_anchors", "admin_second_factor", "proxies", "oidc_issuer", "oidc_groups",
        "allowed_hosts", "refused_days", "max_file_mib", "public_docs", "public_metrics",
    }  # fmt: skip
    text = "".join(page.read_text("utf-8") for page in PAGES)
    assert {name for name in named if name in text} <= set(Settings.model_fields)
