"""Compare voicebill's amounts in the conformance suite with those of genai-prices and litellm.

Run it in the environment that `make bench` sets up. litellm gets the whole stream of events, after the event that names the
session's models; genai-prices does not read Realtime events, so it gets the counts of each event. Both use their bundled
price lists. The exit status is an error if a difference has no explanation in WHY, or an explanation is not needed.
"""

import json
import logging
import os
import sys
import tomllib
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, time
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "docs" / "conformance"
TOLERANCE = Fraction(1, 10**9)
"""Allowed relative difference due to binary floating point."""

AGREES = "agrees"

Case = dict[str, Any]
Event = dict[str, Any]
Opinion = Fraction | str
"""Dollars, or the reason why there is no amount."""

PRICED_EVENTS = ("response.done", "conversation.item.input_audio_transcription.completed")
NO_SESSIONS = "it does not read the time of sessions"
NO_REPEATS = "it counts every event"
RETIRED = "the model is no longer in its price list, and unlisted models cost $0"
NO_DATA_ZONE = "it does not know deployments and uses the global price"
WHY: dict[tuple[str, str], str] = {
    ("preview-undated-name", "litellm"): RETIRED,
    ("preview-first-snapshot", "litellm"): RETIRED,
    ("preview-second-snapshot", "litellm"): RETIRED,
    ("preview-first-snapshot", "genai-prices"): "one price for every snapshot of the preview: that of December 2024",
    ("image-and-reasoning", "litellm"): "cached images at the rate of cached text, 0.06 in place of 0.08",
    ("three-modalities-cached", "litellm"): "cached images at the rate of cached text, 0.40 in place of 0.50",
    ("cached-split-missing", "genai-prices"): "it rejects counts whose cached tokens are not split by modality",
    ("more-cached-than-read", "genai-prices"): "it rejects contradictory counts and names both",
    ("dated-name", "genai-prices"): "it does not know the dated name and reports that",
    ("azure-data-zone", "genai-prices"): NO_DATA_ZONE,
    ("azure-data-zone", "litellm"): NO_DATA_ZONE,
    **{
        (case, library): NO_SESSIONS
        for case in ("live-session", "live-session-paused", "live-session-unclosed", "live-sessions-interleaved")
        for library in ("genai-prices", "litellm")
    },
    ("translation-without-usage", "genai-prices"): NO_SESSIONS,
    ("transcription-told-twice", "genai-prices"): NO_REPEATS,
    ("transcription-told-twice", "litellm"): NO_REPEATS,
}
"""Why a library's amount differs or is missing, from an analysis of its amount or from its error message."""


def events_of(case: Case) -> list[Event]:
    """The events of a case."""
    return [json.loads(line) for line in (FOLDER / case["file"]).read_text(encoding="utf-8").splitlines()]


def genai_prices_of(case: Case) -> Opinion:
    """The amount of a case according to genai-prices."""
    from genai_prices import Usage, calc_price

    day = datetime.combine(case["day"], time(12), UTC)
    total = Fraction(0)
    try:
        events = [event for event in events_of(case) if event["type"] in PRICED_EVENTS]
        if not events:
            raise LookupError("no event of a response or a transcription")
        for event in events:
            is_transcription = event["type"] != "response.done"
            usage = event["usage"] if is_transcription else event["response"]["usage"]
            if usage is None:
                continue
            price = calc_price(
                Usage(**dict(counts(usage, is_transcription=is_transcription))),
                case["transcription_model"] if is_transcription else case["model"],
                provider_id=case["provider"],
                genai_request_timestamp=day,
            )
            total += Fraction(price.total_price)
    except (LookupError, ValueError, TypeError) as error:
        return f"{type(error).__name__}: {error}"
    return total


