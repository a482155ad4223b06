"""Serve a site in one process, or in several that share its address.

With several processes, uvicorn's supervisor starts them, replaces one that ends, and ends all of them. Nothing is shared:
each has its own limits, caches and charts.
"""

import ctypes
import gc
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from voicebill.web.app import create_app
from voicebill.web.connections import server_settings
from voicebill.web.site import Limits, Site

SWITCH_SECONDS = 0.001
"""The time for which a thread calculates while the event loop wants to go on: each read and write of the loop waits so long."""

MALLOC_MMAP_THRESHOLD, MALLOC_ARENA_MAX = -3, -8
"""The numbers of these settings in glibc's malloc.h, see mallopt(3)."""
LARGE_BLOCK_BYTES = 2**20
"""A block of at least this size is given back to the system as soon as it is freed."""
MAX_ARENAS = 2
"""The heaps that all threads share: what one has freed, another uses. Python's threads seldom allocate at the same time."""


GARBAGE_THRESHOLDS = (10_000, 5, 2)
"""How much is made before Python looks for garbage in cycles: among new objects, and after so many times among older ones.

With the usual 700, the requests that wait are gone through again and again, a third of the time of a mixed load. If old objects
are seldom looked through, answers in cycles stay: with (10,000, 20, 50), 160 requests left 160 MiB.
"""


def set_up_interpreter() -> None:
    """Set up the interpreter of a process that serves a site."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(*GARBAGE_THRESHOLDS)


@dataclass(frozen=True, slots=True)
class SiteProcess:
    """Creates the application of a site in the process that serves it. Both functions can be pickled."""

    make_site: Callable[[], Site]
    set_up_logging: Callable[[], None]

    def __call__(self) -> FastAPI:
        """The application, with its process set up for it."""
        self.set_up_logging()
        set_up_interpreter()
        return_freed_memory()
        end_with_parent()
        app = create_app(self.make_site())
        set_aside_what_stays()
        return app


def set_aside_what_stays() -> None:
    """Take all that exists, which is modules, facts and the application, for what stays: no search for garbage looks at it."""
    gc.collect()
    gc.freeze()


def return_freed_memory() -> None:
    """Have the memory of a large log given back when it has been read.

    By itself, glibc has a heap for nearly every thread, and keeps in it blocks of up to 32 MiB once one as large was freed;
    Arrow's own allocator keeps what each thread has ever used. After some large logs a process had 460 MiB, and now has 150 to
    190 MiB, in the same time.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    with suppress(OSError, AttributeError, TypeError):  # another C library has no such settings, and Windows no such name
        library = ctypes.CDLL(None)
        library.mallopt(MALLOC_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)
        library.mallopt(MALLOC_ARENA_MAX, MAX_ARENAS)


def end_with_parent() -> None:
    """End this process when the supervisor that started it does, however that ends."""
    supervisor = multiprocessing.parent_process()
    if supervisor is None:
        return

    def watch() -> None:
        supervisor.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="voicebill-supervisor", daemon=True).start()


@dataclass(frozen=True, slots=True)
class SharedPort:
    """A port on which each of several processes listens by itself: sent to a process, it becomes the socket that does.

    So the system deals out connections evenly. Of one socket that all wait on, the quickest process would take most of them.
    """

    host: str
    port: int

    def __reduce__(self) -> tuple[Callable[[str, int], socket.socket], tuple[str, int]]:
        return listen, (self.host, self.port)


def listen(host: str, port: int) -> socket.socket:
    """A socket that is bound to a port of which other processes have sockets, too."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(address)
    return listener


def serve_site(make_app: SiteProcess, limits: Limits, *, host: str, port: int, workers: int = 1) -> None:
    """Serve a site until it is stopped. `workers` is the number of processes."""
    settings = server_settings(limits)
    if workers == 1:
        try:
            uvicorn.run(make_app(), host=host, port=port, **settings)
        finally:
            gc.unfreeze()  # else the interpreter ends without what was set aside, and DuckDB's module prints a page about it
        return
    config = uvicorn.Config(make_app, factory=True, host=host, port=port, workers=workers, **settings)
    is_dealt = sys.platform == "linux"  # elsewhere the last process to listen may get all connections
    shared: Any = SharedPort(host, port) if is_dealt else config.bind_socket()
    Multiprocess(config, sockets=[shared]).run()
