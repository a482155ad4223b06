"""`voicebill cost`: what conversations did cost, from their usage logs or from a ledger."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from voicebill.answers import quantities
from voicebill.answers.cost import Cost, CostAsked, CostLine, Group, PerCall, UnpricedLine, check_bought, cost
from voicebill.answers.cost_shape import cost_shape, quantity_shown, status_of
from voicebill.answers.pictures import NOT_NAMED
from voicebill.answers.shape import Shape
from voicebill.answers.where import FIELDS, Condition, condition
from voicebill.billing.errors import InvalidInput
from voicebill.billing.money import Amount, dollars, shown
from voicebill.charts import draw
from voicebill.cli import screen
from voicebill.cli.engines import ENGINES, engine_over_ledger, engine_over_records
from voicebill.cli.log_options import (
    LOGS,
    Format,
    LedgerOption,
    Logs,
    Strict,
    TheDay,
    TheDeployment,
    TheModel,
    TheProvider,
    TheRegion,
    TheTenant,
    TheTranscription,
    records_of,
    told_as,
)
from voicebill.cli.options import (
    Json,
    PlotFile,
    PlotLook,
    PlotWidth,
    PricesOption,
    day_said,
    home_files,
    look_stated,
    option,
    word,
)
from voicebill.cli.table_files import write_table
from voicebill.facts import load

if TYPE_CHECKING:
    from voicebill.logs.told import Report

ASKED = "What is asked"
Row = tuple[str, ...]
MOST_SHOWN = 40
"""So many groups are printed; all of them go into a file or JSON."""


WhereOption = Annotated[
    Any, option("--where", 'Only these, such as "tenant = acme and day >= 2026-11-01".', ASKED, condition, "CONDITION")
]
TopOption = Annotated[Any, option("--top", "Only the dearest groups, and all others as one.", ASKED, quantities.count, "N")]


def cost_command(
    logs: Logs = None,
    *,
    ledger: LedgerOption = None,
    by: Annotated[str | None, option("--by", f"Group by these: {', '.join(FIELDS)}.", ASKED, metavar="FIELD,...")] = None,
    where: WhereOption = None,
    since: Annotated[date | None, option("--since", "From this day on (UTC).", ASKED, day_said, "YYYY-MM-DD")] = None,
    until: Annotated[date | None, option("--until", "Before this day (UTC).", ASKED, day_said, "YYYY-MM-DD")] = None,
    top: TopOption = None,
    calls: Annotated[
        bool, typer.Option("--calls/--no-calls", help="What calls cost, in percentiles.", rich_help_panel=ASKED)
    ] = True,
    prices: PricesOption = None,
    format: Format = None,  # noqa: A002 - the option's name
    strict: Strict = False,
    model: TheModel = None,
    transcription_model: TheTranscription = None,
    provider: TheProvider = None,
    deployment: TheDeployment = None,
    region: TheRegion = None,
    tenant: TheTenant = None,
    day: TheDay = None,
    out: Annotated[
        Path | None,
        option("--out", "Write the groups, or the bill's lines, into this .csv or .parquet file.", ASKED, metavar="FILE"),
    ] = None,
    engine: Annotated[
        str, option("--engine", f"What counts: {', '.join(ENGINES)}. (default: duckdb)", LOGS, word(*ENGINES), "NAME")
    ] = "duckdb",
    master: Annotated[str, option("--master", "Spark's master. (default: this machine)", LOGS, metavar="URL")] = "local[*]",
    memory: Annotated[
        str | None,
        option("--memory", "At most so much memory for DuckDB, such as 1GB; the rest goes to disk.", LOGS, metavar="SIZE"),
    ] = None,
    plot: PlotFile = None,
    width: PlotWidth = None,
    look: PlotLook = "light",
    as_json: Json = False,
) -> None:
    """What conversations did cost, from usage logs or from a ledger.

    \b
    A log, its bill, and by customer:
        voicebill cost docs/examples/support-day.jsonl
        voicebill cost docs/examples/support-day.jsonl --by tenant
        voicebill cost --ledger ledger --by day,model --since 2026-11-01
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    asked = _asked(by, where, since, until, top, calls=calls, provider=provider, deployment=deployment, region=region)
    book = load(*home_files(), *(prices or ())).prices
    if (ledger is None) == (not logs):
        raise InvalidInput("name logs, or a ledger with --ledger DIR, and not both: voicebill cost LOG...")
    check_bought(asked, book)
    report: Report | None = None
    if ledger is not None:
        stated = {
            "--model": model,
            "--transcription-model": transcription_model,
            "--tenant": tenant,
            "--day": day,
            "--format": format,
        }
        _refuse_for_ledger(stated)
        opened = engine_over_ledger(ledger, engine, master=master, memory=memory)
    else:
        told = told_as(
            model=model,
            transcription_model=transcription_model,
            provider=provider,
            deployment=deployment,
            region=region,
            tenant=tenant,
            day=day,
        )
        report = _report(strict=strict)
        opened = engine_over_records(records_of(logs or [], format, told, report), engine, report, master=master, memory=memory)
    with opened as counts:
        answer = cost(counts, asked, book)
    if out is not None:
        write_table(answer, out)
    if plot is not None:
        draw.save(draw.costs(answer, look_stated(look, width)), plot)
    if as_json:
        screen.as_json(_read_shape(report) | cost_shape(answer))
    else:
        show(answer, report, screen.console())


