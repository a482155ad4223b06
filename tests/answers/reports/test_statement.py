"""Statements: what each tenant is charged, in words for customers, at prices that include the markup or beside it."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

from voicebill.answers.invoices.chargeback import Markup
from voicebill.answers.invoices.usage_charges import sessions_by_tenant, usage_charges
from voicebill.answers.recorded.python_engine import PythonEngine
from voicebill.answers.recorded.query import CostQuery
from voicebill.answers.reports.handout import Handout
from voicebill.answers.reports.handout_formats import handout_markdown
from voicebill.answers.reports.statement import METER_WORDS, statement_handout
from voicebill.billing.record import Record
from voicebill.billing.usage import Usage
from voicebill.facts import load_facts

TWENTY = Markup(Fraction(1, 5))


def statement(*records: Record, markup: Markup = TWENTY, shows_markup: bool = False) -> Handout:
    engine, query, prices = PythonEngine(records), CostQuery(by=("tenant",)), load_facts().prices
    charges, calls = usage_charges(engine, query, prices), sessions_by_tenant(engine, query, prices)
    return statement_handout(charges, calls, markup=markup, issuer="Voice & Co", shows_markup=shows_markup)


def spoken(tokens: int, tenant: str | None, session: str, day: int = 20) -> Record:
    return Record(
        key=f"{tenant} {session} {day}",
        kind="response",
        usage_candidates=(Usage({"audio_out": tokens}),),
        source="a",
        line_number=1,
        model="gpt-realtime-1.5",
        day=date(2026, 11, day),
        tenant=tenant,
        session=session,
    )


ACME = [spoken(500_000, "acme", "s1"), spoken(250_000, "acme", "s1", 21), spoken(250_000, "acme", "s2", 22)]


def test_a_section_for_each_tenant_with_its_calls_days_and_total() -> None:
    """Acme: 1 M tokens spoken in two calls at $64 and 20%: $76.80. Others: 0.5 M, $38.40."""
    text = handout_markdown(statement(*ACME, spoken(500_000, None, "s3")))
    assert "# Statement of voice usage from Voice & Co" in text
    assert "2 customers, 2026-11-20 to 2026-11-22: $115.20." in text
    assert text.index("## acme") < text.index("## Customer without a name")
    assert "- **period**: 2026-11-20 to 2026-11-22\n- **calls**: 2\n- **total**: $76.80\n" in text
    assert "| gpt-realtime-1.5: speech spoken | 1,000,000 tokens | $76.80 a million tokens | **$76.80** |" in text


def test_the_markup_may_be_a_fee_of_its_own() -> None:
    """$64 and 20% of it, $12.80."""
    document = statement(*ACME, shows_markup=True)
    text = handout_markdown(document)
    assert "| 1,000,000 tokens | $64.00 a million tokens | **$64.00** |" in text
    assert "| Service fee 20% |  |  | **$12.80** |\n| Total |  |  | **$76.80** |" in text
    assert [row[-1] for row in document.records] == ["dollars", "64", "12.8"]


def test_without_a_markup_there_is_no_fee() -> None:
    text = handout_markdown(statement(*ACME, markup=Markup(Fraction(0), {"globex": Fraction(1, 4)}), shows_markup=True))
    assert "fee" not in text


def test_a_price_that_changes_gives_two_lines() -> None:
    """A million text tokens each on two days before and one after 2026-07-30, when the price fell from $6 to $1.20."""
    usage = (Usage({"text_out": 10**6}),)
    written = replace(spoken(1, "acme", "s"), model="gpt-5.6-luna", usage_candidates=usage)
    days = [replace(written, key=str(day), day=date(2026, 7, day)) for day in (10, 29, 30)]
    text = handout_markdown(statement(*days, markup=Markup()))
    assert "2,000,000 tokens | $6.00 a million tokens | **$12.00** |" in text
    assert "1,000,000 tokens | $1.20 a million tokens | **$1.20** |\n| Total |  |  | **$13.20** |" in text


def test_no_usage_gives_no_section() -> None:
    empty = statement()
    assert (empty.summary, empty.sections) == ("Nothing was used that has a price.", ())


def test_every_meter_has_words_for_customers() -> None:
    assert set(METER_WORDS) == set(load_facts().prices.meters)
