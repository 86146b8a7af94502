"""`apherelog watch`: take files from export folders."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import click

from ingestor.commands.front import EXIT_DATABASE, EXIT_OK, EXIT_REFUSED, Front, give_up, language, pass_front

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestor.ways.watch.watchers import Ended, Watchers

QUIET_LOCAL_S, QUIET_SHARE_S = 10, 30


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=str))
@click.option("--once", is_flag=True, help="Take what settles, then end; for schedulers.")
@click.option("--interval", default=5.0, show_default=True, help="Pause between two looks [s].")
@click.option(
    "--quiet",
    type=click.FloatRange(min=0),
    help="How long a file must not change [s]; 10 on local drives, 30 on shares.",
)
@click.option(
    "--after",
    type=click.Choice(["leave", "move"]),
    default="leave",
    show_default=True,
    help="Leave files, or move them to done/ and refused/ inside the folder.",
)
@click.option("--recursive", is_flag=True, help="Folders inside as well, eight levels deep.")
@pass_front
def watch(
    front: Front,
    folders: Sequence[str],
    once: bool,  # noqa: FBT001 - click's way
    interval: float,
    quiet: float | None,
    after: str,
    recursive: bool,  # noqa: FBT001 - click's way
) -> None:
    """Take settled files from folders; one receipt a bundle, as JSON lines with --json.

    With --once, exit code 0: nothing is left to take, what was refused is dealt with; 3: something is left; 5: the
    disk is too full or the database fails.
    """
    from ingestor import log
    from ingestor.ways.watch.folder import Habits
    from ingestor.ways.watch.watchers import Watchers

    log.configure(verbose=front.verbose, quiet=front.quiet)
    paths = [os.path.abspath(os.fsencode(f)) for f in folders]  # noqa: PTH100 - names follow no encoding
    pause = quiet_for(paths) if quiet is None else quiet
    habits = Habits(quiet=pause, moves=after == "move", recursive=recursive)
    if not once:
        for path in folders:
            if not os.path.lexists(path):
                front.tell(_sentence("folder_missing", path))
    with front.house() as house:
        watchers = Watchers(
            house, paths, habits, interval, lambda receipt: front.emit(receipt, _line(receipt))
        )
        ends = _run(watchers, once=once)
    for path, ended in zip(folders, ends, strict=True):
        if ended.state in {"folder_gone", "folder_missing"}:
            front.tell(_sentence(ended.state, path))
    give_up(_exit_code(ends) if once else EXIT_OK)


def quiet_for(paths: Sequence[bytes]) -> float:
    """Return how long files must not change where nobody has said it: longer on shares [s]."""
    from pathlib import Path

    from ingestor.disk import shared_kind

    def is_shared(path: bytes) -> bool:
        try:
            return shared_kind(Path(os.fsdecode(path))) is not None
        except OSError:
            return True

    return QUIET_SHARE_S if any(map(is_shared, paths)) else QUIET_LOCAL_S


def _run(watchers: Watchers, *, once: bool) -> list[Ended]:
    before = signal.signal(signal.SIGTERM, lambda *_: watchers.stop(0))
    try:
        watchers.start(once=once)
        return watchers.wait()
    finally:
        watchers.stop()
        signal.signal(signal.SIGTERM, before)


def _line(receipt: dict[str, Any]) -> str:
    return f"{', '.join(m['name'] for m in receipt['members'])} – {receipt['message'][language()]}"


def _sentence(code: str, path: str) -> str:
    from ingestor.phrases import sentence

    return f"{path}: {sentence(code, language())}"


def _exit_code(ends: Sequence[Ended]) -> int:
    if any(e.trouble for e in ends):
        return EXIT_DATABASE
    return EXIT_REFUSED if any(e.is_unsure for e in ends) else EXIT_OK
