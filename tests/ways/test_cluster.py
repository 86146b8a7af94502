"""Many machines read, one stores: a real scheduler and real workers, one of which is killed in the middle."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from simulators.archive import ArchiveOrder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.clinics import Clinic

pytestmark = pytest.mark.sqlite
CLINIC = ArchiveOrder(seed=9, years=21, patients=5, sessions=40, trouble=4)
BIN = Path(sys.executable).parent
QUIET = {**os.environ, "DASK_LOGGING__DISTRIBUTED": "warning"}


class Machine:
    """A place where programs run: this host, or a network namespace with an address of its own."""

    def __init__(self, *prefix: str, address: str = "127.0.0.1") -> None:
        self.prefix = prefix
        self.address = address

    @contextmanager
    def running(self, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a program until the end of the block, with everything that it started."""
        with subprocess.Popen(
            [*self.prefix, sys.executable, "-m", *command],
            env=QUIET, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        ) as process:  # fmt: skip
            try:
                yield process
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def _scheduler(ends: ExitStack, machine: Machine, folder: Path) -> str:
    file = folder / "scheduler.json"
    ends.enter_context(
        machine.running("distributed.cli.dask_scheduler", "--host", machine.address, "--port", "0",
                        "--no-dashboard", "--scheduler-file", str(file))
    )  # fmt: skip
    for _ in range(600):
        if file.exists() and file.stat().st_size:
            return str(json.loads(file.read_text("utf-8"))["address"])
        threading.Event().wait(0.1)
    raise AssertionError("the scheduler did not start")


def _worker(ends: ExitStack, machine: Machine, scheduler: str, folder: Path) -> subprocess.Popen[bytes]:
    return ends.enter_context(
        machine.running("distributed.cli.dask_worker", scheduler, "--host", machine.address, "--nworkers", "1",
                        "--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(folder))
    )  # fmt: skip


def _killed_while_it_reads(worker: subprocess.Popen[bytes]) -> threading.Thread:
    """Kill a worker as soon as it has a limited child: it holds a bundle then."""

    def wait_and_kill() -> None:
        while not psutil.Process(worker.pid).children():
            threading.Event().wait(0.02)
        worker.kill()

    thread = threading.Thread(target=wait_and_kill, daemon=True)
    thread.start()
    return thread


def _run(machine: Machine, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    done = subprocess.run(
        [*machine.prefix, str(BIN / "apherelog"), "--json", *arguments], env=QUIET, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode in {0, 3}, done.stderr
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def _doses(data: Path, out: Path) -> bytes:
    subprocess.run(
        [BIN / "apherelog", "--data", data, "export", "doses", "--out", out], check=True, capture_output=True
    )
    return out.read_bytes()


def _same_doses(
    tmp_path: Path, clinic: Clinic, fill: Callable[[Path], list[dict[str, Any]]]
) -> dict[str, Any]:
    """Fill two houses with one key, the second as told; compare their doses; return the second's report."""
    here = tmp_path / "here"
    assert _doses(here, tmp_path / "nothing.csv")
    there = shutil.copytree(here, tmp_path / "there")
    _run(Machine(), "--data", str(here), "backfill", str(clinic.exports), "--workers", "2")
    told = fill(there)
    assert _doses(there, tmp_path / "there.csv") == _doses(here, tmp_path / "here.csv")
    sources = [r["source"] for r in told[:-1] if r["status"] in {"stored", "superseded", "held"}]
    assert len(sources) == len(set(sources)) > 20
    _run(Machine(), "--data", str(there), "verify")
    return told[-1]["report"]


def test_a_cluster_gives_what_one_machine_gives_though_a_worker_is_killed(
    tmp_path: Path, written_clinic: Callable[[ArchiveOrder], Clinic]
) -> None:
    clinic = written_clinic(CLINIC)
    with ExitStack() as ends:
        scheduler = _scheduler(ends, Machine(), tmp_path)
        workers = [_worker(ends, Machine(), scheduler, tmp_path / f"w{n}") for n in range(2)]

        def fill(data: Path) -> list[dict[str, Any]]:
            _killed_while_it_reads(workers[0])
            return _run(
                Machine(), "--data", str(data), "backfill", str(clinic.exports), "--scheduler", scheduler
            )[1]

        report = _same_doses(tmp_path, clinic, fill)
        assert workers[0].wait(30) == -signal.SIGKILL
        assert workers[1].poll() is None
    assert report["done"] == report["bundles"]


def test_a_scheduler_that_is_not_there_or_has_no_workers_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    with ExitStack() as ends:
        scheduler = _scheduler(ends, Machine(), tmp_path)
        for address, code in ((scheduler, "scheduler_empty"), ("tcp://127.0.0.1:9", "scheduler_unreachable")):
            done = subprocess.run(
                [BIN / "apherelog", "--json", "--data", tmp_path / "data", "backfill", tmp_path / "exports",
                 "--scheduler", address],
                env=QUIET, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 2
            assert code in done.stdout + done.stderr


@pytest.fixture
def two_hosts() -> Iterator[list[Machine]]:
    """Give this host and two network namespaces that reach it, each by a wire and an address of its own."""
    if os.getuid() or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and the program ip")
    names = [f"apherelog{os.getpid()}{n}" for n in range(2)]
    with ExitStack() as ends:
        hosts = []
        for number, name in enumerate(names):
            ours, theirs = f"10.77.{number}.1", f"10.77.{number}.2"
            outside, inside = f"a{os.getpid() % 100000}{number}", f"b{os.getpid() % 100000}{number}"
            for words in (
                f"netns add {name}",
                f"link add {outside} type veth peer name {inside}",
                f"link set {inside} netns {name}",
                f"addr add {ours}/24 dev {outside}",
                f"link set {outside} up",
                f"-n {name} addr add {theirs}/24 dev {inside}",
                f"-n {name} link set {inside} up",
                f"-n {name} link set lo up",
                f"-n {name} route add default via {ours}",
            ):
                made = subprocess.run(["ip", *words.split()], capture_output=True, text=True, check=False)
                if made.returncode:
                    pytest.skip(f"network namespaces are not allowed here: {made.stderr.strip()}")
                if words.startswith("netns"):
                    ends.callback(subprocess.run, ["ip", "netns", "del", name], check=False)
            hosts.append(Machine("ip", "netns", "exec", name, address=theirs))
        yield hosts


@pytest.mark.torture
def test_two_hosts_give_what_one_gives_though_one_of_them_is_switched_off(
    tmp_path: Path, written_clinic: Callable[[ArchiveOrder], Clinic], two_hosts: list[Machine]
) -> None:
    clinic = written_clinic(CLINIC)
    with ExitStack() as ends:
        scheduler = _scheduler(ends, Machine(address="0.0.0.0"), tmp_path)
        port = scheduler.rsplit(":", 1)[1]
        workers = [
            _worker(ends, host, f"tcp://10.77.{n}.1:{port}", tmp_path / f"w{n}")
            for n, host in enumerate(two_hosts)
        ]

        def fill(data: Path) -> list[dict[str, Any]]:
            _killed_while_it_reads(workers[1])
            address = f"tcp://127.0.0.1:{port}"
            return _run(
                Machine(), "--data", str(data), "backfill", str(clinic.exports), "--scheduler", address
            )[1]

        report = _same_doses(tmp_path, clinic, fill)
        assert workers[1].wait(30) == -signal.SIGKILL
        assert workers[0].poll() is None
    assert report["done"] == report["bundles"]
