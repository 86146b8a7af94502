"""`simulate LAYOUT --live …`: a treatment told as it happens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulators.layouts.hl7_pcd import SINGLE
from simulators.live.mllp import Client
from simulators.live.player import Pace, frames, messages
from simulators.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from simulators.export import Written
    from simulators.faults import Fault
    from simulators.layout import Layout, Style
    from simulators.schedule import Order

WAYS = {"twin-column-serial": ("pty", "tcp"), "hl7-pcd": ("mllp",)}


@dataclass(frozen=True, slots=True)
class Call:
    """How to talk.

    Attributes:
        way: `pty`, `tcp` or `mllp`.
        speed: seconds of the machine in one of ours; 0 for as fast as possible.
        address: HOST:PORT to listen on (`tcp`) or to send to (`mllp`), or a name for the terminal (`pty`).
    """

    way: str
    speed: float
    address: str = ""

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Where; this machine and any port if nothing was said."""
        host, _, port = self.address.rpartition(":")
        return host or "127.0.0.1", int(port or 0)


def talk(
    call: Call,
    order: Order,
    layout: Layout,
    style: Style,
    faults: list[Fault],
    tell: Callable[[dict[str, Any]], None],
) -> Iterator[Written]:
    """Tell each treatment live; yields what was told, so that its truth can be written.

    Args:
        call: how.
        order: which treatments.
        layout: whose machine.
        style: how it prints.
        faults: what goes wrong.
        tell: is given the address before the first byte, and what became of it after the last.
    """
    if call.way == "mllp":
        style = replace(style, version=SINGLE)
    pace = Pace(call.speed)
    for written in simulate(order, layout, style, faults):
        yield written
        if call.way == "mllp":
            client = Client(*call.host_and_port)
            delivered = client.deliver(pace.keep(messages(list(written.members.values()))))
            tell({"accepted": delivered.accepted, "refused": delivered.refused, "answers": delivered.answers})
            continue
        (stream,) = written.members.values()
        with _line(call, tell) as write:
            for content in pace.keep(frames(stream)):
                write(content)
        tell({"sent": len(stream)})


def _line(
    call: Call, tell: Callable[[dict[str, Any]], None]
) -> AbstractContextManager[Callable[[bytes], None]]:
    # Terminals exist on Unix alone; everything else works without them.
    from simulators.live.serial_line import device_server, pseudo_terminal

    if call.way == "tcp":
        return device_server(*call.host_and_port, lambda address: tell({"address": address}))
    link = Path(call.address) if call.address else None
    return pseudo_terminal(link, lambda name: tell({"port": name}))
