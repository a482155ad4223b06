"""Which records are asked about: the grammar, its refusals, and that nothing else gets through."""

import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebill.answers.parameters import kinds
from voicebill.answers.recorded.filters import (
    CASE_INSENSITIVE_FIELDS,
    FILTER_FIELDS,
    VOCABULARIES,
    And,
    Condition,
    FieldComparison,
    FieldValue,
    In,
    Not,
    Or,
    fields_of,
    matches_row,
    parse_field,
    parse_filter,
)
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.errors import InvalidInput, UnknownName, VoicebillError

A, B, C = (FieldComparison("tenant", "=", name) for name in "abc")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tenant = a", A),
        ("tenant=a", A),
        (" TENANT  ==  a ", A),
        ("tenant = a or tenant = b and tenant = c", Or(A, And(B, C))),
        ("tenant = a and tenant = b or tenant = c", Or(And(A, B), C)),
        ("(tenant = a or tenant = b) and tenant = c", And(Or(A, B), C)),
        ("tenant = a and tenant = b and tenant = c", And(And(A, B), C)),
        ("not tenant = a and tenant = b", And(Not(A), B)),
        ("not (tenant = a and tenant = b)", Not(And(A, B))),
        ("NOT not tenant = a", Not(Not(A))),
        ("tenant = a AND tenant = b Or tenant = c", Or(And(A, B), C)),
        ("tenant in (a, 'b c', \"d\")", In("tenant", ("a", "b c", "d"))),
        ("tenant NOT IN (a)", Not(In("tenant", ("a",)))),
        ("turn >= 3", FieldComparison("turn", ">=", 3)),
        ("turn in (1,2)", In("turn", (1, 2))),
        ("day < 2026-11-22", FieldComparison("day", "<", date(2026, 11, 22))),
        ("month = 2026-11", FieldComparison("month", "=", "2026-11")),
        ("hour = 2026-11-22T14", FieldComparison("hour", "=", "2026-11-22T14")),
        ("tenant <> a", FieldComparison("tenant", "!=", "a")),
        ("tenant = 'o''brien'", FieldComparison("tenant", "=", "o'brien")),
        ('tenant = "say ""no"""', FieldComparison("tenant", "=", 'say "no"')),
        ("tenant = ''", FieldComparison("tenant", "=", "")),
        ("tenant = 'and'", FieldComparison("tenant", "=", "and")),
        ("tenant = in", FieldComparison("tenant", "=", "in")),
        ("source = a/b-c_d.jsonl:7", FieldComparison("source", "=", "a/b-c_d.jsonl:7")),
        ("tenant = 'two\nlines'", FieldComparison("tenant", "=", "two\nlines")),
        ("tenant = 🦊", FieldComparison("tenant", "=", "🦊")),
    ],
)
def test_a_condition_means_what_it_says(text: str, expected: Condition) -> None:
    """`and` binds more than `or`, `not` more than both; words of the grammar in whatever case, fields too."""
    assert parse_filter(text) == expected


def test_names_that_are_compared_without_case_are_read_so() -> None:
    """Models and providers in capitals are the same ones; a tenant's name is kept as it is."""
    for name in FILTER_FIELDS:
        if name in ("turn", "day", *VOCABULARIES):
            continue
        assert parse_filter(f"{name} = GPT-Realtime") == FieldComparison(
            name, "=", "gpt-realtime" if name in CASE_INSENSITIVE_FIELDS else "GPT-Realtime"
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a condition needs a field (provider, model, offer, "),
        ("tenant", "tenant is followed by one of =, !=, <=, >=, <, >, in, not in; not by the end"),
        ("tenant like a", "tenant is followed by one of =, !=, <=, >=, <, >, in, not in; not by 'like'"),
        ("tenant '=' a", "tenant is followed by one of"),
        ("tenant =", "tenant needs a value to be compared with, not the end; quote values with blanks or signs"),
        ("tenant = (a", "tenant needs a value to be compared with, not '('"),
        ("tenant = a b", "a condition continues with and, or; not with 'b'"),
        ("tenant = a; DROP TABLE usage", "a condition continues with and, or; not with 'DROP'"),
        ("tenant = a and", "a condition needs a field (provider, model, offer, deployment, region, tier, tenant, "),
        ("and tenant = a", "not 'and'"),
        ("(tenant = a", "a condition needs ')', not the end"),
        ("tenant = a)", "a condition continues with and, or; not with ')'"),
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
        ("turn = 1" + " or turn = 1" * 100, "a condition makes at most 100 comparisons: list values with in (...)"),
        ("tenant = " + "a" * 4000, "a condition has at most 4,000 characters"),
    ],
)
def test_a_refusal_names_what_was_met_and_what_may_stand_there(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as error:
        parse_filter(text)
    assert message in str(error.value)
    assert len(str(error.value)) < 400


def test_an_unknown_field_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="unknown field 'tenent'; the nearest is tenant"):
        parse_filter("tenent = acme")
    with pytest.raises(UnknownName, match="unknown field 'customer'"):
        parse_field("customer")
    assert parse_field(" Day ") == "day"


