"""Read what the name of a vendor's meter says: model, deployment, and which of our meters it is."""

import re
from collections.abc import Mapping
from typing import NamedTuple

METER_NAME_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("aud", "audio"), "audio"),
    **dict.fromkeys(("txt", "text"), "text"),
    **dict.fromkeys(("img", "image"), "image"),
    **dict.fromkeys(("cd", "cchd", "cached"), "cached"),
    **dict.fromkeys(("in", "inp", "input"), "in"),
    **dict.fromkeys(("out", "opt", "outp", "outpt", "output"), "out"),
    **dict.fromkeys(("gl", "glbl", "global"), "global"),
    **dict.fromkeys(("dz", "dzn", "dzone", "datazone"), "data-zone"),
    **dict.fromkeys(("regn", "rgnl", "regnl", "regional"), "regional"),
}
"""The words and abbreviations in Azure's names of meters, of 2024 to 2026, and what they stand for."""

MODALITIES, DEPLOYMENT_WORDS = ("audio", "text", "image"), ("global", "data-zone", "regional")


class MeterNameParts(NamedTuple):
    """What a name says. `meter` is empty if it does not say which of our meters it is; a deployment is global by default."""

    model: str
    deployment: str
    meter: str


def parse_meter_name(name: str, *, is_time: bool = False) -> MeterNameParts:
    """Read the name of a meter, as far as its words are known; `is_time`: it is listed by the hour or the minute.

    >>> parse_meter_name("gpt-realtime-2 Audio cd inp DZ 1M Tokens")
    MeterNameParts(model='gpt-realtime-2', deployment='data-zone', meter='audio_in_cached')
    >>> parse_meter_name("gpt-realtime-whisper Inp Gl Unit", is_time=True)
    MeterNameParts(model='gpt-realtime-whisper', deployment='global', meter='audio_ms')
    """
    matches = [match for match in re.finditer(r"[A-Za-z0-9.]+", name) if match[0].lower() in METER_NAME_WORDS and match.start()]
    meanings = [METER_NAME_WORDS[match[0].lower()] for match in matches]
    model = name[: matches[0].start()] if matches else name.removesuffix("Tokens").removesuffix("Unit")
    deployment = next((word for word in meanings if word in DEPLOYMENT_WORDS), "global")
    return MeterNameParts(model.strip(" -"), deployment, "audio_ms" if is_time else _token_meter(meanings))


def _token_meter(meanings: list[str]) -> str:
    modality = next((word for word in meanings if word in MODALITIES), None)
    direction = next((word for word in meanings if word in ("in", "out")), None)
    if modality is None or direction is None:
        return ""
    return f"{modality}_{direction}{'_cached' if 'cached' in meanings and direction == 'in' else ''}"
