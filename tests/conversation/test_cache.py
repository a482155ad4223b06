"""Check the cache behaviours and their order."""

from decimal import Decimal

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
    rule = CacheRule("prefix", (1, 2), 64)
    assert cached_tokens(response_reading(Tokens(0, 0, 388), 194, 194), rule).image == 194
    assert cached_tokens(response_reading(Tokens(0, 0, 386), 194, 192), rule).image == 0