def _asked(
    by: str | None,
    where: Condition | None,
    since: date | None,
    until: date | None,
    top: int | None,
    *,
    calls: bool,
    **bought: str | None,
) -> CostAsked:
    fields = tuple(name.strip() for name in (by or "").split(",") if name.strip())
    if top is not None and not fields:
        raise InvalidInput("--top needs groups: name them with --by")
    said = {name: value.strip().lower() for name, value in bought.items() if value}
    return CostAsked(by=fields, where=where, since=since, until=until, top=top, calls=calls, **said)


def _refuse_for_ledger(stated: Mapping[str, object]) -> None:
    for name, value in stated.items():
        if value is not None:
            raise InvalidInput(f"{name} is stated when a log is recorded; a ledger already holds what it said")


def _report(*, strict: bool) -> "Report":
    from voicebill.logs.told import Report  # noqa: PLC0415 - logs are read by an extra

    return Report(strict=strict)


def _read_shape(report: "Report | None") -> Shape:
    """What a reading met; null for a ledger, where that was said when it was recorded."""
    if report is None:
        return {"read": None}
    from voicebill.logs.notes import reading_shape  # noqa: PLC0415 - logs are read by an extra

    return {"read": reading_shape(report)}


def show(answer: Cost, report: "Report | None", out: Console) -> None:
    """Print costs for people."""
    minded = [*_notes(report), *answer.warnings]
    for part in (
        *_heading(answer, report),
        "",
        screen.heading(_total(answer)),
        *(_groups(answer) if answer.asked.by else _bill(answer.lines)),
        *_unpriced(answer.unpriced, answer),
        *_calls(answer.per_call, partly=bool(answer.unpriced)),
        *_shares(answer),
        *screen.notes("Mind", minded, style="yellow"),
        *screen.notes("Assumed", answer.assumptions),
        "",
        Text(f"prices {answer.prices.digest}", style="dim"),
    ):
        out.print(part)


def _notes(report: "Report | None") -> Iterator[str]:
    if report is not None:
        from voicebill.logs.notes import reading_notes  # noqa: PLC0415 - logs are read by an extra

        yield from reading_notes(report)


def _heading(answer: Cost, report: "Report | None") -> Iterator[str]:
    counts = answer.counts
    if report is None:
        yield f"{screen.counted(counts.records, 'record')} in the ledger, of which"
    else:
        yield f"{screen.counted(report.records, 'record')} read from {screen.counted(len(report.sources), 'file')}, of which"
    parts = [f"{counts.billed:,} billed"]
    parts += [f"{report.repeated:,} repeated"] if report else []
    parts += [f"{counts.without_usage:,} without usage", f"{counts.unpriced:,} unpriced"]
    elsewhere = report.records - report.repeated - counts.records if report else 0
    parts += [f"{elsewhere:,} not asked for"] if elsewhere else []
    yield f"  {', '.join(parts)};"
    broken = f"; beside them {screen.counted(report.broken_count, 'broken line')}" if report and report.broken_count else ""
    yield f"  {counts.bounded:,} bounded and {counts.inconsistent:,} inconsistent in their counts{broken}"


def _total(answer: Cost) -> str:
    days = (
        ""
        if answer.first is None
        else f" on {answer.first}"
        if answer.first == answer.last
        else f" from {answer.first} to {answer.last}"
    )
    total = answer.total
    counted = f"{screen.counted(total.records, 'record')}{days}"
    if total.records == answer.counts.without_usage:
        return f"{counted}: {'no usage was reported' if total.records else 'nothing to cost'}"
    text = f"{counted}: {_amount(total)}"
    if total.disputed and total.low is not None and total.high is not None:
        text += f" (disputed prices: {_range(*total.disputed)})"
    return text


