"""Reconcile a usage log with a vendor's bill, both of which were sent, within the site's limits. Neither is stored."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from typing import Any

from voicebill.answers.invoices.charge import Charge
from voicebill.answers.invoices.reconciliation import Reconciliation
from voicebill.answers.invoices.request import reconcile_request
from voicebill.answers.parameters.inputs import LOG_DEFAULTS, RECONCILE_QUERY
from voicebill.answers.parameters.read_inputs import read_inputs
from voicebill.answers.reports.tolerance import reconciliation_excess
from voicebill.billing.errors import VoicebillError
from voicebill.engines.invoiced_usage import reconcile_usage
from voicebill.logs.bills.bill_report import BillReport
from voicebill.logs.bills.read_bills import is_bill, read_bills
from voicebill.logs.report_text import report_notes
from voicebill.logs.sources import Source
from voicebill.web.forms.fields import PAGE_BILL_INPUTS
from voicebill.web.site import Site
from voicebill.web.status_reports import Problem
from voicebill.web.uploaded_logs import AGAINST_BILL, Cancellation, LoadedLog, LogRequest, UploadedFile, load_log, open_uploads

NO_BILL = "choose the files of the vendor's bill"
PAGE_INPUTS = {**PAGE_BILL_INPUTS, **{name: RECONCILE_QUERY[name] for name in ("where", "since", "until")}}
"""What the page asks a comparison with."""


def bill_request(values: Mapping[str, str], files: Mapping[str, tuple[UploadedFile, ...]]) -> LogRequest:
    """A comparison that is asked for over the API. If no file is sent as a bill, bills are told from logs by their content."""
    logs, bills = files.get("log", ()), files.get("bill", ())
    if not bills:
        bills = tuple(file for file in logs if is_bill(Source(file.name, content=BytesIO(file.content))))
        logs = tuple(file for file in logs if file not in bills)
    of_log = {name: values[name] for name in (*LOG_DEFAULTS, "where", "format") if name in values}
    inputs = {name: values[name] for name in RECONCILE_QUERY if name in values}
    return LogRequest({**of_log, "explain": AGAINST_BILL}, logs, bills, inputs)


def reconcile_upload(log: LogRequest, site: Site, cancellation: Cancellation) -> Reconciliation:
    """A log beside the bill that was sent with it.

    Raises:
        Problem: there is no bill, it is none, or it is too large; or as `load_log`.
    """
    if not log.bills:
        raise Problem(422, "Invalid input", [("bill", NO_BILL)])
    with load_log(log, site, cancellation) as loaded:
        values = _values_of(log)
        bill_report = BillReport()
        charges = read_bills(*open_uploads(log.bills, "bill", NO_BILL, site, cancellation), report=bill_report)
        try:
            answer = _reconcile(loaded, _limit_charges(charges, site, cancellation), values, site)
        except VoicebillError as error:
            raise Problem(422, "Invalid input", [(error.field or "bill", error.message)]) from None
    report = loaded.report
    unread = [report.unread_usage.warning] if report.unread_usage else []
    excess = filter(None, [reconciliation_excess(answer, values.get("tolerance"))])
    notes = (*bill_report.notes(), *unread, *report_notes(report))
    return replace(answer, warnings=(*excess, *notes, *answer.warnings))


def _reconcile(loaded: LoadedLog, charges: Iterable[Charge], values: Mapping[str, Any], site: Site) -> Reconciliation:
    query = replace(loaded.query, by=(), since=None, until=None, top=None, calls=False)
    return reconcile_usage(loaded.database, query, charges, site.facts.prices, reconcile_request(values))


def _values_of(log: LogRequest) -> Mapping[str, Any]:
    """The values of the inputs, by the names that a comparison has for them."""
    if log.inputs is not None:
        return read_inputs(log.inputs, RECONCILE_QUERY)
    values = read_inputs({name: log.values[name] for name in PAGE_INPUTS if name in log.values}, PAGE_INPUTS)
    return {"by" if name == "bill_by" else name: value for name, value in values.items()}


def _limit_charges(charges: Iterable[Charge], site: Site, cancellation: Cancellation) -> Iterator[Charge]:
    max_charges = site.limits.log_records
    for number, charge in enumerate(charges, start=1):
        cancellation.raise_if_cancelled()
        if number > max_charges:
            message = f"has more than {max_charges:,} charges: the command line reads bills of any size"
            raise Problem(413, "Too long", [("bill", message)])
        yield charge
