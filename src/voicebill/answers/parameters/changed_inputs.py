"""Say in which inputs two plans, or two model selections, differ, so that one can be typed as the other."""

from collections.abc import Iterator
from decimal import Decimal

from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.parameters import kinds
from voicebill.answers.parameters.inputs import PLAN, SELECTION, Input
from voicebill.conversation.plan import Plan
from voicebill.conversation.script import Truncation

SELECTION_NAMES = ("model", "provider", "deployment", "region")


def changed_inputs(
    before: Plan, after: Plan, selection: ModelSelection | None = None, changed_selection: ModelSelection | None = None
) -> dict[str, str]:
    """The inputs by which the second plan differs from the first, as people type them; an empty text stands for the default.

    The model selections are compared too, if both are given.

    >>> changed_inputs(Plan(minutes=10, turns=20), Plan(minutes=10, turns=10, user_share=Decimal("0.25")))
    {'turns': '10', 'user_share': '25%'}
    """
    changes = dict(_plan_differences(before, after))
    if selection is not None and changed_selection is not None:
        for name in SELECTION_NAMES:
            value = getattr(changed_selection, name)
            if value != getattr(selection, name):
                changes[name] = _typed(SELECTION[name], value)
    return changes


def _plan_differences(before: Plan, after: Plan) -> Iterator[tuple[str, str]]:
    for name, row in PLAN.items():
        if row.owner is Plan:
            owners: tuple[object, object] = (before, after)
        elif row.owner is Truncation:
            owners = (before.truncation, after.truncation)
        else:
            continue
        old, new = (getattr(owner, row.attribute or name) for owner in owners)
        if old != new:
            yield name, _typed(row, new)


def _typed(row: Input, value: object) -> str:
    """A value of an input as people type it."""
    if value is None or value == ():
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if row.kind is kinds.SHARE:
        return f"{(100 * Decimal(str(value))).normalize():f}%"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
