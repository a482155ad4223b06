"""Define the options of a planned conversation, for every command that takes a plan."""

from collections.abc import Callable
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any

import typer

from voicebill.answers.parameters.plan_schema import plan_values
from voicebill.answers.parameters.table_schema import Issue, Values
from voicebill.answers.parsing import quantities
from voicebill.billing.errors import InvalidInput
from voicebill.cli.options.shared import (
    CONVERSATION_PANEL,
    HISTORY_AND_CACHE_PANEL,
    CacheOption,
    PrefixReuseOption,
    choice_parser,
    option,
)
from voicebill.cli.options.signature import option_parameter, with_options
from voicebill.cli.options.token_files import count_text_file, count_tools_file
from voicebill.conversation.plan import Plan
from voicebill.conversation.script import Truncation
from voicebill.facts.files import InvalidFile, read_toml

OptionSpec = tuple[str, Any, Any, str, Callable[[str], Any] | None, str]

_CONVERSATION_OPTIONS: tuple[OptionSpec, ...] = (
    ("minutes", Any, None, "Duration of the conversation: 10, 90s, 1.5h. Required.", quantities.parse_minutes, "MINUTES"),
    ("turns", Any, None, "Number of turns: the user speaks, the assistant answers. Required.", quantities.parse_count, "COUNT"),
    (
        "user_share",
        Any,
        None,
        "Share of the time the user speaks: 0.45 or 45%. (default: 0.4)",
        quantities.parse_share,
        "SHARE",
    ),
    (
        "assistant_share",
        Any,
        None,
        "Share of the time the assistant speaks. (default: 0.4)",
        quantities.parse_share,
        "SHARE",
    ),
    (
        "silence_share",
        Any,
        None,
        "Share of silence. (default: the rest)",
        quantities.parse_share,
        "SHARE",
    ),
    ("instructions_tokens", Any, None, "Size of the prompt. (default: 1000)", quantities.parse_count, "TOKENS"),
    ("instructions_file", Path | None, None, "Count the prompt in this text file instead.", None, "FILE"),
    ("tools_tokens", Any, None, "Size of the tool schemas. (default: 0)", quantities.parse_count, "TOKENS"),
    ("tools_file", Path | None, None, "Count the tool schemas in this JSON file instead.", None, "FILE"),
    ("tool_calls", Any, None, "Tool calls per conversation. (default: 0)", quantities.parse_count, "COUNT"),
    ("arguments_tokens", Any, None, "Arguments of a tool call. (default: 20)", quantities.parse_count, "TOKENS"),
    ("result_tokens", Any, None, "Result of a tool call. (default: 100)", quantities.parse_count, "TOKENS"),
    (
        "first_speaker",
        Any,
        None,
        "user, or assistant for a greeting. (default: user)",
        choice_parser("user", "assistant"),
        "NAME",
    ),
    ("images", Any, None, "Images shown per conversation. (default: 0)", quantities.parse_count, "COUNT"),
    ("image_tiles", Any, None, "Tiles per image; 0 for low detail. (default: 1)", quantities.parse_count, "COUNT"),
    ("text_turns", Any, None, "Turns that are typed and answered in text. (default: 0)", quantities.parse_count, "COUNT"),
    ("text_turn_user_tokens", Any, None, "User tokens per typed turn. (default: 20)", quantities.parse_count, "TOKENS"),
    ("text_turn_reply_tokens", Any, None, "Assistant tokens per typed turn. (default: 60)", quantities.parse_count, "TOKENS"),
    (
        "interrupted_share",
        Any,
        None,
        "Share of replies that the user interrupts. (default: 0)",
        quantities.parse_share,
        "SHARE",
    ),
    (
        "played_share",
        Any,
        None,
        "Share of an interrupted reply that was played. (default: 0.5)",
        quantities.parse_share,
        "SHARE",
    ),
    ("reasoning_tokens", Any, None, "Reasoning per response. (default: 0)", quantities.parse_count, "TOKENS"),
    ("transcription_model", str | None, None, "Model that transcribes the user's speech. (default: none)", None, "NAME"),
    (
        "transport",
        Any,
        None,
        "webrtc, websocket or sip. (default: webrtc)",
        choice_parser("webrtc", "websocket", "sip"),
        "NAME",
    ),
)

_HISTORY_AND_CACHE_OPTIONS: tuple[OptionSpec, ...] = (
    ("truncation", Any, None, "auto or disabled. (default: auto)", choice_parser("auto", "disabled"), "NAME"),
    (
        "retention_ratio",
        Any,
        None,
        "Share of the history budget kept after truncation. (default: 1)",
        quantities.parse_share,
        "SHARE",
    ),
    ("post_instructions_tokens", Any, None, "Token limit for the history.", quantities.parse_count, "TOKENS"),
    (
        "session_minutes",
        Any,
        None,
        "Session limit. (default: 60 at OpenAI, 30 at Azure)",
        quantities.parse_count,
        "MINUTES",
    ),
    (
        "session_carryover",
        Any,
        None,
        "What the next session starts with: text (transcripts) or nothing. (default: text)",
        choice_parser("text", "nothing"),
        "NAME",
    ),
)


