"""Give a command the options of a planned conversation: the declared inputs, a plan file, and files of your own."""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Self

import typer

from voicebill.answers.catalog.facts import Facts
from voicebill.answers.parameters.inputs import CONVERSATION, TOOLS_GROUP, VOLUME_GROUP, Inputs
from voicebill.answers.parameters.plan_schema import PLAN_SCHEMA, input_schema
from voicebill.answers.parameters.read_inputs import InvalidInputs
from voicebill.answers.parameters.request import EstimateRequest, parse_estimate_request
from voicebill.answers.parameters.table_schema import Issue, TablePath, read_table
from voicebill.answers.parsing import quantities
from voicebill.billing.errors import InvalidInput, VoicebillError
from voicebill.cli.options.inputs import explicit_values, input_parameter
from voicebill.cli.options.shared import PricesOption, RuleOption, load_facts_and_rules, parse_overrides, today
from voicebill.cli.options.signature import Command, option_parameter, with_options
from voicebill.cli.options.token_files import count_text_file, count_tools_file
from voicebill.conversation.call_lengths import CallLengths
from voicebill.facts.files import InvalidFile, read_text, read_toml


def _file(name: str, help_text: str, panel: str) -> Any:  # noqa: ANN401 - a parameter
    info = typer.Option(
        f"--{name.replace('_', '-')}", help=help_text, rich_help_panel=panel, metavar="FILE", show_default=False
    )
    return option_parameter(name, Annotated[Path | None, info])


PLAN_FILE = _file("plan", "Plan file; options given here override it.", CONVERSATION)
COUNTED_FILES = {"instructions_file": count_text_file, "tools_file": count_tools_file}
"""Files whose tokens are counted, by option; the input ends in `_tokens` instead of `_file`."""

FILES = (
    _file("instructions_file", "Count the prompt in this text file instead.", CONVERSATION),
    _file("tools_file", "Count the tool schemas in this JSON file instead.", TOOLS_GROUP),
    _file("call_lengths", "CSV of your call lengths instead: minutes, count.", VOLUME_GROUP),
)
OWN_FILES = (option_parameter("prices", PricesOption), option_parameter("rule", RuleOption))

REPLACED_BY = {
    "instructions_file": ("instructions_tokens",),
    "tools_file": ("tools_tokens",),
    "call_lengths": ("call_length_cv",),
    "truncation": ("truncation", "retention_ratio", "post_instructions_tokens"),
}
"""What a plan file contains and an option replaces as a whole."""


def takes_request(
    inputs: Inputs, own_inputs: Inputs | None = None, *, file_inputs: Inputs | None = None, is_optional: bool = False
) -> Callable[[Command], Command]:
    """Give a command the options of a request; it receives the keywords `request` and `facts`.

    `own_inputs` are further options of the command, whose errors are reported with those of the request. `file_inputs` are
    what a plan file may give (None: what options may give). `is_optional`: without any of these options, `request` is None.
    """
    first = [PLAN_FILE, *map(input_parameter, inputs.values()), *FILES, *OWN_FILES]

    def decorate(command: Command) -> Command:
        names = {parameter.name for parameter in first}

        @with_options(command, ("request", "facts"), first)
        def run(**options: Any) -> None:  # noqa: ANN401 - options of many types
            shared = {name: options.pop(name) for name in names}
            issues: list[Issue] = []
            has_plan = not is_optional or _has_plan(shared, inputs)
            if own_inputs and has_plan:
                read_table(explicit_values(options, own_inputs), input_schema(own_inputs.values()), issues)
            plan_file = PlanFile.read(shared["plan"], shared, inputs, file_inputs)
            request: EstimateRequest | None
            if has_plan:
                request, facts = read_request(shared, inputs, issues, plan_file)
            else:
                request, facts = None, load_facts_and_rules(None, shared["prices"])[0]
            try:
                command(request=request, facts=facts, **options)
            except VoicebillError as error:
                raise plan_file.located(error) from None

        return run

    return decorate


def _has_plan(options: Mapping[str, Any], inputs: Inputs) -> bool:
    """Whether any option of a planned conversation is given."""
    files = ("plan", "rule", *(parameter.name for parameter in FILES))
    return bool(explicit_values(options, inputs)) or any(options[name] is not None for name in files)


