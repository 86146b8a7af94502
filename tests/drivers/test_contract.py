"""What every driver has to keep, whoever wrote it: all drivers, all samples, all faults.

A new driver is found by its entry point; it needs samples, in `stored/NAME/` or in `samples.by_hand`.
"""

from __future__ import annotations

import itertools
import locale
import os
import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ingestor.driver import Bundle, DeviceLog, Member, ParseError
from ingestor.phrases import catalogue
from tests.drivers.said import figures, plain
from tests.drivers.samples import Sample, all_drivers, all_samples, by_hand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestor.driver import Driver

SAMPLES = all_samples()
NAMES = sorted(all_drivers())
# Samples of up to four kilobytes are cut at every byte: those written by hand in every run.
SMALL, EVERY = 4096, 4096


def driver_of(sample: Sample) -> Driver:
    return all_drivers()[sample.driver]


def read(driver: Driver, bundle: Bundle) -> list[DeviceLog] | ParseError:
    """Claim and parse; an error is an answer, everything else is a bug."""
    if not driver.claim(bundle).claims:
        return []
    try:
        return list(driver.parse(bundle))
    except ParseError as refused:
        return refused


def logs(sample: Sample) -> list[DeviceLog]:
    found = read(driver_of(sample), sample.bundle)
    assert isinstance(found, list), found.details
    assert found
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_driver_has_samples_and_says_where_its_knowledge_comes_from(name: str):
    assert [sample for sample in SAMPLES if sample.driver == name]
    about = getattr(all_drivers()[name], "about", {})
    for tongue in ("de", "en"):
        assert all(about[tongue][part] for part in ("title", "source", "reads", "leaves"))


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_sample_is_recognised_by_its_own_driver_and_by_no_other(sample: Sample):
    claims = {name: driver.claim(sample.bundle) for name, driver in all_drivers().items()}
    assert [name for name, claim in claims.items() if claim.claims] == [sample.driver]
    assert all(claim.reason for claim in claims.values())


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_reading_is_stateless(sample: Sample):
    driver, others = driver_of(sample), [one for one in SAMPLES if one.driver == sample.driver]
    first = [plain(log) for log in logs(sample)]
    for other in others:
        read(driver, other.bundle)
    assert [plain(log) for log in logs(sample)] == first


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_every_row_is_accounted_for(sample: Sample):
    for log in logs(sample):
        ignored = sum(one.rows for one in log.ignored)
        rows = len(log.samples.line) if log.samples is not None else 0
        assert ignored >= 0
        assert log.rows_read - ignored >= rows
    if sample.records:
        assert sum(log.rows_read for log in logs(sample)) == sample.records


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_every_finding_has_its_text_and_every_line_is_one_of_the_file(sample: Sample):
    for log in logs(sample):
        longest = max(data.count(b"\n") + data.count(b"\r") + 2 for _, data in sample.members)
        assert {f.code for f in log.findings} <= catalogue().keys()
        if log.samples is not None and sample.driver != "prismaflex":
            assert 1 <= log.samples.line.min() <= log.samples.line.max() <= longest


def identity(log: DeviceLog) -> str:
    return log.run_id or log.started.local.isoformat()


def cuts(sample: Sample, most: int) -> Iterator[tuple[int, int, Bundle]]:
    """Yield (member, length, bundle) with one member cut at so many places."""
    for at, (name, data) in enumerate(sample.members):
        some = random.Random(len(data)).sample(range(len(data)), min(len(data), most))
        for length in sorted(some):
            members = [Member(n, d) for n, d in sample.members]
            members[at] = Member(name, data[:length])
            yield at, length, Bundle(tuple(members))


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_cut_at_any_byte_gives_no_figure_that_is_not_there_and_no_false_end(sample: Sample):
    cut_it(sample, EVERY if sample.truth is None else 100)


@pytest.mark.torture
@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.truth and s.size <= SMALL], ids=str)
def test_a_small_sample_is_cut_at_every_byte(sample: Sample):
    cut_it(sample, EVERY)


def cut_it(sample: Sample, most: int) -> None:
    driver = driver_of(sample)
    known = {identity(log): figures(log) for log in logs(sample)}
    for at, length, bundle in cuts(sample, most):
        found = read(driver, bundle)
        if isinstance(found, ParseError):
            assert found.code in catalogue(), found.code
            continue
        data = sample.members[at][1]
        missing = data[length:].strip(b"\r\n\0\t ")
        for log in found:
            assert identity(log) in known, (length, identity(log))
            new = {one for one in figures(log) - known[identity(log)] if one[0] not in sample.may_run}
            assert not new, (length, new)
            if at == 0 and missing and log is found[-1] and len(known) == 1 and sample.end_covers_all:
                assert not (log.end_reached and log.hold is None), length


@pytest.mark.parametrize("sample", [one for one in SAMPLES if len(one.members) > 1], ids=str)
def test_the_order_of_the_members_does_not_matter(sample: Sample):
    expected = [plain(log) for log in logs(sample)]
    for members in itertools.permutations(sample.members):
        turned = replace(sample, members=members)
        assert turned.bundle.source == sample.bundle.source
        assert [plain(log) for log in logs(turned)] == expected


@pytest.mark.parametrize("sample", [one for one in by_hand() if one.by_lines], ids=str)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "mixed"])
def test_line_ends_do_not_matter(sample: Sample, line_end: str):
    turned = replace(
        sample, members=tuple((name, with_ends(data, line_end)) for name, data in sample.members)
    )
    assert [plain(log) for log in logs(turned)] == [plain(log) for log in logs(sample)]


def with_ends(data: bytes, line_end: str) -> bytes:
    lines = data.replace(b"\r\n", b"\n").split(b"\n")
    if line_end != "mixed":
        return line_end.encode().join(lines)
    return b"".join(
        line + ends for line, ends in zip(lines, itertools.cycle((b"\r\n", b"\n", b"\r")), strict=False)
    )


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_the_process_zone_and_locale_do_not_matter(sample: Sample, monkeypatch: pytest.MonkeyPatch):
    expected = [plain(log) for log in logs(sample)]
    before = locale.setlocale(locale.LC_ALL)
    try:
        for zone in ("Asia/Tokyo", "America/St_Johns"):
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            for name in ("de_DE.UTF-8", "tr_TR.UTF-8", "C.UTF-8", "C"):
                try:
                    locale.setlocale(locale.LC_ALL, name)
                except locale.Error:
                    continue
                assert [plain(log) for log in logs(sample)] == expected
    finally:
        monkeypatch.undo()
        time.tzset()
        locale.setlocale(locale.LC_ALL, before)


@pytest.mark.parametrize("name", NAMES)
def test_a_large_file_that_is_not_its_own_is_declined_at_once(name: str):
    noise = os.urandom(1 << 20) * 16
    begun = time.process_time()
    assert not all_drivers()[name].claim(Bundle((Member("noise.bin", noise),))).claims
    assert time.process_time() - begun < 2


@pytest.mark.parametrize("sample", by_hand(), ids=str)
def test_a_line_without_end_is_refused_at_once_and_in_little_memory(sample: Sample):
    """Source: limits of this project: 64 KiB a line, 32 MiB a file."""
    name, data = sample.members[0]
    grown = data + b"x" * (32 << 20)
    bundle = Bundle((Member(name, grown), *(Member(n, d) for n, d in sample.members[1:])))
    begun = time.process_time()
    read(driver_of(sample), bundle)
    assert time.process_time() - begun < 3
