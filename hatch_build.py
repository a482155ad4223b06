"""Prepare the facts when the package is built or installed, so that commands need not read the TOML files."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PreparedFacts(BuildHookInterface[Any]):
    """Write the prepared form of the facts beside its sources, where the wheel or the editable installation includes it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's own signature
        """Write it before the files of the wheel are collected."""
        sys.path.insert(0, str(Path(self.root, "src")))
        from voicebill.facts.load import prepare_facts  # noqa: PLC0415 - from this folder

        prepare_facts()
