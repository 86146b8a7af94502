"""Who is let in, for how long, and what is left in the database."""

import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingestor.access import logins, passwords, tokens
from ingestor.access.permissions import TABLE, AccountRole, Caller, Permission
from ingestor.access.throttle import Failures, Window
from ingestor.errors import Denied, Forbidden, Invalid, TooMany
from ingestor.store import accounts, audit
from ingestor.store import tokens as stored_tokens
from ingestor.store.engine import Database

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
PASSWORD = "wooden lamp nine"
ADMIN = audit.Actor("local:root", "admin")


def _by_login(db: Database, secret: str, now: datetime) -> Caller:
    caller, is_due = logins.look_up(db, secret, now)
    if is_due:
        logins.note_use(db, caller, now)
    return caller


def _by_token(db: Database, text: str, now: datetime) -> Caller:
    return tokens.look_up(db, text, now)[0]


@pytest.fixture
def anna(db: Database) -> accounts.Account:
    with db.write() as connection:
        accounts.add(connection, "vie", "anna", "nurse", NOW, password=passwords.hashed(PASSWORD))
        found = accounts.by_name(connection, "anna")
    assert found is not None
    return found


def _code(error: pytest.ExceptionInfo[Denied]) -> str:
    return error.value.code


@pytest.mark.usefixtures("anna")
def test_a_login_is_found_by_its_secret_and_the_database_has_only_its_hash(
    db: Database, tmp_path: Path
) -> None:
    opened = logins.log_in(db, "anna", PASSWORD, NOW)
    caller = _by_login(db, opened.secret, NOW)
    assert (caller.name, caller.role, caller.centre) == ("anna", AccountRole.NURSE, "vie")
    with sqlite3.connect(tmp_path / "apherelog.db") as raw:
        dump = "\n".join(raw.iterdump())
    raw.close()
    assert opened.secret not in dump
    assert PASSWORD not in dump
    assert len(opened.secret) == 43


@pytest.mark.usefixtures("anna")
def test_every_login_has_a_new_secret(db: Database) -> None:
    secrets = {logins.log_in(db, "anna", PASSWORD, NOW).secret for _ in range(3)}
    assert len(secrets) == 3


@pytest.mark.parametrize(("name", "password"), [("anna", "wrong"), ("nobody", PASSWORD), ("anna", "")])
@pytest.mark.usefixtures("anna")
def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(
    db: Database, name: str, password: str
) -> None:
    with pytest.raises(Denied) as error:
        logins.log_in(db, name, password, NOW)
    assert (error.value.code, error.value.details) == ("login_wrong", {})


