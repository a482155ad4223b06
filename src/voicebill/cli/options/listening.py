"""Check that a server can listen at an address, before it says that it does, and by which names it may be addressed."""

import errno
import ipaddress
import os
import socket
from collections.abc import Iterable

from voicebill.billing.errors import InvalidInput


def require_free_port(host: str, port: int, *, field: str = "port") -> None:
    """Refuse an address at which no server can listen; `field` is the input that names the port.

    Raises:
        InvalidInput: the port is in use or may not be used, or the host is no address of this machine.
    """
    is_number = host.isascii() and host.replace(".", "").isdigit()  # not to be looked up as a name, which may take seconds
    flags = socket.AI_PASSIVE | (socket.AI_NUMERICHOST if is_number else 0)
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    except (OSError, UnicodeError) as error:  # UnicodeError: an empty or too long part of a name
        reason = error.strerror if isinstance(error, OSError) else "no name of a machine"
        raise InvalidInput(f"is no known address: {host!r} ({reason})", field="host") from None
    for family, kind, protocol, _, address in addresses:
        with socket.socket(family, kind, protocol) as probe:
            if os.name == "posix":  # as the server itself: a port of a server that has just ended is free
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as error:
                raise _refusal(error, host, port, field) from None


def _refusal(error: OSError, host: str, port: int, field: str) -> InvalidInput:
    if error.errno == errno.EADDRINUSE:
        return InvalidInput(f"{port} is in use at {host}: name another port, or stop the server that uses it", field=field)
    if error.errno == errno.EADDRNOTAVAIL:
        return InvalidInput(f"is no address of this machine: {host!r}", field="host")
    return InvalidInput(f"{port} cannot be used at {host}: {error.strerror}", field=field)


LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def own_hosts(host: str, others: Iterable[str] = ()) -> frozenset[str] | None:
    """The names of a server that listens on this machine alone; None if it listens elsewhere, because they are not known.

    >>> sorted(own_hosts("127.0.0.1", ["Voice.example"]) or ()), own_hosts("0.0.0.0")
    (['127.0.0.1', '::1', 'localhost', 'voice.example'], None)
    """
    try:
        is_loopback = ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        is_loopback = host.lower() == "localhost"
    return LOOPBACK_NAMES | {name.lower() for name in (host.strip("[]"), *others)} if is_loopback else None
