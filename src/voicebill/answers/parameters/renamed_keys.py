"""Names of earlier versions' keys, so that a file or an address that still uses one is refused with the key of today."""

from collections.abc import Container, Mapping

RENAMED_KEYS: Mapping[str, str] = {
    # plans, scripts and their addresses
    "reuse": "prefix_reuse",
    "warm": "warm_cache",
    "carry": "session_carryover",
    "heard_share": "played_share",
    "heard_seconds": "played_seconds",
    "length_spread": "call_length_cv",
    "lengths": "call_lengths",
    "carrier_seconds": "carrier_increment",
    "fees": "platforms",
    # capacity and provisioned throughput
    "refused": "blocking_probability",
    "minutes_over": "exceedance",
    "request_is": "request_unit",
    "prompt": "prompt_tokens",
    "response": "response_tokens",
    "ptus": "buy_ptus",
    # addresses
    "flip": "break_even",
    "one": "alternative",
    "two": "alternative",
    "levers": "sensitivity",
    "look": "theme",
    # files of prices and stacks
    "negotiated": "contracted",
    "percent_off": "discount_percent",
    "fresh": "uncached_meter",
    "most_prompt_tokens": "max_prompt_tokens",
    "lives_days": "min_lifetime_days",
    "hears": "transcriber",
    "answers": "llm",
    "speaks": "tts",
    "talks": "live",
    "translates": "translator",
    "truncates": "truncation",
    "usage_seen": "usage_visibility",
    "assumed": "is_default",
}
"""By the earlier name, the name of today."""


def replacement_for(key: str, current_keys: Container[str]) -> str | None:
    """The key that replaces one of an earlier version, if there is one where only these keys are known.

    >>> replacement_for("reuse", ("minutes", "prefix_reuse")), replacement_for("reuse", ("minutes",))
    ('prefix_reuse', None)
    """
    name = RENAMED_KEYS.get(key)
    return name if name in current_keys else None
