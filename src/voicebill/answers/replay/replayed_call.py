"""Replay the script of a recorded call: its tokens by the rules of another model, and what the cache finds of them."""

import operator
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from voicebill.answers.replay.carried_cache import RecordedHit, carried_hits
from voicebill.answers.replay.rule_steps import RuleStage, RuleSteps, ScriptFeatures, expected_cache
from voicebill.answers.sessions.reconstruction import MAX_SESSION_MINUTES, Reconstruction
from voicebill.answers.sessions.recorded_session import RecordedResponse, TokenQuantities
from voicebill.answers.sessions.token_prices import TokenPrices, unpriced_places
from voicebill.billing.errors import ContextOverflow, VoicebillError
from voicebill.billing.money import Amount
from voicebill.billing.offers import Rates
from voicebill.conversation.cache import CacheRule, cache_write_tokens, cached_tokens
from voicebill.conversation.context import Response, duration_ms, fixed_tokens, responses
from voicebill.conversation.history import Tokens
from voicebill.conversation.rules import Rules
from voicebill.conversation.script import Script, Truncation, Turn

NO_TRUNCATION = Truncation()
"""The history is truncated only where it does not fit."""


class TokenCost(NamedTuple):
    """The prices of an offer by token meter, in the order of `TokenQuantities`, and which of these meters have none."""

    prices: tuple[Amount, ...]
    unpriced: tuple[int, ...]
    labels: tuple[str, ...]

    @classmethod
    def of(cls, rates: Rates) -> "TokenCost":
        """The prices of an offer."""
        labels = tuple(rates.meters[name].label for name in TokenQuantities._fields)
        return cls(tuple(TokenPrices.of(rates)), unpriced_places(rates), labels)

    def missing(self, quantities: TokenQuantities) -> str | None:
        """The name of a meter that is used and has no price."""
        return next((self.labels[index] for index in self.unpriced if quantities[index]), None)

    def amount(self, quantities: TokenQuantities) -> Amount:
        """The cost of tokens in picodollars; those without a price are free."""
        total: Amount = sum(map(operator.mul, quantities, self.prices))
        return total

    def with_writes_as_input(self) -> "TokenCost":
        """The same, with cache writes at the price of uncached text where they have none."""
        write = TokenQuantities._fields.index("text_in_cache_write")
        if write not in self.unpriced:
            return self
        prices = list(self.prices)
        prices[write] = prices[TokenQuantities._fields.index("text_in")]
        return self._replace(prices=tuple(prices))


class SimulatedTokens(NamedTuple):
    """The tokens of a call's responses by meter, and how many of them are reasoning."""

    quantities: TokenQuantities
    reasoning: int


class _Simulation(NamedTuple):
    """The billed responses of a script. `max_input` are the tokens of the largest input; None if an input was truncated."""

    responses: tuple[Response, ...]
    fixed: int
    reasoning: int
    max_input: int | None


class ReplayedCall:
    """A reconstructed call that is replayed under several rules; what they share is simulated once.

    `hits` are what its responses found in the cache (None: the rules decide). `simulated` are its responses by the rules from
    which some steps lead to the same ones.
    """

    def __init__(
        self, script: Script, hits: Sequence[RecordedHit] | None, simulated: tuple[RuleSteps, Sequence[Response]] | None = None
    ) -> None:
        self.script = script
        self.hits = hits
        self.features = ScriptFeatures.of(script)
        self._scripts: dict[Hashable, Script] = {}
        self._durations: dict[Hashable, int] = {}
        self._simulations: dict[Hashable, _Simulation | str] = {}
        self._tokens: dict[Hashable, SimulatedTokens] = {}
        if simulated is not None:
            steps, billed = simulated
            key = (steps.conversion_key, steps.target.key(self.features))
            simulation = _simulation(script, steps.target.rules, billed)
            self._simulations[key if self._fits(simulation, steps.target) else (key, steps.target.limits)] = simulation

    def converted(self, steps: RuleSteps) -> Script:
        """The script by the rules of the target, still as one session."""
        script = self._scripts.get(steps.conversion_key)
        if script is None:
            script = self._scripts[steps.conversion_key] = steps.conversion.convert(self.script)
        return script

    def tokens(self, steps: RuleSteps, stage: RuleStage) -> SimulatedTokens | str:
        """The tokens at a stage of the steps; why there are none, as a clause."""
        minutes = self._session_minutes(steps, stage)
        fitting: Hashable = (steps.conversion_key, stage.key(self.features) if minutes is None else (stage.rules, minutes))
        key, simulation = fitting, self._simulations.get(fitting)
        if simulation is None or not self._fits(simulation, stage):
            key = (fitting, stage.limits)
            simulation = self._simulations.get(key)
        if simulation is None:
            script = self.converted(steps)
            if minutes is not None:
                script = replace(script, session_minutes=minutes)
            simulation = _simulate(script, stage.rules)
            key = fitting if self._fits(simulation, stage) else key
            self._simulations[key] = simulation
        if isinstance(simulation, str):
            return simulation
        counted = self._tokens.get((key, stage.cache))
        if counted is None:
            counted = self._tokens[key, stage.cache] = self._count(simulation, stage.cache)
        return counted

    def _fits(self, simulation: "_Simulation | str", stage: RuleStage) -> bool:
        """Whether all inputs of a simulation are within the limits of a stage, so that these do not matter."""
        if isinstance(simulation, str) or simulation.max_input is None or self.script.truncation != NO_TRUNCATION:
            return False
        return simulation.max_input <= stage.max_input_tokens

    def _session_minutes(self, steps: RuleSteps, stage: RuleStage) -> int | None:
        """The length of the call's sessions, if it is more than one: that of its script or of the stage; else None."""
        limits = (limit for limit in (self.script.session_minutes, stage.session_minutes) if limit)
        limit = min(limits, default=MAX_SESSION_MINUTES)
        if limit == MAX_SESSION_MINUTES:
            return None
        lasts_ms = self._durations.get(steps.conversion_key)
        if lasts_ms is None:
            turns = self.converted(steps).turns
            lasts_ms = self._durations[steps.conversion_key] = sum(duration_ms(turn, stage.rules) for turn in turns)
        return limit if lasts_ms > limit * 60_000 else None

    def _count(self, simulation: _Simulation, cache: CacheRule) -> SimulatedTokens:
        all_responses = simulation.responses
        hits = carried_hits(all_responses, cache, self.hits, simulation.fixed)
        writes = 0
        if cache.bills_writes:
            writes = sum(map(cache_write_tokens, all_responses, hits, [cache] * len(hits)))
        return SimulatedTokens(_quantities(all_responses, hits, writes), simulation.reasoning)


