"""Change what a recorded call sends: another prompt, a stable prompt, truncation, what the cache finds."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from voicebill.answers.parameters.inputs import PLAN, Inputs
from voicebill.answers.parameters.read_inputs import InvalidInputs, read_inputs
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
            raise InvalidInput(str(error), field="script", is_sentence=True) from None
        return changes

    def __bool__(self) -> bool:
        """Whether anything is changed."""
        return bool(self.settings) or self.truncation is not None

    @property
    def sets_cache(self) -> bool:
        """Whether they say what the cache finds: then it is not what it was in the recorded call."""
        return not self.settings.keys().isdisjoint(CACHE_SETTINGS)

    @property
    def reasoning_tokens(self) -> int | None:
        """Reasoning of each response, with models that reason; None: unchanged."""
        tokens: int | None = self.settings.get("reasoning_tokens")
        return tokens

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
        size = settings.get("instructions_tokens")
        if settings.get("instructions_change") == 0:
            script = with_stable_prompt(script)
        elif size is not None:
            script = replace(script, turns=tuple(_with_prompt_size(turn, size) for turn in script.turns))
        return replace(script, **settings)


def with_stable_prompt(script: Script) -> Script:
    """A script whose prompt does not change: it has the mean size of its turns' prompts."""
    sizes, size = [], script.instructions_tokens
    for turn in script.turns:
        size = size if turn.instructions_tokens is None else turn.instructions_tokens
        sizes.append(size)
    turns = (turn if turn.instructions_tokens is None else replace(turn, instructions_tokens=None) for turn in script.turns)
    return replace(
        script,
        instructions_tokens=sum(sizes) // len(sizes),
        instructions_change=0,
        stable_instructions_tokens=None,
        turns=tuple(turns),
    )


def _with_prompt_size(turn: Turn, tokens: int) -> Turn:
    """A turn whose prompt has another size, if it changes the prompt."""
    return turn if turn.instructions_tokens is None else replace(turn, instructions_tokens=tokens)


NO_CHANGES = ScriptChanges({})
