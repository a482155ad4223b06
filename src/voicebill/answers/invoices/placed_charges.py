"""Place the charges of a bill: beside which recorded model and account each stands, and how much of what it charges."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from voicebill.answers.invoices.all_models import COST_METER, all_models_of
from voicebill.answers.invoices.billed_models import BilledModel
from voicebill.answers.invoices.billed_usage import BilledUsage, ChargeKey, ChargeSum
from voicebill.answers.invoices.causes import CauseName
from voicebill.answers.invoices.recorded_usage import RecordedUsage
from voicebill.billing.money import Amount
from voicebill.billing.offers import Offer

MIN_ACCOUNT_SHARE = Fraction(1, 2)
"""A field names the accounts that the log names if this share of the money is of such names."""
CATEGORY_CAUSES: Mapping[str, CauseName] = {
    "tax": "tax",
    "credit": "credits",
    "adjustment": "adjustments",
    "purchase": "purchases",
}


@dataclass(frozen=True, slots=True)
class PlacedCharge:
    """Charges for a recorded model, or another deployment of it, over so many `days` from `day`.

    `offer` is that of the vendor's meter. `is_implied`: the bill has no quantity, and this one is what the money buys at the
    offer's price. `dollars` is None of a count without money; `listed` is the same quantity at the bill's list price.
    """

    day: date | None
    account: str | None
    model: BilledModel
    offer: Offer
    meter: str
    quantity: Amount
    is_implied: bool
    dollars: int | None
    listed: int | None
    rows: int
    requests: int | None
    days: int = 1


@dataclass(frozen=True, slots=True)
class OutsideCharge:
    """Charges for what was not recorded at all, with the causes that follow from that, and what says so.

    `name` is that of the model, or of what else it is for.
    """

    causes: tuple[CauseName, ...]
    detail: str
    name: str
    day: date | None
    account: str | None
    dollars: int
    rows: int


@dataclass
class PlacedCharges:
    """All charges of a bill, placed.

    `account_field` is the field of the bill that names the log's accounts, if any does. `has_periods`: charges are of more than
    a day each, or have no day, so that days cannot be compared.
    """

    account_field: str | None = None
    inside: list[PlacedCharge] = field(default_factory=list)
    outside: list[OutsideCharge] = field(default_factory=list)
    has_periods: bool = False


def place_charges(billed: BilledUsage, recorded: RecordedUsage) -> PlacedCharges:
    """Place every sum of charges."""
    placed = PlacedCharges(account_field=_account_field(billed, recorded))
    placed.has_periods = any(key.days != 1 and key.offer_id for key in billed.sums)
    counted = {_number(billed, total) for total in billed.sums.values() if total.is_counted}
    charged = {_number(billed, total) for total in billed.sums.values() if total.rows}
    names = {name.casefold(): name for name in recorded.accounts}
    for key, total in billed.sums.items():
        account = _account(key, placed.account_field, names)
        model = recorded_model(billed_model(billed, total.offer), recorded) if total.offer else None
        is_other_account = account is not None and account not in recorded.accounts
        if model is None or is_other_account:
            value = 0 if _number(billed, total) in charged else _counted_value(key, total, recorded)
            placed.outside += _outside(
                key, total, account, total.dollars + value, has_model=model is not None, is_other_account=is_other_account
            )
            continue
        entry = _placed(key, total, account, model, recorded, is_counted=_number(billed, total) in counted)
        placed.inside.append(entry)
    return placed


def recorded_model(model: BilledModel, usage: RecordedUsage) -> BilledModel | None:
    """The recorded model that a billed one is compared with: itself, or another deployment of it; None without any."""
    return usage.models.get(model.number) or usage.main_models.get(model.family)


def billed_model(billed: BilledUsage, offer: Offer) -> BilledModel:
    """The model of an offer on a bill, which may stand for all models of its provider."""
    everything = all_models_of(offer.provider)
    return everything if offer in everything.offers else billed.models.of_offer(offer)


def _number(billed: BilledUsage, total: ChargeSum) -> int | str | None:
    return billed_model(billed, total.offer).number if total.offer else None


def _account_field(billed: BilledUsage, recorded: RecordedUsage) -> str | None:
    """The field of the bill whose values are the accounts of the log, for at least half of the money."""
    if not recorded.accounts:
        return None
    names = {name.casefold() for name in recorded.accounts}
    total = Fraction(0)
    shares: Counter[str] = Counter()
    for key, sums in billed.sums.items():
        weight = (abs(sums.dollars) or 1) if sums.offer else 0
        total += weight
        shares.update({name: weight for name, value in key.accounts if value.casefold() in names})
    field_name, share = max(shares.items(), key=lambda entry: (entry[1], entry[0]), default=("", 0))
    return field_name if field_name and share >= MIN_ACCOUNT_SHARE * total else None


def _account(key: ChargeKey, account_field: str | None, names: Mapping[str, str]) -> str | None:
    """The account of a charge, as the log writes it if it is in the log."""
    value = next((value for name, value in key.accounts if name == account_field), None)
    return None if value is None else names.get(value.casefold(), value)


def _counted_value(key: ChargeKey, total: ChargeSum, recorded: RecordedUsage) -> int:
    """What a count without money costs at our price, in picodollars."""
    rate = recorded.rate_of(total.offer, key.meter, key.day) if total.offer and key.day else None
    return round(Fraction(total.counted) * rate.picodollars / rate.per) if rate else 0


def _outside(
    key: ChargeKey, total: ChargeSum, account: str | None, dollars: int, *, has_model: bool, is_other_account: bool
) -> Iterator[OutsideCharge]:
    if dollars or total.rows:
        name = key.name or (total.offer.name if total.offer else "")
        causes = _outside_causes(key, total.offer, has_model=has_model, is_other_account=is_other_account)
        detail = account or "" if "other-projects" in causes else name
        yield OutsideCharge(causes, detail, name, key.day, account, dollars, total.rows)


def _outside_causes(key: ChargeKey, offer: Offer | None, *, has_model: bool, is_other_account: bool) -> tuple[CauseName, ...]:
    """Why a charge has nothing recorded beside it; its account and its model, if the log has neither."""
    if key.category != "usage":
        return (CATEGORY_CAUSES[key.category],)
    if key.meter == COST_METER.name or (offer is None and not key.is_model):
        return ("other-services",)
    model: CauseName = "transcription" if offer and offer.kind == "transcription" else "other-models"
    return (*(() if has_model else (model,)), *(("other-projects",) if is_other_account else ()))


def _placed(
    key: ChargeKey, total: ChargeSum, account: str | None, model: BilledModel, recorded: RecordedUsage, *, is_counted: bool
) -> PlacedCharge:
    assert total.offer is not None
    quantity: Amount = total.counted if is_counted else total.charged
    is_implied = not total.has_quantity and not is_counted
    if is_implied:
        rate = recorded.rate_of(total.offer, key.meter, key.day) if key.day else None
        quantity = total.dollars / Fraction(rate.picodollars, rate.per) if rate and rate.picodollars else 0
    return PlacedCharge(
        day=key.day,
        account=account,
        model=model,
        offer=total.offer,
        meter=key.meter,
        quantity=quantity,
        is_implied=is_implied,
        dollars=total.dollars if total.rows else None,
        listed=total.listed if total.rows and total.listed_rows == total.rows else None,
        rows=total.rows,
        requests=total.requests if total.has_requests else None,
        days=key.days,
    )
