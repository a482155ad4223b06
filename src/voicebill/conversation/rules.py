"""Define the rules by which a conversation becomes usage: token counts, history, cache and limits.

Little of this is documented; most of it was measured on recorded sessions. So each rule is a parameter with its evidence:
one row per parameter and model family, and every parameter can be overridden.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal
from typing import Literal, get_args

from voicebill.billing.errors import InvalidInput, UnknownName
from voicebill.billing.fingerprint import fingerprint
from voicebill.billing.quotas import Evidence
from voicebill.billing.validation import format_value, is_reasonable
from voicebill.billing.validity import PartialDate, is_effective

SpeechForm = Literal["audio", "transcript"]
"""How the history holds speech: as audio (of a reply with its billed text), or as its transcript alone."""
TruncatedReply = Literal["audio", "nothing"]
"""What of an interrupted reply stays in the history: the audio that was played, or only the framing."""
Cache = Literal["all", "prefix", "none"]
SessionCarryover = Literal["text", "nothing"]
TranscriptOutput = Literal["none", "replies", "both"]
"""Whose transcripts are billed as text output, in addition to the speech."""
SessionTime = Literal["connected", "audio"]
"""What counts as the time of a session: all of it, or only the audio that is sent or received."""


@dataclass(frozen=True, slots=True)
class Rules:
    """All parameters of how a conversation becomes usage. The values come from rows; there are no defaults here.

    Counting: the rules that end in ms_per_token give the duration of audio per token; a reply's billed text is
    `reply_text_base + reply_text_per_audio_token x audio tokens`, or with a known transcript of c tokens
    `c + reply_overhead_base + reply_overhead_per_audio_token x audio tokens`, rounded.
    `is_reasoning_model`: the model generates reasoning tokens, which are billed as text output.
    `reasoning_tokens_per_response` is what a plan counts unless it says otherwise. `tools_billed_share`: billed tokens of
    tool schemas per token of their compact JSON; the first tool adds `tools_extra_tokens`.
    Framing: the rules that end in item_tokens give the text tokens that an item of the history adds to its content.
    History: `history` names the policy; the parameters after it are the policy's switches. `user_speech`, `newest_reply` and
    `older_replies`: in which form the next responses read what was said; `truncated_reply`: what stays of a reply that the
    user interrupted. A transcript adds `transcript_item_tokens`; a truncated reply is `truncated_item_tokens` of text in all.
    Cache: `cache_reuse_share` is the share of the common prefix that is found, `cache_reuse_share_without_speech` the one
    for input of text and images only; of instructions that change, `stable_instructions_share` precedes the change.
    `cache_includes_output`: a response's output is cached for the next one, not only its input; `cache_writes`: uncached
    text is billed as written to the cache if the input has at least `cache_minimum_tokens`.
    `caches_input`: the provider has a cache; without one nothing is ever cached, whatever the cache behaviour.
    Transcripts: `transcript_output` says whose are billed as text output, `user_transcript_tokens_per_second` and
    `reply_transcript_tokens_per_second` of speech.
    Limits: 0 means none. An input of more than `compression_trigger_tokens` loses its oldest items, until
    `compression_target_tokens` are left; both include the instructions.
    Other meters: `characters_per_token` of spoken text; `bills_silence`: a stream is billed for its whole duration, not
    only for speech, and with `silence_in_history` later responses read the rest of it, too; `session_time`: what is billed
    where a session has a price per minute; `session_creation_ms`: the minimum that is billed for a session created over
    WebRTC;
    `delegated_share`: the share of turns without tool calls that a live model delegates to its backend; `standby_share`:
    the share of a live session's time for which it is paused.
    """

    # counting
    user_audio_ms_per_token: int
    vad_prefix_ms: int
    vad_silence_ms: int
    user_transcript_tokens_per_second: Decimal
    reply_audio_ms_per_token: int
    transcript_output: TranscriptOutput
    reply_transcript_tokens_per_second: Decimal
    reply_text_base: Decimal
    reply_text_per_audio_token: Decimal
    reply_overhead_base: Decimal
    reply_overhead_per_audio_token: Decimal
    image_base_tokens: int
    image_tile_tokens: int
    tools_extra_tokens: int
    tools_billed_share: Decimal
    counts_instructions: bool
    is_reasoning_model: bool
    reasoning_tokens_per_response: int
    text_encoding: str
    # framing
    conversation_tokens: int
    user_audio_item_tokens: int
    user_text_item_tokens: int
    image_item_tokens: int
    assistant_item_tokens: int
    tool_call_item_tokens: int
    tool_result_item_tokens: int
    # history
    history: str
    user_speech: SpeechForm
    newest_reply: SpeechForm
    older_replies: SpeechForm
    transcript_item_tokens: int
    truncated_reply: TruncatedReply
    truncated_item_tokens: int
    # cache
    caches_input: bool
    expected_cache: Cache
    cache_reuse_share: Decimal
    cache_reuse_share_without_speech: Decimal
    stable_instructions_share: Decimal
    cache_block_tokens: int
    cache_minimum_tokens: int
    cache_includes_output: bool
    cache_writes: bool
    # limits
    context_tokens: int
    max_output_tokens: int
    input_limit_tokens: int
    supports_truncation: bool
    compression_trigger_tokens: int
    compression_target_tokens: int
    session_minutes: int
    session_carryover: SessionCarryover
    # plans
    turn_variation: Decimal
    # other meters than tokens
    characters_per_token: Decimal
    bills_silence: bool
    silence_in_history: bool
    session_time: SessionTime
    session_creation_ms: int
    delegated_share: Decimal
    standby_share: Decimal

    @property
    def padding_tokens(self) -> int:
        """User audio tokens that turn detection adds to the speech of a turn."""
        return (self.vad_prefix_ms + self.vad_silence_ms) // self.user_audio_ms_per_token

    @property
    def user_tokens_per_second(self) -> float:
        """Audio tokens per second of user speech."""
        return 1000 / self.user_audio_ms_per_token

    @property
    def reply_tokens_per_second(self) -> float:
        """Audio tokens per second of a reply."""
        return 1000 / self.reply_audio_ms_per_token

    @property
    def reply_text_tokens_per_second(self) -> float:
        """Text tokens per second of a reply, without those that every reply has."""
        return float(self.reply_text_per_audio_token) * self.reply_tokens_per_second


CHOICES: Mapping[str, tuple[str, ...]] = {
    "user_speech": get_args(SpeechForm),
    "newest_reply": get_args(SpeechForm),
    "older_replies": get_args(SpeechForm),
    "truncated_reply": get_args(TruncatedReply),
    "expected_cache": get_args(Cache),
    "session_carryover": get_args(SessionCarryover),
    "transcript_output": get_args(TranscriptOutput),
    "session_time": get_args(SessionTime),
    "text_encoding": ("o200k_base",),
}
AT_LEAST_ONE = frozenset({"user_audio_ms_per_token", "reply_audio_ms_per_token", "cache_block_tokens"})
AT_MOST_ONE = frozenset(
    {
        "cache_reuse_share",
        "cache_reuse_share_without_speech",
        "stable_instructions_share",
        "tools_billed_share",
        "turn_variation",
        "delegated_share",
        "standby_share",
    }
)
HISTORY_SWITCHES = (
    "user_speech",
    "newest_reply",
    "older_replies",
    "transcript_item_tokens",
    "truncated_reply",
    "truncated_item_tokens",
)
"""The parameters that a history policy sets together."""

ParameterValue = int | bool | str | Decimal
_TYPES: Mapping[str, type] = {
    parameter.name: {int: int, bool: bool, Decimal: Decimal}.get(parameter.type, str)
    if isinstance(parameter.type, type)
    else str
    for parameter in fields(Rules)
}
PARAMETERS: tuple[str, ...] = tuple(_TYPES)


@dataclass(frozen=True, slots=True)
class RuleRow:
    """The value of one parameter for some models, kinds or providers (empty: all), with its evidence.

    `basis` says briefly what was measured, or what the value is assumed to resemble; `sample_size` is the number of
    measurements. `range` is where the value may lie, as far as known: an estimate's planning range varies it.
    """

    parameter: str
    value: ParameterValue
    evidence: Evidence
    basis: str
    models: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    disputed: tuple[ParameterValue, ...] = ()
    sample_size: int | None = None
    range: tuple[ParameterValue, ParameterValue] | None = None
    sources: tuple[str, ...] = ()
    since: PartialDate = field(default_factory=lambda: PartialDate.parse("2024-10-01"))
    until: PartialDate | None = None

    @property
    def value_text(self) -> str:
        """The value as it is written in a rule file."""
        return str(self.value).lower() if isinstance(self.value, bool) else str(self.value)

    @property
    def evidence_text(self) -> str:
        """The evidence as text: its kind and basis, the number of measurements, the range, and what sources dispute."""
        parts = [f"{self.evidence}: {self.basis}"]
        if self.sample_size is not None:
            parts.append(f"n = {self.sample_size}")
        if self.range is not None:
            parts.append(f"range {self.range_text}")
        if self.disputed:
            parts.append(f"disputed: {self.disputed_text}")
        return "; ".join(parts)

    @property
    def range_text(self) -> str:
        """The ends of the range, or the values that are possible, as text; empty without a range."""
        separator = " or " if isinstance(self.value, str) else " to "
        return separator.join(str(end) for end in self.range or ())

    @property
    def disputed_text(self) -> str:
        """The values that other sources give, as text."""
        return ", ".join(str(value) for value in self.disputed)

    def applies_to(self, names: Iterable[str], kind: str, provider: str, day: date) -> bool:
        """Whether the row applies to a model with these names and this kind, at a provider, on a day."""
        model_matches = not self.models or not set(self.models).isdisjoint(names)
        scope_matches = (not self.providers or provider in self.providers) and (not self.kinds or kind in self.kinds)
        return model_matches and scope_matches and is_effective(self, day)

    @property
    def specificity(self) -> int:
        """How specific the row is: the more specific row takes precedence; a kind is less specific than a model or provider."""
        return 2 * bool(self.models) + 2 * bool(self.providers) + bool(self.kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPolicy:
    """How what was said is read by later responses, as a set of switches; the rule `history` names it.

    Fields as the parameters of the same name in `Rules`. `title` describes the policy in a few words.
    """

    name: str
    title: str
    user_speech: SpeechForm
    newest_reply: SpeechForm
    older_replies: SpeechForm
    transcript_item_tokens: int
    truncated_reply: TruncatedReply
    truncated_item_tokens: int
    evidence: Evidence
    basis: str
    sources: tuple[str, ...] = ()

    def rows(self) -> dict[str, RuleRow]:
        """The rows of its switches, each with the policy's evidence."""
        return {
            switch: RuleRow(switch, getattr(self, switch), self.evidence, f"{self.name}: {self.basis}", sources=self.sources)
            for switch in HISTORY_SWITCHES
        }


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A named set of rows. Parameters without a row are taken from the set that it is `based_on`.

    `providers` are those whose models it describes (empty: those of the set that it is based on, or any).
    """

    name: str
    title: str
    based_on: str | None
    rows: tuple[RuleRow, ...]
    note: str = ""
    providers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class EffectiveRules:
    """The rules for one model on one day, with the row that each value comes from.

    They are compared by identity, so that what is computed from them can be kept; `digest` compares their values.
    """

    name: str
    rules: Rules
    rows: Mapping[str, RuleRow]
    policies: Mapping[str, HistoryPolicy] = field(default_factory=dict, repr=False)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The parameters of which no value is known."""
        return tuple(name for name, row in self.rows.items() if row.evidence == "unknown")

    @property
    def digest(self) -> str:
        """A fingerprint that changes whenever the value of a parameter changes."""
        return fingerprint(self.rules)

    def override(self, values: Mapping[str, ParameterValue]) -> "EffectiveRules":
        """These rules with some parameters set by the user.

        Another history policy brings its switches, except those that the user has set; a share of the prefix that is found
        applies without speech, too.

        Raises:
            UnknownName: there is no such parameter or history policy.
            InvalidInput: a value does not fit its parameter.
        """
        if not values:
            return self
        checked = {name: parse_parameter(name, value) for name, value in values.items()}
        if "cache_reuse_share" in checked:
            checked = {"cache_reuse_share_without_speech": checked["cache_reuse_share"], **checked}
        rows = {name: RuleRow(name, value, "stated", "set for this estimate") for name, value in checked.items()}
        if "history" in checked:
            switches = history_policy(str(checked["history"]), self.policies).rows()
            without_overrides = {name: row for name, row in switches.items() if self.rows[name].evidence != "stated"}
            rows = {**without_overrides, **rows}
        changed = {name: row.value for name, row in rows.items()}
        return replace(self, rules=replace(self.rules, **changed), rows={**self.rows, **rows})  # type: ignore[arg-type]


