"""Report a PTU sizing. Dollars, PTUs before rounding and shares are decimal strings; tokens per minute are whole numbers."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from voicebill.answers.provisioned.commitments import CommitmentName, CommitmentOption, PtuMix
from voicebill.answers.provisioned.plan_load import PlanLoad
from voicebill.answers.provisioned.result import PtuSizing
from voicebill.answers.reports.report import DayText, Dollars, Ratio, Report, format_decimal, package_version
from voicebill.answers.reports.table_cells import TERM_HOURS, amounts_by_term
from voicebill.billing.money import Amount, format_dollars
from voicebill.conversation.volume import HOURS_PER_MONTH, HOURS_PER_YEAR


@dataclass(frozen=True, slots=True, kw_only=True)
class PtuLoadReport(Report):
    """The load; numbers are decimal strings."""

    calls_per_minute: str
    """Calls per minute in the busiest hour."""
    average_calls_per_minute: str
    """Calls per minute, averaged over all hours."""
    prompt_tokens: str
    """Input tokens of an average call."""
    response_tokens: str
    """Output tokens of an average call."""
    cache_rate: str
    """Share of the input that is cached."""
    profile: tuple[str, ...] | None
    """Calls per minute by hour; null if constant."""

    @classmethod
    def of(cls, answer: PtuSizing) -> "PtuLoadReport":
        """The load of a sizing."""
        request = answer.request
        return cls(
            calls_per_minute=format_decimal(request.peak),
            average_calls_per_minute=format_decimal(request.average),
            prompt_tokens=format_decimal(Fraction(request.prompt_tokens)),
            response_tokens=format_decimal(Fraction(request.response_tokens)),
            cache_rate=format_decimal(Fraction(request.cache_rate)),
            profile=tuple(format_decimal(calls) for calls in request.hours) if request.profile else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLoadReport(Report):
    """The load of the text model of a plan's pipeline; numbers are decimal strings, means over calls of all lengths."""

    realtime_model: str
    """The plan's own model, which is not sized."""
    conversations_per_hour: str | None
    """Conversations in the busy hour; null if their number is not known."""
    requests: str
    """Model calls in a conversation."""
    prompt_tokens: str
    """Input tokens in a conversation, cached ones included."""
    cached_tokens: str
    """Cached input tokens in a conversation."""
    response_tokens: str
    """Output tokens in a conversation."""

    @classmethod
    def of(cls, load: PlanLoad) -> "PlanLoadReport":
        """The load of a plan."""
        return cls(
            realtime_model=load.realtime_model,
            conversations_per_hour=None if load.traffic is None else format_decimal(load.traffic.calls_per_hour),
            requests=format_decimal(load.requests),
            prompt_tokens=format_decimal(load.prompt_tokens),
            cached_tokens=format_decimal(load.cached_tokens),
            response_tokens=format_decimal(load.response_tokens),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PtuThroughputReport(Report):
    """Throughput of a PTU, and the numbers of PTUs that can be deployed."""

    input_tpm_per_ptu: int
    """Input tokens per minute that one PTU serves."""
    output_to_input_ratio: int
    """Input tokens to which one output token is equivalent."""
    minimum: int
    """Smallest number of PTUs that can be deployed."""
    increment: int
    """Step between numbers of PTUs that can be deployed."""
    max_calls_per_minute: str | None
    """Most calls per minute that the bought PTUs serve; null if calls use none of them."""
    checked: DayText
    """Day on which the figures were last compared with their source."""
    source: str
    """Where the figures were read."""

    @classmethod
    def of(cls, answer: PtuSizing) -> "PtuThroughputReport":
        """The throughput behind a sizing."""
        row, calls = answer.throughput, answer.max_calls_per_minute
        return cls(
            input_tpm_per_ptu=row.input_tpm_per_ptu,
            output_to_input_ratio=row.output_ratio,
            minimum=answer.increments.minimum_deployable,
            increment=answer.increments.increment,
            max_calls_per_minute=None if calls is None else format_decimal(calls),
            checked=row.checked.isoformat(),
            source=row.source,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PtuAmountsReport(Report):
    """An amount per average hour, month and year."""

    hour: Dollars | None
    """Dollars per average hour; null if a part has no price."""
    month: Dollars | None
    """Dollars per month of 730 hours; null if a part has no price."""
    year: Dollars | None
    """Dollars per year of 8,760 hours; null if a part has no price."""

    @classmethod
    def of(cls, per_hour: Amount | None) -> "PtuAmountsReport":
        """An hourly amount by term."""
        return cls(**_terms(per_hour))


@dataclass(frozen=True, slots=True, kw_only=True)
class PtuMixReport(Report):
    """A number of PTUs for the load, with spillover to pay as you go."""

    ptus: int
    """Number of PTUs."""
    spillover_share: Ratio
    """Share of all calls that spills over."""
    provisioned: PtuAmountsReport
    """Cost of the PTUs."""
    spillover: PtuAmountsReport
    """Cost of the calls that spill over."""
    total: PtuAmountsReport
    """Both."""

    @classmethod
    def of(cls, mix: PtuMix) -> "PtuMixReport":
        """A mix of PTUs and pay as you go."""
        return cls(
            ptus=mix.ptus,
            spillover_share=format_decimal(mix.spillover_share),
            provisioned=PtuAmountsReport.of(mix.provisioned),
            spillover=PtuAmountsReport.of(mix.spillover),
            total=PtuAmountsReport.of(mix.per_hour),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PtuBreakEvenReport(Report):
    """Average load around the clock from which the PTUs cost less than pay as you go."""

    calls_per_minute: str
    """Calls per minute."""
    share_of_peak: Ratio
    """The same as a share of the peak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentOptionReport(Report):
    """The bought PTUs under one commitment."""

    commitment: CommitmentName
    """The commitment: by the hour, or a reservation for a month or a year."""
    label: str
    """The commitment as people read it."""
    per_ptu: PtuAmountsReport
    """Price of one PTU."""
    hour: Dollars | None
    """Dollars for the bought PTUs per average hour."""
    month: Dollars | None
    """Dollars for the bought PTUs per month of 730 hours."""
    year: Dollars | None
    """Dollars for the bought PTUs per year of 8,760 hours."""
    break_even: PtuBreakEvenReport | None
    """Break-even with pay as you go; null if they never break even."""
    with_spillover: PtuMixReport
    """The bought PTUs with spillover."""
    cheapest: PtuMixReport | None
    """Mix with the cheapest number of PTUs; 0 means pay as you go only; null if pay as you go has no price."""
    checked: DayText
    """Day on which the price was last compared with its source."""
    source: str
    """Where the price was read."""

    @classmethod
    def of(cls, option: CommitmentOption) -> "CommitmentOptionReport":
        """One commitment with its costs."""
        commitment, calls, utilization = option.commitment, option.break_even, option.break_even_utilization
        return cls(
            commitment=commitment.name,
            label=commitment.label,
            per_ptu=PtuAmountsReport.of(commitment.per_ptu_hour),
            **_terms(option.mix.provisioned),
            break_even=None
            if calls is None or utilization is None
            else PtuBreakEvenReport(calls_per_minute=format_decimal(calls), share_of_peak=format_decimal(utilization)),
            with_spillover=PtuMixReport.of(option.mix),
            cheapest=None if option.cheapest_mix is None else PtuMixReport.of(option.cheapest_mix),
            checked=commitment.checked.isoformat(),
            source=commitment.source,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PayAsYouGoReport(Report):
    """Cost of the same load with pay as you go."""

    offer: str
    """Id of the offer."""
    call: Dollars
    """Dollars per call."""
    hour_at_peak: Dollars
    """Dollars per hour with the calls of the busiest hour."""
    hour: Dollars | None
    """Dollars per average hour."""
    month: Dollars | None
    """Dollars per month of 730 hours."""
    year: Dollars | None
    """Dollars per year of 8,760 hours."""
    since: str
    """First day of the prices; may be a month or year if the day is not known."""
    checked: DayText
    """Day on which the prices were last compared with their sources."""
    sources: tuple[str, ...]
    """Where the prices were read."""

    @classmethod
    def of(cls, answer: PtuSizing) -> "PayAsYouGoReport | None":
        """Pay as you go instead of PTUs; None if it has no price."""
        at_peak = answer.pay_as_you_go_cost(answer.request.peak)
        if answer.quote is None or answer.per_call is None or at_peak is None:
            return None
        row = answer.quote.rates.row
        return cls(
            offer=answer.quote.offer.id,
            call=format_dollars(answer.per_call),
            hour_at_peak=format_dollars(at_peak),
            **_terms(answer.pay_as_you_go_cost(answer.request.average)),
            since=str(row.since),
            checked=row.checked.isoformat(),
            sources=row.sources,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilizationReport(Report):
    """Utilization of the bought PTUs."""

    peak: Ratio
    """Share that is used in the busiest hour."""
    average: Ratio
    """Share that is used on average."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursReport(Report):
    """Hours per month and year."""

    month: int
    """Hours per month."""
    year: int
    """Hours per year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PtuReport(Report):
    """PTUs for a load, their prices, and their break-even."""

    voicebill: str
    """Version of voicebill."""
    model: str
    """Text model."""
    deployment: str
    """Deployment: global, data-zone or regional."""
    region: str | None
    """Region; null if the price does not depend on it."""
    day: DayText
    """Day of the prices."""
    currency: Literal["USD"]
    """Currency of all amounts."""
    load: PtuLoadReport
    """The load."""
    plan_load: PlanLoadReport | None
    """The plan's load from which it is derived; null without a plan."""
    input_tpm: int
    """Input tokens per minute in the busiest hour."""
    output_tpm: int
    """Output tokens per minute in the busiest hour."""
    normalized_tpm: int
    """Normalized tokens per minute in the busiest hour: output weighted as input, without the cached part."""
    raw_ptus: str
    """PTUs for the busiest hour, before rounding up."""
    ptus: int
    """PTUs required in the busiest hour."""
    bought_ptus: int
    """PTUs that are bought."""
    utilization: UtilizationReport
    """Utilization of the bought PTUs."""
    throughput: PtuThroughputReport
    """Throughput of a PTU."""
    prices: tuple[CommitmentOptionReport, ...]
    """Cost of the bought PTUs by commitment."""
    pay_as_you_go: PayAsYouGoReport | None
    """Cost of the same load with pay as you go; null if it has no price."""
    pay_as_you_go_missing: str | None
    """Why there is no such price; null if there is."""
    hours: HoursReport
    """Hours per month and year, as the vendor counts them."""
    digest: str
    """Digest of the facts about provisioned throughput."""
    warnings: tuple[str, ...]
    """What may make the figures wrong."""
    assumptions: tuple[str, ...]
    """What was assumed."""

    @classmethod
    def of(cls, answer: PtuSizing) -> "PtuReport":
        """A PTU sizing."""
        request = answer.request
        return cls(
            voicebill=package_version(),
            model=answer.throughput.model,
            deployment=request.deployment,
            region=request.region,
            day=request.day.isoformat(),
            currency="USD",
            load=PtuLoadReport.of(answer),
            plan_load=None if request.plan_load is None else PlanLoadReport.of(request.plan_load),
            input_tpm=round(request.input_tpm),
            output_tpm=round(request.output_tpm),
            normalized_tpm=round(answer.normalized_tpm),
            raw_ptus=format_decimal(answer.raw_ptus),
            ptus=answer.needed,
            bought_ptus=answer.bought,
            utilization=UtilizationReport(
                peak=format_decimal(answer.peak_utilization), average=format_decimal(answer.average_utilization)
            ),
            throughput=PtuThroughputReport.of(answer),
            prices=tuple(CommitmentOptionReport.of(option) for option in answer.options),
            pay_as_you_go=PayAsYouGoReport.of(answer),
            pay_as_you_go_missing=answer.missing_reason or None,
            hours=HoursReport(month=int(HOURS_PER_MONTH), year=HOURS_PER_YEAR),
            digest=answer.digest,
            warnings=answer.warnings,
            assumptions=answer.assumptions,
        )


def _terms(per_hour: Amount | None) -> dict[str, Any]:
    if per_hour is None:
        return dict.fromkeys(TERM_HOURS)
    return {term: format_dollars(amount) for term, amount in amounts_by_term(per_hour).items()}
