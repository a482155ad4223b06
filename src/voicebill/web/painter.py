"""Render charts in a separate process, which ends with the process that started it."""

import signal
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from voicebill.charts import draw

RENDER_SECONDS = 20.0
"""A chart that takes longer is given up, and its process is ended."""


class PainterEnded(Exception):
    """The process ended before the chart was rendered, or was ended because it took too long."""


class Painter:
    """A process that renders one chart at a time.

    It waits on a connection of which this process has the only other end. So it ends when this process does, however that
    ends, and with it the tracker that Python starts beside it.
    """

    def __init__(self) -> None:
        context = get_context("spawn")
        self._connection, other_end = context.Pipe()
        self.process = context.Process(target=_serve, args=(other_end,), daemon=True)
        self.process.start()
        other_end.close()
        self.render_count = 0

    def render(self, plot: Any, kind: str) -> bytes:  # noqa: ANN401 - lets-plot's plot
        """A picture as the bytes of an SVG or a PNG.

        Raises:
            PainterEnded: there is none, and there will be none by this process.
        """
        self.render_count += 1
        try:
            self._connection.send((draw.render, plot, kind))
            if not self._connection.poll(RENDER_SECONDS):
                raise PainterEnded
            result = self._connection.recv()
        except (EOFError, OSError):
            raise PainterEnded from None
        if isinstance(result, Exception):
            raise result
        assert isinstance(result, bytes)
        return result

    def end(self) -> None:
        """End the process, also while it renders for another thread."""
        self.process.kill()
        self.process.join()

    def close(self) -> None:
        """End the process, and close the connection to it, which no thread may use any more."""
        self.end()
        self._connection.close()


def _serve(connection: Connection) -> None:
    """Render what comes, until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the site ends this process
    while True:
        try:
            render, plot, kind = connection.recv()
        except (EOFError, OSError):
            return
        try:
            connection.send(_result(render, plot, kind))
        except OSError:  # the site ended while the chart was rendered
            return


def _result(render: Callable[[Any, str], bytes], plot: Any, kind: str) -> bytes | Exception:  # noqa: ANN401 - lets-plot's plot
    try:
        return render(plot, kind)
    except Exception as error:
        return error
