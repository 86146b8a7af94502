"""Our own thin port over pyserial: opened by what a device is, not by the number it happened to get."""

from __future__ import annotations

import errno
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import serial
from serial.tools import list_ports

from ingestor.errors import Busy, Invalid, NotFound

if TYPE_CHECKING:
    from ingestor.talk import Line

log = logging.getLogger(__name__)

_READ = 4096
_PATIENCE_S = 0.25
_BITS = re.compile(r"([5-8])([NEOMS])(1|1\.5|2)")
_IN_USE = {errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK}


class PortLost(Exception):
    """The line is gone: pulled, unplugged, or its server closed. Internal to this room."""


class Port:
    """A serial port, opened again and again.

    Args:
        name: a device such as `/dev/ttyUSB0` or better `/dev/serial/by-id/...`, `usb:SERIALNUMBER`, or a URL of
            a device server such as `socket://host:port`.
        line: how it is set.

    Raises:
        Invalid: `port_setting`.
    """

    def __init__(self, name: str, line: Line) -> None:
        bits = _BITS.fullmatch(line.bits)
        if bits is None:
            raise Invalid("port_setting", bits=line.bits)
        self.name = name
        self._settings: dict[str, Any] = {
            "baudrate": line.speed, "bytesize": int(bits[1]), "parity": bits[2], "stopbits": float(bits[3]),
            "timeout": _PATIENCE_S,
        }  # fmt: skip
        self._device: serial.SerialBase | None = None
        self._identity = name.removeprefix("usb:") if name.startswith("usb:") else None

    def open(self) -> None:
        """Open the port.

        Raises:
            NotFound: `port_missing`: it is not there now.
            Busy: `port_in_use`: another program has it.
        """
        address = self._address()
        exclusive = {} if "://" in address else {"exclusive": True}
        try:
            self._device = serial.serial_for_url(address, **self._settings, **exclusive)
        except (serial.SerialException, OSError) as error:
            number = getattr(error, "errno", None)
            if number in _IN_USE or "exclusively lock" in str(error):
                raise Busy("port_in_use", port=self.name) from None
            raise NotFound("port_missing", port=self.name) from None
        self._identity = self._identity or _serial_number(address)

    def read(self) -> bytes:
        """Return what has arrived, after a quarter of a second at most; nothing if nothing has.

        Raises:
            PortLost: the line is gone.
        """
        assert self._device is not None, "the port is open"  # noqa: S101 - the recorder opens it first
        try:
            first = self._device.read(1)
            waiting = self._device.in_waiting if first else 0
            return bytes(first + self._device.read(min(waiting, _READ))) if waiting else bytes(first)
        except (serial.SerialException, OSError, TypeError) as error:
            self.close()
            raise PortLost from error

    def close(self) -> None:
        """Let go of the port; harmless if it is closed."""
        if self._device is not None:
            try:
                self._device.close()
            except (serial.SerialException, OSError) as error:
                log.info("port_closed_late", extra={"errno": getattr(error, "errno", None)})
            self._device = None

    def _address(self) -> str:
        """Return where the device is now: a device pulled out and put back may have got another number."""
        if self._identity is not None:
            for found in list_ports.comports():
                if found.serial_number == self._identity:
                    return str(found.device)
        if self.name.startswith("usb:"):
            raise NotFound("port_missing", port=self.name)
        return self.name


def _serial_number(address: str) -> str | None:
    """Return the number that a plugged-in adapter gives itself, if it has one."""
    if "://" in address:
        return None
    real = Path(address).resolve()
    return next((p.serial_number for p in list_ports.comports() if Path(p.device).resolve() == real), None)