def counts(usage: Event, *, is_transcription: bool) -> Iterator[tuple[str, Any]]:
    """The reported counts of an event, under the names of genai-prices."""
    if "seconds" in usage:
        yield from dict.fromkeys(("audio_seconds", "input_audio_seconds"), usage["seconds"]).items()
        return
    input_details, output_details = usage.get("input_token_details", {}), usage.get("output_token_details", {})
    cached = input_details.get("cached_tokens_details", {})
    fields = {
        "input_tokens": usage["input_tokens"],
        "output_tokens": usage["output_tokens"],
        "cache_read_tokens": input_details.get("cached_tokens"),
        "output_text_tokens": usage["output_tokens"] if is_transcription else output_details.get("text_tokens"),
        "output_audio_tokens": output_details.get("audio_tokens"),
        "output_reasoning_tokens": output_details.get("reasoning_tokens"),
    }
    fields |= {f"input_{name}_tokens": input_details.get(f"{name}_tokens") for name in ("text", "audio", "image")}
    fields |= {f"cache_{name}_read_tokens": cached.get(f"{name}_tokens") for name in ("text", "audio", "image")}
    yield from ((name, count) for name, count in fields.items() if count is not None)


def litellm_of(case: Case) -> Opinion:
    """The amount of a case according to litellm."""
    from litellm.cost_calculator import RealtimeAPITokenUsageProcessor, handle_realtime_stream_cost_calculation

    session: Event = {"model": case["model"]}
    if "transcription_model" in case:
        session["audio"] = {"input": {"transcription": {"model": case["transcription_model"]}}}
    events: Any = [{"type": "session.created", "session": session}, *events_of(case)]
    try:
        combined = RealtimeAPITokenUsageProcessor.collect_and_combine_usage_from_realtime_stream_results(events)
        cost = handle_realtime_stream_cost_calculation(events, combined, case["provider"], case["model"])
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return Fraction(repr(cost)) if isinstance(cost, float) else Fraction(cost)


def verdict(case: Case, opinion: Opinion) -> str | None:
    """How an amount agrees: equal, within the range, or equal with the other disputed price; None if it does not agree."""
    if isinstance(opinion, str):
        return None
    low, high = Fraction(case["low"]), Fraction(case["high"])
    if low * (1 - TOLERANCE) <= opinion <= high * (1 + TOLERANCE):
        if low == high:
            return AGREES
        ends = [name for name, end in (("low", low), ("high", high)) if abs(opinion - end) <= end * TOLERANCE]
        return f"in the range, at its {ends[0]} end" if ends else "in the range"
    other = Fraction(case.get("other", 0))
    return "with the other disputed price" if other and abs(opinion - other) <= other * TOLERANCE else None


def format_opinion(opinion: Opinion) -> str:
    """An amount as a cell of the table."""
    return "none" if isinstance(opinion, str) else f"${float(opinion):.10f}".rstrip("0").rstrip(".")


def row_of(case: Case) -> tuple[list[str], int]:
    """A row of the table, and its number of differences without explanation and explanations without difference."""
    name = str(case["file"]).removesuffix(".jsonl")
    ours = f"${case['low']}" + (f" to ${case['high']}" if case["high"] != case["low"] else "")
    opinions = {"genai-prices": genai_prices_of(case), "litellm": litellm_of(case)}
    notes, unexplained = [], 0
    for peer, opinion in opinions.items():
        agreement, reason = verdict(case, opinion), WHY.get((name, peer))
        unexplained += (agreement is None) is not (reason is not None)
        if agreement != AGREES:
            notes.append(f"{peer}: {agreement or reason or f'NOT EXPLAINED ({opinion})'}")
    return [name, ours, *map(format_opinion, opinions.values()), "; ".join(notes) or "both agree"], unexplained


def main() -> int:
    """Print the table; returns the number of unexplained differences and unneeded explanations."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    print(f"genai-prices {version('genai-prices')}, litellm {version('litellm')}\n")
    cases = tomllib.loads((FOLDER / "cases.toml").read_text(encoding="utf-8"))["cases"]
    rows = [row_of(case) for case in cases if "format" not in case]
    print("| case | voicebill | genai-prices | litellm | agreement or reason |", "|---|---|---|---|---|", sep="\n")
    for cells, _ in rows:
        print(f"| {' | '.join(cells)} |")
    return sum(unexplained for _, unexplained in rows)


if __name__ == "__main__":
    sys.exit(bool(main()))
