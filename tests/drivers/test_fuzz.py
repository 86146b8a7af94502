"""Bytes that no machine wrote: every driver reads, declines or refuses; anything else is a bug.

A file that brings a driver down is kept under `tests/corpus/DRIVER/` and read in every run.
"""

from __future__ import annotations

import hashlib
import os
import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestor.driver import Bundle, Member, ParseError
from ingestor.phrases import catalogue
from tests.drivers.samples import Sample, all_drivers, all_samples

CORPUS = Path(__file__).parents[1] / "corpus"
NAMES = sorted(all_drivers())
SMALL = {name: [one for one in all_samples() if one.driver == name and one.size < 8192] for name in NAMES}
ODD = (
    b"\0", b"\xff", b"\r", b"\n", b"\x1a", b";", b",", b"\t", b'"', b"---", b"NaN", b"1e309", b"-", b"0x1F", b"1_000",
    "١٢".encode(), "１".encode(), b"31.02.2024", b"24:00:00", b"99999999999999999999", b"#TCR 2.1", b"[", b"]", b"\x02",
    b"\x03", b"<", b"&", b"]]>", b"<!DOCTYPE a>", b"\xef\xbb\xbf", b"\xff\xfe", b"000000", b"29.02.2023 00:00:00",
    "\u202e".encode(), b"\xed\xa0\x80", b"#END;0", b"E\t", b"PK\x03\x04", b"\x1f\x8b",
)  # fmt: skip
# So many examples a driver in every run, together two thousand; `make fuzz` goes on for as long as asked.
BYTES, ACCIDENTS = 600, 1500
QUICK = settings(max_examples=BYTES, deadline=None, database=None, suppress_health_check=list(HealthCheck))


def try_it(name: str, members: list[tuple[str, bytes]]) -> None:
    """Claim and parse whatever the claim says."""
    driver = all_drivers()[name]
    bundle = Bundle(tuple(Member(member, data) for member, data in members))
    try:
        driver.claim(bundle)
        for log in driver.parse(bundle):
            ignored = sum(one.rows for one in log.ignored)
            assert ignored <= log.rows_read
            assert {finding.code for finding in log.findings} <= catalogue().keys()
            if log.samples is not None:
                assert {len(column.mantissa) for column in log.samples.columns} <= {len(log.samples.line)}
    except ParseError as refused:
        assert_told(refused)
    except Exception:
        keep(name, members)
        raise


def assert_told(refused: ParseError) -> None:
    assert refused.code in catalogue()
    assert len(refused.got) <= 80


def keep(name: str, members: list[tuple[str, bytes]]) -> None:
    digest = hashlib.sha256(b"".join(data for _, data in members)).hexdigest()[:16]
    folder = CORPUS / name / digest
    folder.mkdir(parents=True, exist_ok=True)
    for member, data in members:
        (folder / member).write_bytes(data)


def mutated(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Return the bytes with a few accidents."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        a, b = sorted((rng.randint(0, len(out)), rng.randint(0, len(out))))
        b = min(b, a + rng.choice((1, 8, 64, 100_000)))
        match rng.randint(0, 8):
            case 0:
                del out[a:b]
            case 1:
                out[a:a] = out[a:b]
            case 2 if a < len(out):
                out[a] ^= 1 << rng.randint(0, 7)
            case 3:
                out[a:b] = rng.choice(ODD)
            case 4:
                out[a:a] = rng.choice(ODD)
            case 5:
                out[a:] = other[rng.randint(0, len(other)) :]
            case 6:
                lines = bytes(out).split(b"\n")
                rng.shuffle(lines)
                out = bytearray(b"\n".join(lines))
            case 7:
                out = bytearray(bytes(out).replace(b"\r\n", rng.choice((b"\n", b"\r", b"\n\n"))))
            case _:
                out[a:b] = rng.randbytes(b - a)
    return bytes(out)


def accident(name: str, seed: int) -> list[tuple[str, bytes]]:
    rng = random.Random(seed)
    sample: Sample = rng.choice(SMALL[name])
    other = rng.choice(SMALL[name if rng.random() < 0.7 else rng.choice(NAMES)])
    members = list(sample.members)
    at = rng.randrange(len(members))
    members[at] = (members[at][0], mutated(members[at][1], other.members[0][1], rng))
    if len(members) > 1 and rng.random() < 0.1:
        del members[rng.randrange(len(members))]
    return members


@pytest.mark.parametrize("name", NAMES)
def test_any_bytes_are_declined_or_refused(name: str):
    @QUICK
    @given(st.binary(max_size=600))
    def law(data: bytes) -> None:
        nonlocal tried
        tried += 1
        try_it(name, [("x.bin", data)])

    tried = 0
    law()
    assert tried + ACCIDENTS >= 2000


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_after_any_accident_is_read_or_refused(name: str):
    for seed in range(ACCIDENTS):
        try_it(name, accident(name, seed))


@pytest.mark.parametrize(
    "folder",
    [p for p in sorted(CORPUS.glob("*/*")) if p.is_dir()],
    ids=lambda path: f"{path.parent.name}-{path.name}",
)
def test_what_once_brought_a_driver_down_is_read_or_refused(folder: Path):
    try_it(folder.parent.name, [(path.name, path.read_bytes()) for path in sorted(folder.iterdir())])


@pytest.mark.fuzz
@pytest.mark.parametrize("name", NAMES)
def test_accidents_for_as_long_as_asked(name: str):
    end, seed = time.monotonic() + float(os.environ.get("APHERELOG_FUZZ_SECONDS", "10")), 1_000_000
    while time.monotonic() < end:
        try_it(name, accident(name, seed))
        seed += 1
