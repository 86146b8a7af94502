"""Detection: one claim stands, or a person is told why none does."""

import gzip
import io
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestor.detect import Answer, group, is_junk, kind_of, missing_parts, the_one
from ingestor.driver import BundleKey, Claim
from ingestor.errors import Refused
from ingestor.model import DriverStamp, Evidence
from ingestor.phrases import LANGUAGES, catalogue, phrase


def _answer(
    name: str, *, claims: bool = False, near: tuple[str, ...] = (), code: str | None = None
) -> Answer:
    return Answer(DriverStamp(name, "1", Evidence.DECLARED), Claim(claims, "because", near, code))


def test_the_only_claim_stands_whatever_came_near() -> None:
    near = _answer("a", near=("version 4.0 is unknown",), code="unknown_version")
    mine = _answer("b", claims=True)
    assert the_one([near, mine, _answer("c")], "Text") is mine


def test_two_claims_are_never_decided_by_guessing() -> None:
    with pytest.raises(Refused) as told:
        the_one([_answer("b", claims=True), _answer("a", claims=True)], "Text")
    assert (told.value.code, told.value.details) == ("ambiguous_format", {"drivers": "a, b"})


def test_a_near_miss_gives_its_own_code_and_says_how_near() -> None:
    with pytest.raises(Refused) as told:
        the_one([_answer("a", near=("version 4.0",), code="unknown_version"), _answer("b")], "Text")
    assert told.value.code == "unknown_version"
    assert told.value.details["near"] == "a: version 4.0"


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ([], "not_recognised"),
        ([_answer("a")], "not_recognised"),
        ([_answer("a", near=("x",))], "nearly_recognised"),
        ([_answer("a", near=("x",), code="a_code_nobody_wrote_words_for")], "nearly_recognised"),
        (
            [_answer("a", near=("x",), code="unknown_version"), _answer("b", near=("y",), code="unreadable")],
            "nearly_recognised",
        ),
    ],
)
def test_nobody_claims_it(answers: list[Answer], code: str) -> None:
    with pytest.raises(Refused) as told:
        the_one(answers, "PDF")
    assert told.value.code == code
    assert told.value.details["kind"] == "PDF"


def _zip(member: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(member, "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: b"%PDF-1.7 rest", "PDF"),
        (lambda: b"\x89PNG\r\n\x1a\n\0\0", "PNG"),
        (lambda: _zip("a.csv"), "ZIP"),
        (lambda: _zip("xl/workbook.xml"), "XLSX"),
        (lambda: gzip.compress(b"x"), "GZIP"),
        (lambda: b"\xef\xbb\xbf  <?xml version='1.0'?><a/>", "XML"),
        (lambda: b"<!DOCTYPE html><p>", "HTML"),
        (lambda: "Gerät;x".encode("utf-16"), "Text"),
        (lambda: "Gerät;x".encode("cp1252"), "Text"),
        (lambda: b"", "Text"),
        (lambda: b"abc\0def", "binary"),
    ],
)
def test_what_bytes_look_like_is_told_by_their_beginning(make: Callable[[], bytes], kind: str) -> None:
    assert kind_of(make()) == kind


@given(st.binary(max_size=300))
def test_any_bytes_look_like_something(data: bytes) -> None:
    assert kind_of(data)


@pytest.mark.parametrize(
    "name",
    [
        ".DS_Store",
        "sub/.DS_Store",
        "Thumbs.db",
        "._a.csv",
        "~$a.xlsx",
        "truth.json",
        "__MACOSX/a.csv",
        "@eaDir/x",
    ],
)
def test_what_systems_leave_behind_is_junk(name: str) -> None:
    assert is_junk(name)


@pytest.mark.parametrize("name", ["a.csv", "truth.csv", "sub/DS_Store.txt", "."])
def test_an_export_is_no_junk(name: str) -> None:
    assert not is_junk(name)


PARTS = ("table", "alarms")


def _csv_keys(names: list[str]) -> dict[str, dict[str, BundleKey]]:
    keys = {}
    for name in names:
        base = name.rsplit("/", 1)[-1].removesuffix(".csv")
        stem = base.removesuffix("_alarms")
        keys[name] = {"csv": BundleKey(stem, "table" if stem == base else "alarms", PARTS)}
    return keys


def test_companions_side_by_side_are_one_bundle_in_any_order() -> None:
    names = ["b_alarms.csv", "x.csv", "b.csv", "sub/x_alarms.csv"]
    assert group(names, _csv_keys(names)) == [("b.csv", "b_alarms.csv"), ("x.csv",), ("sub/x_alarms.csv",)]


def test_a_part_that_is_there_twice_is_not_paired_by_guess() -> None:
    names = ["b.csv", "b.CSV", "b_alarms.csv"]
    keys = _csv_keys(["b.csv", "b_alarms.csv"])
    keys["b.CSV"] = keys["b.csv"]
    assert group(names, keys) == [("b.csv",), ("b.CSV",), ("b_alarms.csv",)]


def test_the_larger_family_wins_and_no_name_is_used_twice() -> None:
    three = {part: BundleKey("s", part, ("e", "p", "s")) for part in "eps"}
    keys = {"e": {"big": three["e"], "a": BundleKey("s", "x", ("x", "y"))}, "p": {"big": three["p"]}}
    keys |= {"s": {"big": three["s"], "a": BundleKey("s", "y", ("x", "y"))}}
    assert group(["s", "e", "p"], keys) == [("e", "p", "s")]


@given(st.lists(st.sampled_from([f"{s}{e}" for s in "abc" for e in (".csv", "_alarms.csv")]), unique=True))
def test_every_name_is_in_exactly_one_bundle(names: list[str]) -> None:
    bundles = group(names, _csv_keys(names))
    assert sorted(name for bundle in bundles for name in bundle) == sorted(names)


def test_a_driver_waits_for_the_parts_that_are_not_there() -> None:
    key = BundleKey("s", "alarms", PARTS)
    assert missing_parts([key]) == ("table",)
    assert missing_parts([key, BundleKey("s", "table", PARTS)]) == ()
    assert missing_parts([None]) == ()


def test_every_phrase_of_the_intake_can_be_said_in_both_languages() -> None:
    for code in ("not_recognised", "nearly_recognised", "unknown_version", "ambiguous_format", "empty_file"):
        assert catalogue()[code]["kind"] == "refusal"
        for language in LANGUAGES:
            assert all(phrase(code, language, kind="PDF").values())
