"""Represent where recorded calls are replayed, and with what changes, and read that from the inputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from voicebill.answers.estimates.model_selection import ModelSelection
from voicebill.answers.parameters.inputs import TRUNCATION_NAMES
from voicebill.answers.replay.script_changes import NO_CHANGES, ScriptChanges
from voicebill.billing.sku_periods import normalize_name
from voicebill.conversation.rules import ParameterValue


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRequest:
    """Where recorded calls are replayed, and with what changes.

    `models` (empty: all), `provider` and `deployment` (None: any) select the offers that are sold on the day of `selection`,
    whose rules count the calls elsewhere. `stacks` names stacks in addition, or by themselves if nothing selects offers.
    `with_savings`: changes that would have saved most are replayed, too.
    """

    selection: ModelSelection
    models: tuple[str, ...] = ()
    provider: str | None = None
    deployment: str | None = None
    stacks: tuple[str, ...] = ()
    changes: ScriptChanges = NO_CHANGES
    with_savings: bool = False

    @property
    def replays_offers(self) -> bool:
        """Whether calls are replayed with offers, and not with stacks alone."""
        return not self.stacks or bool(self.models or self.provider or self.deployment)

    @property
    def day(self) -> date:
        """The day whose prices and rules apply elsewhere."""
        return self.selection.day


def replay_request(
    values: Mapping[str, Any], *, today: date, overrides: Mapping[str, ParameterValue] | None = None
) -> ReplayRequest:
    """The request of the values of `REPLAY_QUERY`, which are read; `overrides` are rules by which calls are counted elsewhere.

    Raises:
        InvalidInput: a change is invalid, or the changes contradict each other.
    """
    truncation = {name: values[name] for name in TRUNCATION_NAMES if name in values}
    provider = values.get("provider")
    return ReplayRequest(
        selection=ModelSelection(
            model="any", day=values.get("day") or today, rules=values.get("rules"), overrides=overrides or {}
        ),
        models=tuple(values.get("model", ())),
        provider=None if provider is None else normalize_name(provider),
        deployment=values.get("deployment"),
        stacks=tuple(values.get("stack", ())),
        changes=ScriptChanges.of(values.get("script", {}), truncation),
        with_savings=values.get("savings", False),
    )
