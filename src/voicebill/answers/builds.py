"""Stacks as they are built: who sits where, and what a conversation costs, each seat billed by its own meters."""

from dataclasses import dataclass
from datetime import date

from voicebill.answers.costing import amount_of, lines_of
from voicebill.answers.scenarios import Scenarios
from voicebill.answers.stacks import Role, Stack
from voicebill.answers.talk import Talk, Usages
from voicebill.answers.tolls import toll
from voicebill.billing.bill import Line, amount, rounded_up
from voicebill.billing.money import Amount
from voicebill.billing.offers import Offer
from voicebill.billing.price_book import Found
from voicebill.conversation.rules import Rules


@dataclass(frozen=True, slots=True)
class Seat:
    """A model in a stack: what it does, as what it is sold, the rules that it counts by, and when it ends at the soonest."""

    role: Role
    found: Found
    rules: Rules
    ends: date | None
    streams: int = 1
    as_backend: bool = False

    @property
    def offer(self) -> Offer:
        """What is sold."""
        return self.found.offer

    def usages(self, talk: Talk) -> Usages:
        """What it uses for a conversation under the best, the expected and the worst cache, as its vendor rounds it.

        Raises:
            ContextOverflow: it cannot hold the conversation.
        """
        rates = self.found.rates
        if self.role == "answers":
            return talk.answered(self.rules, as_backend=self.as_backend)
        if self.role == "hears":
            used = talk.heard(rates, self.rules)
        elif self.role == "speaks":
            used = talk.spoken(rates, self.rules)
        elif self.role == "talks":
            used = talk.in_session(rates, self.rules)
        else:
            used = talk.streamed(self.streams)
        used = rounded_up(used, rates) if rates.row.increments else used
        return used, used, used

    def costs(self, talk: Talk) -> Scenarios:
        """What it costs for a conversation.

        Raises:
            Unpriced: it would use something that has no price.
            ContextOverflow: it cannot hold the conversation.
        """
        usages = self.usages(talk)
        if usages[0] is usages[2]:
            alike = self._amount(usages, 1)
            return Scenarios(alike, alike, alike)
        return Scenarios(*(self._amount(usages, at) for at in range(3)))

    def _amount(self, usages: Usages, at: int) -> Amount:
        found = amount(usages[at], self.found.rates)
        return amount_of(lines_of(usages[at], self.found.rates)) if found is None else found

    def lines(self, talk: Talk) -> tuple[Line, ...]:
        """Its lines of the expected bill."""
        return lines_of(self.usages(talk)[1], self.found.rates)


@dataclass(frozen=True, slots=True)
class Build:
    """A stack as it is built: who sits where, and what is paid beside for the minutes of a call."""

    stack: Stack
    seats: tuple[Seat, ...]
    fees: tuple[Found, ...] = ()

    def costs(self, talk: Talk) -> Scenarios:
        """What a conversation costs."""
        sums = [seat.costs(talk) for seat in self.seats]
        beside = sum(toll(fee, talk.lasts_ms).amount for fee in self.fees)
        return Scenarios(
            sum(each.best for each in sums) + beside,
            sum(each.expected for each in sums) + beside,
            sum(each.worst for each in sums) + beside,
        )

    @property
    def monthly(self) -> Amount:
        """What is paid for a month, however many conversations it has."""
        return sum(toll(fee, 0).monthly for fee in self.fees)

    @property
    def ends(self) -> date | None:
        """The soonest day on which one of its models ends by some source."""
        return min((seat.ends for seat in self.seats if seat.ends), default=None)
