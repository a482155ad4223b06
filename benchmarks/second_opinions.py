"""What genai-prices and litellm make of the conformance suite: agreement, or why not.

Run it in the environment that `make bench` sets up. Each peer gets the events as it takes them: litellm the whole stream, after
the event that names the session's models; genai-prices the counts of each event, since it reads no Realtime events. Both use
the price list that they ship. It ends with an error if anybody disagrees and nobody here says why.
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
NEAR = Fraction(1, 10**9)
"""Binary floating point may differ by so much of the amount."""

AGREES = "agrees"

Case = dict[str, Any]
Event = dict[str, Any]
Opinion = Fraction | str
"""Dollars, or why there are none."""

RETIRED = "the model has left its price list, and what is not there costs $0"
NO_DATA_ZONE = "it is told no deployment, and prices the model as sold globally"
WHY: dict[tuple[str, str], str] = {
    ("preview-undated-name", "litellm"): RETIRED,
    ("preview-first-snapshot", "litellm"): RETIRED,
    ("preview-second-snapshot", "litellm"): RETIRED,
    ("preview-first-snapshot", "genai-prices"): "one price for every snapshot of the preview: that of December 2024",
    ("image-and-reasoning", "litellm"): "cached images at the rate of cached text, 0.06 in place of 0.08",
    ("three-modalities-cached", "litellm"): "cached images at the rate of cached text, 0.40 in place of 0.50",
    ("cached-split-missing", "genai-prices"): "it refuses counts whose cached part is not told by modality",
    ("more-cached-than-read", "genai-prices"): "it refuses counts that contradict themselves, and names both",
    ("more-cached-than-read", "litellm"): "384 cached tokens are charged, of 127 that were read, and it is not said",
    ("dated-name", "genai-prices"): "it does not know the dated name, and says so",
    ("azure-data-zone", "genai-prices"): NO_DATA_ZONE,
    ("azure-data-zone", "litellm"): NO_DATA_ZONE,
}
"""Why a peer disagrees, or gives no amount: found by taking its amount apart, or said by its refusal."""


def events_of(case: Case) -> list[Event]:
    """The events of a case."""
    return [json.loads(line) for line in (FOLDER / case["file"]).read_text(encoding="utf-8").splitlines()]


def genai_prices_of(case: Case) -> Opinion:
    """What genai-prices makes of a case."""
    from genai_prices import Usage, calc_price

    day = datetime.combine(case["day"], time(12), UTC)
    total = Fraction(0)
    try:
        for event in events_of(case):
            heard = event["type"] != "response.done"
            usage = event["usage"] if heard else event["response"]["usage"]
            if usage is None:
                continue
            priced = calc_price(
                Usage(**dict(counts(usage, heard=heard))),
                case["transcription_model"] if heard else case["model"],
                provider_id=case["provider"],
                genai_request_timestamp=day,
            )
            total += Fraction(priced.total_price)
    except (LookupError, ValueError, TypeError) as error:
        return f"{type(error).__name__}: {error}"
    return total


def counts(usage: Event, *, heard: bool) -> Iterator[tuple[str, Any]]:
    """The counts of an event under the names of genai-prices, as far as they are told."""
    if "seconds" in usage:
        yield from dict.fromkeys(("audio_seconds", "input_audio_seconds"), usage["seconds"]).items()
        return
    given, made = usage.get("input_token_details", {}), usage.get("output_token_details", {})
    cached = given.get("cached_tokens_details", {})
    told = {
        "input_tokens": usage["input_tokens"],
        "output_tokens": usage["output_tokens"],
        "cache_read_tokens": given.get("cached_tokens"),
        "output_text_tokens": usage["output_tokens"] if heard else made.get("text_tokens"),
        "output_audio_tokens": made.get("audio_tokens"),
        "output_reasoning_tokens": made.get("reasoning_tokens"),
    }
    told |= {f"input_{name}_tokens": given.get(f"{name}_tokens") for name in ("text", "audio", "image")}
    told |= {f"cache_{name}_read_tokens": cached.get(f"{name}_tokens") for name in ("text", "audio", "image")}
    yield from ((name, count) for name, count in told.items() if count is not None)


def litellm_of(case: Case) -> Opinion:
    """What litellm makes of a case."""
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
    """How an opinion is ours: the same amount, one in our range, or that of the other disputed figure; None where it is not."""
    if isinstance(opinion, str):
        return None
    low, high = Fraction(case["low"]), Fraction(case["high"])
    if low * (1 - NEAR) <= opinion <= high * (1 + NEAR):
        return AGREES if low == high else f"in the range, at its {'low' if abs(opinion - low) <= low * NEAR else 'high'} end"
    other = Fraction(case.get("other", 0))
    return "by the other of the disputed figures" if other and abs(opinion - other) <= other * NEAR else None


def shown(opinion: Opinion) -> str:
    """An opinion as a cell of the table."""
    return "none" if isinstance(opinion, str) else f"${float(opinion):.10f}".rstrip("0").rstrip(".")


def row_of(case: Case) -> tuple[list[str], int]:
    """A row of the table, and how many of its disagreements are not explained, or of its explanations not needed."""
    name = str(case["file"]).removesuffix(".jsonl")
    ours = f"${case['low']}" + (f" to ${case['high']}" if case["high"] != case["low"] else "")
    opinions = {"genai-prices": genai_prices_of(case), "litellm": litellm_of(case)}
    said, odd = [], 0
    for peer, opinion in opinions.items():
        found, why = verdict(case, opinion), WHY.get((name, peer))
        odd += (found is None) is not (why is not None)
        if found != AGREES:
            said.append(f"{peer}: {found or why or f'NOT EXPLAINED ({opinion})'}")
    return [name, ours, *map(shown, opinions.values()), "; ".join(said) or "both agree"], odd


def main() -> int:
    """Print a table; how much of it is not explained."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    print(f"genai-prices {version('genai-prices')}, litellm {version('litellm')}\n")
    rows = [row_of(case) for case in tomllib.loads((FOLDER / "cases.toml").read_text(encoding="utf-8"))["cases"]]
    print("| case | voicebill | genai-prices | litellm | agreement, or why not |", "|---|---|---|---|---|", sep="\n")
    for cells, _ in rows:
        print(f"| {' | '.join(cells)} |")
    return sum(odd for _, odd in rows)


if __name__ == "__main__":
    sys.exit(bool(main()))
