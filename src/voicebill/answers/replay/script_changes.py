"""Change what a recorded call sends: another prompt, a stable prompt, truncation, what the cache finds."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from voicebill.answers.parameters.inputs import PLAN, Inputs
from voicebill.answers.parameters.read_inputs import InvalidInputs, read_inputs
from voicebill.answers.parameters.table_schema import Issue
from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.conversation.script import ConversationSettings, Script, Truncation, Turn

CACHE_SETTINGS = ("cache", "prefix_reuse", "warm_cache")
SCRIPT_SETTINGS: Inputs = {
    name: PLAN[name]
    for name in (
        "instructions_tokens",
        "instructions_change",
        "stable_instructions_tokens",
        "reasoning_tokens",
        *CACHE_SETTINGS,
        "session_minutes",
        "session_carryover",
        "transcription_model",
    )
}
"""What can be changed in the script of a recorded call, beside its truncation: settings as those of a plan."""
_SETTING_NAMES = frozenset(row.name for row in fields(ConversationSettings))


@dataclass(frozen=True, slots=True)
class ScriptChanges:
    """What every recorded call sends differently. `settings` by the names of `SCRIPT_SETTINGS`; `truncation` None: unchanged.

    `instructions_tokens` is the size of the prompt with its tools, at every turn. An `instructions_change` of 0 keeps the
    prompt unchanged where the recorded one changed.
    """

    settings: Mapping[str, Any]
    truncation: Truncation | None = None

    @classmethod
    def of(cls, table: Mapping[str, Any], truncation: Mapping[str, Any] | None = None) -> "ScriptChanges":
        """The changes of a table by setting, as people write them, and of the settings of truncation.

        >>> ScriptChanges.of({"instructions_tokens": "800", "warm_cache": "yes"}).settings
        {'instructions_tokens': 800, 'warm_cache': True}

        Raises:
            InvalidInput: a value is invalid, or the name of no setting; the settings contradict each other.
        """
        try:
            settings = read_inputs(table, SCRIPT_SETTINGS)
        except InvalidInputs as error:
            issue = next(iter(error.issues))
            name = f"{issue.path[0]} " if issue.path and issue.message else ""
            raise InvalidInput(f"{name}{issue.message or issue.text}", field="script", is_sentence=True) from None
        names = {"truncation": "mode"}
        values = {names.get(name, name): value for name, value in (truncation or {}).items()}
        changes = cls(settings, Truncation(**values) if values else None)
        size = settings.get("instructions_tokens", settings.get("stable_instructions_tokens", 0))
        checked = {name: value for name, value in settings.items() if name in _SETTING_NAMES}
        try:
            ConversationSettings(**{"instructions_tokens": size, **checked})
        except VoicebillError as error:
            raise InvalidInputs([Issue.of(error)]) from None
        return changes

    def __bool__(self) -> bool:
        """Whether anything is changed."""
        return bool(self.settings) or self.truncation is not None

    @property
    def sets_cache(self) -> bool:
        """Whether they say what the cache finds: then it is not what it was in the recorded call."""
        return not self.settings.keys().isdisjoint(CACHE_SETTINGS)

    @property
    def settings_of_cache(self) -> ConversationSettings:
        """The settings of a conversation that say what the cache finds."""
        names = {name for name in CACHE_SETTINGS if name in self.settings}
        return ConversationSettings(**{name: self.settings[name] for name in names})

    def apply(self, script: Script) -> Script:
        """A script with these changes.

        Raises:
            InvalidInput: they do not fit the script.
        """
        if not self:
            return script
        settings = {name: value for name, value in self.settings.items() if name in _SETTING_NAMES}
        if self.truncation is not None:
            settings["truncation"] = self.truncation
        return replace(script, **settings, turns=tuple(map(self._changed_turn, script.turns)))

    def _changed_turn(self, turn: Turn) -> Turn:
        values: dict[str, Any] = {}
        if turn.instructions_tokens is not None:
            if self.settings.get("instructions_change") == 0:
                values["instructions_tokens"] = None
            elif "instructions_tokens" in self.settings:
                values["instructions_tokens"] = self.settings["instructions_tokens"]
        if "reasoning_tokens" in self.settings and not turn.cancelled:
            values["reasoning_tokens"] = self.settings["reasoning_tokens"]
        return replace(turn, **values) if values else turn


NO_CHANGES = ScriptChanges({})
