"""Build the request of a reconciliation from declared inputs."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from voicebill.answers.invoices.reconcile import ReconcileRequest


def reconcile_request(values: Mapping[str, Any]) -> ReconcileRequest:
    """The request of values by the names of the inputs in `RECONCILE_QUERY`; other names are left out."""
    names = ("account", "by", "since", "until")
    rates = {code: Fraction(rate) for code, rate in values.get("exchange_rate", {}).items()}
    return ReconcileRequest(**{name: values[name] for name in names if name in values}, exchange_rates=rates)
