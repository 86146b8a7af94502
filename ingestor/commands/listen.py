"""`apherelog listen`: receive HL7 reports over the network."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import ssl
from typing import TYPE_CHECKING

import click

from ingestor.commands.front import Front, language, pass_front
from ingestor.errors import SettingsError

if TYPE_CHECKING:
    from ingestor.flow.house import House


@click.command()
@click.option(
    "--mllp", "address", required=True, metavar="HOST:PORT", help="Where to listen; port 0: a free one."
)
@click.option("--cert", type=click.Path(exists=True, dir_okay=False), help="TLS certificate (PEM, with key).")
@click.option(
    "--plain", is_flag=True, help="Without TLS on an open address: the network itself is protected."
)
@click.option("--silence", default=600.0, show_default=True, help="A treatment is over after so long [s].")
@pass_front
def listen(front: Front, address: str, cert: str | None, plain: bool, silence: float) -> None:  # noqa: FBT001 - click's way
    """Take HL7 messages by MLLP; each is on the disk before it is answered, each treatment read when it is over."""
    from ingestor import log

    log.configure(verbose=front.verbose, quiet=front.quiet)
    host, _, port = address.rpartition(":")
    if not cert and not plain and not _is_loopback(host):
        raise SettingsError("open_without_tls", host=host)
    context = None
    if cert:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(cert)
    with front.house() as house:
        asyncio.run(_listen(front, house, (host, int(port)), context, silence))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


async def _listen(
    front: Front, house: House, address: tuple[str, int], context: ssl.SSLContext | None, silence: float
) -> None:
    from ingestor.ways.mllp.listener import Listener
    from ingestor.ways.mllp.streams import Streams
    from ingestor.ways.talkers import conversation

    streams = Streams(
        house, conversation(), house.settings.data_dir / "spool" / "hl7", silence,
        lambda r: front.emit(r, f"{r['members'][0]['name']} – {r['message'][language()]}"),
        f"{address[0]}:{address[1]}",
    )  # fmt: skip
    listener = Listener(streams)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = await listener.start(address[0].strip("[]"), address[1], context)
    async with server:
        where = "{}:{}".format(*server.sockets[0].getsockname()[:2])
        front.emit({"listening": where}, f"Listening on {where}; Ctrl-C ends it.")
        await listener.run(stop)
