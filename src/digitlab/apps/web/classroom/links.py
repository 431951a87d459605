"""How pupils find the class: the addresses of this machine in its network, and the QR code for phones."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlab.apps.web.access import is_loopback

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["network_addresses", "own_addresses", "qr_modules"]

_ANY = ("0.0.0.0", "::", "")  # noqa: S104 - what "every address" is written as
_ELSEWHERE = ("192.0.2.1", 9)  # an address of no machine (RFC 5737); nothing is sent there


def own_addresses(host: str, port: int) -> list[str]:
    """List the URLs under which others reach a server that listens on ``host``, the most likely first.

    >>> own_addresses("127.0.0.1", 8321), own_addresses("192.168.1.5", 8321), own_addresses("fd00::5", 80)
    (['http://127.0.0.1:8321'], ['http://192.168.1.5:8321'], ['http://[fd00::5]:80'])
    """
    hosts = network_addresses() if host in _ANY else [host]
    return [f"http://{f'[{name}]' if ':' in name else name}:{port}" for name in hosts or ["127.0.0.1"]]


def network_addresses() -> list[str]:
    """List the IPv4 addresses of this machine that others may reach, that of the default route first."""
    addresses: list[str] = []
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(_ELSEWHERE)
        addresses.append(probe.getsockname()[0])
    with contextlib.suppress(OSError):
        addresses += [info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]  # type: ignore[misc]
    usable = [
        address
        for address in dict.fromkeys(addresses)
        if not is_loopback(address) and not ipaddress.ip_address(address).is_link_local
    ]
    return [address for address in usable if address != "0.0.0.0"]  # noqa: S104


def qr_modules(text: str) -> NDArray[np.bool_]:
    """Encode a text as a QR code: bool (side, side), True is dark, without the quiet zone around it."""
    code = np.asarray(cv2.QRCodeEncoder.create().encode(text), np.uint8) < 128
    rows, columns = np.flatnonzero(code.any(axis=1)), np.flatnonzero(code.any(axis=0))
    return code[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
