"""How messages come: batches, streams, single ones, cut ones; several treatments in one file."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ingestor.driver import Bundle, Member
from tests.drivers.hl7_pcd.test_hl7_treatments import DRIVER, codes, column, one, read
from tests.drivers.hl7_pcd.writer import at, obx, pv, tx

if TYPE_CHECKING:
    from tests.drivers.hl7_pcd.writer import Writer


def test_two_machines_in_one_file_are_two_logs(writer: Writer):
    writer.report(at(0), tx("TX"))
    writer.report(at(0, 30), tx("TX"))
    writer.messages[1] = writer.messages[1].replace("00A0C9FFFE123456", "00A0C9FFFE999999")
    assert len({log.serial for log in read(writer.batch())}) == 2


def test_another_device_that_reports_by_the_same_profile_is_not_ours(writer: Writer):
    monitor = "150456^MDC_PULS_OXIM_SAT_O2^MDC"
    report = writer.report(at(0), obx(monitor, "98", "%")).replace(
        "70929^MDC_DEV_HDIALY_MACHINE_MDS^MDC", "182777000^monitoring^SCT"
    )
    claim = DRIVER.claim(Bundle((Member("m.hl7", report.encode()),)))
    assert not claim.claims
    assert claim.near_misses


def test_a_phase_that_was_running_when_the_file_was_cut_has_no_end(writer: Writer):
    for minute in range(3):
        writer.report(at(minute), tx("TX"), pv("cycle", "1"), pv("position", "A"), pv("phase", "load"))
    assert [p.end for p in one(writer.mllp()).phases] == [None]


def test_two_treatments_in_one_file_are_two_logs_and_ignored_messages_are_counted_once(full: Writer):
    full.therapy = "00A0C9FFFE12345620240319081240"
    full.report(at(24 * 60), tx("TX"))
    full.report(at(24 * 60 + 1), tx("POSTTX"))
    full.acknowledgement(at(24 * 60 + 2))
    logs = read(full.batch())
    assert [log.run_id[-14:] for log in logs] == ["20240318081240", "20240319081240"]
    assert sum(log.rows_read for log in logs) == 26
    assert [i.rows for log in logs for i in log.ignored if i.reason == "acknowledgement"] == [1]


def test_a_mllp_stream_ends_where_the_machine_leaves_the_treatment(full: Writer):
    log = one(full.mllp())
    assert log.end_reached
    assert len(log.samples.local_ms) == 22
    assert codes(log) == set()


def test_a_single_message_is_a_partial_treatment(full: Writer):
    log = one(full.messages[3].encode())
    assert not log.end_reached
    assert column(log, "processed_plasma") == [Decimal(60)]


def test_a_stream_without_frames_is_not_proven_complete_by_its_last_message(full: Writer):
    assert not one("".join(full.messages).encode()).end_reached


def test_line_ends_and_byte_order_mark_do_not_matter(full: Writer):
    plain = one(full.batch())
    for ending in (b"\n", b"\r\n"):
        log = one(b"\xef\xbb\xbf" + full.batch().replace(b"\r", ending))
        assert column(log, "processed_plasma") == column(plain, "processed_plasma")
        assert log.end_reached


def test_a_count_that_disagrees_leaves_the_treatment_incomplete(full: Writer):
    for data in (full.batch(bts="99"), full.batch(fts="2")):
        log = one(data)
        assert not log.end_reached
        assert "batch_count" in codes(log)


def test_a_batch_without_trailers_is_truncated_though_the_machine_left_the_treatment(full: Writer):
    log = one(full.batch().split(b"BTS|")[0])
    assert not log.end_reached
    assert "truncated" in codes(log)


def test_an_unterminated_last_segment_is_dropped(full: Writer):
    full.messages.pop()
    cut = "".join(full.messages).encode()
    lines = cut.split(b"\r")
    place = max(i for i, line in enumerate(lines) if b"PLASMA_PROCESSED_TOTAL" in line)
    shortened = b"\r".join([*lines[:place], lines[place][: lines[place].index(b"|600.0") + 4]])
    log = one(shortened)
    assert column(log, "processed_plasma")[-1] is None
    assert "truncated" in codes(log)


def test_a_message_number_again_is_a_duplicate_only_if_the_bytes_agree(writer: Writer):
    first = writer.report(at(0), tx("TX"), pv("plasma", "10"), number="X1")
    writer.messages.append(first)
    writer.report(at(1), tx("TX"), pv("plasma", "20"), number="X1")
    log = one(writer.batch())
    assert column(log, "processed_plasma") == [Decimal(10), Decimal(20)]
    assert [(i.reason, i.rows) for i in log.ignored] == [("repeated_message", 1)]
    assert "message_id_reused" in codes(log)
    assert log.rows_read == 3
