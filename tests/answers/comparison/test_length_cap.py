"""Answers over calls of all lengths say that a session's end shortens them, where it does so noticeably, and only there.

The remarks begin between 2% and 3% of the mean length; the cases keep clear of that, at 1.5% and 3.5%.
"""

from decimal import Decimal
from math import log, sqrt
from statistics import NormalDist

import pytest

from tests.cases import DAY
from voicebill.answers.capacity.capacity import plan_capacity
from voicebill.answers.capacity.targets import CapacityTargets
from voicebill.answers.comparison.compare import compare, offer_notes
from voicebill.answers.estimates.estimate import estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.conversation.call_lengths import CallLengths, LengthDistribution
from voicebill.conversation.plan import Plan
from voicebill.conversation.volume import Volume
from voicebill.facts import load_facts

SELECTION = ModelSelection(model="gpt-realtime-1.5", day=DAY)
MONTH = Volume(Decimal(1000), "month")
NOTICEABLE, HARDLY = Plan(minutes=Decimal("21.3"), turns=20), Plan(minutes=16, turns=20)
"""Means of which calls of up to 60 minutes keep 96.5% and 98.5%."""

Lengths = LengthDistribution | CallLengths | None


def kept_share(mean: float, coefficient: float, cap: float) -> float:
    """The share of its mean that a lognormal distribution keeps if longer calls end at the cap."""
    sigma = sqrt(log(1 + coefficient**2))
    z = (log(cap / mean) + sigma**2 / 2) / sigma
    normal = NormalDist()
    return normal.cdf(z - sigma) + cap / mean * (1 - normal.cdf(z))


def test_the_cases_are_clear_of_the_thresholds() -> None:
    assert kept_share(21.3, 0.8, 60) == pytest.approx(0.965, abs=0.001)
    assert kept_share(16, 0.8, 60) == pytest.approx(0.985, abs=0.001)


def estimate_texts(plan: Plan, lengths: Lengths) -> tuple[str, ...]:
    return estimate(plan, SELECTION, load_facts(), MONTH, lengths).warnings


def capacity_texts(plan: Plan, lengths: Lengths) -> tuple[str, ...]:
    return plan_capacity(plan, SELECTION, load_facts(), MONTH, CapacityTargets(), lengths=lengths).warnings


def comparison_texts(plan: Plan, lengths: Lengths) -> tuple[str, ...]:
    offers = load_facts().prices.offers_named("gpt-realtime-1.5", "openai", "realtime")
    (candidate,) = compare(plan, offers, SELECTION, load_facts(), MONTH, lengths=lengths).candidates
    return tuple(offer_notes(candidate))


@pytest.mark.parametrize("texts", [estimate_texts, capacity_texts, comparison_texts])
@pytest.mark.parametrize(
    ("plan", "lengths", "remarks"),
    [
        pytest.param(NOTICEABLE, None, 1, id="3.5% less"),
        pytest.param(HARDLY, None, 0, id="1.5% less"),
        # The wider the spread, the more is cut: of a mean of 16 minutes 4.6% at 1.2; of 21.3 minutes nothing without a spread
        pytest.param(HARDLY, LengthDistribution(Decimal("1.2")), 1, id="a wide spread"),
        pytest.param(NOTICEABLE, LengthDistribution(0), 0, id="no spread"),
    ],
)
def test_a_session_that_ends_is_remarked_where_it_shortens_the_mean(
    texts: object, plan: Plan, lengths: Lengths, remarks: int
) -> None:
    assert callable(texts)
    matching = [text for text in texts(plan, lengths) if "calls end at 60 minutes" in text]
    assert len(matching) == remarks
