"""What a chart's process runs in tests, instead of drawing; it is imported there, so it imports little."""

import os
import threading


def process_id(plot: object, kind: str) -> bytes:
    """The process that renders."""
    return str(os.getpid()).encode()


def end_process(plot: object, kind: str) -> bytes:
    """End the process, as one that runs out of memory does."""
    os._exit(1)


def wait_forever(plot: object, kind: str) -> bytes:
    """Never end, as a chart that is too large."""
    threading.Event().wait()
    return b""
