"""Build the document of an explanation, which the terminal, the page and files show: of many calls, or of one."""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction

from voicebill.answers.escaping import CsvCell
from voicebill.answers.parsing.quantities import format_percent, pluralize
from voicebill.answers.reports.handout import (
    Handout,
    HandoutAmount,
    HandoutCell,
    HandoutSection,
    HandoutTable,
    note_sections,
)
from voicebill.answers.reports.report import package_version
from voicebill.answers.sessions.cache_losses import LOSS_TEXTS
from voicebill.answers.sessions.explained_response import ExplainedResponse, PartAmounts
from voicebill.answers.sessions.log_explanation import LogExplanation
from voicebill.answers.sessions.reconstruction import TOLERANCE
from voicebill.answers.sessions.session_explanation import SessionExplanation
from voicebill.answers.sessions.waste import WASTE_TEXTS, Waste
from voicebill.billing.money import Amount, format_amount, format_dollars, format_exact, share_of
from voicebill.conversation.history import Tokens

PART_TEXTS = {
    "new": "input that is new",
    "resent": "input sent again without the cache",
    "cached": "input from the cache",
    "written": "input written to the cache",
    "output": "output",
}
MAX_CARRIED_REPLIES = 3
BASIS = "Recorded usage at published prices. The provider's invoice is authoritative."
CALL_RECORD_COLUMNS = ("session", "tenant", "dollars", "responses", "minutes", "cause", "cause_dollars")
RESPONSE_RECORD_COLUMNS = (
    *("turn", "kind", "status", "new_text", "new_audio", "resent_text", "resent_audio", "cached_text", "cached_audio"),
    *("written_text", "text_out", "audio_out", "dollars", "expected_dollars", "causes", "lost_dollars"),
)
AmountFormat = Callable[[Amount], str]


def explanation_handout(answer: LogExplanation | SessionExplanation, *, exact: bool = False) -> Handout:
    """The document of an explanation: its records are the dearest calls, or the responses of the call."""
    if isinstance(answer, SessionExplanation):
        return call_explanation_handout(answer, exact=exact)
    return log_explanation_handout(answer, exact=exact)


def log_explanation_handout(answer: LogExplanation, *, exact: bool = False) -> Handout:
    """The document of a log's explanation. Its records are the dearest calls."""
    money = format_exact if exact else format_amount
    return Handout(
        title="What the calls cost, and why",
        summary=_log_summary(answer, money),
        sections=tuple(_log_sections(answer, money)),
        records=(CALL_RECORD_COLUMNS, *_call_records(answer)),
        version=package_version(),
        basis=BASIS,
    )


def _log_summary(answer: LogExplanation, money: AmountFormat) -> str:
    if not answer.explained:
        return f"None of {pluralize(answer.calls, 'call')} can be explained."
    mean = money(Fraction(answer.amount) / answer.explained)
    of_all = f"{answer.explained:,} of {pluralize(answer.calls, 'call')}"
    resent = format_percent(float(share_of(answer.parts.resent, answer.amount)))
    return (
        f"{money(answer.amount)} for {of_all}, {mean} a call; {resent} of it for input that was sent again without the cache. "
        f"By the rules, {money(answer.expected)} was to be expected."
    )


def _log_sections(answer: LogExplanation, money: AmountFormat) -> Iterator[HandoutSection]:
    if answer.explained:
        yield HandoutSection("Cost breakdown", table=_part_table(answer.parts, answer.amount, money))
    if answer.causes:
        yield HandoutSection(
            "Why input was not from the cache",
            table=HandoutTable(
                ("cause", "calls", "responses", "text tokens", "audio tokens", "would save"),
                tuple(
                    (
                        LOSS_TEXTS[entry.cause],
                        f"{entry.calls:,}",
                        f"{entry.responses:,}",
                        f"{entry.tokens.text:,}",
                        f"{entry.tokens.audio:,}",
                        _amount(entry.amount, money),
                    )
                    for entry in answer.causes
                ),
            ),
        )
    carried = [(kind, amount) for kind, amount in answer.carried.items() if amount]
    if carried:
        yield HandoutSection("Carried along in later responses", table=_carried_table(carried, answer.amount, money))
    if answer.waste:
        yield HandoutSection("Paid for nothing", table=_waste_table(answer.waste, money))
    if answer.dearest:
        yield HandoutSection("The dearest calls", table=_dearest_table(answer, money))
    if answer.unusable:
        rows = tuple((entry.reason, f"{entry.calls:,}", ", ".join(entry.names)) for entry in answer.unusable)
        yield HandoutSection(
            f"Calls that are not explained ({money(answer.other_amount)}{_unpriced_text(answer)})",
            table=HandoutTable(("reason", "calls", "such as"), rows, text_columns=(2,)),
        )
    yield from note_sections(("Warnings", answer.warnings), ("Assumptions", _log_assumptions(answer)))


