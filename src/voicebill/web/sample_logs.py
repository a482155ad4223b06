"""Read the sample logs with which the page of usage logs can be tried."""

from collections.abc import Mapping
from pathlib import Path

from voicebill.billing.errors import UnknownName

SAMPLE_LOGS: Mapping[str, str] = {
    "support-day": "an invented day of a support desk: six calls of three customers, as raw Realtime events",
}
"""The names of the sample logs, with what they contain."""


def read_sample_log(name: str) -> bytes:
    """The content of a sample log, which the package contains; in a checkout it is that of the documentation.

    Raises:
        UnknownName: there is no such sample.
    """
    if name not in SAMPLE_LOGS:
        raise UnknownName("sample", name, SAMPLE_LOGS)
    packaged = Path(__file__).with_name(f"{name}.jsonl")
    file = packaged if packaged.exists() else Path(__file__).parents[3] / "docs" / "examples" / packaged.name
    return file.read_bytes()
