"""Who could sit in a stack on a day, and who is taken: the cheapest of those that meet the stack's wishes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from itertools import product
from typing import NamedTuple

from voicebill.answers.builds import Build, Seat
from voicebill.answers.facts import Facts
from voicebill.answers.offered import Asked
from voicebill.answers.scenarios import Scenarios
from voicebill.answers.stacks import IN_TIME, KINDS, ROLES, Role, Stack
from voicebill.answers.talk import Talk
from voicebill.answers.tolls import paid_by_the_minute
from voicebill.billing.errors import NotOffered, Unpriced, VoicebillError
from voicebill.billing.offers import Offer


class Taken(NamedTuple):
    """A seat and what it costs for the conversation that was asked about."""

    costs: Scenarios
    seat: Seat


class Seating:
    """Every offer that is sold on the day, by what it could do in a stack; `talk` is the conversation that is asked about.

    `asked` gives the day and the rules; its model and provider mean nothing here.
    """

    def __init__(self, facts: Facts, asked: Asked, talk: Talk) -> None:
        self.facts = facts
        self.asked = asked
        self.talk = talk
        self._able: dict[Role, tuple[Seat, ...]] = {}
        self._costs: dict[tuple[str, Role, int, bool], Taken | str] = {}

    def build(self, stack: Stack) -> Build:
        """A stack of the cheapest offers that meet its wishes.

        Raises:
            NotOffered: for one of its seats nobody does; the text says which.
        """
        seats = tuple(self._cheapest(role, stack).seat for role in ROLES[stack.architecture])
        return Build(stack, seats, tuple(paid_by_the_minute(name, self.facts.prices, self.asked.day) for name in stack.fees))

    def every_pipeline(self, wishes: Stack) -> Iterator[tuple[Scenarios, tuple[Seat, ...]]]:
        """Every pipeline that meets some wishes, its models at any tier that answers in time, unsorted."""
        columns = [
            [
                taken
                for tier in IN_TIME
                for seat in self._meeting(role, replace(wishes, tier=tier))
                if (taken := self._priced(seat))
            ]
            for role in ROLES["pipeline"]
        ]
        columns = [list({taken.seat.offer.id: taken for taken in column}.values()) for column in columns]
        for pipeline in product(*columns):
            best, expected, worst = (sum(costs) for costs in zip(*(_bare(each.costs) for each in pipeline), strict=True))
            yield Scenarios(best, expected, worst), tuple(each.seat for each in pipeline)

    def able(self, role: Role) -> tuple[Seat, ...]:
        """Everybody who could do something, with prices on the day and not ended by every source."""
        if role not in self._able:
            book, day = self.facts.prices, self.asked.day
            kind = KINDS[role]
            readers = self._readers() if role == "speaks" else frozenset()
            offers = (
                offer
                for offer in book.offers
                if (offer.kind == kind or (offer.kind == "realtime" and not readers.isdisjoint((offer.model, offer.name))))
                and not offer.example
                and book.priced(offer, day)
                and not book.ended(offer, day)
            )
            self._able[role] = tuple(seat for offer in offers if (seat := self._seat(role, offer)))
        return self._able[role]

    def _readers(self) -> frozenset[str]:
        """Realtime models that can read a text out: those that vendors name in the place of speech models, or stacks do."""
        speech = {offer.model for offer in self.facts.prices.offers if offer.kind == "speech"}
        instead = {row.replacement for row in self.facts.prices.lifecycle if row.model in speech and row.replacement}
        return frozenset(instead.union(*(stack.models.get("speaks", ()) for stack in self.facts.stacks)))

    def _seat(self, role: Role, offer: Offer) -> Seat | None:
        book, asked = self.facts.prices, self.asked
        region = offer.regions[0] if offer.deployment == "regional" and offer.regions else None
        try:
            found = book.find(
                offer.name,
                day=asked.day,
                provider=offer.provider,
                deployment=offer.deployment,
                region=region,
                tier=offer.tier,
                kind=offer.kind,
            )
        except (NotOffered, Unpriced):
            return None
        ruling = self.facts.ruling(found.offer, day=asked.day, rules=asked.rules, overrides=asked.overrides)
        return Seat(role, found, ruling.rules, book.soonest_end(found.offer))

    def _cheapest(self, role: Role, stack: Stack) -> Taken:
        meeting = list(self._meeting(role, stack))
        if not meeting:
            raise NotOffered(self._nobody(role, stack))
        backend = stack.architecture == "live" and role == "answers"
        priced = [self._costs_of(replace(seat, streams=stack.streams, as_backend=backend)) for seat in meeting]
        able = [each for each in priced if isinstance(each, Taken)]
        if not able:
            raise NotOffered(f"nobody {role} at a known price: {next(each for each in priced if isinstance(each, str))}")
        return min(able, key=_dearness)

    def _meeting(self, role: Role, stack: Stack) -> Iterator[Seat]:
        """Who meets a stack's wishes; nobody who may have ended, unless he is named."""
        wanted = stack.models.get(role, ())
        tier = stack.tier if role == "answers" else "standard"
        until = self.asked.day + timedelta(days=stack.lives_days)
        for seat in self.able(role):
            offer = seat.offer
            named = not {offer.model, offer.name, *offer.also_named}.isdisjoint(wanted)
            sold = stack.provider in (None, offer.provider) and stack.deployment in (None, offer.deployment)
            lives = seat.ends is None or (seat.ends >= until if stack.lives_days else seat.ends > until or named)
            if (named or not wanted) and sold and lives and offer.tier == tier:
                yield seat

    def _nobody(self, role: Role, stack: Stack) -> str:
        wanted = stack.models.get(role, ())
        wishes = [
            f"named {' or '.join(wanted)}" if wanted else "",
            f"of {stack.provider}" if stack.provider else "",
            f"({stack.deployment})" if stack.deployment else "",
            f"at the tier {stack.tier}" if role == "answers" and stack.tier != "standard" else "",
            f"that lives until {self.asked.day + timedelta(days=stack.lives_days)}" if stack.lives_days else "",
        ]
        what = " ".join(wish for wish in wishes if wish)
        return f"no {KINDS[role]} model {what or 'at all'} is sold on {self.asked.day}"

    def _priced(self, seat: Seat) -> Taken | None:
        found = self._costs_of(seat)
        return found if isinstance(found, Taken) else None

    def _costs_of(self, seat: Seat) -> Taken | str:
        """What a seat costs for the conversation, or why that is not known."""
        key = (seat.offer.id, seat.role, seat.streams, seat.as_backend)
        if key not in self._costs:
            try:
                self._costs[key] = Taken(seat.costs(self.talk), seat)
            except VoicebillError as error:
                self._costs[key] = str(error)
        return self._costs[key]


def _bare(costs: Scenarios) -> tuple[Fraction | int, Fraction | int, Fraction | int]:
    return costs.best, costs.expected, costs.worst


def _dearness(taken: Taken) -> tuple[Fraction, bool, bool, int, str]:
    """The cheapest first; of equals the one of which more is sure, OpenAI's own before others', and the newest version."""
    offer = taken.seat.offer
    sure = taken.seat.found.rates.row.confidence == "high"
    newest = -min(row.since.first.toordinal() for row in offer.rows)
    return Fraction(taken.costs.expected), not sure, offer.provider != "openai", newest, offer.id
