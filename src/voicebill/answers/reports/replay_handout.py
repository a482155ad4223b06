"""Build the document of a replay, which the terminal, the page and files show."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import groupby

from voicebill.answers.escaping import CsvCell
from voicebill.answers.parsing.quantities import format_percent, pluralize
from voicebill.answers.replay.replay import Replay
from voicebill.answers.replay.replay_steps import REPLAY_STEPS, StepName
from voicebill.answers.replay.target_replay import TargetReplay
from voicebill.answers.replay.targets import OfferTarget
from voicebill.answers.reports.explanation_handout import AmountFormat
from voicebill.answers.reports.handout import (
    Handout,
    HandoutAmount,
    HandoutCell,
    HandoutSection,
    HandoutTable,
    note_sections,
)
from voicebill.answers.reports.report import package_version
from voicebill.billing.money import Amount, format_amount, format_dollars, format_exact

STEP_TEXTS: Mapping[StepName, str] = {
    "reconstruction": "error of the reconstructed scripts",
    "changes": "changes of the calls",
    "counting": "how speech and text become tokens",
    "reasoning": "reasoning",
    "history": "history policy and limits",
    "cache": "cache",
    "rates": "rates of tokens",
    "time": "minutes and other meters",
    "rounding": "rounding up",
    "model": "the realtime model is not used",
    "transcriber": "STT",
    "llm": "LLM",
    "tts": "TTS",
    "live": "live model",
    "translator": "translation",
    "fees": "fees",
    "transcription": "transcription",
    "not_carried_over": "not carried over: out-of-band, transcription",
}
MAX_ROWS = 20
"""So many offers are shown, and those of the recorded calls; files and JSON have all."""
MAX_BRIDGES = 3
REPLAY_BASIS = "Recorded usage, replayed by published prices and recorded behaviour. The provider's invoice is authoritative."
RECORD_COLUMNS = (
    *("name", "kind", "provider", "model", "deployment", "calls", "recorded_dollars", "dollars", "low_dollars"),
    *(
        "high_dollars",
        "ratio",
        "ratio_error",
        "mean_dollars",
        "p50_dollars",
        "p90_dollars",
        "dearer_calls",
        "dearer_by_dollars",
    ),
    *(f"step_{name}" for name in REPLAY_STEPS),
)


def replay_handout(answer: Replay, *, exact: bool = False) -> Handout:
    """The document of a replay. Its records are the offers and stacks."""
    money = format_exact if exact else format_amount
    return Handout(
        title="The same calls elsewhere",
        summary=_summary(answer, money),
        sections=tuple(_sections(answer, money)),
        records=(RECORD_COLUMNS, *map(_record, answer.targets)),
        version=package_version(),
        is_wide=True,
        basis=REPLAY_BASIS,
    )


def _summary(answer: Replay, money: AmountFormat) -> str:
    mean = money(Fraction(answer.recorded) / answer.usable)
    offers = " and ".join(name for name, _ in answer.offers[:2]) + (" and others" if len(answer.offers) > 2 else "")
    parts = [
        f"{answer.usable:,} of {pluralize(answer.calls, 'call')} with {offers} cost {money(answer.recorded)}, {mean} a call."
    ]
    cheapest = answer.target(None)
    if cheapest is not None:
        name = f"the stack {cheapest.name}" if cheapest.kind == "stack" else cheapest.name
        parts.append(f"With {name} they would have cost {money(cheapest.amount)}, {_ratio(cheapest)} of that.")
    if answer.sample is not None:
        parts.append(f"These are a random sample from {pluralize(answer.sample.calls, 'call')}.")
    return " ".join(parts)


def _sections(answer: Replay, money: AmountFormat) -> Iterator[HandoutSection]:
    groups = list(_groups(answer.targets))
    shown = [group for index, group in enumerate(groups) if index < MAX_ROWS or group[0].recorded_calls]
    if shown:
        yield HandoutSection("What the calls would have cost", table=_target_table(shown, answer, money))
    for row in _bridged(answer):
        yield HandoutSection(f"From what was paid to {row.name}", table=bridge_table(row, money))
        if row.dearer_examples and row.amount < row.recorded:
            yield HandoutSection(
                f"{_calls(row)} would have cost more with {row.name}, by {money(row.dearer_by)} in all",
                table=_dearer_table(row, money),
            )
    if answer.savings:
        yield HandoutSection("What would have saved most", table=_savings_table(answer, money))
    if answer.left_out:
        rows = tuple((entry.reason, f"{entry.calls:,}", ", ".join(entry.names)) for entry in answer.left_out)
        yield HandoutSection(
            f"Calls that cannot be replayed ({money(answer.other_amount)})",
            table=HandoutTable(("reason", "calls", "such as"), rows, text_columns=(2,)),
        )
    yield from note_sections(
        ("Only in part", _partly(answer.targets)),
        ("Not possible", _not_possible(answer)),
        ("Warnings", answer.warnings),
        ("Assumptions", _assumptions(answer, len(answer.targets) - sum(map(len, shown)))),
    )


def _calls(row: TargetReplay) -> str:
    return pluralize(row.dearer_calls, "call")


def _bridged(answer: Replay) -> list[TargetReplay]:
    """The targets of which the difference is shown in steps: the cheapest, or all of few."""
    return list(answer.targets[: MAX_BRIDGES if len(answer.targets) <= MAX_BRIDGES else 1])


def _groups(rows: Iterable[TargetReplay]) -> Iterator[list[TargetReplay]]:
    """Offers of one provider that come to the same amount; recorded ones apart."""
    for _, members in groupby(rows, lambda row: (row.name.partition("/")[0], row.amount, row.calls, row.recorded_calls)):
        yield list(members)


def _target_table(groups: Iterable[list[TargetReplay]], answer: Replay, money: AmountFormat) -> HandoutTable:
    rows = [(group[0], len(group) - 1) for group in groups]
    has_range = any(_range(row, money) for row, _ in rows)
    columns = ("", "total", *(("range",) if has_range else ()), "of paid", "a call", "median", "p90", "dearer calls")
    return HandoutTable(
        columns,
        tuple(
            (
                _label(row, others, answer),
                _amount(row.amount, money),
                *((_range(row, money),) if has_range else ()),
                _ratio(row),
                _amount(row.mean, money),
                _amount(row.p50, money),
                _amount(row.p90, money),
                f"{row.dearer_calls:,}",
            )
            for row, others in rows
        ),
        main_columns=(1,),
    )


def _label(row: TargetReplay, others: int, answer: Replay) -> str:
    notes = [
        f"and {others} more" if others else "",
        _recorded_note(row),
        f"ends {row.ends}" if row.ends and row.ending_soon else "",
        "" if row.calls == answer.usable else f"{row.calls:,} of {answer.usable:,} calls",
    ]
    text = ", ".join(note for note in notes if note)
    return f"{row.name} ({text})" if text else row.name


def _range(row: TargetReplay, money: AmountFormat) -> str:
    """What the log leaves open of a total; empty if that is not to be seen in the figures."""
    low, high = money(row.low), money(row.high)
    return "" if low == high else f"{low} to {high}"


def _recorded_note(row: TargetReplay) -> str:
    if row.is_recorded:
        return "as recorded"
    return f"recorded for {pluralize(row.recorded_calls, 'call')}" if row.recorded_calls else ""


def bridge_table(row: TargetReplay, money: AmountFormat) -> HandoutTable:
    """The steps from what was paid to what calls would have cost, with subtotals."""
    rows: list[tuple[HandoutCell, ...]] = [("paid", "", _amount(row.recorded, money))]
    subtotal = row.recorded
    for name, amount in row.steps:
        subtotal += amount
        rows.append((STEP_TEXTS[name], _signed(amount, money), _amount(subtotal, money)))
    return HandoutTable(("", "difference", "subtotal"), tuple(rows))


def _dearer_table(row: TargetReplay, money: AmountFormat) -> HandoutTable:
    rows = tuple(
        (call.session, call.tenant, _amount(call.recorded, money), _amount(call.amount, money)) for call in row.dearer_examples
    )
    return HandoutTable(("call", "tenant", "paid", "would cost"), rows, text_columns=(1,))


def _savings_table(answer: Replay, money: AmountFormat) -> HandoutTable:
    rows = tuple(
        (
            entry.change,
            _signed(entry.saved, money),
            format_percent(float(Fraction(entry.saved) / Fraction(answer.changed))) if answer.changed else "",
            f"{entry.dearer_calls:,}",
            entry.trade_off,
        )
        for entry in answer.savings
    )
    return HandoutTable(("change", "would save", "share", "dearer calls", "but"), rows, text_columns=(4,), main_columns=(1,))


def _partly(rows: Iterable[TargetReplay]) -> Iterator[str]:
    by_reason: dict[tuple[str, int], list[str]] = defaultdict(list)
    by_model: dict[tuple[str, int], list[str]] = defaultdict(list)
    for row in rows:
        for entry in row.left_out:
            by_reason[entry.reason, entry.calls].append(row.name)
        for model, calls in row.dropped:
            by_model[model, calls].append(row.name)
    for (model, calls), names in by_model.items():
        yield f"transcription by {model} ({pluralize(calls, 'call')}) not carried over to {_some(names)}: it is not sold there"
    for (reason, calls), names in by_reason.items():
        yield f"{pluralize(calls, 'call')} not replayed with {_some(names)}: {reason}"


def _not_possible(answer: Replay) -> Iterator[str]:
    by_reason: dict[str, list[str]] = defaultdict(list)
    for entry in answer.impossible:
        by_reason[entry.short_reason].append(entry.name)
    for reason, names in by_reason.items():
        yield f"{_some(names)}: {reason}"


def _some(names: list[str]) -> str:
    first = ", ".join(names[:3])
    return first if len(names) <= 3 else f"{first} and {len(names) - 3} more"


def _assumptions(answer: Replay, hidden: int) -> Iterator[str]:
    if hidden:
        yield f"{pluralize(hidden, 'dearer offer')} not shown: CSV and JSON have all"
    yield from answer.assumptions


def _ratio(row: TargetReplay) -> str:
    if row.ratio is None:
        return "-"
    percent = f"{100 * float(row.ratio):.3g}%"
    return percent if row.sampling_error is None else f"{percent} ± {100 * row.sampling_error:.2g}%"


def _amount(amount: Amount, money: AmountFormat) -> HandoutAmount:
    return HandoutAmount(format_dollars(amount), money(amount))


def _signed(amount: Amount, money: AmountFormat) -> HandoutAmount:
    text = f"-{money(-amount)}" if amount < 0 else f"+{money(amount)}"
    return HandoutAmount(format_dollars(amount), text)


def _record(row: TargetReplay) -> tuple[CsvCell, ...]:
    offer = row.target.offer if isinstance(row.target, OfferTarget) else None
    names = (offer.provider, offer.name, offer.deployment) if offer else ("", "", "")
    steps: dict[StepName, Amount] = dict(row.steps)
    ratio = "" if row.ratio is None else f"{float(row.ratio):.6g}"
    error = "" if row.sampling_error is None else f"{row.sampling_error:.6g}"
    amounts = [format_dollars(amount) for amount in (row.recorded, row.amount, row.low, row.high)]
    call = [format_dollars(amount) for amount in (row.mean, row.p50, row.p90)]
    dearer = row.dearer_calls, format_dollars(row.dearer_by)
    differences = (format_dollars(steps.get(name, 0)) for name in REPLAY_STEPS)
    return row.name, row.kind, *names, row.calls, *amounts, ratio, error, *call, *dearer, *differences