def _quantities(all_responses: Iterable[Response], hits: Iterable[Tokens], writes: int) -> TokenQuantities:
    text = audio = image = text_hit = audio_hit = image_hit = text_out = audio_out = 0
    for response, hit in zip(all_responses, hits, strict=True):
        tokens = response.input
        text, audio, image = text + tokens[0], audio + tokens[1], image + tokens[2]
        text_hit, audio_hit, image_hit = text_hit + hit[0], audio_hit + hit[1], image_hit + hit[2]
        text_out, audio_out = text_out + response.text_out, audio_out + response.audio_out
    return TokenQuantities(
        text - text_hit - writes,
        text_hit,
        writes,
        audio - audio_hit,
        audio_hit,
        image - image_hit,
        image_hit,
        text_out,
        audio_out,
    )


def _simulate(script: Script, rules: Rules) -> _Simulation | str:
    """The responses of a script that are billed; why there are none, as a clause."""
    try:
        billed = tuple(row for row in responses(script, rules) if any(row.input) or row.status == "completed")
    except ContextOverflow:
        return "its input does not fit the context of the model"
    except VoicebillError as error:
        return f"it cannot be counted by the rules of this model: {error.message}"
    return _simulation(script, rules, billed)


def _simulation(script: Script, rules: Rules, billed: Sequence[Response]) -> _Simulation:
    reasoning = sum(row.reasoning for row in billed)
    max_input = None if any(row.dropped for row in billed) else max(sum(row.input) for row in billed)
    return _Simulation(tuple(billed), fixed_tokens(script, rules), reasoning, max_input)


def recorded_hits(reconstruction: Reconstruction, rules: Rules) -> list[RecordedHit]:
    """What the responses of a recorded call found in the cache, and what its rules expect."""
    cache = expected_cache(reconstruction.script, rules)
    fixed = fixed_tokens(reconstruction.script, rules)
    return [
        RecordedHit(
            pair.place.turn, _hit(pair.record), cached_tokens(pair.simulated, cache), pair.simulated.common_prefix, fixed
        )
        for pair in reconstruction.responses
    ]


def _hit(record: RecordedResponse) -> Tokens:
    tokens = record.tokens
    return Tokens(tokens.text_in_cached, tokens.audio_in_cached, tokens.image_in_cached)


def script_variants(reconstruction: Reconstruction, rules: Rules) -> tuple[Script, ...]:
    """The script with what the log leaves open at either end: the user's part of an interruption smallest, and largest.

    The call lasts as long in each, as far as its silence allows that. No script if nothing is open.
    """
    if not reconstruction.intervals:
        return ()
    return tuple(_variant(reconstruction, rules, is_low=is_low) for is_low in (True, False))


def _variant(reconstruction: Reconstruction, rules: Rules, *, is_low: bool) -> Script:
    turns: list[Turn] = list(reconstruction.script.turns)
    lasts_ms = sum(duration_ms(turn, rules) for turn in turns)
    for entry in reconstruction.intervals:
        is_smallest = is_low == (entry.quantity == "user_audio_tokens")
        values: dict[str, Any] = {entry.quantity: entry.low if is_smallest else entry.high}
        if entry.quantity == "user_audio_tokens" and not values[entry.quantity]:
            values["user_messages"] = 1
        turns[entry.turn - 1] = replace(turns[entry.turn - 1], **values)
    longer_ms = sum(duration_ms(turn, rules) for turn in turns) - lasts_ms
    return replace(reconstruction.script, turns=tuple(_without_time(turns, longer_ms)))


def _without_time(turns: Iterable[Turn], too_long_ms: int) -> Iterator[Turn]:
    """Turns with so much less silence; what is negative is more silence in the first turn."""
    for turn in turns:
        less_ms = min(turn.silence_ms, too_long_ms)
        too_long_ms -= less_ms
        yield replace(turn, silence_ms=turn.silence_ms - less_ms) if less_ms else turn