def _unpriced_text(answer: LogExplanation) -> str:
    return f" + what {pluralize(answer.unpriced, 'call')} cost, which is not known" if answer.unpriced else ""


def _dearest_table(answer: LogExplanation, money: AmountFormat) -> HandoutTable:
    rows = tuple(
        (
            call.session,
            call.tenant or "",
            "" if call.minutes is None else f"{call.minutes:.1f}",
            f"{call.responses:,}",
            _amount(call.amount, money),
            "" if call.cause is None else f"{LOSS_TEXTS[call.cause]} ({money(call.lost)})",
        )
        for call in answer.dearest
    )
    return HandoutTable(("call", "tenant", "minutes", "responses", "cost", "most of it lost by"), rows, text_columns=(1, 5))


def _call_records(answer: LogExplanation) -> Iterator[tuple[CsvCell, ...]]:
    for call in answer.dearest:
        minutes = "" if call.minutes is None else f"{call.minutes:.3f}"
        cause = "" if call.cause is None else call.cause
        lost = format_dollars(call.lost)
        yield (call.session, call.tenant or "", format_dollars(call.amount), call.responses, minutes, cause, lost)


def _log_assumptions(answer: LogExplanation) -> Iterator[str]:
    yield (
        "a call is explained if its script, simulated by the rules of its model, gives the recorded input within "
        f"{format_percent(float(TOLERANCE))}"
    )
    for model, usual in answer.usual.items():
        share = "what the rules say" if usual.share is None else f"{format_percent(float(usual.share))} of the common prefix"
        warm = "; first responses usually have their prompt from it" if usual.starts_warm else ""
        yield f"the cache of {model} usually has {share}{warm}"
    if answer.records_without_session:
        records = pluralize(answer.records_without_session, "record")
        yield f"{records} without a session {'is' if answer.records_without_session == 1 else 'are'} part of no call"


def call_explanation_handout(answer: SessionExplanation, *, exact: bool = False) -> Handout:
    """The document of one call's explanation. Its records are the responses."""
    money = format_exact if exact else format_amount
    quote = answer.model.quote
    assert quote is not None
    lost = sum((loss.amount for response in answer.responses for loss in response.losses), Fraction(0))
    return Handout(
        title=f"What call {answer.session.name} cost, and why",
        summary=(
            f"{money(answer.amount)} for {pluralize(len(answer.responses), 'response')} of {quote.offer.name}; by the rules, "
            f"{money(answer.expected)} was to be expected. With all of its history from the cache, it would have cost "
            f"{money(lost)} less."
        ),
        sections=(
            HandoutSection("Response by response", table=_response_table(answer.responses, money)),
            HandoutSection("Cost breakdown", table=_part_table(answer.parts, answer.amount, money)),
            *_carried_section(answer, money),
            *([HandoutSection("Paid for nothing", table=_waste_table(answer.waste, money))] if answer.waste else []),
            *note_sections(("Warnings", answer.warnings), ("Assumptions", _call_assumptions(answer))),
        ),
        records=(RESPONSE_RECORD_COLUMNS, *map(_response_record, answer.responses)),
        version=package_version(),
        is_wide=True,
        basis=BASIS,
    )


def _response_table(responses: Iterable[ExplainedResponse], money: AmountFormat) -> HandoutTable:
    rows = []
    for response in responses:
        kind = "" if response.pair.simulated.kind == "reply" else " tool"
        tokens = response.pair.record.tokens
        rows.append(
            (
                f"{response.pair.place.turn}{kind}",
                _tokens(response.parts.new),
                _tokens(response.parts.resent),
                _tokens(response.use.cached),
                _tokens(response.use.expected),
                _tokens(Tokens(tokens.text_out, tokens.audio_out)),
                _amount(response.amounts.total, money),
                "; ".join(_loss_texts(response, money)),
            )
        )
    columns = ("turn", "new", "sent again", "cached", "expected", "output", "cost", "not cached, because")
    return HandoutTable(columns, tuple(rows), text_columns=(7,))