def test_an_unknown_name_costs_a_hash_as_well(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    real = passwords._hasher.verify

    def counted(password: str, stored: str) -> bool:
        checked.append(stored)
        return real(password, stored)

    monkeypatch.setattr(passwords._hasher, "verify", counted)
    with pytest.raises(Denied):
        logins.log_in(db, "nobody", "whatever it is", NOW)
    assert [stored.split("$")[1:4] for stored in checked] == [["argon2id", "v=19", "m=19456,t=2,p=1"]]


def test_failed_logins_are_on_record_without_what_was_typed(db: Database, anna: accounts.Account) -> None:
    for name in ("anna", "my secret typed as name"):
        with pytest.raises(Denied):
            logins.log_in(db, name, "wrong", NOW)
    with db.read() as connection:
        rows = [(e["action"], e["object"]) for e in audit.entries(connection)]
        assert audit.first_bad(connection) is None
    assert rows == [("login_failed", anna.id), ("login_failed", "unknown")]


@pytest.mark.parametrize("idle", [timedelta(minutes=30), timedelta(minutes=31)])
@pytest.mark.usefixtures("anna")
def test_a_login_ends_after_thirty_minutes_without_use(db: Database, idle: timedelta) -> None:
    secret = logins.log_in(db, "anna", PASSWORD, NOW).secret
    if idle <= logins.IDLE:
        assert _by_login(db, secret, NOW + idle).name == "anna"
    else:
        with pytest.raises(Denied) as error:
            _by_login(db, secret, NOW + idle)
        assert _code(error) == "login_over"


def test_a_login_in_use_ends_after_twelve_hours(db: Database, anna: accounts.Account) -> None:
    secret = logins.log_in(db, "anna", PASSWORD, NOW).secret
    at = NOW
    while at < NOW + timedelta(hours=12):
        at += timedelta(minutes=20)
        assert _by_login(db, secret, at).account == anna.id
    with pytest.raises(Denied):
        _by_login(db, secret, at + timedelta(minutes=20))


@pytest.mark.usefixtures("anna")
def test_a_secret_is_worth_nothing_after_logout(db: Database) -> None:
    secret = logins.log_in(db, "anna", PASSWORD, NOW).secret
    logins.log_out(db, _by_login(db, secret, NOW), NOW)
    with pytest.raises(Denied):
        _by_login(db, secret, NOW)


def test_a_closed_account_is_out_at_once_with_all_its_logins_and_tokens(
    db: Database, anna: accounts.Account
) -> None:
    secret = logins.log_in(db, "anna", PASSWORD, NOW).secret
    with db.write() as connection:
        token = tokens.issue(connection, anna, AccountRole.NURSE, 30, NOW, ADMIN)
        accounts.disable(connection, anna.id, NOW)
    for ask in (
        lambda: _by_login(db, secret, NOW),
        lambda: _by_token(db, token, NOW),
        lambda: logins.log_in(db, "anna", PASSWORD, NOW),
    ):
        with pytest.raises(Denied):
            ask()


def test_a_form_token_belongs_to_one_login() -> None:
    assert logins.form_token("one") == logins.form_token("one") != logins.form_token("two")


def test_a_token_carries_its_own_role_and_is_stored_as_a_hash(
    db: Database, anna: accounts.Account, tmp_path: Path
) -> None:
    with db.write() as connection:
        text = tokens.issue(connection, anna, AccountRole.AGENT, 30, NOW, ADMIN)
    caller = _by_token(db, text, NOW)
    assert caller.role is AccountRole.AGENT
    assert not caller.may(Permission.READ_SESSIONS)
    with sqlite3.connect(tmp_path / "apherelog.db") as raw:
        dump = "\n".join(raw.iterdump())
    raw.close()
    assert text not in dump
    assert text.split("_", 3)[3].rpartition("_")[0] not in dump


def test_a_token_expires_and_can_be_revoked(db: Database, anna: accounts.Account) -> None:
    with db.write() as connection:
        text = tokens.issue(connection, anna, AccountRole.NURSE, 30, NOW, ADMIN)
    assert _by_token(db, text, NOW + timedelta(days=29)).name == "anna"
    with pytest.raises(Denied) as late:
        _by_token(db, text, NOW + timedelta(days=30))
    assert _code(late) == "token_expired"
    with db.write() as connection:
        assert stored_tokens.revoke(connection, stored_tokens.of_account(connection, anna.id)[0].id, NOW)
    with pytest.raises(Denied) as revoked:
        _by_token(db, text, NOW)
    assert _code(revoked) == "token_revoked"


def test_no_letter_of_a_token_may_be_another(db: Database, anna: accounts.Account) -> None:
    with db.write() as connection:
        text = tokens.issue(connection, anna, AccountRole.NURSE, 30, NOW, ADMIN)
    for place in range(len(text)):
        other = "x" if text[place] != "x" else "y"
        with pytest.raises(Denied) as error:
            _by_token(db, text[:place] + other + text[place + 1 :], NOW)
        assert _code(error) == "token_wrong"


def test_a_right_checksum_does_not_make_a_token(db: Database, anna: accounts.Account) -> None:
    with db.write() as connection:
        text = tokens.issue(connection, anna, AccountRole.NURSE, 30, NOW, ADMIN)
    body = text.rpartition("_")[0][:-1] + ("A" if text[-10] != "A" else "B")
    with pytest.raises(Denied):
        _by_token(db, f"{body}_{tokens._checksum(body)}", NOW)


def test_a_leaked_token_is_revoked_and_a_made_up_one_is_not_noticed(
    db: Database, anna: accounts.Account
) -> None:
    with db.write() as connection:
        text = tokens.issue(connection, anna, AccountRole.NURSE, 30, NOW, ADMIN)
    made_up = text.replace(text.split("_")[3], "A" * 43)
    assert tokens.revoke_leaked(db, f"key={made_up}", NOW) == 0
    assert _by_token(db, text, NOW).name == "anna"
    assert tokens.revoke_leaked(db, f"a=1&key={text}&b=2", NOW) == 1
    with pytest.raises(Denied) as error:
        _by_token(db, text, NOW)
    assert _code(error) == "token_revoked"


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "password_short"), ("x" * 300, "password_long"), ("Passwort2026!", "password_common"),
        ("12345678", "password_common"), ("qwertzui", "password_common"), ("aaaaaaaaaa", "password_common"),
        ("anna-maria", "password_common"), ("hgfedcba", "password_common"), ("83920175", "password_common"),
    ],
)  # fmt: skip
def test_a_password_that_anybody_would_try_is_refused(password: str, code: str) -> None:
    with pytest.raises(Invalid) as error:
        passwords.require_good(password, "Anna-Maria")
    assert error.value.code == code


