"""State a load of model calls for provisioned throughput, or derive it from a plan, and how its PTUs are bought."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any

from voicebill.answers.capacity.targets import CapacityTargets
from voicebill.answers.catalog.facts import Facts
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.provisioned.plan_load import PlanLoad, count_plan_load
from voicebill.billing.errors import InvalidInput
from voicebill.billing.offers import DEFAULT_DEPLOYMENT, DEPLOYMENTS, Deployment
from voicebill.billing.provisioned_throughput import PROVIDER, Throughput
from voicebill.billing.validation import Between, Number, Share, to_decimal_between, validate
from voicebill.conversation.call_lengths import CallLengths, LengthDistribution
from voicebill.conversation.plan import Plan
from voicebill.conversation.volume import HOURS_PER_DAY, HOURS_PER_WEEK, Volume, require_volume

MAX_CALLS_PER_MINUTE, MAX_TOKENS_PER_CALL, MAX_PTUS = 10**9, 10**8, 10**9

TokensPerCall = Annotated[Number, Between(0, MAX_TOKENS_PER_CALL)]


@dataclass(frozen=True, slots=True)
class PtuRequest:
    """A load of calls to a text model, and the PTUs that are bought for it.

    `calls_per_minute` are the model calls per minute in the busiest hour, tokens are per average call, `cache_rate` is the
    cached share of the prompt. `profile` is the load per hour of a day (24 numbers) or a week (168), in any unit: its busiest
    hour has `calls_per_minute`; without that, its numbers are calls per minute. Without a profile, the load is constant.
    `ptus` are the PTUs that are bought, if not those that the busiest hour needs. `plan_load` is the plan's load from which
    numbers are derived, if there is a plan.

    Raises:
        InvalidInput: a number is negative, missing, not a number, or out of range, or the deployment is unknown.
    """

    model: str
    day: date
    prompt_tokens: TokensPerCall
    response_tokens: TokensPerCall
    calls_per_minute: Annotated[Number | None, Between(0, MAX_CALLS_PER_MINUTE, above=True)] = None
    cache_rate: Share = Decimal(0)
    profile: tuple[Number, ...] = ()
    deployment: Deployment = DEFAULT_DEPLOYMENT
    region: str | None = None
    ptus: Annotated[int | None, Between(1, MAX_PTUS)] = None
    plan_load: PlanLoad | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("deployment", "region"):
            value = getattr(self, name)
            object.__setattr__(self, name, value.strip().lower() or None if isinstance(value, str) else value)
        validate(self)
        if Decimal(self.prompt_tokens) + Decimal(self.response_tokens) == 0:
            raise InvalidInput(
                "cannot be 0 if response_tokens is 0, too: a call without tokens needs no PTUs",
                field="prompt_tokens",
                mentions=("response_tokens",),
            )
        hours = tuple(to_decimal_between("profile", calls, Between(0, MAX_CALLS_PER_MINUTE)) for calls in self.profile)
        object.__setattr__(self, "profile", hours)
        if hours and len(hours) not in (HOURS_PER_DAY, HOURS_PER_WEEK):
            raise InvalidInput(f"must be 24 numbers, one per hour, or 168 for a week, not {len(hours)}", field="profile")
        if hours and not any(hours):
            raise InvalidInput("must have a load: each of its hours is 0", field="profile")
        if self.calls_per_minute is None and not hours:
            raise InvalidInput(
                "is missing: how many model calls per minute are there in the busiest hour?", field="calls_per_minute"
            )

    @property
    def hours(self) -> tuple[Fraction, ...]:
        """Calls per minute, hour by hour; one number for a constant load."""
        if not self.profile:
            return (Fraction(self.calls_per_minute or 0),)
        busiest = max(map(Fraction, self.profile))
        peak = busiest if self.calls_per_minute is None else self.calls_per_minute
        return tuple(Fraction(calls) * Fraction(peak) / Fraction(busiest) for calls in self.profile)

    @property
    def peak(self) -> Fraction:
        """Calls per minute in the busiest hour."""
        return max(self.hours)

    @property
    def input_tpm(self) -> Fraction:
        """Input tokens per minute in the busiest hour, cached ones included."""
        return self.peak * Fraction(self.prompt_tokens)

    @property
    def uncached_input_tpm(self) -> Fraction:
        """Uncached input tokens per minute in the busiest hour."""
        return self.input_tpm * (1 - Fraction(self.cache_rate))

    @property
    def output_tpm(self) -> Fraction:
        """Output tokens per minute in the busiest hour."""
        return self.peak * Fraction(self.response_tokens)

    def normalized_tokens(self, row: Throughput) -> Fraction:
        """Normalized tokens per call: output weighted as input, without the cached part."""
        tokens = (Fraction(self.prompt_tokens), Fraction(self.response_tokens), Fraction(self.cache_rate))
        return row.normalized_tokens(*tokens)

    @property
    def average(self) -> Fraction:
        """Calls per minute, averaged over all hours."""
        return sum(self.hours, Fraction(0)) / len(self.hours)


def derive_ptu_request(
    plan: Plan,
    volume: Volume | None,
    selection: ModelSelection,
    facts: Facts,
    *,
    lengths: LengthDistribution | CallLengths | None = None,
    targets: CapacityTargets | None = None,
    **fields: Any,  # noqa: ANN401 - the fields of a request
) -> PtuRequest:
    """The load of the text model of a pipeline (STT, LLM, TTS) that holds the conversations of a plan.

    `fields` are those of the request that are given, and not derived. The day and the rules are those of `selection`, and if
    that is Azure's, the deployment and the region, too; its model is not sized. `targets` give the busy hour.

    >>> from voicebill.facts import load_facts
    >>> calls = Volume(Decimal(30_000), "month")
    >>> selection = ModelSelection(model="gpt-realtime-1.5", day=date(2026, 11, 22))
    >>> plan, lengths = Plan(minutes=10, turns=20), LengthDistribution(0)
    >>> request = derive_ptu_request(plan, calls, selection, load_facts(), lengths=lengths)
    >>> request.model, str(request.calls_per_minute), str(request.prompt_tokens), str(request.response_tokens)
    ('gpt-5.2', '77.2727', '1921.6', '42.05')

    Raises:
        InvalidInput: a field is invalid; or neither a volume, nor calls per hour or per minute are given.
        ContextOverflow: the conversation does not fit the context of the text model, and may not be truncated.
        UnknownName: the rule set is unknown.
    """
    require_volume(volume)
    fields = {"day": selection.day, **_azure_place(selection), **fields}
    load = count_plan_load(
        plan,
        volume,
        fields.get("model"),
        replace(selection, day=fields["day"]),
        facts,
        lengths=lengths,
        targets=targets,
        needs_traffic="calls_per_minute" not in fields and "profile" not in fields,
    )
    derived = {
        "model": load.model,
        "calls_per_minute": load.calls_per_minute,
        "prompt_tokens": load.mean_prompt_tokens,
        "response_tokens": load.mean_response_tokens,
        "cache_rate": load.cache_rate,
        "profile": load.week,
    }
    return PtuRequest(**derived | fields, plan_load=load)


def _azure_place(selection: ModelSelection) -> Mapping[str, Any]:
    """The deployment and the region of a model on Azure, where its text model is taken to be deployed, too."""
    if selection.provider.strip().lower() != PROVIDER:
        return {}
    deployment = selection.deployment.strip().lower()
    return {"deployment": deployment, "region": selection.region} if deployment in DEPLOYMENTS else {}
