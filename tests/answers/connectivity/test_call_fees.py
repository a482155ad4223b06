"""What carriers and platforms take beside the models: the same in a stack as on the way, and never silently nothing."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.comparison.alternatives import alternatives
from voicebill.answers.connectivity.call_fees import MonthlyCalls
from voicebill.answers.connectivity.transport import ConnectionCosts, estimate_connection
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.reports.connection import ConnectionReport
from voicebill.billing.errors import Unpriced
from voicebill.conversation.call_lengths import LengthDistribution
from voicebill.conversation.plan import Plan
from voicebill.conversation.volume import Volume
from voicebill.facts import load_facts

DAY = date(2026, 11, 22)

PLATFORM = """
provider = "me"
checked = 2026-11-22
sources = ["a contract"]

[[offers]]
model = "calls"
kind = "platform"
[[offers.prices]]
since = "2026-11-01"
usd = {{ {price} }}
increments = {{ call_ms = 60_000 }}

[[stacks]]
name = "ours"
title = "typed, on our platform"
architecture = "text"
llm = ["gpt-4.1"]
fees = ["me/calls"]

[[stacks]]
name = "bare"
title = "typed"
architecture = "text"
llm = ["gpt-4.1"]
"""


def platform(folder: Path, price: str) -> Facts:
    """The facts with a platform of one's own beside them."""
    file = folder / "platform.toml"
    file.write_text(PLATFORM.format(price=price))
    return load_facts(file)


@pytest.mark.parametrize(("minutes", "turns"), [(6, 20), (2, 4), (Decimal("0.5"), 2)])
def test_month(tmp_path: Path, minutes: int | Decimal, turns: int) -> None:
    """A fee of a started minute costs the calls of a month as much in a stack as on the way there: rounded call by call."""
    facts, plan, volume = platform(tmp_path, "call_ms = 0.01, months = 99"), Plan(minutes=minutes, turns=turns), Decimal(30_000)
    result = alternatives(None, plan, ModelSelection(model="any", day=DAY), facts, Volume(volume, "month"))
    ours, bare = result.find("ours"), result.find("bare")
    assert ours
    assert bare
    connection = estimate_connection(
        plan,
        ConnectionCosts(platforms=("me/calls",)),
        facts.transport_catalog,
        DAY,
        MonthlyCalls(Fraction(30_000), LengthDistribution(), None),
    )
    assert ours.fixed_monthly_fee == 99 * 10**12
    assert (ours.mean_cost - bare.mean_cost) * 30_000 + ours.fixed_monthly_fee == connection.per_month


def test_other_meters(tmp_path: Path) -> None:
    """A platform that is priced by the session's minutes is not left out as if it took nothing: it is refused, and so is the
    stack.
    """
    facts, plan = platform(tmp_path, "session_ms = 0.01"), Plan(minutes=6, turns=20)
    with pytest.raises(Unpriced, match="me/calls is priced by session_ms"):
        estimate_connection(plan, ConnectionCosts(platforms=("me/calls",)), facts.transport_catalog, DAY)
    result = alternatives(None, plan, ModelSelection(model="any", day=DAY), facts)
    assert [alternative.name for alternative in result.not_possible if "session_ms" in str(alternative.reason)] == ["ours"]


def test_whole_call() -> None:
    """A carrier of $0.0085 for each started minute takes 2 × 0.0085 = $0.017 for 61 seconds."""
    plan = Plan(minutes=Decimal("1.016666667"), turns=2)
    connection = estimate_connection(
        plan, ConnectionCosts(carrier="twilio/voice-inbound-us-local"), load_facts().transport_catalog, DAY
    )
    assert connection.per_conversation == 17_000_000_000


def test_the_fees_of_a_month_add_up(tmp_path: Path) -> None:
    """Calls of 6 minutes: 30,000 × 6 × ($0.01 + $0.0085), 30,000 × 3.6 MB at $0.09 per GB, and $99 once."""
    facts = platform(tmp_path, "call_ms = 0.01, months = 99")
    costs = ConnectionCosts(carrier="twilio/voice-inbound-us-local", platforms=("me/calls",), egress_per_gb=Decimal("0.09"))
    plan = Plan(minutes=6, turns=20, transport="sip")
    equal_calls = MonthlyCalls(Fraction(30_000), LengthDistribution(0), None)
    connection = estimate_connection(plan, costs, facts.transport_catalog, DAY, equal_calls)
    document = ConnectionReport.of(connection).to_dict()
    assert [(fee["monthly_fee"], fee["per_month"]) for fee in document["fees"]] == [("0", "1530"), ("99", "1899")]
    assert (document["egress_per_month"], document["per_month"]) == ("9.72", "3438.72")
    different = MonthlyCalls(Fraction(30_000), LengthDistribution(), None)
    connection = estimate_connection(plan, costs, facts.transport_catalog, DAY, different)
    assert connection.egress_per_month is not None
    assert connection.per_month == connection.egress_per_month + sum(fee.per_month or 0 for fee in connection.fees)
    for fee, dollars in zip(connection.fees, (1530, 1899), strict=True):  # every call is rounded up
        assert fee.per_month is not None
        assert fee.per_month > dollars * 10**12


def test_without_a_volume_a_fee_has_no_month(tmp_path: Path) -> None:
    """But its monthly fee is known."""
    facts = platform(tmp_path, "call_ms = 0.01, months = 99")
    costs = ConnectionCosts(platforms=("me/calls",), egress_per_gb=Decimal("0.09"))
    connection = estimate_connection(Plan(minutes=6, turns=20), costs, facts.transport_catalog, DAY)
    document = ConnectionReport.of(connection).to_dict()
    assert (document["fees"][0]["monthly_fee"], document["fees"][0]["per_month"]) == ("99", None)
    assert (document["egress_per_month"], document["per_month"]) == (None, None)
