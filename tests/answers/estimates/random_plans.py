"""Make plans, call lengths and contracts at random, likely and unlikely ones: the same of each seed."""

from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

from tests.cases import DAY
from voicebill.answers.catalog.facts import Facts
from voicebill.answers.parameters.request import EstimateRequest, parse_estimate_request
from voicebill.answers.parameters.table_schema import Issue
from voicebill.billing.offers import PriceRow
from voicebill.billing.validity import PartialDate

MODELS = (
    "gpt-realtime",
    "gpt-realtime-mini",
    "gpt-realtime-1.5",
    "gpt-realtime-2",
    "gpt-realtime-2.1",
    "gpt-realtime-2.1-mini",
)
CHOICES: dict[str, tuple[Any, ...]] = {
    "user_share": (0, "0.05", "0.31", "0.6"),
    "assistant_share": (0, "0.02", "0.25", "0.4"),
    "instructions_tokens": (0, 70, 1500, 12_000),
    "tools_tokens": (0, 300, 6000),
    "tool_calls": (1, 3, 9),
    "result_tokens": (0, 250, 4000),
    "images": (1, 4),
    "image_turns": ([1], [1, 1]),
    "text_turns": (1,),
    "interrupted_share": ("0.1", "0.6", 1),
    "played_share": ("0.05", "0.5", 1),
    "reasoning_tokens": (0, 90, 2500),
    "first_speaker": ("assistant",),
    "calls_end_with_session": (True,),
    "session_minutes": (1, 2, 9, 60),
    "session_carryover": ("text", "nothing"),
    "unconnected_share": ("0.2", "0.5"),
    "short_share": ("0.1", "0.4"),
    "warm_cache": (True,),
    "cache": ("all", "prefix", "none"),
    "prefix_reuse": (0, "0.33", "0.9", 1),
    "instructions_change": ("0.1", 1),
    "transcription_model": ("gpt-4o-transcribe", "gpt-4o-mini-transcribe"),
    "post_instructions_tokens": (2500, 9000),
    "retention_ratio": ("0.1", "0.6", 1),
    "call_length_cv": (0, "0.001", "0.0011", "0.05", "0.5", 1, 3, 5),
    "call_lengths": ([["0.001", 1], [2, 3]], [[7, 0], [1, 10**9], [90, 1]], [[3, 1], [3, 2], ["3.0001", 1]]),
}


def random_request(seed: int) -> EstimateRequest | None:
    """A plan with a volume; None if what was drawn contradicts itself."""
    chance = Random(seed)
    table: dict[str, Any] = {
        "minutes": chance.choice(("0.000001", "0.01", "0.5", 1, 3, 7, 20, 61, 240)),
        "turns": chance.choice((1, 2, 3, 5, 9, 17, 40)),
        "conversations": "1000/month",
        "model": chance.choice(MODELS),
        "day": DAY.isoformat(),
    }
    table |= {name: chance.choice(values) for name, values in CHOICES.items() if chance.random() < 0.2}
    for name, other in (("image_turns", "images"), ("call_lengths", "call_length_cv")):
        if name in table:
            table.pop(other, None)
    issues: list[Issue] = []
    return parse_estimate_request(table, today=DAY, issues=issues)


def with_random_contract(facts: Facts, model: str, seed: int) -> Facts:
    """The facts with prices of a contract for some meters of a model: zero, tiny, and cached input dearer than uncached."""
    chance = Random(seed)
    offer = facts.prices.quote(model, day=DAY).offer
    row = offer.row_on(DAY)
    assert row is not None
    prices = {
        meter: Decimal(chance.choice(("0", "0.000000000001", "0.3", "7", "90")))
        for meter in row.unit_prices
        if chance.random() < 0.5
    }
    contracted = PriceRow(PartialDate.parse("2026-01-01"), None, prices, DAY, ("a contract",))
    return replace(facts, prices=replace(facts.prices, contracted={offer.id: (contracted,)} if prices else {}))
