"""The same pseudonym as long as the key lives; another key stops the house."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestor.access import pseudonyms
from ingestor.access.pseudonyms import Pseudonyms, is_pseudonym, prepare_key
from ingestor.errors import SettingsError
from ingestor.store.engine import Database

KEY = bytes(range(32))


def test_a_pseudonym_is_a_keyed_sum_that_can_be_computed_elsewhere() -> None:
    import base64
    import hashlib
    import hmac

    own = hmac.new(KEY, b"purpose|analysis", hashlib.sha256).digest()
    expected = base64.b32encode(hmac.new(own, b"v1|pat-a", hashlib.sha256).digest()[:16]).decode().lower()
    assert Pseudonyms(KEY).of("pat-a")[:-1] == "ps-" + expected.rstrip("=")


def test_pseudonyms_of_two_purposes_and_of_two_keys_have_nothing_in_common() -> None:
    first = Pseudonyms(KEY)
    seen = {first.of("pat-a"), first.for_purpose("registry").of("pat-a"), Pseudonyms(KEY[::-1]).of("pat-a")}
    assert len(seen) == 3
    assert first.key_id != Pseudonyms(KEY[::-1]).key_id


@given(patient=st.text(min_size=1, max_size=30), place=st.integers(3, 29), letter=st.sampled_from("abcz27"))
def test_one_wrong_letter_in_a_pseudonym_is_always_found(patient: str, place: int, letter: str) -> None:
    good = Pseudonyms(KEY).of(patient)
    assert is_pseudonym(good)
    wrong = good[:place] + letter + good[place + 1 :]
    assert is_pseudonym(wrong) == (wrong == good)


def test_a_pseudonym_leads_back_only_with_the_key_and_the_list_of_patients() -> None:
    patients = [f"pat-{n}" for n in range(50)]
    pseudonym = Pseudonyms(KEY).of("pat-7")
    assert Pseudonyms(KEY).patient_of(pseudonym, patients) == "pat-7"
    assert Pseudonyms(KEY).patient_of(pseudonym, patients[:5]) is None
    assert Pseudonyms(bytes(32)).patient_of(pseudonym, patients) is None


def test_the_first_start_makes_a_key_that_nobody_else_can_read(db: Database, tmp_path: Path) -> None:
    made = prepare_key(db, tmp_path)
    path = tmp_path / "pseudonym.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert prepare_key(db, tmp_path).of("pat-a") == made.of("pat-a")
    assert [p.name for p in tmp_path.iterdir() if "pseudonym" in p.name] == ["pseudonym.key"]


def _refused(db: Database, folder: Path) -> str:
    with pytest.raises(SettingsError) as error:
        prepare_key(db, folder)
    return error.value.code


def test_a_lost_key_is_never_replaced_in_silence(db: Database, tmp_path: Path) -> None:
    prepare_key(db, tmp_path)
    (tmp_path / "pseudonym.key").unlink()
    assert _refused(db, tmp_path) == "pseudonym_key_missing"
    assert not (tmp_path / "pseudonym.key").exists()


def test_another_key_is_refused(db: Database, tmp_path: Path) -> None:
    prepare_key(db, tmp_path)
    (tmp_path / "pseudonym.key").unlink()
    pseudonyms._write(tmp_path / "pseudonym.key", os.urandom(32))
    assert _refused(db, tmp_path) == "pseudonym_key_changed"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_key_that_others_can_read_is_refused(db: Database, tmp_path: Path, mode: int) -> None:
    prepare_key(db, tmp_path)
    (tmp_path / "pseudonym.key").chmod(mode)
    assert _refused(db, tmp_path) == "pseudonym_key_open"


@pytest.mark.parametrize("content", [b"", b"short", b"c2hvcnQ=", os.urandom(0) + b"\xff" * 44])
def test_a_damaged_key_is_refused(db: Database, tmp_path: Path, content: bytes) -> None:
    prepare_key(db, tmp_path)
    (tmp_path / "pseudonym.key").write_bytes(content)
    assert _refused(db, tmp_path) == "pseudonym_key_damaged"


def test_a_start_that_was_cut_off_after_the_file_goes_on_with_the_same_key(
    db: Database, tmp_path: Path
) -> None:
    pseudonyms._write(tmp_path / "pseudonym.key", os.urandom(32))
    before = (tmp_path / "pseudonym.key").read_bytes()
    prepare_key(db, tmp_path)
    assert (tmp_path / "pseudonym.key").read_bytes() == before
