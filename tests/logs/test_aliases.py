"""A log names Azure deployments; an alias says which model a name stands for."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests.cli.invoke import answer, refusal
from tests.logs.reading import read_record
from voicebill.answers.parameters.kinds import read_aliases
from voicebill.answers.recorded.recorded_names import RecordedNames
from voicebill.facts import load_facts
from voicebill.facts.files import InvalidFile
from voicebill.logs.defaults import LogDefaults

ROW = "provider,model,text_in,day\nazure_openai,Voice-Prod,1000,2026-11-22\n"


def test_the_model_of_a_deployment_replaces_its_name() -> None:
    defaults = LogDefaults(alias=read_aliases("voice-prod = gpt-realtime, stt=gpt-4o-transcribe"))
    assert read_record(ROW, defaults=defaults).model == "gpt-realtime"
    assert read_record(ROW.replace("Voice-Prod", "gpt-realtime-mini"), defaults=defaults).model == "gpt-realtime-mini"


def test_the_command_prices_a_deployment_by_its_alias(tmp_path: object) -> None:
    """1,000 text tokens of gpt-realtime at $4 a million are $0.004."""
    file = f"{tmp_path}/a.csv"
    with open(file, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a path as text
        stream.write(ROW)
    words = ("cost", file, "--deployment", "global")
    assert answer(*words)["total"]["status"] == "unpriced"
    assert answer(*words, "--alias", "voice-prod=gpt-realtime")["total"]["dollars"] == "0.004"
    assert "--alias must be NAME=MODEL" in refusal(*words, "--alias", "voice-prod")


ALIASES = '[aliases]\nVoice-Prod = "GPT-realtime"\n"stt.v2" = "gpt-4o-transcribe"\n'


def test_aliases_in_a_file_of_prices_apply_to_logs_and_ledgers(tmp_path: Path) -> None:
    """1,000 text tokens of gpt-realtime are $0.004, read, recorded with the file, and recorded before there was one."""
    log, file = tmp_path / "a.csv", tmp_path / "names.toml"
    log.write_text(ROW)
    file.write_text(ALIASES)
    prices = ("--prices", str(file), "--deployment", "global")
    assert answer("cost", str(log), *prices)["total"]["dollars"] == "0.004"
    assert answer("cost", str(log), *prices, "--alias", "voice-prod=gpt-realtime-mini")["total"]["dollars"] == "0.0006"
    recorded = answer("record", str(log), "--ledger", str(tmp_path / "before"))
    assert answer("cost", "--ledger", str(tmp_path / "before"), *prices)["total"]["dollars"] == "0.004"
    assert "1 record of voice-prod at azure will be unpriced: unknown model 'voice-prod'" in recorded["warnings"][0]
    recorded = answer("record", str(log), "--ledger", str(tmp_path / "with"), "--prices", str(file))
    assert recorded["warnings"] == []
    assert answer("cost", "--ledger", str(tmp_path / "with"), "--deployment", "global")["total"]["dollars"] == "0.004"


def test_an_alias_names_a_model_of_an_estimate(tmp_path: Path) -> None:
    file = tmp_path / "names.toml"
    file.write_text(ALIASES)
    plan = ("estimate", "--minutes", "3", "--turns", "6", "--day", "2026-11-22", "--provider", "azure")
    named = answer(*plan, "--model", "voice-prod", "--prices", str(file))
    assert named["per_conversation"] == answer(*plan, "--model", "gpt-realtime")["per_conversation"]
    assert "voice-prod is an alias of gpt-realtime" in named["assumptions"]


def test_a_vendor_s_name_is_no_alias_in_the_price_book(tmp_path: Path) -> None:
    """Otherwise offers that are compared would have another's prices. A log's own names are replaced even so."""
    file = tmp_path / "names.toml"
    file.write_text('[aliases]\ngpt-realtime = "gpt-realtime-mini"\n')
    book = load_facts(file).prices
    assert book.quote("gpt-realtime", day=date(2026, 11, 22)).offer.model == "gpt-realtime"
    assert book.model_of("GPT-realtime") == "GPT-realtime"
    log = tmp_path / "a.csv"
    log.write_text(ROW.replace("Voice-Prod", "gpt-realtime"))
    assert answer("cost", str(log), "--prices", str(file), "--deployment", "global")["total"]["dollars"] == "0.0006"


def test_faults_in_aliases_are_reported_with_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "names.toml"
    file.write_text('[aliases]\nok = "gpt-realtime"\nStt = "gpt-4o-transcrib"\na.b = "x"\ne = ""\nOK = "gpt-realtime"\n')
    with pytest.raises(InvalidFile) as caught:
        load_facts(file)
    assert str(caught.value).splitlines()[1:] == [
        "  line 3: Stt: unknown model 'gpt-4o-transcrib'; the nearest are gpt-4o-transcribe, gpt-transcribe, "
        "gpt-4o-mini-transcribe",
        "  line 4: a.b: must be the name of a model: put a name with dots in quotation marks",
        "  line 5: e: must be the name of a model, such as 'gpt-realtime'",
        "  line 6: OK: must be a name that occurs once, in whatever case",
    ]


def test_unknown_names_are_reported_when_they_are_recorded(tmp_path: Path) -> None:
    """Of six records, three are of a misspelt model, one of no known provider, and one without a model."""
    log = tmp_path / "a.csv"
    rows = [*["openai,gpt-realtme"] * 3, "acme,gpt-realtime", "openai,", ",gpt-realtime"]
    log.write_text("provider,model,text_in,day\n" + "".join(f"{row},10,2026-11-22\n" for row in rows))
    warnings = answer("record", str(log), "--ledger", str(tmp_path / "ledger"))["warnings"]
    assert warnings == [
        "3 records of gpt-realtme at openai will be unpriced: unknown model 'gpt-realtme'; the nearest are gpt-realtime, "
        "gpt-realtime-2, gpt-realtime-2.1",
        "1 record of gpt-realtime at acme will be unpriced: unknown provider 'acme'; 24 are known, such as agora, "
        "alibaba, amazon, assemblyai",
        "1 record without a model will be unpriced: give a model, or a transcription model for transcriptions",
    ]


def test_at_most_ten_unknown_names_are_listed() -> None:
    records = [replace(read_record(ROW), model=f"m{number}") for number in range(12)]
    names = RecordedNames(load_facts().prices)
    assert list(names.watch(records)) == records
    assert len(names.warnings()) == 11
    assert names.warnings()[-1] == "2 more names are unknown"


USAGE = {"input_tokens": 10, "output_tokens": 0, "input_token_details": {"text_tokens": 10}}
DONE = {"type": "response.done", "response": {"id": "r1", "conversation_id": "c1", "status": "completed", "usage": USAGE}}
AGENTS = {"type": "raw_model_event", "data": {"type": "usage", "usage": USAGE}}


def log_of(log_format: str, provider: str | None, model: str) -> str:
    """Return a log with one response that names its provider apart, in its model's name, or in both."""
    named: dict[str, str] = {name: value for name, value in (("provider", provider), ("model", model)) if value}
    seller = {"provider": provider} if provider else {}
    if log_format == "columns":
        return f"provider,model,text_in\n{provider or ''},{model},10\n"
    logs: dict[str, list[object]] = {
        "realtime": [named | {"event": DONE}],
        "session": [seller | {"event": {"type": "session.created", "session": {"model": model}}}, seller | {"event": DONE}],
        "agents": [named | {"event": AGENTS}],
        "otel": [
            {
                "attributes": {"gen_ai.usage.input_tokens": 10, "gen_ai.request.model": model}
                | ({"gen_ai.provider.name": provider} if provider else {})
            }
        ],
        "litellm": [
            {"id": "c", "call_type": "acompletion", "prompt_tokens": 1, "model": model}
            | {"custom_llm_provider": provider or "azure"}
        ],
        "livekit": [{"type": "llm_usage", "input_tokens": 10, "output_tokens": 0, **named}],
    }
    return "\n".join(map(json.dumps, logs[log_format]))


@pytest.mark.parametrize(
    ("provider", "model"),
    [("azure_openai", "gpt-realtime"), ("Azure OpenAI", "openai/gpt-realtime"), (None, "azure/gpt-realtime")],
)
@pytest.mark.parametrize("log_format", ["realtime", "session", "agents", "columns", "otel", "litellm", "livekit"])
def test_a_provider_is_recognised_by_all_its_names_in_every_format(log_format: str, provider: str | None, model: str) -> None:
    """Apart, or in the model's name. A provider that is named apart counts."""
    record = read_record(log_of(log_format, provider, model))
    assert (record.provider, record.model) == ("azure", "gpt-realtime")


@pytest.mark.parametrize("text", ["", "a", "a=", "=b", "a=b,a=c", "a=b,"])
def test_aliases_are_pairs_each_name_once(text: str) -> None:
    with pytest.raises(ValueError, match=r"NAME=MODEL|must be text"):
        read_aliases(text)
