"""`apherelog serve`."""

from __future__ import annotations

import ipaddress
import logging
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
import uvicorn

from api.app import create_app
from api.protocol import BoundedProtocol
from ingestor import log
from ingestor.commands.front import Front, pass_front
from ingestor.errors import SettingsError
from ingestor.store import accounts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ingestor.config import Settings

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_HEAD_BYTES = 64 << 10
_PATIENCE_S = 15


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one."
)
@click.option(
    "--watch",
    "folders",
    multiple=True,
    type=click.Path(path_type=str),
    help="Take files from this folder as well.",
)
@click.option("--behind-proxy", is_flag=True, help="A proxy on this machine ends TLS and passes requests on.")
@pass_front
def serve(
    front: Front,
    host: str,
    port: int,
    folders: Sequence[str],
    behind_proxy: bool,  # noqa: FBT001 - click hands flags over
) -> None:
    """Start the web service: pages, API and its description under /docs."""
    if not behind_proxy and not _is_loopback(host):
        raise SettingsError("open_without_tls", host=host)
    log.configure(verbose=front.verbose, quiet=front.quiet)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    if sys.stderr.isatty() and not front.verbose:
        # A person wants the address, not the steps to it.
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    settings = front.settings()
    if settings.allowed_hosts == ("*",) and not behind_proxy:
        # A page of another site must not reach a service on this machine by a name of its own.
        settings = front.settings(allowed_hosts=(*_LOOPBACK, host.lower()))
    if behind_proxy:
        # Others than this machine will see it: what a site does not open on purpose stays closed.
        unset = {"public_docs", "public_metrics"} - settings.model_fields_set
        settings = settings.model_copy(update=dict.fromkeys(unset, False))
    nobody = _has_nobody(front, settings)
    config = uvicorn.Config(
        create_app(settings), host=host, port=port, http=BoundedProtocol, ws="none", log_config=None,
        access_log=False, server_header=False, timeout_graceful_shutdown=8, timeout_keep_alive=5,
        h11_max_incomplete_event_size=_HEAD_BYTES, proxy_headers=behind_proxy, forwarded_allow_ips=list(settings.proxies),
    )  # fmt: skip
    with _watching(front, settings, folders):
        _Told(config, front, settings, nobody=nobody).run()


class _Told(uvicorn.Server):
    """The server; once it answers, it says where, in one plain line, and what to do next where nobody has an account."""

    def __init__(self, config: uvicorn.Config, front: Front, settings: Settings, *, nobody: bool) -> None:
        super().__init__(config)
        self._front, self._settings, self._nobody = front, settings, nobody

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            return
        port = self.servers[0].sockets[0].getsockname()[1]
        host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
        self._front.tell(f"apherelog is ready: http://{host}:{port}/   (Ctrl-C stops it)")
        if self._nobody:
            self._front.tell(
                "There is no account yet. In another terminal:\n"
                f"  apherelog --data {self._settings.data_dir} users add NAME --role nurse\n"
                "then open the address above and hand in an export."
            )


@contextmanager
def _watching(front: Front, settings: Settings, folders: Sequence[str]) -> Iterator[None]:
    """Run `apherelog watch` beside the service: a process of its own, so that neither can bring the other down."""
    if not folders:
        yield
        return
    where = ["--data", str(settings.data_dir)]
    # A password may stand in the address: everybody can read a command line, only its owner an environment.
    told = {"APHERELOG_DATABASE_URL": settings.database_url} if settings.database_url else {}
    say = ["-q"] if front.quiet else []
    command = [sys.executable, "-m", "ingestor", *where, *say, "watch", *folders]
    # uvicorn raises the signal that ended it once more when it is done; the watcher must be ended then too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    watcher = subprocess.Popen(command, env=os.environ | told)  # noqa: S603 - our own program
    try:
        yield
    finally:
        watcher.terminate()
        watcher.wait(_PATIENCE_S)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _has_nobody(front: Front, settings: Settings) -> bool:
    with front.store() as (_, db), db.read() as connection:
        return not accounts.everybody(connection, settings.centre)
