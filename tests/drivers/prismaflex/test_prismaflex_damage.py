"""Damaged, cut and hostile logs: a log with its findings, or a ParseError, and nothing else."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.prismaflex import Prismaflex
from ingestor.driver import Bundle, Member, ParseError
from ingestor.packed import unpack
from tests.drivers.prismaflex.writer import STEM, Machine, bundle, bundle_of, lox, tar

if TYPE_CHECKING:
    from ingestor.driver import DeviceLog

DRIVER = Prismaflex()


def logs(source: Bundle) -> list[DeviceLog]:
    DRIVER.claim(source)
    found = list(DRIVER.parse(source))
    for log in found:
        assert sum(i.rows for i in log.ignored) <= log.rows_read
    return found


def effluent(log: DeviceLog) -> list[int]:
    columns = log.samples.columns if log.samples else ()
    return [
        int(m)
        for c in columns
        if c.channel == "effluent"
        for m, n in zip(c.mantissa, c.null, strict=True)
        if not n
    ]


def codes(log: DeviceLog) -> set[str]:
    return {f.code for f in log.findings}


def test_an_archive_cut_at_any_byte_is_incomplete_or_the_same_and_never_another_volume():
    members = Machine(minutes=3).members()
    for order in (list(members), list(reversed(members))):
        data = lox({name: members[name] for name in order})
        (whole,) = logs(bundle(data))
        for length in range(len(data)):
            try:
                found = logs(bundle(data[:length]))
            except ParseError:
                continue
            for log in found:
                values = effluent(log)
                assert values == effluent(whole)[: len(values)], length
                assert not log.end_reached or (values, log.events) == (effluent(whole), whole.events), length


@pytest.mark.parametrize("name", ["TREAT01E.TXT", "TREAT01P.TXT", "TREAT01S.TXT"])
def test_a_triple_with_one_file_cut_at_any_byte_keeps_what_is_there(name: str):
    triple = Machine(minutes=3).triple()
    (whole,) = logs(bundle_of(triple))
    for length in range(len(triple[name])):
        try:
            (log,) = logs(bundle_of({**triple, name: triple[name][:length]}))
        except ParseError:
            assert name == "TREAT01E.TXT"
            continue
        values = effluent(log)
        assert values == effluent(whole)[: len(values)], length
        assert not log.end_reached or values == effluent(whole), length


def test_a_cut_last_member_keeps_its_whole_rows_and_says_where_the_rest_is_missing():
    members = Machine().members()
    raw = tar(members)
    place = raw.index(b"2024-03-18 08:20:00", raw.index(b"RUN_TIME"))
    (log,) = logs(bundle(gzip.compress(raw[: place + 30])))
    assert effluent(log) == [30 * i for i in range(1, 8)]
    assert not log.end_reached
    assert {"truncated"} <= codes(log)


def test_a_stream_that_ends_early_behind_the_three_members_is_a_finding_only():
    members = {**Machine().members(), f"{STEM}.PLI": bytes(range(256)) * 40}
    data = lox(members)
    (log,) = logs(bundle(data[:-200]))
    assert log.end_reached
    assert "archive_cut" in codes(log)


def test_a_flipped_bit_in_the_stream_is_found():
    data = bytearray(lox(Machine().members()))
    data[-6] ^= 1
    (log,) = logs(bundle(bytes(data)))
    assert "archive_cut" in codes(log)
    assert effluent(log)[:3] == [30, 60, 90]


def test_a_header_without_rows_is_an_empty_member():
    members = Machine().members()
    members[f"{STEM}.PLS"] = members[f"{STEM}.PLS"].split(b"\n   1;")[0]
    (log,) = logs(bundle(lox(members)))
    assert "member_empty" in codes(log)
    assert not log.end_reached


def test_mixed_encodings_and_line_ends_in_one_bundle_are_read():
    members = Machine().members()
    text = members[f"{STEM}.PLE"][2:].decode("utf-16-le")
    members[f"{STEM}.PLE"] = text.replace("\n", "\r\n").encode("cp1250")
    members[f"{STEM}.PLP"] = members[f"{STEM}.PLP"].replace(b"\n", b"\r").decode().encode("utf-16-le")
    members[f"{STEM}.PLS"] = b"\xef\xbb\xbf" + members[f"{STEM}.PLS"].replace(b"\n", b"\r\n", 9)
    (log,) = logs(bundle(lox(members)))
    assert log.end_reached
    assert log.patient == "0001029384"
    assert effluent(log)[-1] == 300
    assert "code_page_unknown" in codes(log)
    assert any("\\xb3" in e.text for e in log.events) or any("\\x" in e.text for e in log.events)


def test_other_members_are_named_as_left_and_folders_and_paths_do_not_matter():
    data = lox(Machine().members(), folder="../../etc/")
    (log,) = logs(bundle(data))
    assert log.end_reached
    assert log.member == f"{STEM}.PLE"
    assert [f.params["names"] for f in log.findings if f.code == "members_left"] == [f"{STEM}.PLR"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(kind: bytes):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo(f"{STEM}.PLE")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    source = bundle(gzip.compress(out.getvalue()))
    claim = DRIVER.claim(source)
    assert (claim.claims, claim.code) == (False, "archive_link")
    with pytest.raises(ParseError) as caught:
        list(DRIVER.parse(source))
    assert caught.value.code == "archive_link"


def test_an_archive_inside_an_archive_is_not_opened():
    inner = lox(Machine().members())
    source = bundle(lox({f"{STEM}.LOX": inner}))
    assert not DRIVER.claim(source).claims
    with pytest.raises(ParseError):
        list(DRIVER.parse(source))


@pytest.mark.parametrize(
    "make",
    [
        lambda: gzip.compress(bytes(80 * 2**20), 9),
        lambda: lox({f"A{i:07d}.PLC": b"x" for i in range(51)}),
        lambda: lox({f"A{i:07d}.PLC": b"x" for i in range(5_000)}),
        lambda: lox({f"{STEM}.PLE": bytes(3 * 2**20)}),
    ],
    ids=["80 MiB", "51 members", "5,000 members", "ratio"],
)
def test_an_archive_beyond_the_limits_is_refused_without_being_held_in_memory(make):  # noqa: ANN001 - a maker of bytes
    source = bundle(make())
    tracemalloc.start()
    claim = DRIVER.claim(source)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (claim.claims, claim.code) == (False, "limit_archive")
    assert peak < 3 * 64 * 2**20
    with pytest.raises(ParseError) as caught:
        list(DRIVER.parse(source))
    assert caught.value.code == "limit_archive"


@pytest.mark.parametrize(
    ("rest", "code"),
    [(b"x" * 70_000, "limit_line"), (b"\n" * 2_000_001, "limit_lines")],
    ids=["line", "lines"],
)
def test_lines_inside_an_archive_are_limited_as_everywhere(rest: bytes, code: str):
    members = Machine().members()
    members[f"{STEM}.PLS"] += b"\n" + rest
    members[f"{STEM}.PCU"] = hashlib.shake_256(b"so that it does not shrink too far").digest(40_000)
    with pytest.raises(ParseError) as caught:
        list(DRIVER.parse(bundle(lox(members))))
    assert (caught.value.code, caught.value.member) == (code, f"{STEM}.PLS")


def test_a_name_twice_in_an_archive_is_refused():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for folder in ("a/", "b/"):
            archive.addfile(tarfile.TarInfo(f"{folder}{STEM}.PLE"))
    with pytest.raises(ParseError) as caught:
        unpack(gzip.compress(out.getvalue()), "m")
    assert caught.value.code == "archive_twice"


def test_a_member_that_lies_about_its_size_is_cut_and_says_so():
    raw = bytearray(tar({f"{STEM}.PLS": b"x" * 600}))
    header = raw[:512]
    header[124:135] = b"%011o" % (2**30)
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    raw[:512] = header
    (member,) = unpack(gzip.compress(bytes(raw)), "m").members
    assert not member.whole
    assert member.data.startswith(b"x" * 600)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x1f\x8b",
        b"\x1f\x8b\x08",
        gzip.compress(b"", mtime=0),
        gzip.compress(b"no tar at all" * 99, mtime=0),
        b"Index;Time;",
        b"PK\x03\x04",
    ],
)
def test_what_is_no_log_is_declined(data: bytes):
    assert not DRIVER.claim(bundle(data)).claims
    with pytest.raises(ParseError):
        list(DRIVER.parse(bundle(data)))


@settings(max_examples=150, deadline=None)
@given(noise=st.binary(max_size=600), how=st.integers(0, 4))
def test_any_bytes_give_a_log_or_a_parse_error(noise: bytes, how: int):
    heading = b"Index;Time;Class(cod);Class;Type(cod);Type;Sample(cod);Sample;Fluid\n"
    names = ("X.LOX", "X.LOX", "AE.TXT", "AS.TXT", "A.PLE")
    data = (
        noise, lox({f"{STEM}.PLE": noise, f"{STEM}.PLS": b"Index;Time;RUN_TIME;EFFLUENT\n" + noise}),
        heading + noise, b"Index;Time;runtime\n" + noise, b"\xff\xfe" + noise,
    )[how]  # fmt: skip
    try:
        logs(Bundle((Member(names[how], data),)))
    except ParseError:
        return


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_a_mutated_treatment_gives_a_log_or_a_parse_error(data: st.DataObject):
    members = Machine(minutes=3).members()
    for _ in range(data.draw(st.integers(1, 4))):
        name = data.draw(st.sampled_from(sorted(members)))
        lines = members[name].split(b"\n")
        place = data.draw(st.integers(0, len(lines) - 1))
        action = data.draw(st.sampled_from(["drop", "double", "flip", "cell", "join"]))
        line = lines[place]
        if action == "drop":
            del lines[place]
        elif action == "double":
            lines.insert(place, line)
        elif action == "flip" and line:
            at = data.draw(st.integers(0, len(line) - 1))
            lines[place] = line[:at] + bytes([data.draw(st.integers(0, 255))]) + line[at + 1 :]
        elif action == "cell":
            cells = line.split(b";")
            cells[data.draw(st.integers(0, len(cells) - 1))] = data.draw(
                st.sampled_from(
                    [
                        b"",
                        b"-1",
                        b"99999999999",
                        b"2024-13-99 99:99:99",
                        b"0001-01-01 00:00:00",
                        b"1e309",
                        b"\0",
                    ]
                )
            )
            lines[place] = b";".join(cells)
        elif action == "join":
            lines[place] = line + data.draw(st.sampled_from(sorted(members.values())))[:200]
        members[name] = b"\n".join(lines)
    packed = data.draw(st.booleans())
    source = bundle(lox(members)) if packed else bundle_of(members)
    try:
        logs(source)
    except ParseError:
        return
