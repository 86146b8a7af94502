"""`apherelog capture`: record a machine's serial line."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from ingestor.commands.front import Front, language, pass_front


@click.command()
@click.argument("port")
@click.option("--profile", required=True, help="Profile of the line, for example twin-column-serial.")
@click.option("--spool", type=click.Path(path_type=Path, file_okay=False), help="Folder [DATA/spool/serial].")
@click.option("--silence", default=600.0, show_default=True, help="A treatment is over after so long [s].")
@pass_front
def capture(front: Front, port: str, profile: str, spool: Path | None, silence: float) -> None:
    """Record PORT until Ctrl-C: raw bytes within a second on the disk, each treatment read when it is over.

    PORT is a device (best by /dev/serial/by-id/...), usb:SERIALNUMBER, or a device server socket://HOST:PORT.
    """
    from ingestor import log
    from ingestor.ways.capture.port import Port
    from ingestor.ways.capture.recorder import Patience, Recorder
    from ingestor.ways.talkers import line_of

    log.configure(verbose=front.verbose, quiet=front.quiet)
    stop = threading.Event()
    with front.house() as house:
        line = line_of(profile, house.settings.data_dir / "profiles")
        recorder = Recorder(
            house, Port(port, line), line, spool or house.settings.data_dir / "spool" / "serial",
            Patience(silence), lambda r: front.emit(r, f"{r['members'][0]['name']} – {r['message'][language()]}"),
        )  # fmt: skip
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        recorder.record(stop)
