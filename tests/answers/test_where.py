"""Which records are asked about: the grammar, its refusals, and that nothing else gets through."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebill.answers.where import (
    CASELESS,
    FIELDS,
    Both,
    Compared,
    Condition,
    Either,
    Not,
    OneOf,
    Value,
    condition,
    field_named,
    fields_of,
    holds,
)
from voicebill.billing.errors import InvalidInput, UnknownName, VoicebillError

A, B, C = (Compared("tenant", "=", name) for name in "abc")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("tenant = a", A),
        ("tenant=a", A),
        (" TENANT  ==  a ", A),
        ("tenant = a or tenant = b and tenant = c", Either(A, Both(B, C))),
        ("tenant = a and tenant = b or tenant = c", Either(Both(A, B), C)),
        ("(tenant = a or tenant = b) and tenant = c", Both(Either(A, B), C)),
        ("tenant = a and tenant = b and tenant = c", Both(Both(A, B), C)),
        ("not tenant = a and tenant = b", Both(Not(A), B)),
        ("not (tenant = a and tenant = b)", Not(Both(A, B))),
        ("NOT not tenant = a", Not(Not(A))),
        ("tenant = a AND tenant = b Or tenant = c", Either(Both(A, B), C)),
        ("tenant in (a, 'b c', \"d\")", OneOf("tenant", ("a", "b c", "d"))),
        ("tenant NOT IN (a)", Not(OneOf("tenant", ("a",)))),
        ("turn >= 3", Compared("turn", ">=", 3)),
        ("turn in (1,2)", OneOf("turn", (1, 2))),
        ("day < 2026-11-22", Compared("day", "<", date(2026, 11, 22))),
        ("month = 2026-11", Compared("month", "=", "2026-11")),
        ("hour = 2026-11-22T14", Compared("hour", "=", "2026-11-22T14")),
        ("tenant <> a", Compared("tenant", "!=", "a")),
        ("tenant = 'o''brien'", Compared("tenant", "=", "o'brien")),
        ('tenant = "say ""no"""', Compared("tenant", "=", 'say "no"')),
        ("tenant = ''", Compared("tenant", "=", "")),
        ("tenant = 'and'", Compared("tenant", "=", "and")),
        ("tenant = in", Compared("tenant", "=", "in")),
        ("source = a/b-c_d.jsonl:7", Compared("source", "=", "a/b-c_d.jsonl:7")),
        ("tenant = 'two\nlines'", Compared("tenant", "=", "two\nlines")),
        ("tenant = 🦊", Compared("tenant", "=", "🦊")),
    ],
)
def test_a_condition_means_what_it_says(text: str, meant: Condition) -> None:
    """`and` binds more than `or`, `not` more than both; words of the grammar in whatever case, fields too."""
    assert condition(text) == meant


def test_names_that_are_compared_without_case_are_read_so() -> None:
    """Models and providers in capitals are the same ones; a tenant's name is kept as it is."""
    for name in FIELDS:
        if name in ("turn", "day"):
            continue
        assert condition(f"{name} = GPT-Realtime") == Compared(
            name, "=", "gpt-realtime" if name in CASELESS else "GPT-Realtime"
        )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a condition needs a field (provider, model, offer, "),
        ("tenant", "behind tenant stands one of =, !=, <=, >=, <, >, in, not in; not the end"),
        ("tenant like a", "behind tenant stands one of =, !=, <=, >=, <, >, in, not in; not 'like'"),
        ("tenant '=' a", "behind tenant stands one of"),
        ("tenant =", "tenant needs a value to be compared with, not the end; put odd ones into quotes"),
        ("tenant = (a", "tenant needs a value to be compared with, not '('"),
        ("tenant = a b", "a condition goes on with and, or; not with 'b'"),
        ("tenant = a; DROP TABLE usage", "a condition goes on with and, or; not with 'DROP'"),
        ("tenant = a and", "a condition needs a field (provider, model, offer, deployment, region, tier, tenant, "),
        ("and tenant = a", "not 'and'"),
        ("(tenant = a", "a condition needs ')', not the end"),
        ("tenant = a)", "a condition goes on with and, or; not with ')'"),
        ("tenant in a", "a condition needs '(', not 'a'"),
        ("tenant in ()", "tenant needs a value to be compared with, not ')'"),
        ("tenant in (a,)", "tenant needs a value to be compared with, not ')'"),
        ("tenant in (a b)", "a condition needs ')', not 'b'"),
        ("tenant not a", "a condition needs 'in', not 'a'"),
        ("tenant = 'a", 'a condition cannot be read from "\'a" on'),
        ("tenant ! a", "a condition cannot be read from '! a' on"),
        ("'tenant' = a", "a condition needs a field"),
        ("turn = two", "turn is compared with a whole number, not 'two'"),
        ("turn = -1", "turn is compared with a whole number, not '-1'"),
        ("turn = 9999999999", "turn is compared with a whole number, not '9999999999'"),
        ("day = 2026-11", "'2026-11' is not a day: write 2026-11-22, or ask for the month"),
        ("day = today", "'today' is not a day: write 2026-11-22"),
        ("not " * 60 + "tenant = a", "a condition is nested at most 50 deep"),
        ("(" * 60 + "tenant = a", "a condition is nested at most 50 deep"),
        ("turn = 1" + " or turn = 1" * 100, "a condition makes at most 100 comparisons: list values behind in (...)"),
        ("tenant = " + "a" * 4000, "a condition has at most 4,000 characters"),
    ],
)
def test_a_refusal_names_what_was_met_and_what_may_stand_there(text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        condition(text)
    assert said in str(refused.value)
    assert len(str(refused.value)) < 400


def test_an_unknown_field_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="unknown field 'tenent'; the nearest is tenant"):
        condition("tenent = acme")
    with pytest.raises(UnknownName, match="unknown field 'customer'"):
        field_named("customer")
    assert field_named(" Day ") == "day"


