"""The rules of the house that a machine can check."""

from __future__ import annotations

import ast
import re
import string
import subprocess
from pathlib import Path

import pytest

from ingestor.config import Settings
from ingestor.phrases import LANGUAGES, PARTS, catalogue

ROOT = Path(__file__).parents[2]
ROOMS = ("ingestor", "drivers", "api", "simulators")
TRACKED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.split("\n")[:-1]
SOURCES = [ROOT / name for name in TRACKED if name.endswith(".py") and name.split("/")[0] in ROOMS]


def modules() -> list[tuple[str, ast.Module]]:
    return [(str(p.relative_to(ROOT)), ast.parse(p.read_text("utf-8"))) for p in SOURCES]


def test_the_top_level_holds_the_rooms_that_were_agreed():
    for name in ("pyproject.toml", "ingestor", "drivers", "api", "migrations", "tests", "simulators"):
        assert (ROOT / name).exists(), name


def test_no_room_is_larger_than_four_hundred_lines():
    large = {
        str(p.relative_to(ROOT)): n for p in SOURCES if (n := len(p.read_text("utf-8").splitlines())) > 400
    }
    assert not large


def test_the_median_room_has_less_than_a_hundred_and_ten_lines():
    sizes = sorted(len(p.read_text("utf-8").splitlines()) for p in SOURCES)
    assert sizes[len(sizes) // 2] < 110


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_every_code_says_what_happened_what_it_means_and_what_to_do_in_both_languages(code: str):
    entry = catalogue()[code]
    assert entry["kind"] in {"refusal", "finding", "reason", "outcome"}
    for language in LANGUAGES:
        assert set(entry[language]) == set(PARTS)
        assert all(entry[language][part].strip() for part in PARTS), language


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_both_languages_of_a_code_use_the_same_parameters(code: str):
    used = [
        {
            name
            for part in PARTS
            for _, name, _, _ in string.Formatter().parse(catalogue()[code][language][part])
            if name
        }
        for language in LANGUAGES
    ]
    assert used[0] == used[1]


def spoken_codes() -> dict[str, str]:
    """Return every code that the source hands to an error or a finding as a literal, and where."""
    makers = {
        "Refused", "LimitExceeded", "SourceChanged", "StorageTrouble", "Busy", "NotFound", "Forbidden", "Invalid",
        "SettingsError", "DatabaseTrouble", "Finding", "Trouble",
    }  # fmt: skip
    found = {}
    for name, tree in modules():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in makers or not node.args:
                continue
            if isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
                found[node.args[0].value] = f"{name}:{node.lineno}"
    return found


def test_every_code_in_the_source_has_its_texts():
    assert {code: at for code, at in spoken_codes().items() if code not in catalogue()} == {}


def test_every_class_of_error_has_a_text_for_its_own_code():
    tree = ast.parse((ROOT / "ingestor/errors.py").read_text("utf-8"))
    codes = {
        line.value.value
        for node in tree.body if isinstance(node, ast.ClassDef)
        for line in node.body
        if isinstance(line, ast.Assign) and line.targets[0].id == "code"
    }  # fmt: skip
    assert codes - set(catalogue()) == set()


def test_every_setting_is_in_the_readme():
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [name for name in Settings.model_fields if f"`{name}`" not in readme] == []


def test_nothing_in_the_repository_names_the_address_of_a_package_registry():
    hosts = re.compile(
        "|".join((r"pypi\." + "org", "python" + "hosted", "npm" + r"js\.org", "registry" + r"\.npm"))
    )
    named = []
    for name in TRACKED:
        data = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        if b"\0" not in data and hosts.search(data.decode("utf-8", "replace")):
            named.append(name)
    assert named == []


def _passes_on(handler: ast.ExceptHandler) -> bool:
    """Closing what was opened and raising again catches nothing."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_everything_is_caught_only_around_one_file_foreign_code_or_one_request():
    wide = {"Exception", "BaseException"}
    caught = [
        name
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and getattr(node.type, "id", "") in wide
        and not _passes_on(node)
    ]
    allowed = {"ingestor/isolate", "ingestor/ways", "ingestor/flow/jobs.py", "api/guards.py", "api/worker.py"}
    assert [name for name in caught if not any(name.startswith(a) for a in allowed)] == []


def test_help_is_there_at_once_because_heavy_libraries_are_loaded_late():
    heavy = ("numpy", "pyarrow", "sqlalchemy", "fastapi", "pydantic")
    code = (
        "import sys\nfrom ingestor.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([m for m in {heavy!r} if m in sys.modules], file=sys.stderr)"
    )
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "ingest" in done.stdout