@dataclass(frozen=True, slots=True)
class PlanFile:
    """The values that a plan file gives, without those that options replace; no values without a file."""

    file: Path | None
    values: dict[str, Any]
    lines: Mapping[TablePath, int]

    @classmethod
    def read(cls, file: Path | None, options: Mapping[str, Any], inputs: Inputs, file_inputs: Inputs | None = None) -> Self:
        """Read the file of a command, if there is one; `file_inputs` are those that it may give (None: all of the options).

        Raises:
            UnreadableFile: the file cannot be read.
            InvalidFile: it has errors; all of them are listed with their lines.
        """
        if file is None:
            return cls(None, {}, {})
        replaced = set(explicit_values(options, inputs))
        replaced |= {name for option, names in REPLACED_BY.items() if options[option] is not None for name in names}
        table, lines = read_plan_table(file)
        names = set(inputs if file_inputs is None else file_inputs) - replaced
        return cls(file, {name: value for name, value in table.items() if name in names}, lines)

    def located(self, error: VoicebillError) -> VoicebillError:
        """An error of a value of the file with its line; any other error as it is."""
        if error.field not in self.values:
            return error
        line = self.lines.get((error.field,))
        place = self.file if line is None else f"{self.file}, line {line}"
        return InvalidInput(f"{place}: {error}", field=error.field, is_sentence=True)


def read_request(
    options: dict[str, Any], inputs: Inputs, issues: list[Issue], plan_file: PlanFile
) -> tuple[EstimateRequest, Facts]:
    """The request that the options and the plan file make, and the facts with the user's own files.

    `issues` are those of other options; they are raised with those that are found here.

    Raises:
        InvalidInputs: options are invalid, each with its message.
        InvalidFile: a file of prices or rules has errors; all of them are listed with their lines.
        UnreadableFile, MissingExtra: a file cannot be read, or its tokens cannot be counted.
    """
    table = explicit_values(options, inputs)
    for name, count in COUNTED_FILES.items():
        tokens = name.replace("_file", "_tokens")
        if options[name] is not None:
            if tokens in table:
                error = InvalidInput(f"cannot be combined with {name}: give one", field=tokens, mentions=(name,))
                issues.append(Issue.of(error))
                continue
            table[tokens] = count(options[name])
    if options["call_lengths"] is not None:
        table["call_lengths"] = read_call_lengths(options["call_lengths"])
    table = plan_file.values | table
    facts, rule_set = load_facts_and_rules(table.pop("rules", None), options["prices"])
    table |= {} if rule_set is None else {"rules": rule_set}
    table |= {"overrides": parse_overrides(options["rule"])} if options["rule"] else {}
    request = parse_estimate_request(table, today=today(), issues=issues)
    if request is None or issues:
        raise InvalidInputs([Issue.of(plan_file.located(issue.error)) if issue.error else issue for issue in issues])
    return request, facts


def read_plan_table(file: Path) -> tuple[dict[str, Any], Mapping[TablePath, int]]:
    """The table of a plan file, and the lines of its keys.

    Raises:
        UnreadableFile: the file cannot be read.
        InvalidFile: it has errors; all of them are listed with their lines.
    """
    table, lines = read_toml(file)
    issues: list[Issue] = []
    read_table(table, PLAN_SCHEMA, issues)
    if issues:
        raise InvalidFile(str(file), issues, lines)
    return table, lines


def read_plan_file(file: Path) -> EstimateRequest:
    """The request of a plan file alone.

    Raises:
        UnreadableFile: the file cannot be read.
        InvalidFile: it has errors; all of them are listed with their lines.
    """
    issues: list[Issue] = []
    table, lines = read_plan_table(file)
    request = parse_estimate_request(table, today=today(), issues=issues)
    if request is None:
        raise InvalidFile(str(file), issues, lines)
    return request


def read_call_lengths(file: Path) -> CallLengths:
    """Read observed call lengths from a CSV file of minutes and numbers of calls.

    Raises:
        InvalidInput: the file has a line that is not a length; the text names the line.
        UnreadableFile: the file cannot be read.
    """
    lengths = []
    for number, row in enumerate(csv.reader(read_text(file).splitlines()), start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (number == 1 and cells[0].lower() in LENGTH_HEADINGS):
            continue
        try:
            lengths.append(_parse_length_row(cells))
        except VoicebillError as error:
            raise InvalidInput(f"{file}, line {number}: {error}") from None
    return CallLengths(tuple(lengths))


LENGTH_HEADINGS = ("minutes", "minute", "min", "length", "duration", "length_minutes", "duration_minutes")
"""What the first column of a file of lengths may be titled: nothing that might mean another unit."""


def _parse_length_row(cells: list[str]) -> tuple[Decimal, int]:
    """A line of a file of lengths: minutes, and how many calls lasted so long."""
    if len(cells) > 2 or ";" in cells[0] or "\t" in cells[0]:
        raise InvalidInput("a line holds minutes and how many calls, with a comma between them: 6.5,12 (thousands without one)")
    minutes, count = quantities.parse_minutes(cells[0]), quantities.parse_count(cells[1]) if len(cells) > 1 else 1
    CallLengths(((minutes, 1),))
    return minutes, count