def history_policy(name: str, policies: Mapping[str, HistoryPolicy]) -> HistoryPolicy:
    """The history policy with a name.

    Raises:
        UnknownName: there is none.
    """
    if name not in policies:
        raise UnknownName("history policy", name, policies, field="overrides")
    return policies[name]


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rule sets, of which the first one is the default, and the history policies that their rows name.

    `defaults` gives the set of each provider that has one. Parameters of which a provider's sets say nothing are those of the
    set `neutral`, never those of other providers.
    """

    sets: tuple[RuleSet, ...]
    policies: Mapping[str, HistoryPolicy] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    neutral: str | None = None

    @property
    def default(self) -> str:
        """The name of the default rule set."""
        return self.sets[0].name

    def default_for(self, sellers: Iterable[str]) -> str:
        """The name of the rule set for a model: that of the first of its sellers that has one."""
        own = next((self.defaults[seller] for seller in sellers if seller in self.defaults), None)
        return own or (self.neutral if self.defaults and self.neutral else self.default)

    def rule_set(self, name: str) -> RuleSet:
        """The rule set with a name.

        Raises:
            UnknownName: there is no rule set with that name.
        """
        for candidate in self.sets:
            if candidate.name == name:
                return candidate
        raise UnknownName("rule set", name, (rule_set.name for rule_set in self.sets), field="rules")

    def describes(self, name: str, sellers: Iterable[str]) -> bool:
        """Whether a rule set describes a model that some providers sell.

        Raises:
            UnknownName: there is no rule set with that name.
        """
        described = self._described(self._lineage(self.rule_set(name)))
        return not described or not set(described).isdisjoint(sellers)

    def _described(self, lineage: Iterable[RuleSet]) -> tuple[str, ...]:
        """The providers that a set describes, or else the nearest of those that it is based on; empty: any."""
        return next((ancestor.providers for ancestor in reversed(list(lineage)) if ancestor.providers), ())

    def rules_for(
        self,
        name: str | None,
        *,
        models: Iterable[str],
        provider: str,
        day: date,
        kind: str = "realtime",
        sellers: Iterable[str] = (),
    ) -> EffectiveRules:
        """The rules of a set for a model (given by all its names) of a kind at a provider on a day.

        `sellers` are other providers that sell a model of that name: their rules describe it, too.

        Raises:
            UnknownName: there is no such rule set.
            InvalidInput: the set and the sets it is based on have no value for a parameter, or none for the day; or the set
                describes other providers' models.
        """
        all_sellers = (provider, *sellers)
        rule_set = self.rule_set(self.default_for(all_sellers) if name is None else name)
        lineage = self._lineage(rule_set)
        if provider and not self.describes(rule_set.name, all_sellers):
            described = self._described(lineage)
            raise InvalidInput(
                f"the rule set {rule_set.name} describes the models of {' and '.join(described)}, not those of {provider}: "
                f"give the rules of {provider} in a file with provider = {provider!r}",
                field="rules",
                is_sentence=True,
            )
        names = frozenset(models)
        rows: dict[str, RuleRow] = {}
        for ancestor in lineage:
            if provider and ancestor.providers and set(ancestor.providers).isdisjoint(all_sellers):
                continue
            applicable = [row for row in ancestor.rows if row.applies_to(names, kind, provider, day)]
            if any(row.parameter == "history" for row in applicable):  # another policy brings its own switches
                rows = {parameter: row for parameter, row in rows.items() if parameter not in HISTORY_SWITCHES}
            rows.update((row.parameter, row) for row in sorted(applicable, key=lambda row: row.specificity))
        if not rows:
            first = min((row.since for ancestor in lineage for row in ancestor.rows), key=lambda since: since.first)
            raise InvalidInput(
                f"rule set {rule_set.name} has no rules for {day}: its first rules apply from {first}",
                field="day",
                is_sentence=True,
            )
        if "history" in rows:
            rows = {**history_policy(str(rows["history"].value), self.policies).rows(), **rows}
        missing = [parameter for parameter in PARAMETERS if parameter not in rows]
        if missing:
            raise InvalidInput(f"rule set {rule_set.name} has no value of {', '.join(missing)} for {', '.join(sorted(names))}")
        values = {parameter: rows[parameter].value for parameter in PARAMETERS}
        return EffectiveRules(rule_set.name, Rules(**values), rows, self.policies)  # type: ignore[arg-type]

    def _lineage(self, rule_set: RuleSet) -> list[RuleSet]:
        """The set after those that it is based on; first of all the neutral one, if it describes providers of its own."""
        lineage = [rule_set]
        while (base := lineage[0].based_on) is not None:
            if any(base == ancestor.name for ancestor in lineage):
                raise InvalidInput(f"rule set {base} is based on itself")
            lineage.insert(0, self.rule_set(base))
        if self.neutral is not None and lineage[0].name != self.neutral:
            lineage.insert(0, self.rule_set(self.neutral))
        return lineage


RENAMED_PARAMETERS: Mapping[str, str] = {
    "reasons": "is_reasoning_model",
    "hears_silence": "bills_silence",
    "cache_knows_output": "cache_includes_output",
    "truncation_honoured": "supports_truncation",
    "create_ms": "session_creation_ms",
    "session_carry": "session_carryover",
}
"""Rule names of earlier versions with their current names, which the error message gives."""


def parse_parameter(name: str, value: object) -> ParameterValue:
    """A parameter's value converted to its type, from TOML, JSON or the command line.

    >>> parse_parameter("cache_block_tokens", "128"), parse_parameter("history", "keep-all")
    (128, 'keep-all')

    Raises:
        UnknownName: there is no parameter with that name.
        InvalidInput: the value is not valid for the parameter.
    """
    if name in RENAMED_PARAMETERS:
        raise InvalidInput(
            f"unknown rule {name!r}: it is now {RENAMED_PARAMETERS[name]!r}", field="overrides", is_sentence=True
        )
    if name not in _TYPES:
        raise UnknownName("rule", name, PARAMETERS, field="overrides")
    kind = _TYPES[name]
    if kind is bool:
        if str(value).lower() not in ("true", "false"):
            raise InvalidInput(f"{name} must be true or false, not {format_value(value)}", field="overrides", is_sentence=True)
        return str(value).lower() == "true"
    if kind is str:
        if name in CHOICES and value not in CHOICES[name]:
            raise InvalidInput(
                f"{name} must be one of {', '.join(CHOICES[name])}, not {format_value(value)}",
                field="overrides",
                is_sentence=True,
            )
        if not isinstance(value, str) or not value:
            raise InvalidInput(f"{name} must be a name, not {format_value(value)}", field="overrides", is_sentence=True)
        return value
    return _parse_number(name, value, kind)


def _parse_number(name: str, value: object, kind: type) -> ParameterValue:
    try:
        number = Decimal(str(value))  # raises for true and false, too
        low, high = (1 if name in AT_LEAST_ONE else 0), (1 if name in AT_MOST_ONE else 10**9)
        if not is_reasonable(number) or not low <= number <= high or (kind is int and number % 1):
            raise ValueError
    except (ArithmeticError, ValueError):
        bounds = "between 0 and 1" if name in AT_MOST_ONE else f"between {1 if name in AT_LEAST_ONE else 0} and 1,000,000,000"
        what = "a whole number" if kind is int else "a number"
        raise InvalidInput(
            f"{name} must be {what} {bounds}, not {format_value(value)}", field="overrides", is_sentence=True
        ) from None
    return int(number) if kind is int else number
