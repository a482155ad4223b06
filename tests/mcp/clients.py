"""Run what an MCP client does, in a thread of its own: a browser's tests leave an event loop running in theirs."""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio


def run_async(work: Callable[[], Awaitable[Any]]) -> Any:
    """The result of asynchronous work."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(anyio.run, work).result()
