"""Read bills: find the files, recognise the format of each, and yield their charges."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from voicebill.answers.invoices.charge import Charge
from voicebill.logs.bills.azure_costs import azure_charges
from voicebill.logs.bills.bill_report import BillReport, UnreadableBill
from voicebill.logs.bills.focus import focus_charges
from voicebill.logs.bills.openai_buckets import openai_usage_charges
from voicebill.logs.bills.openai_costs import openai_cost_charges
from voicebill.logs.documents import is_within_document
from voicebill.logs.formats import openai_usage
from voicebill.logs.invoices import AZURE_COSTS_EXPORT, FOCUS, OPENAI_COSTS_EXPORT, recognise_invoice
from voicebill.logs.report import ReadReport, describe_wide_encoding
from voicebill.logs.sources import NumberedLines, Source, find_sources

BILL_FORMATS: Mapping[str, Callable[[Sequence[NumberedLines], BillReport], Iterator[Charge]]] = {
    AZURE_COSTS_EXPORT: azure_charges,
    FOCUS: focus_charges,
    OPENAI_COSTS_EXPORT: openai_cost_charges,
    openai_usage.NAME: openai_usage_charges,
}
"""The reader of each format."""
KINDS_OF_BILLS = (
    "bills are cost exports of Azure, FOCUS exports, and OpenAI's costs and usage of an organization, as CSV, JSON or Parquet"
)
ZIP = b"PK\x03\x04"
SAMPLED_DOCUMENT_LINES, SAMPLED_DOCUMENT_BYTES = 1_000_000, 16_000_000
"""So much of a document over many lines is examined, as its first buckets may be empty."""


def bill_format(sample: Sequence[bytes], column_names: Iterable[str] = ()) -> str | None:
    """Return the format of a bill by its first lines or, of a Parquet file, by its columns; None if it is no bill.

    OpenAI's usage of an organization is a usage log and, asked for as such, a bill.

    >>> bill_format([b"Date,MeterName,Quantity,UnitOfMeasure,CostInBillingCurrency"]), bill_format([b"model,input_tokens"])
    ('azure-costs', None)
    """
    if (invoice := recognise_invoice(sample, column_names)) is not None:
        return invoice.bill_format
    return openai_usage.NAME if openai_usage.matches(sample) else None


def read_bills(*bills: str | Path | Source, report: BillReport | None = None) -> Iterator[Charge]:
    r"""Yield the charges of bills, lazily: format by format, and file by file.

    `bills` are files, folders, patterns and `-` for standard input, plain or compressed. `report` shows, while and after
    charges are read, how much was read, what was unreadable and what was repeated. What two files of a format have in common
    counts once. Other files in a folder are reported as errors.

    >>> from io import BytesIO
    >>> bill = (
    ...     b"Date,MeterName,Quantity,UnitOfMeasure,CostInBillingCurrency,BillingCurrency\n"
    ...     b"09/30/2026,gpt rt aud Inp Glbl,47.6,1K,1.5232,USD\n"
    ... )
    >>> for charge in read_bills(Source("memory", content=BytesIO(bill))):
    ...     print(charge.start, charge.meter_name, charge.quantity, charge.unit, float(charge.cost))
    2026-09-30 00:00:00 gpt rt aud Inp Glbl 238/5 1K 1.5232

    Raises:
        UnreadableFile: a file is missing or cannot be opened.
        InvalidInput: a folder or a pattern has no file.
        UnreadableBill: a named file is no bill, a bill has no row that can be read, or there is no charge at all.
        InvalidLog: the report is strict, and something cannot be read.
    """
    report = report if report is not None else BillReport()
    paths = [bill for bill in bills if not isinstance(bill, Source)]
    sources = [*find_sources(paths, report.reading), *(bill for bill in bills if isinstance(bill, Source))]
    for name, lines in _lines_by_format(sources, report).items():
        for charge in BILL_FORMATS[name](lines, report):
            report.charges += 1
            yield charge
    if not report.charges and not report.repeated:
        raise UnreadableBill(_no_charge(sources, report))


def split_bills(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return which of files, folders and patterns are bills, and which are not. Standard input is no bill.

    A folder with both is split into its files.

    Raises:
        UnreadableFile: a file is missing or cannot be opened.
        InvalidInput: a folder or a pattern has no file.
    """
    bills: list[str] = []
    others: list[str] = []
    for name in names:
        sources = [] if name == "-" else find_sources([name], ReadReport())
        paths = {True: [], False: []} if sources else {True: [], False: [name]}
        for source in sources:
            paths[is_bill(source)].append(str(source.path))
        bills += [name] if paths[True] and not paths[False] else paths[True]
        others += [name] if paths[False] and not paths[True] else paths[False]
    return bills, others


def is_bill(source: Source) -> bool:
    """Whether a source is a bill, by its content. Of a stream the first lines are consumed."""
    return _recognise(source, BillReport())[1] in BILL_FORMATS


def _lines_by_format(sources: Sequence[Source], report: BillReport) -> dict[str, list[NumberedLines]]:
    lines_by_format: dict[str, list[NumberedLines]] = {}
    for source in sources:
        lines, name_or_refusal = _recognise(source, report)
        if name_or_refusal in BILL_FORMATS:
            report.formats[source.name] = name_or_refusal
            lines_by_format.setdefault(name_or_refusal, []).append(lines)
        elif source.is_named or len(sources) == 1:
            raise UnreadableBill(f"{source.name} is {name_or_refusal}")
        else:
            report.add_error(source.name, 0, f"it is {name_or_refusal}")
    return lines_by_format


def _recognise(source: Source, report: BillReport) -> tuple[NumberedLines, str]:
    """Return the lines of a source, and the name of its format or else why it is not read. A file is closed again."""
    if source.path is None or not source.path.is_file():
        lines = NumberedLines(source, report.reading)
        return lines, _format_or_refusal(lines)
    trial = NumberedLines(source, ReadReport())
    try:
        return NumberedLines(source, report.reading), _format_or_refusal(trial)
    finally:
        trial.close()


def _format_or_refusal(lines: NumberedLines) -> str:
    sample = lines.sample(400, 4_000_000)
    if not sample:
        return "empty, not a bill"
    if sample[0].startswith(ZIP):
        return "a zip archive or a workbook, not a bill: unpack it, or save it as CSV"
    if refusal := describe_wide_encoding(sample):
        return refusal
    column_names = lines.source.parquet_columns()
    name = bill_format(sample, column_names)
    if name in (None, openai_usage.NAME) and is_within_document(sample):
        name = bill_format(lines.sample(SAMPLED_DOCUMENT_LINES, SAMPLED_DOCUMENT_BYTES), column_names)
    return name or f"not a bill: {KINDS_OF_BILLS}"


def _no_charge(sources: Sequence[Source], report: BillReport) -> str:
    names = sources[0].name if len(sources) == 1 else f"the {len(sources)} files"
    example = "".join(f"; {error}" for error in report.errors[:1])
    return f"{names} has no charge{example}" if len(sources) == 1 else f"{names} have no charge{example}"
