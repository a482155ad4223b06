"""Words that are none of a field's are refused with those that are, by the filter and by the command line alike."""

from typing import get_args

import pytest
from typer.testing import CliRunner

from voicebill.answers.recorded.filters import VOCABULARIES, matches_row, parse_filter
from voicebill.billing.errors import UnknownName
from voicebill.billing.offers import DEPLOYMENTS
from voicebill.billing.record import RECORD_KINDS
from voicebill.billing.usage import Status
from voicebill.cli.app import app

PLAN = ("--minutes", "10", "--turns", "20")


def test_the_vocabularies_are_those_of_the_records() -> None:
    assert {"kind": RECORD_KINDS, "status": get_args(Status), "deployment": DEPLOYMENTS} == VOCABULARIES


@pytest.mark.parametrize("field", VOCABULARIES)
def test_every_word_of_a_vocabulary_is_accepted_and_no_other(field: str) -> None:
    for word in VOCABULARIES[field]:
        for text in (f"{field} = {word.upper()}", f"{field} in ('{word}')"):
            assert matches_row(parse_filter(text), {field: word})
    for text in (f"{field} = nothing", f"{field} != nothing", f"not {field} in ({VOCABULARIES[field][0]}, nothing)"):
        with pytest.raises(UnknownName, match=f"unknown {field} 'nothing'"):
            parse_filter(text)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("cost", "no.jsonl", "--where", "status = unpriced"), "unknown status 'unpriced'; known: "),
        (("cost", "no.jsonl", "--where", "kind = respnse"), "unknown kind 'respnse'; the nearest is response"),
        (("cost", "no.jsonl", "--where", "deployment = euro"), "unknown deployment 'euro'; known: data-zone, global, regional"),
        (("cost", "no.jsonl", "--by", ""), "--by "),
        (("cost", "no.jsonl", "--by", "model,"), "--by "),
        (("capacity", *PLAN, "--calls-per-hour", "200", "--provider", "azure", "--tier", "9"), "unknown quota tier 'tier-9'"),
    ],
)
def test_an_unknown_word_is_refused_before_any_log_is_read(words: tuple[str, ...], sentence: str) -> None:
    result = CliRunner().invoke(app, list(words))
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in " ".join(result.stderr.split())
    assert "no.jsonl" not in result.stderr
