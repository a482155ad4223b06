"""Check the cache behaviours and their order."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conversation.scripts import GA, RULES, run, scripts
from voicebill.conversation.cache import CacheRule, cache_rule, cached_tokens, usage
from voicebill.conversation.context import Response
from voicebill.conversation.history import NOTHING, Tokens
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script


@given(scripts(), RULES, st.integers(0, 100))
def test_all_caches_no_less_than_prefix_and_prefix_no_less_than_none(script: Script, rules: Rules, percent: int) -> None:
    share = Decimal(percent) / 100
    for response in run(script, rules):
        everything, prefix, none = (
            cached_tokens(response, cache_rule(name, rules, share)) for name in ("all", "prefix", "none")
        )
        assert none == NOTHING
        assert all(some <= more for some, more in zip(prefix, everything, strict=True))


@given(scripts(), RULES)
def test_uncached_and_cached_add_up_to_the_input(script: Script, rules: Rules) -> None:
    for response in run(script, rules):
        used = usage(response, cache_rule("prefix", rules))
        assert used["text_in"] + used["text_in_cached"] == response.input.text
        assert used["audio_in"] + used["audio_in_cached"] == response.input.audio
        assert used["image_in"] + used["image_in_cached"] == response.input.image
        assert used["text_in_cached"] % rules.cache_block_tokens == used["audio_in_cached"] % rules.cache_block_tokens == 0


def response_reading(common: Tokens, *images: int) -> Response:
    return Response(1, "reply", "completed", common, NOTHING, common, common, images, 0, 0, 0, 1, 0)


def test_the_share_is_taken_before_rounding_to_blocks() -> None:
    """0.8 x 1,094 = 875 -> 832 text; 0.8 x 235 = 188 -> 128 audio."""
    hit = cached_tokens(response_reading(Tokens(1094, 235, 0)), cache_rule("prefix", GA))
    assert hit == Tokens(832, 128, 0)


def test_a_share_of_0_8_gives_recorded_hits_from_the_fourth_turn_on() -> None:
    """The recorded session's turns 3 to 6 hit 832 text tokens: of turn 4's 1,086 in common 0.8 is 868; of turn 3's, 820."""
    assert cached_tokens(response_reading(Tokens(1026, 16, 0)), cache_rule("prefix", GA)).text == 768
    assert cached_tokens(response_reading(Tokens(1086, 73, 0)), cache_rule("prefix", GA)).text == 832


def test_only_whole_images_are_cached_from_the_start() -> None:
    rule = CacheRule("prefix", (1, 2), (1, 2), 64)
    assert cached_tokens(response_reading(Tokens(0, 0, 388), 194, 194), rule).image == 194
    assert cached_tokens(response_reading(Tokens(0, 0, 386), 194, 192), rule).image == 0


@pytest.mark.parametrize(("text", "audio", "hit"), [(1000, 23, 0), (1000, 24, 960), (1023, 0, 0), (1024, 0, 1024)])
def test_a_prefix_below_the_minimum_is_not_cached(text: int, audio: int, hit: int) -> None:
    """At least 1,024 tokens of all kinds, then whole blocks of 64: 15 blocks of 1,000."""
    rules = replace(GA, cache_minimum_tokens=1024)
    for rule in (cache_rule("prefix", rules, 1), cache_rule("all", rules)):
        assert cached_tokens(response_reading(Tokens(text, audio, 0)), rule) == Tokens(hit, 0, 0)


def test_blocks_are_whole() -> None:
    rule = cache_rule("all", GA)
    hits = [cached_tokens(response_reading(Tokens(tokens, tokens + 64, 0)), rule) for tokens in (63, 64, 127, 128)]
    assert hits == [Tokens(0, 64, 0), Tokens(64, 128, 0), Tokens(64, 128, 0), Tokens(128, 192, 0)]


def test_of_a_share_only_full_tokens_count() -> None:
    """0.8 x 79 = 63.2 is no block of 64; 0.8 x 80 is one; 0.8 x 242 = 193.6 of an image of 194 is none."""
    rule = cache_rule("prefix", GA, Decimal("0.8"))
    assert cached_tokens(response_reading(Tokens(79, 80, 242), 194, 48), rule) == Tokens(0, 64, 0)
    assert cached_tokens(response_reading(Tokens(0, 0, 243), 194, 49), rule) == Tokens(0, 0, 194)


@pytest.mark.parametrize(
    ("common", "total", "billed"),
    [
        (1024, 1500, {"text_in_cached": 1024, "text_in_cache_write": 476}),
        (0, 1024, {"text_in_cache_write": 1024}),
        (0, 1023, {"text_in": 1023}),
    ],
)
def test_uncached_text_is_written_to_the_cache_from_the_minimum_on(common: int, total: int, billed: dict[str, int]) -> None:
    rules = replace(GA, cache_writes=True, cache_minimum_tokens=1024)
    response = response_reading(Tokens(common, 0, 0))._replace(input=Tokens(total, 0, 0))
    assert dict(usage(response, cache_rule("all", rules)).items()) == billed
    without_writes = usage(response, cache_rule("all", replace(rules, cache_writes=False)))
    assert dict(without_writes.items()) == (
        {"text_in": total - common, "text_in_cached": common} if common else {"text_in": total}
    )


def test_audio_and_images_are_not_written_to_the_cache() -> None:
    rules = replace(GA, cache_writes=True, cache_minimum_tokens=1024)
    response = response_reading(Tokens(0, 0, 0))._replace(input=Tokens(700, 200, 194), text_out=5, audio_out=6)
    assert dict(usage(response, cache_rule("none", rules)).items()) == {
        "text_in_cache_write": 700,
        "audio_in": 200,
        "image_in": 194,
        "text_out": 5,
        "audio_out": 6,
    }
