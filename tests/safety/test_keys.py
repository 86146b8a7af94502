"""The key of the pseudonyms: parts for the safe, the way back, and a successor that forgets nothing."""

from __future__ import annotations

import json
import os
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestor.access import shares
from ingestor.access.pseudonyms import key_id_of, keys_in, prepare_key
from ingestor.cli import main
from ingestor.errors import Invalid
from ingestor.store import audit
from ingestor.store.engine import open_database

if TYPE_CHECKING:
    from pathlib import Path

KEY = bytes(range(100, 132))


def test_the_field_is_the_one_of_the_standard() -> None:
    # FIPS 197, section 4.2: {57} times {83} is {c1}, {57} times {13} is {fe}.
    assert (shares._times(0x57, 0x83), shares._times(0x57, 0x13)) == (0xC1, 0xFE)
    assert all(shares._times(shares._over(7, x), x) == 7 for x in range(1, 256))


@given(secret=st.binary(min_size=1, max_size=40), needed=st.integers(2, 5), more=st.integers(0, 3))
def test_any_sheets_that_are_enough_give_the_key_back(secret: bytes, needed: int, more: int) -> None:
    sheets = shares.split(secret, needed + more, needed)
    for chosen in list(combinations(sheets, needed))[:12]:
        assert shares.joined(chosen[::-1]) == secret


def test_one_sheet_too_few_fits_every_key() -> None:
    """For each value that a byte could have there is a second sheet that gives it: one sheet says nothing."""
    x, share = shares._read(shares.split(b"\x2a", 3, 2)[0])
    possible = {
        shares.joined([shares._text(x, share), shares._text(2, bytes([other]))]) for other in range(256)
    }
    assert len(possible) == 256


@given(place=st.integers(6, 70), letter=st.sampled_from("ABCDXYZ234567"))
def test_a_mistyped_sheet_is_noticed(place: int, letter: str) -> None:
    first, second = shares.split(KEY, 2, 2)
    wrong = first[:place] + letter + first[place + 1 :]
    if "".join(wrong.split("-")) == "".join(first.split("-")):
        assert shares.joined([wrong, second]) == KEY
        return
    with pytest.raises(Invalid):
        shares.joined([wrong, second])


@pytest.mark.parametrize("texts", [[], ["APHK1"], ["nonsense"], "twice"])
def test_what_is_no_set_of_sheets_is_refused(texts: list[str] | str) -> None:
    first = shares.split(KEY, 2, 2)[0]
    with pytest.raises(Invalid):
        shares.joined([first, first.lower()] if texts == "twice" else texts)


@pytest.mark.parametrize(("sheets", "needed"), [(1, 1), (3, 1), (2, 3), (10, 2)])
def test_numbers_that_protect_nothing_are_refused(sheets: int, needed: int) -> None:
    with pytest.raises(Invalid):
        shares.split(KEY, sheets, needed)


def _run(data: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[Any, list[dict[str, Any]]]:
    with pytest.raises(SystemExit) as ended:
        main(["--data", str(data), "--json", "keys", *words])
    return ended.value.code or 0, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_lost_key_comes_back_from_any_two_sheets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, folder = tmp_path / "data", tmp_path / "sheets"
    assert _run(data, capsys, "escrow", str(folder))[0] == 0
    sheets = sorted(folder.iterdir())
    assert [file.stat().st_mode & 0o077 for file in sheets] == [0, 0, 0]
    key = (data / "pseudonym.key").read_bytes()
    (data / "pseudonym.key").unlink()
    assert _run(data, capsys, "list")[0] == 5
    assert _run(data, capsys, "restore", str(sheets[0]))[0] == 2
    assert _run(data, capsys, "restore", str(sheets[2]), str(sheets[0]))[0] == 0
    assert (data / "pseudonym.key").read_bytes() == key
    assert (data / "pseudonym.key").stat().st_mode & 0o077 == 0
    assert _run(data, capsys, "list")[0] == 0
    assert _run(data, capsys, "escrow", str(folder))[0] == 2


def test_a_new_key_gives_new_pseudonyms_and_leads_old_ones_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    _run(data, capsys, "list")
    db = open_database(f"sqlite:///{data / 'apherelog.db'}")
    before = prepare_key(db, data)
    old = before.of("pat-a")
    code, told = _run(data, capsys, "rotate", "--reason", "a sheet was lost")
    assert (code, told[0]["former"]) == (0, before.key_id)
    after = prepare_key(db, data)
    assert after.key_id == told[0]["key"] != before.key_id
    assert after.of("pat-a") != old
    people = ["pat-b", "pat-a"]
    assert after.patient_of(old, people) == after.patient_of(after.of("pat-a"), people) == "pat-a"
    assert (
        after.for_purpose("registry").patient_of(before.for_purpose("registry").of("pat-b"), people)
        == "pat-b"
    )
    with db.read() as connection:
        last = list(audit.entries(connection))[-1]
    assert (last["action"], last["reason"]) == ("rotate-key", "a sheet was lost")
    db.close()
    assert [row["in_use"] for row in _run(data, capsys, "list")[1]] == [True, False]
    (data / f"pseudonym-{after.key_id}.key").unlink()
    assert _run(data, capsys, "list")[0] == 5


def test_a_rotation_that_was_cut_off_goes_on_with_the_former_key(tmp_path: Path) -> None:
    from ingestor.access import pseudonyms
    from ingestor.store import schema

    (tmp_path / "data").mkdir()
    db = open_database(f"sqlite:///{tmp_path}/data/apherelog.db")
    schema.upgrade(db)
    before = prepare_key(db, tmp_path / "data")
    pseudonyms._write(tmp_path / "data" / "pseudonym-x.key", os.urandom(32))
    assert prepare_key(db, tmp_path / "data").key_id == before.key_id
    assert key_id_of(b"x") not in keys_in(tmp_path / "data")
    db.close()


def test_a_key_in_use_is_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from ingestor.config import Settings
    from ingestor.flow.house import open_house

    with open_house(Settings(data_dir=tmp_path / "data")):
        assert _run(tmp_path / "data", capsys, "rotate", "--reason", "x")[0] != 0
