"""The rules: how talk becomes tokens, how history is shown again, what the cache keeps, where a conversation ends.

Hardly any of this is documented; most of it was measured on recorded sessions. So each rule is a parameter with its
evidence, never a law: a row per parameter and model family, and every one can be overridden.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal
from typing import Literal

from voicebill.billing.checks import plain
from voicebill.billing.dated import Day, holds_on
from voicebill.billing.digest import digest
from voicebill.billing.errors import InvalidInput, UnknownName

History = Literal["keep-all", "last-assistant-audio"]
Cache = Literal["all", "prefix", "none"]
Carry = Literal["text", "nothing"]
Evidence = Literal["documented", "measured", "inferred", "assumed", "defined", "stated"]


@dataclass(frozen=True, slots=True)
class Rules:
    """Every parameter of how a conversation becomes usage. The values come from rows; there are no defaults here.

    Counting: `…_ms_per_token` is how much audio one token holds; a reply's billed text is
    `reply_text_base + reply_text_per_audio_token x audio tokens`, or with a known transcript of c tokens
    `c + reply_overhead_base + reply_overhead_per_audio_token x audio tokens`, rounded.
    `reasons`: the model thinks before it answers, and that is billed as text output.
    Framing (`…_item_tokens`): text tokens that an item of the history adds to its content.
    Cache: `cache_knows_output`: what a response wrote is found by the next one, and not only what it read; `cache_writes`:
    text that is not found is billed as written to the cache, from `cache_minimum_tokens` on.
    Limits: 0 means none.
    Other meters: `characters_per_token` of text that is spoken; `hears_silence`: a stream is billed for all its time, not
    for speech alone; `create_ms`: what creating a session over WebRTC bills; `delegated_share`: of the turns without tool
    calls, those that a live model hands to its backend; `standby_share`: of a live session's time, what it is paused for.
    """

    # counting
    user_audio_ms_per_token: int
    vad_prefix_ms: int
    vad_silence_ms: int
    user_transcript_tokens_per_second: Decimal
    reply_audio_ms_per_token: int
    reply_text_base: Decimal
    reply_text_per_audio_token: Decimal
    reply_overhead_base: Decimal
    reply_overhead_per_audio_token: Decimal
    image_base_tokens: int
    image_tile_tokens: int
    tools_extra_tokens: int
    counts_instructions: bool
    reasons: bool
    text_encoding: str
    # framing
    conversation_tokens: int
    user_audio_item_tokens: int
    user_text_item_tokens: int
    image_item_tokens: int
    assistant_item_tokens: int
    transcript_item_tokens: int
    truncated_item_tokens: int
    tool_call_item_tokens: int
    tool_result_item_tokens: int
    # history
    history: History
    # cache
    expected_cache: Cache
    cache_reuse_share: Decimal
    cache_block_tokens: int
    cache_minimum_tokens: int
    cache_knows_output: bool
    cache_writes: bool
    # limits
    context_tokens: int
    max_output_tokens: int
    input_limit_tokens: int
    truncation_honoured: bool
    session_minutes: int
    session_carry: Carry
    # plans
    turn_variation: Decimal
    # other meters than tokens
    characters_per_token: Decimal
    hears_silence: bool
    create_ms: int
    delegated_share: Decimal
    standby_share: Decimal

    @property
    def padding_tokens(self) -> int:
        """User audio tokens that turn detection adds to the speech of a turn."""
        return (self.vad_prefix_ms + self.vad_silence_ms) // self.user_audio_ms_per_token


CHOICES: Mapping[str, tuple[str, ...]] = {
    "history": ("keep-all", "last-assistant-audio"),
    "expected_cache": ("all", "prefix", "none"),
    "session_carry": ("text", "nothing"),
    "text_encoding": ("o200k_base",),
}
AT_LEAST_ONE = frozenset({"user_audio_ms_per_token", "reply_audio_ms_per_token", "cache_block_tokens"})
AT_MOST_ONE = frozenset({"cache_reuse_share", "turn_variation", "delegated_share", "standby_share"})

Value = int | bool | str | Decimal
_TYPES: Mapping[str, type] = {
    each.name: {int: int, bool: bool, Decimal: Decimal}.get(each.type, str) if isinstance(each.type, type) else str
    for each in fields(Rules)
}
PARAMETERS: tuple[str, ...] = tuple(_TYPES)


@dataclass(frozen=True, slots=True)
class RuleRow:
    """The value of one parameter for some models (empty: all), or kinds of them, at some providers, and what speaks for it.

    `basis` says in a few words on what it was measured, or what it is assumed to be like.
    """

    parameter: str
    value: Value
    evidence: Evidence
    basis: str
    models: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    disputed: tuple[Value, ...] = ()
    sources: tuple[str, ...] = ()
    since: Day = field(default_factory=lambda: Day.parse("2024-10-01"))
    until: Day | None = None

    def concerns(self, names: Iterable[str], kind: str, provider: str, day: date) -> bool:
        """Whether the row speaks of a model of some kind that goes by these names, at a provider, on a day."""
        named = not self.models or not set(self.models).isdisjoint(names)
        sold = (not self.providers or provider in self.providers) and (not self.kinds or kind in self.kinds)
        return named and sold and holds_on(self, day)

    @property
    def selectors(self) -> int:
        """How narrowly the row is meant: the narrower row wins; a kind is the widest of them."""
        return 2 * bool(self.models) + 2 * bool(self.providers) + bool(self.kinds)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A named set of rows. What it does not say is taken from the set that it is `based_on`."""

    name: str
    title: str
    based_on: str | None
    rows: tuple[RuleRow, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ruling:
    """The rules for one model on one day, with the row that gave each value."""

    name: str
    rules: Rules
    rows: Mapping[str, RuleRow]

    @property
    def digest(self) -> str:
        """A fingerprint that changes whenever the value of a parameter does."""
        return digest(self.rules)

    def override(self, values: Mapping[str, Value]) -> "Ruling":
        """These rules with some parameters stated by the user, and nothing else changed."""
        if not values:
            return self
        checked = {name: parameter_value(name, value) for name, value in values.items()}
        stated = {name: RuleRow(name, value, "stated", "set for this answer") for name, value in checked.items()}
        return Ruling(self.name, replace(self.rules, **checked), {**self.rows, **stated})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rule sets; the first is the one that is used unless another is named."""

    sets: tuple[RuleSet, ...]

    @property
    def default(self) -> str:
        """The set that is used unless another is named."""
        return self.sets[0].name

    def named(self, name: str) -> RuleSet:
        """A rule set by its name.

        Raises:
            UnknownName: there is none of that name.
        """
        for candidate in self.sets:
            if candidate.name == name:
                return candidate
        raise UnknownName("rule set", name, (known.name for known in self.sets))

    def ruling(self, name: str | None, *, models: Iterable[str], provider: str, day: date, kind: str = "realtime") -> Ruling:
        """The rules of a set for a model (all the names it goes by) of a kind at a provider on a day.

        Raises:
            UnknownName: there is no such set.
            InvalidInput: the set and what it is based on leave a parameter open, or say nothing of the day.
        """
        chosen = self.named(self.default if name is None else name)
        names = frozenset(models)
        rows: dict[str, RuleRow] = {}
        for each in self._lineage(chosen):
            speaking = (row for row in each.rows if row.concerns(names, kind, provider, day))
            rows.update((row.parameter, row) for row in sorted(speaking, key=lambda row: row.selectors))
        if not rows:
            first = min((row.since for each in self._lineage(chosen) for row in each.rows), key=lambda since: since.first)
            raise InvalidInput(f"rule set {chosen.name} says nothing of {day}: its first rules hold since {first}")
        missing = [parameter for parameter in PARAMETERS if parameter not in rows]
        if missing:
            raise InvalidInput(f"rule set {chosen.name} gives {', '.join(sorted(names))} no {', '.join(missing)}")
        values = {parameter: rows[parameter].value for parameter in PARAMETERS}
        return Ruling(chosen.name, Rules(**values), rows)  # type: ignore[arg-type]

    def _lineage(self, chosen: RuleSet) -> list[RuleSet]:
        lineage = [chosen]
        while (base := lineage[0].based_on) is not None:
            if any(base == known.name for known in lineage):
                raise InvalidInput(f"rule set {base} is based on itself")
            lineage.insert(0, self.named(base))
        return lineage


def parameter_value(name: str, value: object) -> Value:
    """A parameter's value in its own type, from TOML, JSON or the command line.

    >>> parameter_value("cache_block_tokens", "128"), parameter_value("history", "keep-all")
    (128, 'keep-all')

    Raises:
        UnknownName: no parameter has that name.
        InvalidInput: the value does not fit it.
    """
    if name not in _TYPES:
        raise UnknownName("rule", name, PARAMETERS)
    kind = _TYPES[name]
    if kind is bool:
        if str(value).lower() not in ("true", "false"):
            raise InvalidInput(f"{name} is true or false, not {value!r}")
        return str(value).lower() == "true"
    if kind is str:
        if value not in CHOICES[name]:
            raise InvalidInput(f"{name} is one of {', '.join(CHOICES[name])}, not {value!r}")
        return str(value)
    return _number(name, value, kind)


def _number(name: str, value: object, kind: type) -> Value:
    try:
        number = Decimal(str(value))  # of True: no number either
        low, high = (1 if name in AT_LEAST_ONE else 0), (1 if name in AT_MOST_ONE else 10**9)
        if not plain(number) or not low <= number <= high or (kind is int and number % 1):
            raise ValueError
    except (ArithmeticError, ValueError):
        bounds = "between 0 and 1" if name in AT_MOST_ONE else f"between {1 if name in AT_LEAST_ONE else 0} and 1,000,000,000"
        what = "a whole number" if kind is int else "a number"
        raise InvalidInput(f"{name} is {what} {bounds}, not {value!r}") from None
    return int(number) if kind is int else number
