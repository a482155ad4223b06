"""The loader: our own files load, a new provider needs no Python, and a faulty file reports every fault with its line."""

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.cases import DAY, micro_dollars
from tests.facts.invented import INVENTED
from voicebill.billing.bill import bill, sum_lines
from voicebill.billing.errors import InvalidInput
from voicebill.billing.usage import Usage
from voicebill.facts import load_facts
from voicebill.facts.files import InvalidFile, UnreadableFile

FAULTY = """
provider = "parrot-ai"
checked = 2026-11-01
sources = ["an invented price list"]

[[offers]]
model = "parrot-1"
kind = "realtme"
[[offers.prices]]
since = "2026-13"
usd = { audio_in = -1 }

[[offers]]
modle = "parrot-2"
kind = "realtime"
[[offers.prices]]
since = "2026-01-01"
usd = { audio_in = 1 }
"""

MISTAKEN = '''
provider = "parrot-ai"
checked = 2026-11-01
sources = ["an invented price list"]
note = """
[[offers]]
not = "a table"
"""

[[offers]]
model = "parrot-1"
kind = "realtime"
[[offers.prices]]
since = "2026-01-01"
usd = { audio_inn = 1 }
[[offers.prices]]
since = "2026-02-01"
usd = { audio_in = 1 }

[[offers]]
model = "parrot-2"
kind = "realtime"
regions = "everywhere"
[[offers.prices]]
since = "2026-01-01"
usd = { audio_in = 1 }

[[offers]]
model = "parrot-3"
kind = "realtime"
[[offers.prices]]
since = "2026-01-01"
usd = { audio_in = 1 }
[[offers.prices]]
since = "2026-02-01"
usd = { audio_in = 2 }
'''


TOP = "provider='p'\nchecked=2026-01-01\nsources='s'\n"
RULES_TOP = "name='m'\nbased_on='recorded-2026-11'\nevidence='assumed'\nbasis='b'\n"


def write_facts(tmp_path: Path, content: str, name: str = "mine.toml") -> Path:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    return file


def test_a_new_provider_is_one_toml_file_and_no_python(tmp_path: Path) -> None:
    """Priced by the second and by the token: 2.5 s x $0.002, 1,000 tokens x $12.50/M, 10 x $3/M."""
    rates = load_facts(write_facts(tmp_path, INVENTED)).prices.quote("parrot-1", provider="parrot-ai", day=DAY).rates
    lines = list(bill(Usage({"squawk_ms": 2500, "audio_in": 1000, "text_out": 10}), rates))
    assert sum_lines(lines) == micro_dollars("2.5 × 2000 + 1000 × 12.5 + 10 × 3")
    assert str(lines[-1]) == "squawking 2.5 s × $0.002/s = $0.005000"


def test_a_file_of_ones_own_changes_the_digest_and_nothing_of_ours(tmp_path: Path) -> None:
    ours, both = load_facts().prices, load_facts(write_facts(tmp_path, INVENTED)).prices
    assert both.digest != ours.digest
    assert both.offers[: len(ours.offers)] == ours.offers
    assert load_facts().prices.digest == ours.digest


def test_every_fault_is_reported_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile) as caught:
        load_facts(write_facts(tmp_path, FAULTY))
    assert str(caught.value).splitlines()[1:] == [
        "  line 8: kind: must be one of realtime, agent, live, translation, transcription, speech, text, audio-chat, "
        "telephony, platform, not 'realtme'; the nearest is 'realtime'",
        "  line 10: since: '2026-13' is not a date: write 2026-11-22, or 2026-11 or 2026 if only that is known",
        "  line 11: usd: audio_in: cannot be negative: -1",
        "  line 13: 'model' is missing",
        "  line 14: unknown key 'modle'; the nearest is 'model'",
    ]
    assert "mine.toml has 5 errors" in str(caught.value)


def test_faults_of_meaning_are_reported_with_their_line_too(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile) as caught:
        load_facts(write_facts(tmp_path, MISTAKEN))
    text = str(caught.value)
    assert "line 15: usd: unknown meter 'audio_inn'; the nearest are audio_in" in text
    assert "line 20: unknown region list 'everywhere'" in text
    assert "line 28: the prices since 2026-01-01 and since 2026-02-01 overlap: give the first an 'until'" in text