@pytest.mark.parametrize(
    "text", ["1 = 1", "tenant = a OR 1=1", "tenant = tenant or true", "tenant = a -- b", "tenant = lower(a)", "u.tenant = a"]
)
def test_what_looks_like_sql_is_refused_or_a_value(text: str) -> None:
    """No function, no number for a field, no comment: only fields of the list and plain values."""
    with pytest.raises(VoicebillError):
        condition(text)


@pytest.mark.parametrize("value", ["'; DROP TABLE usage; --", "x' OR '1'='1", ":p0", "$1", "%", "\\", "NULL", "tenant"])
def test_in_quotes_anything_is_a_value(value: str) -> None:
    quoted = value.replace("'", "''")
    assert condition(f"tenant = '{quoted}'") == Compared("tenant", "=", value)


ROW: dict[str, Value] = dict.fromkeys(FIELDS) | {"tenant": "b", "turn": 2, "day": date(2026, 11, 22)}


@pytest.mark.parametrize(
    ("text", "whether"),
    [
        ("tenant = b", True),
        ("tenant != b", False),
        ("tenant < c and tenant > a", True),
        ("tenant in (a, b)", True),
        ("tenant not in (a, b)", False),
        ("turn >= 2 and turn <= 2 and not turn > 2 and not turn < 2", True),
        ("turn > 10", False),
        ("day = 2026-11-22", True),
        ("day > 2026-11-22 or day < 2026-11-22", False),
        ("session = x", False),
        ("session != x", True),
        ("session < x or session >= x", False),
        ("not session < x", True),
        ("session in (x)", False),
        ("session not in (x)", True),
    ],
)
def test_a_condition_holds_or_does_not(text: str, whether: bool) -> None:
    """Turns are compared as numbers; what a record does not have is unequal to everything, and not smaller or larger."""
    assert holds(condition(text), ROW) is whether


def test_the_fields_of_a_condition_are_known() -> None:
    assert fields_of(None) == set()
    assert fields_of(condition("not (tenant = a or turn in (1)) and day > 2026-11-22")) == {"tenant", "turn", "day"}


texts = st.text(max_size=30) | st.lists(
    st.sampled_from(
        [*FIELDS, "and", "or", "not", "in", "(", ")", ",", "=", "<=", "'x'", '"y"', "a", "7", "2026-11-22", "'", " "]
    ),
    max_size=12,
).map(" ".join)


@given(texts)
def test_any_text_is_a_condition_or_refused_in_words(text: str) -> None:
    """No crash; and what gets through is made of the grammar's own parts, its fields and plain values."""
    try:
        found = condition(text)
    except VoicebillError as error:
        assert str(error)  # noqa: PT017 - either is right
        return
    assert fields_of(found) <= set(FIELDS)
    assert plain(found)
    assert holds(Not(found), ROW) is not holds(found, ROW)


def plain(found: Any) -> bool:
    """Whether a condition is made of nothing else than its parts."""
    match found:
        case Compared(name, operator, value):
            return name in FIELDS and operator in ("=", "!=", "<", "<=", ">", ">=") and isinstance(value, str | int | date)
        case OneOf(name, values):
            return name in FIELDS and all(isinstance(value, str | int | date) for value in values)
        case Not(inner):
            return plain(inner)
        case Both(one, other) | Either(one, other):
            return plain(one) and plain(other)
    return False
