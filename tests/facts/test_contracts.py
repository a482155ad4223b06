"""Contracts: negotiated prices and adjustments beside ours, each on its days only."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.cases import DAY
from voicebill.answers.catalog.facts import Facts
from voicebill.answers.estimates.estimate import estimate
from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.billing.bill import bill, rate_warnings
from voicebill.billing.offers import Rates
from voicebill.billing.price_book import price_warnings
from voicebill.billing.usage import Usage
from voicebill.cli.app import app
from voicebill.conversation.plan import Plan
from voicebill.facts import load_facts
from voicebill.facts.files import InvalidFile

TOP = 'checked = 2026-11-01\nsources = ["our contract"]\n'
CONTRACT = """
[[contracted]]
offer = "openai/gpt-realtime-1.5"
[[contracted.prices]]
since = 2026-11-01
until = 2027-01-01
usd = { audio_in = 28 }
"""


def write_contract(tmp_path: Path, content: str) -> Path:
    file = tmp_path / "contract.toml"
    file.write_text(TOP + content, encoding="utf-8")
    return file


def discount(percent: str, more: str = "") -> str:
    return f'\n[[adjustments]]\nname = "discount"\ndiscount_percent = {percent}\nsince = 2026-11-01\n{more}\n'


def price(facts: Facts, meter: str, day: date = DAY, model: str = "gpt-realtime-1.5", provider: str = "openai") -> Decimal:
    return facts.prices.quote(model, provider=provider, day=day).rates.row.unit_prices[meter]


def test_a_negotiated_price_applies_on_its_days_and_to_its_meter_only(tmp_path: Path) -> None:
    facts = load_facts(write_contract(tmp_path, CONTRACT))
    days = [date(2026, 10, 31), date(2026, 11, 1), date(2026, 12, 31), date(2027, 1, 1)]
    assert [price(facts, "audio_in", day) for day in days] == [32, 28, 28, 32]
    assert price(facts, "audio_out") == 64
    assert price(facts, "audio_in", model="gpt-realtime-2") == 32


def test_cached_input_that_costs_more_than_uncached_input_is_warned_of(tmp_path: Path) -> None:
    facts = load_facts(write_contract(tmp_path, CONTRACT.replace("audio_in = 28", "audio_in = 0.3")))
    answer = estimate(Plan(minutes=10, turns=20), ModelSelection(model="gpt-realtime-1.5", day=DAY), facts)
    assert (
        "audio in, cached of gpt-realtime-1.5 costs more than audio in ($0.40/M, not $0.30/M): check your prices; "
        "best and worst remain the lowest and the highest amount"
    ) in answer.warnings
    assert answer.per_conversation.best < answer.per_conversation.expected < answer.per_conversation.worst


def test_no_listed_price_of_cached_input_is_above_that_of_uncached_input() -> None:
    book = load_facts().prices
    for offer in book.offers:
        for row in offer.rows:
            assert not list(price_warnings(Rates.from_row(offer, row, book.meters))), (offer.id, row.since)


def test_a_discount_of_nothing_changes_nothing_but_the_digest(tmp_path: Path) -> None:
    ours, theirs = load_facts(), load_facts(write_contract(tmp_path, discount("0")))
    plan, selection = Plan(minutes=10, turns=20), ModelSelection(model="gpt-realtime-1.5", day=DAY)
    before, after = estimate(plan, selection, ours), estimate(plan, selection, theirs)
    assert before.per_conversation == after.per_conversation
    assert before.lines == after.lines
    assert ours.prices.digest != theirs.prices.digest


def test_a_discount_is_a_factor_on_every_price(tmp_path: Path) -> None:
    plan, selection = (
        Plan(minutes=10, turns=20, transcription_model="whisper-1"),
        ModelSelection(model="gpt-realtime-1.5", day=DAY),
    )
    list_cost = estimate(plan, selection, load_facts()).per_conversation
    discounted_cost = estimate(plan, selection, load_facts(write_contract(tmp_path, discount("25")))).per_conversation
    assert discounted_cost.expected * 4 == list_cost.expected * 3


def test_adjustments_multiply_and_come_after_what_was_negotiated(tmp_path: Path) -> None:
    residency = '\n[[adjustments]]\nname = "residency"\nfactor = 1.1\nmodels = ["gpt-realtime-1.5"]\nsince = 2026-11-01\n'
    facts = load_facts(write_contract(tmp_path, CONTRACT + discount("10") + residency))
    assert price(facts, "audio_in") == Decimal(28) * Decimal("0.9") * Decimal("1.1")
    quote = facts.prices.quote("gpt-realtime-1.5", day=DAY)
    assert "contracted prices since 2026-11-01 (our contract)" in quote.assumptions
    assert "residency: prices × 1.1 (our contract)" in quote.assumptions


def test_an_adjustment_concerns_only_what_it_names(tmp_path: Path) -> None:
    facts = load_facts(write_contract(tmp_path, discount("50", 'providers = ["azure"]\ndeployments = ["global"]')))
    assert price(facts, "audio_in") == 32
    assert price(facts, "audio_in", provider="azure") == 16
    zone = facts.prices.quote("gpt-realtime-1.5", provider="azure", deployment="data-zone", day=DAY)
    assert zone.rates.row.unit_prices["audio_in"] == Decimal("35.2")


def test_a_dispute_is_discounted_with_its_price(tmp_path: Path) -> None:
    rates = load_facts(write_contract(tmp_path, discount("50"))).prices.quote("gpt-4o-transcribe", day=DAY).rates
    texts = list(rate_warnings(bill(Usage.tokens(audio_in=10), rates), rates))
    assert texts[0].startswith("the price of audio in of gpt-4o-transcribe is disputed: $3.00/M is used; $1.25/M")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            CONTRACT.replace("gpt-realtime-1.5", "gpt-realtme-1.5"),
            "line 4: unknown offer 'openai/gpt-realtme-1.5'; the nearest are",
        ),
        (CONTRACT.replace("audio_in", "audio_inn"), "line 9: usd: unknown meter 'audio_inn'"),
        (CONTRACT + CONTRACT, "has contracted prices already: put all rows under one [[contracted]]"),
        (discount("101"), "discount_percent: must be between 0 and 100, not 101"),
        (discount("10", "factor = 0.9"), "an adjustment has either a factor or discount_percent"),
        (discount("10", "until = 2026-10-01"), "until (2026-10-01) is not after since (2026-11-01)"),
        (discount("150"), "has 1 error:\n  line 6: discount_percent: must be between 0 and 100, not 150"),
        (discount("10", "models = ['gpt-realtime-9']"), "unknown model 'gpt-realtime-9'; the nearest are gpt-realtime"),
        (discount("10", "providers = ['opnai']"), "unknown provider 'opnai'; the nearest is openai"),
        (discount("10", "provider = 'openai'"), "unknown key 'provider'; the nearest is 'providers'"),
    ],
)
def test_a_faulty_contract_lists_its_faults(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        load_facts(write_contract(tmp_path, content))
    assert message in str(caught.value)


def test_every_command_takes_a_contract(tmp_path: Path) -> None:
    file = str(write_contract(tmp_path, CONTRACT + discount("10")))
    script = tmp_path / "script.toml"
    script.write_text('model = "gpt-realtime-1.5"\n[[turns]]\nuser_seconds = 5\nreply_seconds = 5\n', encoding="utf-8")
    arguments = ("--minutes", "10", "--turns", "20", "--day", "2026-11-22", "--prices", file, "--json")
    for words in (
        ("estimate", *arguments),
        ("compare", "--provider", "openai", *arguments),
        ("simulate", str(script), *arguments[4:]),
    ):
        result = CliRunner().invoke(app, list(words))
        assert result.exit_code == 0, result.output
        assert "contracted prices since 2026-11-01 (our contract)" in result.stdout or words[0] == "compare"
    checked = CliRunner().invoke(app, ["prices", "--check", file]).stdout
    assert "has no faults: offers 0, rule sets 0, contracted 1, adjustments 1" in checked


def test_a_contract_in_the_home_folder_is_always_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_contract(tmp_path, CONTRACT)
    words = ["estimate", "--minutes", "10", "--turns", "20", "--day", "2026-11-22", "--json"]
    plain = CliRunner().invoke(app, words).stdout
    monkeypatch.setenv("VOICEBILL_HOME", str(tmp_path))
    at_home = CliRunner().invoke(app, words).stdout
    assert "contracted prices since 2026-11-01" in at_home
    assert "contracted prices since 2026-11-01" not in plain
    monkeypatch.setenv("VOICEBILL_HOME", str(tmp_path / "nowhere"))
    rejected = CliRunner().invoke(app, words)
    assert (rejected.exit_code, "VOICEBILL_HOME names no folder" in rejected.stderr) == (2, True)


def test_what_is_free_divides_nothing(tmp_path: Path) -> None:
    file = str(write_contract(tmp_path, discount("100")))
    arguments = ["--minutes", "10", "--turns", "20", "--day", "2026-11-22", "--prices", file]
    for words in (["compare", "--calculator"], ["estimate", "--sensitivity"], ["estimate", "--call-length-cv", "1"]):
        result = CliRunner().invoke(app, [*words, *arguments])
        assert result.exit_code == 0, result.output


def test_what_was_negotiated_before_it_was_listed_is_compared(tmp_path: Path) -> None:
    own = """
