"""Go from the rules of a recorded model to those of another one in steps: counting, then history and limits, then the cache."""

from collections.abc import Hashable
from dataclasses import replace
from typing import NamedTuple

from voicebill.answers.replay.converted_script import ScriptConversion
from voicebill.conversation.cache import CacheRule, cache_rule
from voicebill.conversation.rules import HISTORY_SWITCHES, PARAMETERS, Rules
from voicebill.conversation.script import ConversationSettings, Script

LIMIT_RULES = (
    *("context_tokens", "max_output_tokens", "input_limit_tokens", "supports_truncation"),
    *("compression_trigger_tokens", "compression_target_tokens"),
)
"""The rules that matter only to an input that is too large."""
HISTORY_RULES = (
    "history",
    *HISTORY_SWITCHES,
    *LIMIT_RULES,
    *("session_minutes", "session_carryover", "silence_in_history", "stable_instructions_share", "cache_includes_output"),
)
"""The rules that say what a response reads again, and what of it was there before."""
_CACHE_RULES = (
    *("caches_input", "expected_cache", "cache_reuse_share", "cache_reuse_share_without_speech"),
    *("cache_block_tokens", "cache_minimum_tokens", "cache_writes"),
)
_TRANSCRIPT_RULES = frozenset({"vad_prefix_ms", "vad_silence_ms", "reply_transcript_tokens_per_second"})
_UNUSED_RULES = frozenset(
    {
        *("history", *_CACHE_RULES, *_TRANSCRIPT_RULES, "reasoning_tokens_per_response", "text_encoding", "turn_variation"),
        *("characters_per_token", "session_creation_ms", "delegated_share", "standby_share", "session_time"),
        *("session_minutes", "session_carryover", "image_base_tokens", "image_tile_tokens", "tools_extra_tokens"),
        "tools_billed_share",
    }
)
"""The rules on which the responses of a recorded call do not depend within one session."""


class RuleStage:
    """Rules on the way from a recorded model to another one, with the cache behaviour that is expected by then.

    `session_minutes`: a call that lasts longer is several sessions (0: none is). No input of `max_input_tokens` is too large.
    """

    def __init__(self, rules: Rules, cache: CacheRule, session_minutes: int) -> None:
        self.rules = rules
        self.cache = cache
        self.session_minutes = session_minutes
        limits = (rules.context_tokens, rules.input_limit_tokens, rules.compression_trigger_tokens)
        self.max_input_tokens = min((limit for limit in limits if limit), default=10**12)
        self.limits: Hashable = tuple(getattr(rules, name) for name in LIMIT_RULES)
        self._keys: dict[ScriptFeatures, Hashable] = {}

    def key(self, features: "ScriptFeatures") -> Hashable:
        """What the responses of a script with some features depend on, within one session and its limits."""
        key = self._keys.get(features)
        if key is None:
            key = self._keys[features] = simulation_key(self.rules, features)
        return key


class RuleSteps:
    """The rules of a recorded model (the source) and those of another one (the target), in three stages.

    `counting` counts like the target and has the history and the cache of the source, `history` has the target's history, and
    `target` its cache, too. `settings` say what is expected of the cache, and `reasoning_tokens` are those of each response,
    where the target reasons.
    """

    def __init__(
        self, source: Rules, target: Rules, settings: ConversationSettings, reasoning_tokens: int | None = None
    ) -> None:
        self.conversion = ScriptConversion(source, target, reasoning_tokens)
        self.conversion_key = self.conversion.key
        counting = replace(target, **{name: getattr(source, name) for name in HISTORY_RULES})
        source_cache, limit = expected_cache(settings, source), self.conversion.session_minutes
        self.counting = RuleStage(counting, source_cache, 0)
        self.history = RuleStage(target, source_cache, limit)
        self.target = RuleStage(target, expected_cache(settings, target), limit)


class ScriptFeatures(NamedTuple):
    """What a script has, on which it depends which rules matter."""

    has_tools: bool
    has_text: bool
    has_images: bool
    has_interruptions: bool

    @classmethod
    def of(cls, script: Script) -> "ScriptFeatures":
        """The features of a script."""
        turns = script.turns
        return cls(
            any(turn.tool_calls for turn in turns),
            any(turn.user_text_tokens for turn in turns),
            any(turn.image_tokens for turn in turns),
            any(turn.played_ms is not None for turn in turns),
        )

    @property
    def unused_rules(self) -> frozenset[str]:
        """The rules that do not matter."""
        groups = (
            (self.has_tools, ("tool_call_item_tokens", "tool_result_item_tokens")),
            (self.has_text, ("user_text_item_tokens",)),
            (self.has_images, ("image_item_tokens",)),
            (self.has_interruptions, ("truncated_reply", "truncated_item_tokens")),
        )
        return frozenset(name for is_used, names in groups if not is_used for name in names)


def expected_cache(settings: ConversationSettings, rules: Rules) -> CacheRule:
    """The expected cache behaviour of a call under some rules."""
    return cache_rule(settings.cache or rules.expected_cache, rules, settings.prefix_reuse)


def simulation_key(rules: Rules, features: ScriptFeatures) -> Hashable:
    """What the responses of a call depend on, within one session and with inputs that fit: with equal keys they are equal."""
    reads_transcripts = rules.user_speech == "transcript" or rules.transcript_output != "none"
    unused = features.unused_rules.union(LIMIT_RULES) | (
        _UNUSED_RULES - _TRANSCRIPT_RULES if reads_transcripts else _UNUSED_RULES
    )
    if reads_transcripts:  # the framing of typed text is that of a transcript, too
        unused -= {"user_text_item_tokens"}
    return tuple(getattr(rules, name) for name in PARAMETERS if name not in unused)
