"""Answers to messages that came over a network."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.hl7_pcd.answers import Outcome, acknowledge, framed
from drivers.hl7_pcd.framing import read_stream
from drivers.hl7_pcd.report import kind_of
from tests.drivers.hl7_pcd.writer import at, tx

if TYPE_CHECKING:
    from tests.drivers.hl7_pcd.writer import Writer


NOW = datetime(2024, 3, 18, 8, 13, 0, tzinfo=UTC)


def fields(answer: bytes, name: str) -> list[str]:
    lines = answer.decode().split("\r")
    return next(line.split("|") for line in lines if line.startswith(name))


@pytest.mark.parametrize(
    ("outcome", "code"), [(Outcome.ACCEPTED, "AA"), (Outcome.UNREADABLE, "AE"), (Outcome.BUSY, "AR")]
)
def test_a_report_is_answered_by_its_number_with_what_became_of_it(
    writer: Writer, outcome: Outcome, code: str | None
):
    answer = acknowledge(writer.report(at(0), tx("TX"), number="X77").encode(), outcome, NOW)
    assert fields(answer, "MSA") == ["MSA", code, "X77"]
    head = fields(answer, "MSH")
    assert head[8] == "ACK^R01^ACK"
    assert head[2:6] == ["apherelog", "Klinik", "IA200^00A0C9FFFE123456^EUI-64", "Station"]
    assert head[6] == "20240318081300+0000"
    assert (b"\rERR|" in answer) is (outcome is not Outcome.ACCEPTED)


def test_an_alarm_is_answered_as_the_transaction_says_or_as_the_guidelines_sample_does(writer: Writer):
    alarm = writer.alarm(at(0), "start").encode()
    assert fields(acknowledge(alarm, Outcome.ACCEPTED, NOW), "MSH")[8] == "ORA^R41^ORA_R41"
    assert fields(acknowledge(alarm, Outcome.ACCEPTED, NOW, alarm_answer="ACK"), "MSH")[8] == "ACK^R40^ACK"


def test_both_answers_to_an_alarm_are_known_as_answers_when_read(writer: Writer):
    alarm = writer.alarm(at(0), "start").encode()
    for kind in ("ORA", "ACK"):
        (message,) = read_stream(
            framed(acknowledge(alarm, Outcome.ACCEPTED, NOW, alarm_answer=kind)), ""
        ).messages
        assert kind_of(message) == "answer"


@pytest.mark.parametrize(
    ("transport", "application", "outcome", "code"),
    [
        ("", "", Outcome.ACCEPTED, "AA"),
        ("AL", "NE", Outcome.ACCEPTED, "CA"),
        ("AL", "NE", Outcome.UNREADABLE, "CE"),
        ("NE", "AL", Outcome.BUSY, "AR"),
        ("NE", "ER", Outcome.ACCEPTED, ""),
        ("NE", "ER", Outcome.UNREADABLE, "AE"),
        ("SU", "NE", Outcome.ACCEPTED, "CA"),
        ("NE", "NE", Outcome.ACCEPTED, ""),
    ],
)
def test_the_sender_says_which_answer_it_wants(
    writer: Writer, transport: str, application: str, outcome: Outcome, code: str | None
):
    message = (
        writer.report(at(0), tx("TX")).replace("|2.6|||AL|AL|", f"|2.6|||{transport}|{application}|").encode()
    )
    answer = acknowledge(message, outcome, NOW)
    assert (fields(answer, "MSA")[1] if answer else "") == code


def test_a_message_in_its_frame_is_answered_like_the_bare_one(writer: Writer):
    message = writer.report(at(0), tx("TX")).encode()
    assert acknowledge(b"\x0b" + message + b"\x1c\r", Outcome.ACCEPTED, NOW) == acknowledge(
        message, Outcome.ACCEPTED, NOW
    )


def test_an_answer_keeps_the_senders_delimiters():
    message = b"MSH#*!$%#M####20240318##ORU*R01*ORU_R01#77#P#2.6\r"
    answer = acknowledge(message, Outcome.ACCEPTED, NOW)
    assert answer.startswith(b"MSH#*!$%#")
    assert b"\rMSA#AA#77\r" in answer


def test_the_frame_stands_around_an_answer_and_around_nothing_stands_nothing():
    assert framed(b"MSH|x\r") == b"\x0bMSH|x\r\x1c\r"
    assert framed(b"") == b""


@given(st.binary(max_size=200), st.sampled_from(Outcome))
def test_any_bytes_get_an_answer_that_can_be_read(noise: bytes, outcome: Outcome):
    answer = acknowledge(noise, outcome, NOW)
    assert not answer or read_stream(framed(answer), "").messages
