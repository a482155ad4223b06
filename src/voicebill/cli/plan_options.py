"""The options that describe a planned conversation, once for every command that takes a plan."""

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any

import typer

from voicebill.answers import quantities
from voicebill.answers.plan_table import plan_values
from voicebill.answers.tables import Fault, Values
from voicebill.billing.errors import InvalidInput
from voicebill.cli.options import MODEL_SIDE, TALK, Cache, Reuse, option, word
from voicebill.cli.token_files import count_text_file, count_tools_file
from voicebill.conversation.plan import Plan
from voicebill.conversation.script import Truncation
from voicebill.facts.files import FaultyFile, read_toml

Row = tuple[str, Any, Any, str, Callable[[str], Any] | None, str]

_TALK: tuple[Row, ...] = (
    ("minutes", Any, None, "How long the conversation lasts: 10, 90s, 1.5h. Required.", quantities.minutes, "MINUTES"),
    ("turns", Any, None, "How often the user speaks and the assistant answers. Required.", quantities.count, "COUNT"),
    (
        "user_share",
        Any,
        None,
        "Share of the time in which the user speaks: 0.45 or 45%. (default: 0.4)",
        quantities.share,
        "SHARE",
    ),
    (
        "assistant_share",
        Any,
        None,
        "Share of the time in which the assistant is heard. (default: 0.4)",
        quantities.share,
        "SHARE",
    ),
    ("silence_share", Any, None, "Share of the time in which nobody speaks. (default: the rest)", quantities.share, "SHARE"),
    ("instructions_tokens", Any, None, "Size of the prompt. (default: 1000)", quantities.count, "TOKENS"),
    ("instructions_file", Path | None, None, "Count the prompt in this text file instead.", None, "FILE"),
    ("tools_tokens", Any, None, "Size of the tool schemas. (default: 0)", quantities.count, "TOKENS"),
    ("tools_file", Path | None, None, "Count the tool schemas in this JSON file instead.", None, "FILE"),
    ("tool_calls", Any, None, "Tool calls per conversation. (default: 0)", quantities.count, "COUNT"),
    ("arguments_tokens", Any, None, "Arguments of a tool call. (default: 20)", quantities.count, "TOKENS"),
    ("result_tokens", Any, None, "Result of a tool call. (default: 100)", quantities.count, "TOKENS"),
    ("first_speaker", Any, None, "user, or assistant for a greeting. (default: user)", word("user", "assistant"), "NAME"),
    ("images", Any, None, "Images shown per conversation. (default: 0)", quantities.count, "COUNT"),
    ("image_tiles", Any, None, "Tiles of an image; 0 at low detail. (default: 1)", quantities.count, "COUNT"),
    ("text_turns", Any, None, "Turns that are typed and answered in writing. (default: 0)", quantities.count, "COUNT"),
    ("text_turn_user_tokens", Any, None, "What the user types in such a turn. (default: 20)", quantities.count, "TOKENS"),
    ("text_turn_reply_tokens", Any, None, "What the assistant writes in it. (default: 60)", quantities.count, "TOKENS"),
    ("interrupted_share", Any, None, "Share of the replies that the user breaks off. (default: 0)", quantities.share, "SHARE"),
    ("heard_share", Any, None, "How much of such a reply was heard. (default: 0.5)", quantities.share, "SHARE"),
    ("reasoning_tokens", Any, None, "Reasoning per response. (default: 0)", quantities.count, "TOKENS"),
    ("transcription_model", str | None, None, "Model that transcribes the user's speech. (default: none)", None, "NAME"),
    ("transport", Any, None, "webrtc, websocket or sip. (default: webrtc)", word("webrtc", "websocket", "sip"), "NAME"),
)

_MODEL_SIDE: tuple[Row, ...] = (
    ("truncation", Any, None, "auto or disabled. (default: auto)", word("auto", "disabled"), "NAME"),
    (
        "retention_ratio",
        Any,
        None,
        "Of the room for history, what a cut keeps at most. (default: 1)",
        quantities.share,
        "SHARE",
    ),
    ("post_instructions_tokens", Any, None, "A lower limit for the history.", quantities.count, "TOKENS"),
    ("session_minutes", Any, None, "When a session ends. (default: 60 at OpenAI, 30 at Azure)", quantities.count, "MINUTES"),
    (
        "carry",
        Any,
        None,
        "What the next session starts with: text or nothing. (default: text)",
        word("text", "nothing"),
        "NAME",
    ),
)


def _parameter(row: Row, panel: str) -> Parameter:
    name, kind, default, help_text, reader, metavar = row
    info = option(f"--{name.replace('_', '-')}", help_text, panel, reader, metavar)
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info])