@pytest.mark.parametrize("password", [PASSWORD, "Grüße aus Döbling", "9384-2948-1829-1102"])
def test_a_long_password_of_words_is_good(password: str) -> None:
    passwords.require_good(password, "anna")


def test_a_password_typed_with_other_code_points_for_the_same_letters_fits() -> None:
    assert passwords.matches("Gru\u0308ße aus Wien", passwords.hashed("Gr\u00fcße aus Wien"))


def test_no_more_than_two_passwords_are_hashed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, lock = 0, 0, threading.Lock()
    enough = threading.Barrier(2, timeout=5)

    def slow(_password: str) -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        enough.wait()
        with lock:
            running -= 1
        return "hash"

    monkeypatch.setattr(passwords._hasher, "hash", slow)
    threads = [threading.Thread(target=passwords.hashed, args=("x",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_after_ten_wrong_logins_the_delay_doubles_up_to_a_minute_and_ends() -> None:
    now = [0.0]
    failures = Failures(clock=lambda: now[0])
    for _ in range(10):
        failures.check("anna")
        failures.failed("anna")
    waits = []
    for _ in range(9):
        with pytest.raises(TooMany) as error:
            failures.check("anna", "another key")
        waits.append(error.value.details["wait_s"])
        now[0] += waits[-1]
        failures.check("anna")
        failures.failed("anna")
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    failures.succeeded("anna")
    failures.check("anna")


def test_a_window_moves() -> None:
    now = [0.0]
    window = Window(2, 60, clock=lambda: now[0])
    window.take("a")
    now[0] = 30
    window.take("a")
    with pytest.raises(TooMany) as error:
        window.take("a")
    assert error.value.details == {"wait_s": 30}
    window.take("b")
    now[0] = 60
    window.take("a")


def test_what_is_counted_does_not_grow_without_end() -> None:
    failures, window = Failures(), Window(5, 60)
    for number in range(25_000):
        failures.failed(str(number))
        window.take(str(number))
    assert len(failures._failed) <= 10_000
    assert len(window._times) <= 10_000


def test_who_may_do_what_is_as_agreed() -> None:
    """One line a permission, so that a change of the table is a change of this page."""
    may = {p.value: "".join(r.value[0:2] for r in AccountRole if p in TABLE[r]) for p in Permission}
    assert may == {
        "submit": "nustag", "confirm": "nust", "read_receipts": "nuanst", "read_sessions": "nuanst",
        "read_doses": "anst", "export": "anst", "read_identity": "nust", "read_raw": "nust", "link": "nust",
        "edit_patients": "nust", "decide": "st", "reprocess": "st", "merge": "st", "reidentify": "st",
        "read_machines": "nuanstad", "manage_machines": "ad", "manage_users": "ad", "manage_settings": "ad",
        "read_audit": "au", "read_codes": "nuanstadau", "own_account": "nuanstadau",
    }  # fmt: skip


def test_a_caller_is_stopped_by_name_of_role() -> None:
    caller = Caller("acc-1", "ines", AccountRole.ANALYST, "vie")
    caller.require(Permission.READ_DOSES)
    with pytest.raises(Forbidden) as error:
        caller.require(Permission.SUBMIT)
    assert error.value.details == {"role": "analyst", "permission": "submit"}
    assert not caller.sees_identity
