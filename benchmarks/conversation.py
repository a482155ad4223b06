"""Compare the time to simulate and price a conversation with libraries that price finished usages.

voicebill plans twenty turns, simulates them and prices them under all three cache behaviours. The other libraries get
twenty finished usages and price them once. Each result is the best of several rounds, with its ratio to the first. Estimates
and comparisons get another plan every time, so that nothing of an answer can be kept from the one before.
"""

import itertools
import logging
import os
import time
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from voicebill.answers.comparison.alternatives import alternatives, cheapest_pipelines
from voicebill.answers.comparison.compare import Comparison, available_offers, compare
from voicebill.answers.estimates.costing import priced_lines, total_amount
from voicebill.answers.estimates.counted_conversation import run_conversation, usage_for_cache
from voicebill.answers.estimates.estimate import estimate
from voicebill.answers.estimates.model_selection import ModelSelection, resolve_model
from voicebill.answers.estimates.simulate import simulate
from voicebill.answers.parameters.request import parse_estimate_request
from voicebill.answers.parsing.quantities import parse_volume
from voicebill.conversation.plan import Plan, script
from voicebill.conversation.rules import Cache
from voicebill.conversation.script import Script, Truncation, Turn
from voicebill.facts import load_facts

DAY = date(2026, 11, 22)
PLAN = Plan(minutes=10, turns=20)
SELECTION = ModelSelection(model="gpt-realtime", day=DAY)
FACTS = load_facts()
MONTH = parse_volume("30000/month")
ROUNDS = 9
BEHAVIOURS: tuple[Cache, ...] = ("all", "prefix", "none")


def best_seconds(*tasks: Callable[[], object]) -> list[float]:
    """Seconds per call of each task: the best of several rounds. The tasks take turns, so that machine load affects all."""
    counts = [_count(task) for task in tasks]
    rounds = [[_measure(task, count) / count for task, count in zip(tasks, counts, strict=True)] for _ in range(ROUNDS)]
    return [min(spent) for spent in zip(*rounds, strict=True)]


def _count(task: Callable[[], object], min_seconds: float = 0.1) -> int:
    """The number of calls that take long enough to be measured."""
    task()
    count = 1
    while (spent := _measure(task, count)) < min_seconds:
        count = max(count + 1, int(count * min_seconds / max(spent, 1e-6) * 1.1))
    return count


