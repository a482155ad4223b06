"""Say how a bill is compared, and build that from declared inputs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from voicebill.answers.invoices.charge import Charge
from voicebill.answers.parameters.inputs import DEFAULT_BILL_ACCOUNT, DEFAULT_BILL_LINES, BillAccount
from voicebill.billing.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileRequest:
    """How a bill is compared.

    `account` is the field of the records that is compared with the bill's projects or resources. `since` and `until`
    (exclusive) are days of the bill; None: all. `exchange_rates` say how much of a currency a dollar buys, by its
    code. The lines of the answer are grouped `by` fields.
    """

    account: BillAccount = DEFAULT_BILL_ACCOUNT
    since: date | None = None
    until: date | None = None
    exchange_rates: Mapping[str, Fraction] = field(default_factory=dict)
    by: tuple[str, ...] = DEFAULT_BILL_LINES

    def __post_init__(self) -> None:
        if self.since and self.until and self.since >= self.until:
            raise InvalidInput(
                f"({self.until}, exclusive) must be after since ({self.since})", field="until", mentions=("since",)
            )

    @property
    def account_field(self) -> str | None:
        """The field of the records; None if accounts are not compared."""
        return None if self.account == "none" else self.account

    def covers(self, charge: Charge) -> bool:
        """Whether a charge is of the days that are asked about."""
        if charge.start is None:
            return self.since is None and self.until is None
        day = charge.start.date()
        return (self.since is None or day >= self.since) and (self.until is None or day < self.until)


def reconcile_request(values: Mapping[str, Any]) -> ReconcileRequest:
    """The request of values by the names of the inputs in `RECONCILE_QUERY`; other names are left out."""
    names = ("account", "by", "since", "until")
    rates = {code: Fraction(rate) for code, rate in values.get("exchange_rate", {}).items()}
    return ReconcileRequest(**{name: values[name] for name in names if name in values}, exchange_rates=rates)