RULE = "name='mine'\n[[rules]]\nparameter='vad_silence_ms'\n"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("provider='p'\n[[aliases]]\nmodel='a'\nsince='2026'\n", "'sources' is missing: give at least one"),
        ("[[aliases]]\nmodel='a'\nsince='2026'\n", "'provider' is missing: give it in the row or at the top of the file"),
        ("[[offers]]\nmodel='a'\nkind='text'\n", "an offer needs at least one [[offers.prices]]"),
        ("provider='p'\nchecked=2026-01-01\n[[offers]]\nmodel='a'\nkind='text'\n", "at least one [[offers.prices]]"),
        ("name='mine'\n[[rules]]\nparameter='cache_blok_tokens'\nvalue=1\n", "the nearest are cache_block_tokens"),
        ("name='mine'\n[[rules]]\nparameter='history'\nvalue='all'\n", "unknown history policy 'all'"),
        (
            "name='mine'\n[[rules]]\nparameter='history'\nvalue='keep-all'\nrange=['keep-all', 'all']\n",
            "line 2: unknown history policy 'all'",
        ),
        (f"{RULE}value=500\nrange=[]\n", "range must be a low and a high value"),
        (f"{RULE}value=500\nrange=[200, 500, 800]\n", "range must be a low and a high value"),
        (f"{RULE}value=500\nrange=[800, 200]\n", "value (500) must lie within its range (800 to 200)"),
        (f"{RULE}value=500\nrange=[600, 700]\n", "value (500) must lie within its range (600 to 700)"),
        (
            "name='mine'\n[[rules]]\nparameter='cache_block_tokens'\nvalue=0\n",
            "a whole number between 1 and 1,000,000,000, not 0",
        ),
        ("name='mine'\n[[rules]]\nparameter='cache_block_tokens'\nvalue=64\n", "needs 'evidence' and 'basis'"),
        ("evidence='assumed'\nbasis='b'\n[[rules]]\nparameter='vad_prefix_ms'\nvalue=1\n", "needs a 'name' at its top"),
        ("name='mine'\nbased_on='recordd'\n", "unknown rule set 'recordd'"),
        ("name='recorded-2026-11'\n", "the rule set 'recorded-2026-11' exists already"),
        ("provider='p'\nchecked=2026-01-01\nsources='s'\n[[surcharges]]\nname='x'\n", "has either a factor or usd"),
        ("a = [1,\n", "not valid TOML"),
        ("a = 2026-02-30\n", "not valid TOML"),
    ],
)
def test_what_cannot_be_a_fact_is_refused(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        load_facts(write_facts(tmp_path, row))
    assert message in str(caught.value)


def test_an_offer_that_exists_already_is_refused(tmp_path: Path) -> None:
    ours = Path(__file__).parents[2] / "src/voicebill/facts/prices/openai_speech.toml"
    with pytest.raises(InvalidFile, match="the offer openai/gpt-transcribe exists already"):
        load_facts(Path(shutil.copy(ours, tmp_path / "copy.toml")))


def test_files_that_cannot_be_read_are_named_in_one_sentence(tmp_path: Path) -> None:
    write_facts(tmp_path, INVENTED, "prices.toml")
    with pytest.raises(UnreadableFile, match=r"there is no file .*/price\.toml; did you mean prices\.toml\?"):
        load_facts(tmp_path / "price.toml")
    with pytest.raises(UnreadableFile, match="is a folder, not a file"):
        load_facts(tmp_path)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\x00\x01\xff")
    with pytest.raises(UnreadableFile, match="is not text in UTF-8"):
        load_facts(binary)
    binary.write_bytes(b"\xff\xfe name")
    with pytest.raises(UnreadableFile, match="is not text in UTF-8"):
        load_facts(binary)
    with (tmp_path / "large.toml").open("wb") as large:
        large.truncate(5_000_000)
    with pytest.raises(UnreadableFile, match=r"large.toml has more than 4,000,000 bytes"):
        load_facts(tmp_path / "large.toml")


def test_rules_hold_from_their_day(tmp_path: Path) -> None:
    file = write_facts(
        tmp_path,
        """
name = "dated"
based_on = "recorded-2026-11"
evidence = "measured"
basis = "invented"
[[rules]]
parameter = "cache_block_tokens"
value = 128
until = 2026-06-01
[[rules]]
parameter = "cache_block_tokens"
value = 32
since = 2026-06-01
[[rules]]
parameter = "cache_reuse_share"
value = 0.25
models = ["gpt-realtime"]
""",
    )
    facts = load_facts(file)
    offer = facts.prices.quote("gpt-realtime", day=DAY).offer
    blocks = [
        facts.rules_for(offer, day=day, rules="dated").rules.cache_block_tokens for day in (date(2026, 5, 31), date(2026, 6, 1))
    ]
    assert blocks == [128, 32]
    assert facts.rules_for(offer, day=DAY, rules="dated").rules.cache_reuse_share == Decimal("0.25")
    small = facts.prices.quote("gpt-realtime-mini", day=DAY).offer
    assert facts.rules_for(small, day=DAY, rules="dated").rules.cache_reuse_share == Decimal("0.8")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[[meters]]\nname='audio_in'\nlabel='a'\nunit='token'\npriced_per=1000\nprice_unit='/K'\ndirection='in'\nmodality='audio'\n",
            "the meter audio_in exists already",
        ),
        (
            "[[meters]]\nname='x'\nlabel='x'\nunit='ms'\npriced_per=1000\nprice_unit='/s'\ndirection='in'\nmodality='audio'\nuncached_meter='audio_in'\n",
            "no meter of the same unit is named 'audio_in'",
        ),
        (
            "name='m'\nbased_on='recorded-2026-11'\nevidence='assumed'\nbasis='b'\n"
            "[[rules]]\nparameter='history'\nvalue='keep-all'\nmodels=['gpt-realtme']\n",
            "line 8: unknown model 'gpt-realtme'; the nearest are gpt-realtime",
        ),
        (
            RULES_TOP + "[[rules]]\nparameter='vad_prefix_ms'\nvalue=1\n[[rules]]\nparameter='vad_prefix_ms'\nvalue=2\n",
            "line 8: vad_prefix_ms has a value for these models already",
        ),
        (
            "name='m'\nevidence='assumed'\nbasis='b'\n[[rules]]\nparameter='vad_prefix_ms'\nvalue=1\n",
            'add based_on = "recorded-2026-11-27"',
        ),
        ("name='m'\nrules=[]\n", 'add based_on = "recorded-2026-11-27"'),
        (
            TOP + "[[offers]]\nmodel='a'\nkind='text'\n[[offers.prices]]\nsince='2026'\nusd={text_in=-4, audio_zz=3}\n",
            "line 9: usd: text_in: cannot be negative: -4\n  line 9: usd: unknown meter 'audio_zz'",
        ),
        (
            TOP + "[[offers]]\nmodel='a'\nkind='text'\n"
            "[[offers.prices]]\nsince='2026-05'\nuntil='2026-01'\nusd={text_in=1e-99999999}\n",
            "line 7: until (2026-01) is not after since (2026-05)\n  line 10: usd: text_in: is out of range",
        ),
        (
            TOP + "[[availability]]\nmodels='a'\ndeployment='global'\ntransport_regions={sipp='oslo'}\n",
            "line 7: transport_regions: unknown transport 'sipp'; the nearest is sip",
        ),
    ],
)
def test_facts_that_would_mislead_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        load_facts(write_facts(tmp_path, text))
    assert message in str(caught.value)


def test_a_script_among_the_facts_is_called_one(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="looks like a script, not prices or rules: use voicebill simulate"):
        load_facts(write_facts(tmp_path, "[[turns]]\nreply_seconds = 3\n"))


def test_names_of_ones_own_are_found_in_whatever_case(tmp_path: Path) -> None:
    book = load_facts(write_facts(tmp_path, INVENTED.replace("parrot-1", "Parrot-1"))).prices
    assert book.quote("parrot-1", provider="Parrot-AI", day=DAY).offer.model == "Parrot-1"
    assert book.quote("Parrot-1", provider="parrot-ai", day=DAY).offer.model == "Parrot-1"


def test_an_edited_file_is_read_anew(tmp_path: Path) -> None:
    file = write_facts(tmp_path, INVENTED)
    before = load_facts(file).prices.digest
    assert load_facts(str(write_facts(tmp_path, INVENTED.replace("12.5", "13.5")))).prices.digest != before
