"""`apherelog demo`: a made-up clinic to look around in, gone when it ends."""

from __future__ import annotations

import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingestor.commands.front import Front, pass_front

if TYPE_CHECKING:
    from types import FrameType

_ROLES = {"nurse": "pflege", "analyst": "analyse", "steward": "leitung", "admin": "admin"}
_CLINIC = ("--years", "6", "--patients", "12", "--sessions", "160", "--seed", "2026")


@click.command()
@click.option("--port", type=int, default=0, help="Port to listen on; a free one if not given.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the made-up data in this folder.")
@pass_front
def demo(front: Front, port: int, keep: Path | None) -> None:
    """Start a made-up clinic: simulated sessions of several years, good and damaged. Works offline."""
    with tempfile.TemporaryDirectory(prefix="apherelog-demo-") as folder:
        root = (keep or Path(folder)).absolute()
        root.mkdir(parents=True, exist_ok=True)
        port = port or _free_port()
        front.data, front.database_url = str(root / "data"), None
        logins = _fill(front, root)
        _serve(front, root, port, logins)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


def _apherelog(*arguments: str, stdin: str | None = None) -> str:
    command = [sys.executable, "-m", "ingestor", *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise click.ClickException(done.stderr.strip() or f"{arguments[0]} ended with {done.returncode}")
    return done.stdout


def _fill(front: Front, root: Path) -> dict[str, str]:
    """Make the clinic, take it in, and return a password for every role."""
    from ingestor.flow.patient_import import import_csv
    from ingestor.store.sources import Order
    from ingestor.ways.files import ingest_paths

    clinic = root / "clinic"
    front.tell("Simulating a clinic ...")
    _apherelog("simulate", "archive", *_CLINIC, "--out", str(clinic))
    front.tell("Taking it in ...")
    with front.house() as house:
        for table in ("patients.csv", "measurements.csv"):
            import_csv(house, (clinic / table).read_text("utf-8"), front.actor())
            (clinic / table).unlink()
        tally: dict[str, int] = {}
        for receipt in ingest_paths(house, [clinic], Order("demo", front.actor())):
            tally[receipt["status"]] = tally.get(receipt["status"], 0) + 1
    front.tell("  " + ", ".join(f"{count} {status}" for status, count in sorted(tally.items())))
    return _accounts(front)


def _accounts(front: Front) -> dict[str, str]:
    words = {role: f"{role}-{secrets.token_urlsafe(9)}" for role in _ROLES}
    for role, name in _ROLES.items():
        _apherelog("--data", str(front.data), "users", "add", name, "--role", role, stdin=words[role] + "\n")
    return words


def _serve(front: Front, root: Path, port: int, logins: dict[str, str]) -> None:
    command = [sys.executable, "-m", "ingestor", "--data", str(front.data), "serve", "--port", str(port)]
    with (root / "serve.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603
    try:
        _wait(server, port)
        _welcome(root, port, logins)
        _until_stopped(server)
    finally:
        server.terminate()
        server.wait(15)


def _wait(server: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(300):
        if server.poll() is not None:
            raise click.ClickException("the service did not start")
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        threading.Event().wait(0.2)
    raise click.ClickException("the service did not answer within a minute")


def _welcome(root: Path, port: int, logins: dict[str, str]) -> None:
    click.echo(f"""
apherelog demo — a made-up clinic, every session and every person in it is simulated.

  http://127.0.0.1:{port}/

  login        password
{chr(10).join(f"  {name:<12} {logins[role]:<28} ({role})" for role, name in _ROLES.items())}

Three things to try:
  1. Log in as {_ROLES["nurse"]} and upload a file from {root / "clinic" / "exports"}: it is known already.
  2. Open the list of sessions without a patient, choose one, and link it; then undo the link.
  3. Log in as {_ROLES["analyst"]} and open http://127.0.0.1:{port}/v1/doses.csv

Stop with Ctrl-C; everything is deleted then.
""")
    sys.stdout.flush()


def _until_stopped(server: subprocess.Popen[bytes]) -> None:
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    before: dict[int, Any] = {s: signal.signal(s, stop) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        while not stopped.wait(0.5) and server.poll() is None:
            pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