def _amount(group: Group) -> str:
    if group.low is None or group.high is None:
        return "unpriced"
    beside = {"partial": " and what is unpriced", "nothing": ", nothing counted"}.get(status_of(group), "")
    return f"{_range(group.low, group.high)}{beside}"


def _range(low: Amount, high: Amount) -> str:
    """An amount, or two; with all their digits where they would look alike otherwise."""
    low, high = sorted((low, high))
    if low == high:
        return shown(low)
    told = f"{shown(low)} to {shown(high)}"
    return told if shown(low) != shown(high) else f"${dollars(low)} to ${dollars(high)}"


def _groups(answer: Cost) -> Iterator[Any]:
    fields = answer.asked.by
    table = screen.table(*fields, "records", "amount", left=len(fields))
    for group in answer.groups[:MOST_SHOWN]:
        table.add_row(*(_key(key) for key in group.keys), f"{group.records:,}", _amount(group))
    if answer.others:
        table.add_row("all others", *[""] * (len(fields) - 1), f"{answer.others.records:,}", _amount(answer.others))
    yield ""
    yield screen.indented(table)
    if len(answer.groups) > MOST_SHOWN:
        yield f"  and {len(answer.groups) - MOST_SHOWN:,} more: see the dearest with --top, or all with --out FILE"


def _key(key: object) -> Text:
    return Text(NOT_NAMED if key is None else str(key), style="dim" if key is None else "")


def _bill(lines: Sequence[CostLine]) -> Iterator[Any]:
    rows: dict[str, list[Row]] = {}
    for line in lines:
        assert line.span.found is not None
        named = f"{line.span.found.offer.id}, at prices since {line.span.found.rates.row.since}"
        meter = line.line.meter
        quantity = " to ".join(meter.counted(each) for each in sorted({line.line.quantity, line.high.quantity}))
        low, high = sorted((line.low_amount, line.high_amount))
        rows.setdefault(named, []).append((meter.label, quantity, str(line.line.rate), _range(low, high)))
    yield from _sections("The bill", ("meter", "quantity", "rate", "amount"), rows, "dim")


def _unpriced(lines: Sequence[UnpricedLine], answer: Cost) -> Iterator[Any]:
    rows: dict[str, list[Row]] = {}
    for line in lines:
        meter = answer.prices.meters.get(line.meter)
        quantity = quantity_shown(line.low, line.high, line.meter, answer.prices)
        rows.setdefault(f"{line.sold}: {line.why}", []).append((meter.label if meter else line.meter, quantity))
    yield from _sections("Not priced, and not in the total", ("meter", "quantity"), rows, "yellow")


def _sections(title: str, columns: Row, sections: Mapping[str, Sequence[Row]], style: str) -> Iterator[Any]:
    """A table whose rows stand under the name of their section, which may be as long as a line. Nothing without rows."""
    if not sections:
        return
    yield ""
    yield screen.heading(title)
    widths = [max(map(len, cells)) for cells in zip(columns, *(row for rows in sections.values() for row in rows), strict=True)]
    for name, rows in (("", ()), *sections.items()):
        table = screen.table(*columns)
        table.show_header = not name
        for column, width in zip(table.columns, widths, strict=True):
            column.min_width, column.no_wrap = width, True
        for row in rows:
            table.add_row(*row)
        if name:
            yield screen.indented(Text(name, style=style))
        yield Padding(table, (0, 0, 0, 4))


def _calls(calls: PerCall | None, *, partly: bool) -> Iterator[Any]:
    if calls is None:
        return
    yield ""
    without = ", without those of which a part is not priced" if partly else ""
    yield screen.heading(f"Per call ({screen.counted(calls.sessions, 'call')}{without})")
    timed = "" if calls.timed == calls.sessions else f" ({screen.counted(calls.timed, 'call')})"
    table = screen.table("", "a call", *([f"a minute{timed}"] if calls.per_minute else []))
    table.add_row("mean", _range(*calls.mean), *([""] if calls.per_minute else []))
    for percent, amounts in calls.percentiles.items():
        table.add_row(f"p{percent}", _range(*amounts), *([_range(*calls.per_minute[percent])] if calls.per_minute else []))
    yield screen.indented(table)


def _shares(answer: Cost) -> Iterator[str]:
    said = []
    if answer.cache_hits is not None:
        said.append(f"{round(100 * answer.cache_hits)}% of the input tokens came from the cache")
    if answer.reread is not None:
        said.append(f"{round(100 * answer.reread)}% of the cost is history, read again")
    if said:
        yield ""
        yield "; ".join(said)