def _loss_texts(response: ExplainedResponse, money: AmountFormat) -> Iterator[str]:
    for loss in response.losses:
        yield f"{LOSS_TEXTS[loss.cause]} ({money(loss.amount)})" if loss.amount else LOSS_TEXTS[loss.cause]


def _tokens(tokens: Tokens) -> str:
    """Text + audio tokens, and those of images, if there are any."""
    text = f"{tokens.text:,} + {tokens.audio:,}"
    return f"{text} + {tokens.image:,} image" if tokens.image else text


def _response_record(response: ExplainedResponse) -> tuple[CsvCell, ...]:
    record, parts = response.pair.record, response.parts
    return (
        response.pair.place.turn,
        response.pair.simulated.kind,
        record.outcome or "",
        *(parts.new.text, parts.new.audio, parts.resent.text, parts.resent.audio, parts.cached.text, parts.cached.audio),
        *(parts.written.text, record.tokens.text_out, record.tokens.audio_out),
        format_dollars(response.amounts.total),
        format_dollars(response.expected),
        " ".join(loss.cause for loss in response.losses),
        format_dollars(sum((loss.amount for loss in response.losses), Fraction(0))),
    )


def _carried_section(answer: SessionExplanation, money: AmountFormat) -> Iterator[HandoutSection]:
    rows: list[tuple[str, float]] = [
        (entry.kind, entry.amount) for entry in answer.carried if entry.turn is None and entry.amount
    ]
    replies = [entry for entry in answer.carried if entry.turn is not None][:MAX_CARRIED_REPLIES]
    rows += [(f"the reply of turn {entry.turn}", entry.amount) for entry in replies if len(replies) > 1]
    if rows:
        yield HandoutSection("Carried along in later responses", table=_carried_table(rows, answer.amount, money))


def _call_assumptions(answer: SessionExplanation) -> Iterator[str]:
    quote, rules = answer.model.quote, answer.model.rules
    assert quote is not None
    assert rules is not None
    yield "tokens are text + audio; a turn is the user's speech and the reply, with its tool calls before it"
    yield f"history policy {answer.rules.history}, by the rules {rules.name} ({rules.digest})"
    error = format_percent(float(answer.reconstruction.error))
    yield f"the reconstructed script gives the recorded input, with a difference of {error} of its tokens"
    yield "instructions and tools are one prompt: the counts do not tell them apart"
    count = len(answer.reconstruction.intervals)
    what = "1 quantity" if count == 1 else f"{count:,} quantities"
    if count:
        yield (f"the log leaves {what} open, such as how much of an interrupted reply was played: likely values are taken")


def _part_table(parts: PartAmounts, total: Amount, money: AmountFormat) -> HandoutTable:
    rows = [(PART_TEXTS[name], amount) for name, amount in parts._asdict().items() if amount]
    rows.append(("transcription and everything else", total - parts.total))
    return HandoutTable(
        ("", "cost", "share"),
        tuple(_share_row(label, amount, total, money) for label, amount in rows if amount),
    )


def _carried_table(rows: Iterable[tuple[str, float]], total: Amount, money: AmountFormat) -> HandoutTable:
    return HandoutTable(("", "cost", "share"), tuple(_share_row(label, round(amount), total, money) for label, amount in rows))


def _share_row(label: str, amount: Amount, total: Amount, money: AmountFormat) -> tuple[HandoutCell, ...]:
    return (label, _amount(amount, money), format_percent(float(share_of(amount, total))))


def _waste_table(waste: Iterable[Waste], money: AmountFormat) -> HandoutTable:
    rows = tuple(
        (
            WASTE_TEXTS[entry.kind],
            f"{entry.cases:,}",
            _amount(entry.low, money) if entry.low == entry.high else f"{money(entry.low)} to {money(entry.high)}",
        )
        for entry in waste
    )
    return HandoutTable(("", "cases", "cost"), rows)


def _amount(amount: Amount, money: AmountFormat) -> HandoutAmount:
    return HandoutAmount(format_dollars(amount), money(amount))
