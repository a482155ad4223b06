"""A log names Azure deployments; an alias says which model a name stands for."""

import pytest

from tests.cli.invoke import answer, refusal
from tests.logs.reading import read_record
from voicebill.answers.parameters.kinds import read_aliases
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


@pytest.mark.parametrize("text", ["", "a", "a=", "=b", "a=b,a=c", "a=b,"])
def test_aliases_are_pairs_each_name_once(text: str) -> None:
    with pytest.raises(ValueError, match=r"NAME=MODEL|must be text"):
        read_aliases(text)
