"""Refuse every connection that leaves this machine, and every name that would have to be looked up.

An audit hook sees each socket that Python code connects or sends from, in every thread and library; it does not see sockets
that native code opens on its own. `refused` lists what was attempted: a driver with anything in it has
failed, even if the package swallowed the error.
"""

import ipaddress
import sys
from typing import Any

refused: list[str] = []
LOCAL_NAMES = {"localhost", "", None}


def _is_local(host: Any) -> bool:
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    if host in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


def _check(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[-1]
        host = address[0] if isinstance(address, tuple) else None
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    if not _is_local(host):
        refused.append(f"{event} {host}")
        raise PermissionError(f"outgoing request to {host}: only this machine is allowed")


def only_loopback() -> None:
    """Refuse outgoing requests from now on; it cannot be undone."""
    sys.addaudithook(_check)
