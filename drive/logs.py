"""What a driver hands back: the logs that a package wrote, what they cannot contain, and what the server had reported.

A driver is run as `python -m drive.NAME FOLDER`. It writes the logs and `drive.json` into the folder.
"""

import asyncio
import dataclasses
import json
import sys
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from drive.loopback import only_loopback, refused
from drive.script import Part
from drive.server import Server


@dataclass
class Logs:
    """The logs of one package."""

    folder: Path
    package: str
    methods: list[dict[str, object]] = field(default_factory=list)
    reported: dict[str, list[dict[str, object]]] = field(default_factory=dict)

    def write(
        self,
        server: Server,
        method: str,
        content: str | bytes | Iterable[str],
        *,
        not_logged: tuple[Part, ...] = (),
        suffix: str = "jsonl",
    ) -> None:
        """Write a log: text, or its lines. `not_logged`: parts of the bill that the package has no way of logging."""
        conversation = server.script.name
        path = self.folder / f"{len(self.methods) + 1:02}-{conversation}.{suffix}"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            text = content if isinstance(content, str) else "".join(f"{line}\n" for line in content)
            path.write_text(text, encoding="utf-8")
        self.methods.append(
            {"method": method, "conversation": conversation, "file": path.name, "not_logged": sorted(not_logged)}
        )
        self.reported[conversation] = [dataclasses.asdict(item) for item in server.reported]


def run_driver(package: str, drive: Callable[[Logs], Coroutine[Any, Any, None]]) -> None:
    """Run a driver with every outgoing request refused, and write what it logged."""
    only_loopback()
    logs = Logs(Path(sys.argv[1]), package)
    asyncio.run(drive(logs))
    result = {
        "package": package,
        "version": version(package),
        "reported": logs.reported,
        "methods": logs.methods,
        "refused": refused,
    }
    (logs.folder / "drive.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
