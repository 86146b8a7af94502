"""A slip in the settings stops the start and is told in words; none leads to another folder or another dose."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from ingestor import cli
from ingestor.config import load
from ingestor.errors import SettingsError
from ingestor.meaning.plasma_volume import FORMULAS
from ingestor.store.engine import open_database

if TYPE_CHECKING:
    from pathlib import Path


def problems(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> str:
    """Return what is said of a settings file."""
    file = folder / "site.toml"
    file.write_text(text, encoding="utf-8")
    monkeypatch.setenv("APHERELOG_CONFIG", str(file))
    with pytest.raises(SettingsError) as told:
        load()
    return str(told.value.details["problems"])


def test_a_file_that_is_named_and_missing_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("APHERELOG_CONFIG", str(tmp_path / "nowhere.toml"))
    with pytest.raises(SettingsError) as told:
        load()
    assert "nowhere.toml" in str(told.value.details["problems"])


def test_a_file_that_need_not_be_there_may_be_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("APHERELOG_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    assert load().centre == "site"


def test_a_quote_that_is_not_closed_is_told_with_its_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = problems(monkeypatch, tmp_path, 'centre = "vie"\ndata_dir = "data\n')
    assert "site.toml" in said
    assert "line 2" in said


def test_bytes_that_are_no_text_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_bytes('centre_name = "Universitätsklinik"\n'.encode("cp1252"))
    monkeypatch.setenv("APHERELOG_CONFIG", str(file))
    with pytest.raises(SettingsError) as told:
        load()
    assert "UTF-8" in str(told.value.details["problems"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('plasma_volume_formula = "nadlr"\n', "plasma_volume_formula: expected one of nadler, kaplan"),
        ("withhold_above = 10\n", "withhold_above"),
        ('database_url = "mysql://db.example/apherelog"\n', "database_url"),
        ('database_url = "db.example"\n', "database_url"),
        ("weight_day = 30\n", "weight_day: there is no such setting; did you mean weight_days?"),
        ("qqq = 30\n", "qqq: there is no such setting"),
        ('zone = "Europe/Wien"\n', "zone: expected a time zone such as Europe/Vienna"),
    ],
)
def test_a_value_that_would_change_doses_unseen_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, said: str
) -> None:
    found = problems(monkeypatch, tmp_path, text)
    assert said in found
    assert "Value error" not in found


@pytest.mark.parametrize("formula", sorted(FORMULAS))
def test_every_formula_that_is_known_can_be_set(monkeypatch: pytest.MonkeyPatch, formula: str) -> None:
    monkeypatch.setenv("APHERELOG_PLASMA_VOLUME_FORMULA", formula)
    assert load().plasma_volume_formula == formula


def test_a_data_folder_that_was_not_there_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "dta"
    for said in (True, False):
        monkeypatch.setattr("sys.argv", ["apherelog", "--data", str(new), "sessions", "list"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 0
        assert (f"New data folder: {new}" in capsys.readouterr().err) is said


def test_postgresql_without_its_extra_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SettingsError) as told:
        open_database("postgresql://apherelog@db.example/apherelog")
    assert told.value.code == "postgres_missing"


def test_every_command_says_in_one_line_what_it_does() -> None:
    import click

    door = cli.Door("apherelog")
    ours = [name for name in door.list_commands(click.Context(door)) if name not in cli.SUMMARIES]
    assert ours == []
