"""`apherelog users`, as an administrator types it."""

import io
import json
from pathlib import Path

import pytest

from ingestor.access import tokens
from ingestor.cli import main
from ingestor.errors import Denied
from ingestor.store.engine import open_database


class Shell:
    def __init__(
        self, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.data, self._patch, self._capture = data, monkeypatch, capsys

    def __call__(self, *words: str, typed: str = "") -> tuple[int, str, str]:
        self._patch.setattr("sys.stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as ended:
            main([*words, "--data", str(self.data)])
        out, err = self._capture.readouterr()
        return int(str(ended.value.code)), out, err


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANG", "C")
    return Shell(tmp_path / "data", monkeypatch, capsys)


def test_a_user_a_token_and_the_list_of_both(shell: Shell) -> None:
    assert shell("users", "add", "anna", "--role", "nurse", typed="wooden lamp nine\n")[0] == 0
    code, out, err = shell("users", "token", "anna", "--role", "agent", "--days", "7", "--json")
    token = json.loads(out)["token"]
    assert (code, tokens.PATTERN.fullmatch(token) is not None) == (0, True)
    assert token not in err
    listed = json.loads(shell("users", "list", "--json")[1])
    assert (listed["name"], listed["role"], [t["role"] for t in listed["tokens"]]) == (
        "anna",
        "nurse",
        ["agent"],
    )
    assert "password" not in listed
    assert "sha256" not in json.dumps(listed)


def test_without_a_password_an_account_has_tokens_only(shell: Shell) -> None:
    assert shell("users", "add", "ines", "--role", "analyst", typed="")[0] == 0
    assert shell("users", "token", "ines")[0] == 0


@pytest.mark.parametrize(
    ("words", "typed", "said"),
    [
        (("add", "anna", "--role", "nurse"), "passwort1\n", "anybody would try"),
        (("add", "anna", "--role", "nurse"), "\n", "too short"),
        (("add", "anna", "--role", "doctor"), "wooden lamp nine\n", "Invalid value for '--role'"),
        (("add", "  ", "--role", "nurse"), "wooden lamp nine\n", "1 to 120 visible"),
        (("token", "nobody"), "", "no such account"),
    ],
)
def test_what_does_not_fit_is_a_usage_error_that_says_why(
    shell: Shell, words: tuple[str, ...], typed: str, said: str
) -> None:
    code, out, err = shell("users", *words, typed=typed)
    assert (code, out) == (2, "")
    assert said in err


def test_a_name_is_given_once(shell: Shell) -> None:
    assert shell("users", "add", "anna", "--role", "nurse", typed="wooden lamp nine\n")[0] == 0
    code, _, err = shell("users", "add", "anna", "--role", "admin", typed="wooden lamp nine\n")
    assert code == 2
    assert "already is an account" in err


def test_a_closed_account_s_token_stops(shell: Shell) -> None:
    from datetime import UTC, datetime

    shell("users", "add", "anna", "--role", "nurse", typed="wooden lamp nine\n")
    token = shell("users", "token", "anna")[1].strip()
    assert shell("users", "close", "anna")[0] == 0
    db = open_database(f"sqlite:///{shell.data / 'apherelog.db'}")
    with pytest.raises(Denied) as error:
        tokens.look_up(db, token, datetime.now(UTC))
    db.close()
    assert error.value.code == "token_revoked"
    assert shell("users", "password", "anna", typed="another lamp nine\n")[0] == 0


def test_an_account_without_a_password_is_said_to_have_tokens_only(shell: Shell) -> None:
    code, out, err = shell("users", "add", "robot", "--role", "analyst", "--json")
    assert (code, json.loads(out)["password"]) == (0, False)
    assert "tokens only" in err
    assert "apherelog users password robot" in err
    assert (
        "tokens only" not in shell("users", "add", "anna", "--role", "nurse", typed="wooden lamp nine\n")[2]
    )
