"""A conversation simulated and priced, beside peers that price finished usages: one run, ratios.

voicebill plans twenty turns, runs them through the context and prices them under all three cache behaviours. The peers
are given what they need, twenty finished usages, and price them once. Each measurement is the best of several rounds.
"""

import logging
import os
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from typing import Any

from voicebill.answers.alternatives import alternatives, every_pipeline
from voicebill.answers.compare import alive, compare
from voicebill.answers.costing import amount_of, conversation, lines_of, usage_under
from voicebill.answers.estimate import estimate
from voicebill.answers.offered import Asked, offered
from voicebill.answers.quantities import volume
from voicebill.answers.simulate import simulate
from voicebill.conversation.plan import Plan, script
from voicebill.conversation.rules import Cache
from voicebill.conversation.script import Script, Truncation, Turn
from voicebill.facts import load

DAY = date(2026, 11, 22)
PLAN = Plan(minutes=10, turns=20)
ASKED = Asked(model="gpt-realtime", day=DAY)
FACTS = load()
MONTH = volume("30000/month")
ROUNDS = 9
BEHAVIOURS: tuple[Cache, ...] = ("all", "prefix", "none")


def seconds_each(*works: Callable[[], object]) -> list[float]:
    """Seconds that one call of each takes: the best of rounds in which all take turns, so that they share the weather."""
    counts = [_count(work) for work in works]
    rounds = [[_timed(work, count) / count for work, count in zip(works, counts, strict=True)] for _ in range(ROUNDS)]
    return [min(spent) for spent in zip(*rounds, strict=True)]


def _count(work: Callable[[], object], least: float = 0.1) -> int:
    """How many calls take long enough to be measured."""
    work()
    count = 1
    while (spent := _timed(work, count)) < least:
        count = max(count + 1, int(count * least / max(spent, 1e-6) * 1.1))
    return count


def _timed(work: Callable[[], object], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        work()
    return time.perf_counter() - start


def core() -> Callable[[], object]:
    """Plan, script, context, usage and bill, under all three behaviours; the offer and its rules are at hand."""
    sold = offered(ASKED, None, FACTS)

    def work() -> list[object]:
        held = conversation(script(PLAN, sold.ruling.rules), sold)
        return [amount_of(lines_of(usage_under(behaviour, held), sold.found.rates)) for behaviour in BEHAVIOURS]

    return work


def twenty_usages() -> list[dict[str, int]]:
    """The twenty usages of the conversation, as the API reports them: cached counts are part of the input counts."""
    sold = offered(ASKED, None, FACTS)
    billed = simulate(script(PLAN, sold.ruling.rules), ASKED, FACTS).responses
    return [
        {
            "text": each.usage["text_in"] + each.usage["text_in_cached"],
            "audio": each.usage["audio_in"] + each.usage["audio_in_cached"],
            "text_cached": each.usage["text_in_cached"],
            "audio_cached": each.usage["audio_in_cached"],
            "text_out": each.usage["text_out"],
            "audio_out": each.usage["audio_out"],
        }
        for each in billed
    ]


def genai_prices(usages: list[dict[str, int]]) -> Callable[[], object]:
    """Twenty usages priced by genai-prices."""
    from genai_prices import Usage, calc_price

    finished = [
        Usage(
            input_tokens=each["text"] + each["audio"],
            cache_read_tokens=each["text_cached"] + each["audio_cached"],
            output_tokens=each["text_out"] + each["audio_out"],
            input_audio_tokens=each["audio"],
            cache_audio_read_tokens=each["audio_cached"],
            output_audio_tokens=each["audio_out"],
        )
        for each in usages
    ]
    return lambda: sum(calc_price(usage, "gpt-realtime", provider_id="openai").total_price for usage in finished)


def litellm_cost(usages: list[dict[str, int]]) -> Callable[[], object]:
    """Twenty usages priced by litellm, from the price list that it ships."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    logging.disable(logging.CRITICAL)
    import litellm
    from litellm.types.utils import CompletionTokensDetailsWrapper, PromptTokensDetailsWrapper, Usage

    finished: list[Any] = [
        Usage(
            prompt_tokens=each["text"] + each["audio"],
            completion_tokens=each["text_out"] + each["audio_out"],
            total_tokens=sum(each[key] for key in ("text", "audio", "text_out", "audio_out")),
            prompt_tokens_details=PromptTokensDetailsWrapper(
                text_tokens=each["text"],
                audio_tokens=each["audio"],
                cached_tokens=each["text_cached"] + each["audio_cached"],
            ),
            completion_tokens_details=CompletionTokensDetailsWrapper(
                text_tokens=each["text_out"], audio_tokens=each["audio_out"]
            ),
        )
        for each in usages
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
    """An hour of so many turns with cuts: time should grow with the items that are rendered, and no faster."""
    ms = 60 * 60_000 // turns
    turn = Turn(user_audio_ms=ms // 3, reply_audio_ms=ms // 3, silence_ms=ms // 4)
    talk = Script(turns=(turn,) * turns, truncation=Truncation("auto", 0.8, 8000))
    return lambda: simulate(talk, ASKED, FACTS)


def every_way() -> object:
    """All realtime offers and every stack that has a name: what the page and `voicebill compare` ask."""
    return alternatives(compare(PLAN, alive(FACTS.prices, DAY), ASKED, FACTS), PLAN, ASKED, FACTS)


def main() -> None:
    """Measure and print."""
    usages = twenty_usages()
    works = {
        "voicebill: 20 turns simulated, priced three times": core(),
        "voicebill: the whole estimate, offer to caveats": lambda: estimate(PLAN, ASKED, FACTS),
        "voicebill: the same for a month of 32 call lengths": lambda: estimate(PLAN, ASKED, FACTS, MONTH),
        "voicebill: all realtime offers side by side": lambda: compare(PLAN, alive(FACTS.prices, DAY), ASKED, FACTS),
        "voicebill: the same, and every stack that has a name": every_way,
        "voicebill: the ten cheapest of all pipelines": lambda: every_pipeline(PLAN, ASKED, FACTS, 10),
        f"genai-prices {version('genai-prices')}: 20 usages priced once": genai_prices(usages),
        f"litellm {version('litellm')}: 20 usages priced once": litellm_cost(usages),
    }
    spent = seconds_each(*works.values())
    for name, seconds in zip(works, spent, strict=True):
        print(f"{name:<58} {seconds * 1e6:10,.0f} us {seconds / spent[0]:8.1f} x")
    hours = (100, 200, 400, 800)
    for turns, seconds in zip(hours, seconds_each(*(an_hour(turns) for turns in hours)), strict=True):
        name = f"voicebill: an hour of {turns} turns, response by response"
        print(f"{name:<58} {seconds * 1e6:10,.0f} us {seconds / turns * 1e6:8.1f} us a turn")


if __name__ == "__main__":
    main()
