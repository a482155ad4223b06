"""The ledger: amounts that add up, and what made each response cost what it does."""

from dataclasses import replace
from decimal import Decimal

from tests.cases import DAY
from voicebill.answers.estimate import Estimate, estimate
from voicebill.answers.ledger import Entry, ledger
from voicebill.answers.offered import Asked
from voicebill.conversation.plan import Plan
from voicebill.conversation.script import Truncation
from voicebill.facts import load

PLAN = Plan(minutes=10, turns=20, tool_calls=2, interrupted_share=Decimal("0.1"))


def entries(plan: Plan) -> tuple[Estimate, list[Entry]]:
    answer = estimate(plan, Asked(model="gpt-realtime-1.5", day=DAY), load())
    return answer, list(ledger(answer.conversation, answer.offered))


def test_the_entries_add_up_to_the_voice_models_bill() -> None:
    answer, found = entries(replace(PLAN, transcription_model="whisper-1"))
    voice = sum(line.amount or 0 for line in answer.lines)
    assert sum(entry.amount for entry in found) == voice == found[-1].reached
    assert len(found) == 22


def test_each_entry_says_what_made_it_so() -> None:
    _, found = entries(PLAN)
    assert found[0].why == ("the first response: nothing is in the cache yet",)
    told = {said for entry in found[1:] for said in entry.why}
    assert any("an older reply has shrunk to its transcript; 80% of the" in said for said in told)
    assert "a tool call is a response of its own, and reads everything" in told
    assert "the user breaks in: all that was generated is billed, heard or not" in told
    assert any("tokens in common are found, in blocks of 64" in said for said in told)


def test_cuts_and_new_sessions_are_named() -> None:
    _, cut = entries(replace(PLAN, truncation=Truncation("auto", Decimal("0.8"), 2000)))
    assert any("the history no longer fits" in said for entry in cut for said in entry.why)
    _, long = entries(replace(PLAN, session_minutes=5))
    assert any("session 2 starts cold" in entry.why for entry in long)


def test_other_cache_behaviours_are_named() -> None:
    assert entries(replace(PLAN, cache="none"))[1][4].why[-1] == "nothing is found in the cache"
    assert "tokens read before are in the cache" in entries(replace(PLAN, cache="all"))[1][4].why[-1]
    assert entries(replace(PLAN, warm=True))[1][0].why == ("another session has just used the same instructions",)
