"""Hold the settings of a site: facts, day, limits and prefix."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache

from voicebill import __version__
from voicebill.answers.catalog.facts import Facts
from voicebill.answers.catalog.stacks import Stack
from voicebill.answers.comparison.alternatives import speech_rules
from voicebill.answers.comparison.model_choices import ModelChoices
from voicebill.answers.comparison.stack_builder import StackBuilder
from voicebill.answers.comparison.stack_pricing import BuiltStack
from voicebill.answers.comparison.stack_usage import StackUsage
from voicebill.answers.estimates.model_selection import DEFAULT_MODEL, ModelSelection
from voicebill.billing.errors import VoicebillError
from voicebill.billing.price_book import Adjustment
from voicebill.conversation.plan import Plan
from voicebill.facts import load_facts
from voicebill.facts.builders import FIRST_REALTIME_DAY
from voicebill.web.embedding import ANYWHERE, require_frame_ancestors

USUAL_PLAN = Plan(minutes=10, turns=20)
"""The conversation for which the models of a pipeline are chosen, and that of the page of questions."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a request and of concurrent requests."""

    turns: int = 1_000
    turns_per_minute: int = 60
    longest_call_turns: int = 6_000
    """Turns of the longest call of a month."""
    steps: int = 100_000
    """Responses of conversations that are counted for a request, at most 3 s of processor time: up to 27 µs each."""
    immediate_steps: int = 300
    """Responses that are counted before a request is handed to a thread: most take 3 µs, so that others wait 1 to 3 ms."""
    quick_steps: int = 2_000
    """Responses that are counted at most while others wait; a request that takes more goes on beside them."""
    body_bytes: int = 256 * 1024
    query_bytes: int = 8 * 1024
    log_bytes: int = 32 * 2**20
    """Size of an uploaded usage log, possibly compressed."""
    log_unpacked_bytes: int = 128 * 2**20
    log_records: int = 50_000
    concurrent_requests: int = 64
    """Requests that are processed at the same time; logs and charts are counted separately."""
    concurrent_logs: int = 6
    """Usage logs that are processed or wait for it, and bodies longer than `body_bytes` that are being received."""
    concurrent_charts: int = 40
    seconds: float = 20.0
    body_seconds: float = 20.0
    """Time in which the body of a request must arrive."""
    connections: int = 400
    """Connections at the same time; at the limit, the one without a complete request for longest is closed."""
    head_bytes: int = 32 * 1024
    """Size of the address and the headers of a request, and of its trailers."""
    head_seconds: float = 10.0
    """Time in which they must arrive."""
    idle_seconds: int = 15
    """Time for which a connection is kept between two requests."""
    pipelined_requests: int = 16
    """Requests of one connection that wait for the answer to an earlier one."""
    kept_bytes: int = 16 * 2**20
    """Size of the answers that are kept for those who open the same address."""
    unread_bytes: int = 64 * 2**20
    """Size of all answers that their clients have not read."""
    workers: int = 4
    slow_workers: int = 2
    log_workers: int = 2

    @property
    def log_mebibytes(self) -> int:
        """Size of an uploaded usage log in MiB."""
        return self.log_bytes // 2**20


@dataclass(frozen=True)
class Site:
    """The settings that all requests share.

    `today` returns the current day; `prefix` is the path under which a proxy serves the site; `rules` is the default rule set.
    `hosts` are the names by which it may be addressed; None: any. `frame_ancestors` are the sites that may show an embedded
    page, as a content security policy lists them.
    """

    today: Callable[[], date]
    facts: Facts = field(default_factory=load_facts)
    limits: Limits = field(default_factory=Limits)
    prefix: str = ""
    rules: str | None = None
    hosts: frozenset[str] | None = None
    frame_ancestors: tuple[str, ...] = (ANYWHERE,)
    facts_with_discount: Callable[[Decimal], Facts] = field(init=False)
    model_choices: Callable[[date], ModelChoices] = field(init=False)
    cheapest_pipeline: Callable[[date, str | None, Decimal], BuiltStack | None] = field(init=False)

    def __post_init__(self) -> None:
        require_frame_ancestors(self.frame_ancestors)
        object.__setattr__(self, "model_choices", lru_cache(maxsize=8)(lambda day: ModelChoices(self.facts.prices, day)))
        object.__setattr__(self, "cheapest_pipeline", lru_cache(maxsize=8)(self._cheapest_pipeline))
        object.__setattr__(self, "facts_with_discount", lru_cache(maxsize=32)(self._facts_with_discount))

    @cached_property
    def workers(self) -> ThreadPoolExecutor:
        """Threads for requests that take more than a few milliseconds, so that short ones do not wait."""
        return ThreadPoolExecutor(self.limits.workers, thread_name_prefix="voicebill")

    @cached_property
    def slow_workers(self) -> ThreadPoolExecutor:
        """Threads for requests that take more than `quick_steps`, so that no other request waits for them."""
        return ThreadPoolExecutor(self.limits.slow_workers, thread_name_prefix="voicebill-slow")

    @cached_property
    def log_workers(self) -> ThreadPoolExecutor:
        """Threads for usage logs, so that estimates do not wait for them."""
        return ThreadPoolExecutor(self.limits.log_workers, thread_name_prefix="voicebill-logs")

    @property
    def turn(self) -> asyncio.Lock:
        """The turn of the requests that are calculated in the event loop."""
        loop = asyncio.get_running_loop()
        if self.__dict__.get("_loop") is not loop:
            self.__dict__.update(_loop=loop, _turn=asyncio.Lock())
        turn: asyncio.Lock = self.__dict__["_turn"]
        return turn

    def stop(self) -> None:
        """Stop the threads; the next request starts new ones."""
        for name in ("workers", "slow_workers", "log_workers"):
            workers = self.__dict__.pop(name, None)
            if workers is not None:
                workers.shutdown(wait=False, cancel_futures=True)

    @cached_property
    def version(self) -> str:
        """The version of voicebill."""
        return __version__

    def _cheapest_pipeline(self, day: date, rules: str | None, discount: Decimal) -> BuiltStack | None:
        """The cheapest pipeline for a usual conversation, under a rule set and a discount in percent; None if none is sold.

        Which models it has is found out once, since all of them must be priced for it.
        """
        facts = self.facts_with_discount(discount) if discount else self.facts
        selection = ModelSelection(model=DEFAULT_MODEL, day=day, rules=rules)
        builder = StackBuilder(facts, selection, StackUsage(USUAL_PLAN, speech_rules(selection, facts)))
        try:
            return builder.build(Stack("cheapest", "the cheapest pipeline", "pipeline", {}))
        except VoicebillError:
            return None

    def _facts_with_discount(self, percent: Decimal) -> Facts:
        """The facts with a discount on every price, like a contract."""
        adjustment = Adjustment(
            name=f"discount of {percent.normalize():f}%",
            factor=1 - percent / 100,
            providers=(),
            models=(),
            deployments=(),
            since=FIRST_REALTIME_DAY,
            until=None,
            source="as stated on the page",
        )
        prices = self.facts.prices
        return replace(self.facts, prices=replace(prices, adjustments=(*prices.adjustments, adjustment)))