def _parameter(spec: OptionSpec, panel: str) -> Parameter:
    name, kind, default, help_text, parser, metavar = spec
    info = option(f"--{name.replace('_', '-')}", help_text, panel, parser, metavar)
    return option_parameter(name, Annotated[kind, info], default)


WARM_CACHE = typer.Option(
    "--warm-cache",
    help="Another session has just used the same instructions (warm cache).",
    rich_help_panel=HISTORY_AND_CACHE_PANEL,
)

PLAN_FILE = option("--plan", "Plan file; options given here override it.", CONVERSATION_PANEL, metavar="FILE")

PLAN_PARAMETERS: tuple[Parameter, ...] = (
    option_parameter("plan_file", Annotated[Path | None, PLAN_FILE]),
    *(_parameter(row, CONVERSATION_PANEL) for row in _CONVERSATION_OPTIONS),
    option_parameter("cache", CacheOption),
    option_parameter("prefix_reuse", PrefixReuseOption),
    option_parameter("warm_cache", Annotated[bool, WARM_CACHE], default=False),
    *(_parameter(row, HISTORY_AND_CACHE_PANEL) for row in _HISTORY_AND_CACHE_OPTIONS),
)


EXCLUSIVE = {
    "instructions_file": ("instructions_tokens",),
    "tools_file": ("tools_tokens",),
    "call_lengths": ("call_length_cv",),
    "truncation": ("truncation", "retention_ratio", "post_instructions_tokens"),
}
"""Values of a saved plan that are ignored, by the option that replaces all of them."""


def _is_set(plan_options: Values, command_options: Values, option_name: str) -> bool:
    return plan_options.get(option_name, command_options.get(option_name)) is not None


def takes_plan(*plan_keys: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A decorator that gives a command the options of a plan; the command receives a `Plan` as the keyword `plan`.

    Values of a saved plan are used for options that are not given. `plan_keys` are the command's own options for which a saved
    plan may have a value, too.
    """
    return lambda command: _add_plan_options(command, plan_keys)


def _add_plan_options(command: Callable[..., None], plan_keys: tuple[str, ...]) -> Callable[..., None]:
    names = [parameter.name for parameter in PLAN_PARAMETERS]

    @with_options(command, "plan", PLAN_PARAMETERS)
    def run(**command_options: Any) -> None:  # noqa: ANN401 - options of many types
        plan_options = {name: command_options.pop(name) for name in names}
        file = plan_options.pop("plan_file")
        if file is not None:
            saved_plan, saved_selection = read_plan(file)
            for name in (
                name
                for option_name, exclusive_names in EXCLUSIVE.items()
                if _is_set(plan_options, command_options, option_name)
                for name in exclusive_names
            ):
                saved_plan.pop(name, None)
                saved_selection.pop(name, None)
            plan_options |= {
                name: value for name, value in saved_plan.items() if plan_options[name] is None or plan_options[name] is False
            }
            command_options |= {
                name: value for name, value in saved_selection.items() if name in plan_keys and command_options[name] is None
            }
        command(plan=build_plan(plan_options), **command_options)

    return run


def read_plan(file: Path) -> tuple[Values, Values]:
    """The values of a saved plan: those of the conversation; and those of the model, the day, the volume and so on.

    Raises:
        UnreadableFile: the file cannot be read.
        InvalidFile: the file has errors; the message lists all of them with their lines.
    """
    tables, lines = read_toml(file)
    issues: list[Issue] = []
    saved = plan_values(tables, issues)
    if issues:
        raise InvalidFile(str(file), issues, lines)
    return saved


def load_plan(file: Path) -> Plan:
    """The plan in a file, without any options.

    Raises:
        UnreadableFile: the file cannot be read.
        InvalidFile: the file has errors; the message lists all of them with their lines.
        InvalidInput: the plan is not valid.
        MissingExtra: the tokens of a file must be counted, and the tokenizer is not installed.
    """
    saved_plan, _ = read_plan(file)
    return build_plan({parameter.name: None for parameter in PLAN_PARAMETERS} | saved_plan)


def build_plan(values: dict[str, Any]) -> Plan:
    """A plan with the given values (None: the plan's default).

    Raises:
        InvalidInput: a value is missing or not valid.
        UnreadableFile: a file whose tokens are counted cannot be read.
        MissingExtra: the tokens of a file must be counted, and the tokenizer is not installed.
    """
    missing = [f"--{name}" for name in ("minutes", "turns") if values[name] is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise InvalidInput(f"{' and '.join(missing)} {verb} missing: how long is the conversation, and how many turns has it?")
    fields = {name: value for name, value in values.items() if value is not None and name != "plan_file"}
    for source, count_file in (("instructions", count_text_file), ("tools", count_tools_file)):
        file = fields.pop(f"{source}_file", None)
        if file is not None and f"{source}_tokens" in fields:
            raise InvalidInput(f"--{source}-tokens and --{source}-file are alternatives: give one")
        if file is not None:
            fields[f"{source}_tokens"] = count_file(file)
    truncation_keys = {
        "mode": "truncation",
        "retention_ratio": "retention_ratio",
        "post_instructions_tokens": "post_instructions_tokens",
    }
    truncation = {field: fields.pop(name) for field, name in truncation_keys.items() if name in fields}
    return Plan(truncation=Truncation(**truncation), **fields)