WARM = typer.Option("--warm", help="Another session has just used the same instructions.", rich_help_panel=MODEL_SIDE)

PLAN_FILE = option("--plan", "A saved plan: what is not stated here is taken from it.", TALK, metavar="FILE")

PARAMETERS: tuple[Parameter, ...] = (
    Parameter("plan_file", Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[Path | None, PLAN_FILE]),
    *(_parameter(row, TALK) for row in _TALK),
    Parameter("cache", Parameter.KEYWORD_ONLY, default=None, annotation=Cache),
    Parameter("reuse", Parameter.KEYWORD_ONLY, default=None, annotation=Reuse),
    Parameter("warm", Parameter.KEYWORD_ONLY, default=False, annotation=Annotated[bool, WARM]),
    *(_parameter(row, MODEL_SIDE) for row in _MODEL_SIDE),
)


RIVALS = {
    "instructions_file": ("instructions_tokens",),
    "tools_file": ("tools_tokens",),
    "lengths": ("length_spread",),
    "truncation": ("truncation", "retention_ratio", "post_instructions_tokens"),
}
"""What a saved plan says and an option replaces as a whole."""


def _says(stated: Values, given: Values, option_name: str) -> bool:
    return stated.get(option_name, given.get(option_name)) is not None


def takes_plan(*question: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command whose keyword `plan` is filled from the options that describe one, or from a saved plan.

    `question` names the command's own options that a saved plan may state, too.
    """
    return lambda command: _taking_plan(command, question)


def _taking_plan(command: Callable[..., None], question: tuple[str, ...]) -> Callable[..., None]:
    names = [parameter.name for parameter in PARAMETERS]

    @wraps(command)
    def run(**given: Any) -> None:  # noqa: ANN401 - options of many types
        stated = {name: given.pop(name) for name in names}
        file = stated.pop("plan_file")
        if file is not None:
            talk, asked = read_plan(file)
            for name in (name for option, rivals in RIVALS.items() if _says(stated, given, option) for name in rivals):
                talk.pop(name, None)
                asked.pop(name, None)
            stated |= {name: value for name, value in talk.items() if stated[name] is None or stated[name] is False}
            given |= {name: value for name, value in asked.items() if name in question and given[name] is None}
        command(plan=plan_from(stated), **given)

    own = [parameter for parameter in signature(command).parameters.values() if parameter.name != "plan"]
    run.__signature__ = signature(command).replace(parameters=[*PARAMETERS, *own])  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in (*PARAMETERS, *own)}
    return run


def read_plan(file: Path) -> tuple[Values, Values]:
    """What a saved plan says of the conversation, and of model, day and volume.

    Raises:
        UnreadableFile: the file cannot be read.
        FaultyFile: it has faults; all of them are listed with their lines.
    """
    tables, lines = read_toml(file)
    faults: list[Fault] = []
    found = plan_values(tables, faults)
    if faults:
        raise FaultyFile(str(file), faults, lines)
    return found


def plan_from_file(file: Path) -> Plan:
    """The plan that a file holds, nothing being stated beside it.

    Raises:
        UnreadableFile, FaultyFile: the file cannot be used.
        InvalidInput: the plan cannot be meant.
    """
    talk, _ = read_plan(file)
    return plan_from({parameter.name: None for parameter in PARAMETERS} | talk)


def plan_from(given: dict[str, Any]) -> Plan:
    """A plan from what was stated (None: the plan's own default).

    Raises:
        InvalidInput: it cannot be meant; the text says why.
        UnreadableFile, MissingExtra: a file named instead of tokens cannot be counted.
    """
    missing = [f"--{name}" for name in ("minutes", "turns") if given[name] is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise InvalidInput(f"{' and '.join(missing)} {verb} missing: how long is the conversation, and how many turns has it?")
    stated = {name: value for name, value in given.items() if value is not None and name != "plan_file"}
    for what, count_file in (("instructions", count_text_file), ("tools", count_tools_file)):
        file = stated.pop(f"{what}_file", None)
        if file is not None and f"{what}_tokens" in stated:
            raise InvalidInput(f"--{what}-tokens and --{what}-file say the same thing: give one")
        if file is not None:
            stated[f"{what}_tokens"] = count_file(file)
    cuts = {"mode": "truncation", "retention_ratio": "retention_ratio", "post_instructions_tokens": "post_instructions_tokens"}
    cut = {field: stated.pop(name) for field, name in cuts.items() if name in stated}
    return Plan(truncation=Truncation(**cut), **stated)