[[offers]]
provider = "openai"
model = "my-model"
kind = "realtime"
[[offers.prices]]
since = 2026-11-01
usd = { text_in = 1, text_out = 1, audio_in = 1, audio_out = 1 }
[[contracted]]
offer = "openai/my-model"
[[contracted.prices]]
since = "2026-10"
usd = { text_in = 1, text_out = 1, audio_in = 1, audio_out = 1 }
"""
    words = ["compare", "--minutes", "5", "--turns", "5", "--model", "my-model", "--day", "2026-10-15"]
    result = CliRunner().invoke(app, [*words, "--prices", str(write_contract(tmp_path, own))])
    assert (result.exit_code, "openai my-model" in result.stdout) == (0, True)


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    file = write_contract(tmp_path, discount("10"))
    once, twice = load_facts(file), load_facts(file, file)
    assert once.prices.digest == twice.prices.digest


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (discount("10") + discount("20"), "the adjustments named 'discount' since 2026-11-01 and since 2026-11-01 overlap"),
        ('\n[[currencies]]\ncode = "USD"\nper_dollar = 1.2\nsince = 2026-11-01\n', "three letters such as EUR, and not USD"),
        ('\n[[currencies]]\ncode = "EURO"\nper_dollar = 1.2\nsince = 2026-11-01\n', "three letters such as EUR"),
    ],
)
def test_a_contract_that_says_a_thing_twice_or_wrongly_is_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(InvalidFile, match=re.escape(message)):
        load_facts(write_contract(tmp_path, content))


EURO = '\n[[currencies]]\ncode = "EUR"\nper_dollar = 0.8\nsince = 2026-11-01\nuntil = 2027-01-01\n'


def test_amounts_are_told_in_another_currency_on_the_days_of_its_rate(tmp_path: Path) -> None:
    facts = load_facts(write_contract(tmp_path, EURO))
    plan = Plan(minutes=10, turns=20)
    answer = estimate(plan, ModelSelection(model="gpt-realtime-1.5", day=DAY), facts)
    shape = answer.to_dict()
    converted = shape["in_currency"]
    assert (converted["currency"], converted["per_dollar"], converted["per_month"]) == ("EUR", "0.8", None)
    assert Decimal(converted["per_conversation"]["expected"]) == Decimal(shape["per_conversation"]["expected"]) * Decimal("0.8")
    assert "dollars are converted to EUR at 0.8 per dollar since 2026-11-01 (our contract)" in answer.assumptions
    later = estimate(plan, ModelSelection(model="gpt-realtime-1.5", day=date(2027, 1, 1)), facts)
    assert later.to_dict()["in_currency"] is None
    assert any("no exchange rate is known for 2027-01-01" in text for text in later.assumptions)
    assert (
        answer.per_conversation
        == estimate(plan, ModelSelection(model="gpt-realtime-1.5", day=DAY), load_facts()).per_conversation
    )


def test_a_price_in_another_currency_is_exchanged_at_the_rate_of_its_first_day(tmp_path: Path) -> None:
    """EUR 24 at 0.8 a dollar are $30."""
    contract = CONTRACT.replace("usd = { audio_in = 28 }", 'currency = "EUR"\namounts = { audio_in = 24 }')
    assert price(load_facts(write_contract(tmp_path, EURO + contract)), "audio_in") == 30
    for content, message in (
        (contract, "no [[currencies]] in this file gives a rate for EUR on 2026-11-01"),
        (EURO + contract.replace('currency = "EUR"\n', ""), "'currency' and 'amounts' go together"),
        (EURO + contract + "usd = { audio_in = 28 }\n", "prices are given either as 'usd', or as 'currency' and 'amounts'"),
        (EURO + contract.replace("amounts = { audio_in = 24 }", ""), "'currency' and 'amounts' go together"),
        (EURO + EURO, "the currencies since 2026-11-01 and since 2026-11-01 overlap"),
        (EURO.replace("0.8", "0"), "per_dollar: must be more than 0"),
    ):
        with pytest.raises(InvalidFile) as caught:
            load_facts(write_contract(tmp_path, content))
        assert message in str(caught.value)


def test_every_command_tells_amounts_in_the_stated_currency(tmp_path: Path) -> None:
    file = str(write_contract(tmp_path, EURO))
    output = (
        CliRunner().invoke(app, ["estimate", "--minutes", "10", "--turns", "20", "--prices", file, "--day", str(DAY)]).output
    )
    assert re.search(r"EUR +best +expected +worst", output)
    words = ["compare", "--minutes", "10", "--turns", "20", "--provider", "openai", "--prices", file, "--day", str(DAY)]
    assert re.search(r"EUR 0\.66", CliRunner().invoke(app, words).output)
    output = CliRunner().invoke(app, ["simulate", "docs/examples/support-call.toml", "--prices", file]).output
    assert re.search(r"EUR +best +expected +worst", output)