def test_an_unknown_field_to_group_by_is_an_error_of_by() -> None:
    with pytest.raises(UnknownName, match="unknown field 'nonsense'") as error:
        CostQuery(by=("nonsense",))
    assert error.value.field == "by"
    with pytest.raises(UnknownName) as error:
        kinds.read_field_names("nonsense")
    assert error.value.field == "by"


@pytest.mark.parametrize(
    "text", ["1 = 1", "tenant = a OR 1=1", "tenant = tenant or true", "tenant = a -- b", "tenant = lower(a)", "u.tenant = a"]
)
def test_what_looks_like_sql_is_refused_or_a_value(text: str) -> None:
    """No function, no number for a field, no comment: only fields of the list and plain values."""
    with pytest.raises(VoicebillError):
        parse_filter(text)


@pytest.mark.parametrize("value", ["'; DROP TABLE usage; --", "x' OR '1'='1", ":p0", "$1", "%", "\\", "NULL", "tenant"])
def test_in_quotes_anything_is_a_value(value: str) -> None:
    quoted = value.replace("'", "''")
    assert parse_filter(f"tenant = '{quoted}'") == FieldComparison("tenant", "=", value)


ROW: dict[str, FieldValue] = dict.fromkeys(FILTER_FIELDS) | {"tenant": "b", "turn": 2, "day": date(2026, 11, 22)}


@pytest.mark.parametrize(
    ("text", "expected"),
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
def test_a_condition_holds_or_does_not(text: str, expected: bool) -> None:
    """Turns are compared as numbers; what a record does not have is unequal to everything, and not smaller or larger."""
    assert matches_row(parse_filter(text), ROW) is expected


def test_the_fields_of_a_condition_are_known() -> None:
    assert fields_of(None) == set()
    assert fields_of(parse_filter("not (tenant = a or turn in (1)) and day > 2026-11-22")) == {"tenant", "turn", "day"}


texts = st.text(max_size=30) | st.lists(
    st.sampled_from(
        [*FILTER_FIELDS, "and", "or", "not", "in", "(", ")", ",", "=", "<=", "'x'", '"y"', "a", "7", "2026-11-22", "'", " "]
    ),
    max_size=12,
).map(" ".join)


@given(texts)
def test_any_text_is_a_condition_or_refused_in_words(text: str) -> None:
    """No crash; and what gets through is made of the grammar's own parts, its fields and plain values."""
    try:
        condition = parse_filter(text)
    except VoicebillError as error:
        assert str(error)  # noqa: PT017 - either is right
        return
    assert fields_of(condition) <= set(FILTER_FIELDS)
    assert is_plain(condition)
    assert matches_row(Not(condition), ROW) is not matches_row(condition, ROW)


def is_plain(condition: Any) -> bool:
    """Whether a condition is made of nothing else than its parts."""
    match condition:
        case FieldComparison(name, operator, value):
            return (
                name in FILTER_FIELDS and operator in ("=", "!=", "<", "<=", ">", ">=") and isinstance(value, str | int | date)
            )
        case In(name, values):
            return name in FILTER_FIELDS and all(isinstance(value, str | int | date) for value in values)
        case Not(inner):
            return is_plain(inner)
        case And(one, other) | Or(one, other):
            return is_plain(one) and is_plain(other)
    return False


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("status = unpriced", "unknown status 'unpriced'; known: ambiguous, exact, inconsistent, missing"),
        ("kind in (response, respnse)", "unknown kind 'respnse'; the nearest is response"),
    ],
)
def test_a_word_that_a_field_cannot_have_is_refused(text: str, message: str) -> None:
    with pytest.raises(UnknownName, match=re.escape(message)):
        parse_filter(text)
    assert parse_filter("status = EXACT") == FieldComparison("status", "=", "exact")