def _measure(task: Callable[[], object], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        task()
    return time.perf_counter() - start


def core() -> Callable[[], object]:
    """Plan, script, context, usage and bill under all three cache behaviours; the offer and its rules are already loaded."""
    resolved = resolve_model(SELECTION, None, FACTS)

    def task() -> list[object]:
        full_counts = run_conversation(script(PLAN, resolved.effective_rules.rules), resolved)
        return [
            total_amount(priced_lines(usage_for_cache(behaviour, full_counts), resolved.quote.rates))
            for behaviour in BEHAVIOURS
        ]

    return task


def twenty_usages() -> list[dict[str, int]]:
    """The twenty usages of the conversation as the API reports them: cached counts are included in the input counts."""
    resolved = resolve_model(SELECTION, None, FACTS)
    responses = simulate(script(PLAN, resolved.effective_rules.rules), SELECTION, FACTS).responses
    return [
        {
            "text": response.usage["text_in"] + response.usage["text_in_cached"],
            "audio": response.usage["audio_in"] + response.usage["audio_in_cached"],
            "text_cached": response.usage["text_in_cached"],
            "audio_cached": response.usage["audio_in_cached"],
            "text_out": response.usage["text_out"],
            "audio_out": response.usage["audio_out"],
        }
        for response in responses
    ]


def genai_prices(usages: list[dict[str, int]]) -> Callable[[], object]:
    """Twenty usages priced by genai-prices."""
    from genai_prices import Usage, calc_price

    finished = [
        Usage(
            input_tokens=counts["text"] + counts["audio"],
            cache_read_tokens=counts["text_cached"] + counts["audio_cached"],
            output_tokens=counts["text_out"] + counts["audio_out"],
            input_audio_tokens=counts["audio"],
            cache_audio_read_tokens=counts["audio_cached"],
            output_audio_tokens=counts["audio_out"],
        )
        for counts in usages
    ]
    return lambda: sum(calc_price(usage, "gpt-realtime", provider_id="openai").total_price for usage in finished)


def litellm_cost(usages: list[dict[str, int]]) -> Callable[[], object]:
    """Twenty usages priced by litellm with its bundled price list."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    logging.disable(logging.CRITICAL)
    import litellm
    from litellm.types.utils import CompletionTokensDetailsWrapper, PromptTokensDetailsWrapper, Usage

    finished: list[Any] = [
        Usage(
            prompt_tokens=counts["text"] + counts["audio"],
            completion_tokens=counts["text_out"] + counts["audio_out"],
            total_tokens=sum(counts[key] for key in ("text", "audio", "text_out", "audio_out")),
            prompt_tokens_details=PromptTokensDetailsWrapper(
                text_tokens=counts["text"],
                audio_tokens=counts["audio"],
                cached_tokens=counts["text_cached"] + counts["audio_cached"],
            ),
            completion_tokens_details=CompletionTokensDetailsWrapper(
                text_tokens=counts["text_out"], audio_tokens=counts["audio_out"]
            ),
        )
        for counts in usages
    ]
    cost = litellm.cost_calculator.cost_per_token
    return lambda: sum(
        sum(
            cost(
                model="gpt-realtime",
                custom_llm_provider="openai",
                prompt_tokens=usage.prompt_tokens,
                completion_tokens=usage.completion_tokens,
                usage_object=usage,
            )
        )
        for usage in finished
    )


def an_hour(turns: int) -> Callable[[], object]:
    """An hour with truncation, of a number of turns: the time should grow in proportion to the items in the history."""
    ms = 60 * 60_000 // turns
    turn = Turn(user_audio_ms=ms // 3, reply_audio_ms=ms // 3, silence_ms=ms // 4)
    long_script = Script(turns=(turn,) * turns, truncation=Truncation("auto", 0.8, 8000))
    return lambda: simulate(long_script, SELECTION, FACTS)


def different_plans(turns: int = 20) -> Iterator[Plan]:
    """Endless different plans of some turns, of about eight minutes."""
    return (Plan(minutes=8 + Decimal(number % 2000) / 1000, turns=turns) for number in itertools.count())


def comparison(plan: Plan) -> Comparison:
    """All realtime offers."""
    return compare(plan, available_offers(FACTS.prices, DAY), SELECTION, FACTS)


def comparisons() -> dict[str, Callable[[], object]]:
    """A plan with all realtime offers; with every named stack, as on the web page and in `voicebill compare`; and pipelines."""
    plans = different_plans()

    def with_stacks() -> object:
        plan = next(plans)
        return alternatives(comparison(plan), plan, SELECTION, FACTS)

    return {
        "voicebill: all realtime offers compared": lambda: comparison(next(plans)),
        "voicebill: all realtime offers and named stacks": with_stacks,
        "voicebill: the ten cheapest of all pipelines": lambda: cheapest_pipelines(next(plans), SELECTION, FACTS, 10),
    }


def estimates(turns: int) -> tuple[Callable[[], object], Callable[[], object]]:
    """The estimate of different plans without and with their month."""
    plans = different_plans(turns)
    return lambda: estimate(next(plans), SELECTION, FACTS), lambda: estimate(next(plans), SELECTION, FACTS, MONTH)


def answer_as_json() -> str:
    """An estimate with its month as the site answers it, from the fields of the address to the JSON."""
    request = parse_estimate_request(
        {"minutes": str(next(PLANS).minutes), "turns": "20", "conversations": "1000/month"}, today=DAY, issues=[]
    )
    assert request is not None
    answer = estimate(request.plan, request.selection, FACTS, request.volume)
    return answer.to_compact_json()


PLANS = different_plans()

COMPARISON_TARGETS = 50, 150, 2000
"""Milliseconds that comparisons may take: of offers, with named stacks, and of all pipelines."""

MONTH_TARGETS = {20: 4.5, 80: 6.0}
"""By the turns of a plan, how many times the time of its estimate the estimate with its month may take."""


def target(what: str, figure: float, maximum: float, unit: str) -> None:
    """Print whether a figure is within its target."""
    print(f"  target: {what} at most {maximum:,g} {unit}: {figure:,.1f}, {'met' if figure <= maximum else 'not met'}")


def main() -> None:
    """Run the benchmark and print the results."""
    usages = twenty_usages()
    alone, with_month = estimates(PLAN.turns)
    tasks: dict[str, Callable[[], object]] = {
        "voicebill: 20 turns simulated, priced three times": core(),
        "voicebill: a complete estimate, with warnings": alone,
        "voicebill: an estimate for a month of calls of all lengths": with_month,
        "voicebill: the same from the fields of an address to JSON": answer_as_json,
        **comparisons(),
        f"genai-prices {version('genai-prices')}: 20 usages priced once": genai_prices(usages),
        f"litellm {version('litellm')}: 20 usages priced once": litellm_cost(usages),
    }
    spent = best_seconds(*tasks.values())
    for name, seconds in zip(tasks, spent, strict=True):
        print(f"{name:<58} {seconds * 1e6:10,.0f} us {seconds / spent[0]:8.1f} x")
    for name, maximum in zip(comparisons(), COMPARISON_TARGETS, strict=True):
        target(name.removeprefix("voicebill: "), spent[list(tasks).index(name)] * 1000, maximum, "ms")
    for turns, ratio in MONTH_TARGETS.items():
        seconds_alone, seconds = best_seconds(*estimates(turns))
        name = f"voicebill: an estimate of {turns} turns with its month"
        print(f"{name:<58} {seconds * 1e6:10,.0f} us {seconds / seconds_alone:8.1f} x the estimate alone")
        target(f"{turns} turns with their month, relative to the estimate alone,", seconds / seconds_alone, ratio, "times")
    hours = (100, 200, 400, 800)
    for turns, seconds in zip(hours, best_seconds(*(an_hour(turns) for turns in hours)), strict=True):
        name = f"voicebill: an hour of {turns} turns, response by response"
        print(f"{name:<58} {seconds * 1e6:10,.0f} us {seconds / turns * 1e6:8.1f} us per turn")


if __name__ == "__main__":
    main()
