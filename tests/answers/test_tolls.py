"""What carriers and platforms take beside the models: the same in a stack as on the way, and never silently nothing."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from voicebill.answers.alternatives import alternatives
from voicebill.answers.facts import Facts
from voicebill.answers.lengths import Spread
from voicebill.answers.offered import Asked
from voicebill.answers.quantities import Volume
from voicebill.answers.tolls import Calls
from voicebill.answers.transport import Carriage, carried
from voicebill.billing.errors import Unpriced
from voicebill.conversation.plan import Plan
from voicebill.facts import load

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
answers = ["gpt-4.1"]
fees = ["me/calls"]

[[stacks]]
name = "bare"
title = "typed"
architecture = "text"
answers = ["gpt-4.1"]
"""


def platform(folder: Path, price: str) -> Facts:
    """The facts with a platform of one's own beside them."""
    file = folder / "platform.toml"
    file.write_text(PLATFORM.format(price=price))
    return load(file)


@pytest.mark.parametrize(("minutes", "turns"), [(6, 20), (2, 4), (Decimal("0.5"), 2)])
def test_month(tmp_path: Path, minutes: int | Decimal, turns: int) -> None:
    """A fee of a started minute costs the calls of a month as much in a stack as on the way there: rounded call by call."""
    facts, plan, volume = platform(tmp_path, "call_ms = 0.01, months = 99"), Plan(minutes=minutes, turns=turns), Decimal(30_000)
    ways = alternatives(None, plan, Asked(model="any", day=DAY), facts, Volume(volume, "month"))
    ours, bare = ways.named("ours"), ways.named("bare")
    assert ours
    assert bare
    way = carried(plan, Carriage(fees=("me/calls",)), facts.ways, DAY, Calls(Fraction(30_000), Spread(), None))
    assert ours.monthly == 99 * 10**12
    assert (ours.each - bare.each) * 30_000 + ours.monthly == way.per_month


def test_other_meters(tmp_path: Path) -> None:
    """A platform that is priced by the session's minutes is not left out as if it took nothing: it is refused, and so is the
    stack.
    """
    facts, plan = platform(tmp_path, "session_ms = 0.01"), Plan(minutes=6, turns=20)
    with pytest.raises(Unpriced, match="me/calls is priced by session_ms"):
        carried(plan, Carriage(fees=("me/calls",)), facts.ways, DAY)
    ways = alternatives(None, plan, Asked(model="any", day=DAY), facts)
    assert [way.name for way in ways.refused if "session_ms" in str(way.refusal)] == ["ours"]


def test_whole_call() -> None:
    """A carrier of $0.0085 for each started minute takes 2 × 0.0085 = $0.017 for 61 seconds."""
    plan = Plan(minutes=Decimal("1.016666667"), turns=2)
    way = carried(plan, Carriage(carrier="twilio/voice-inbound-us-local"), load().ways, DAY)
    assert way.per_conversation == 17_000_000_000
