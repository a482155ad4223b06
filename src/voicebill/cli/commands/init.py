"""Define `voicebill init`: write a commented plan file."""

from pathlib import Path
from typing import Annotated

import typer

from voicebill.billing.errors import InvalidInput
from voicebill.cli.display.plain_lines import print_line
from voicebill.cli.options.shared import choice_parser, option
from voicebill.facts.example_plans import EXAMPLE_PLANS, complete_plan_text


def init_command(
    file: Annotated[
        Path, typer.Argument(help="The file to write. (default: plan.toml)", metavar="[FILE]", show_default=False)
    ] = Path("plan.toml"),
    *,
    template: Annotated[
        str,
        option(
            "--template",
            f"One of {', '.join(EXAMPLE_PLANS)}. (default: support-bot)",
            "The plan",
            choice_parser(*EXAMPLE_PLANS),
            "NAME",
        ),
    ] = "support-bot",
) -> None:
    """Write a plan file to start from, with all other keys as comments; nothing is overwritten.

    \b
        voicebill init
        voicebill init reader.toml --template accessibility-reader
        voicebill estimate --plan reader.toml
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    content = complete_plan_text(template)
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(content)
    except FileExistsError:
        raise InvalidInput(f"{file} is there already: name another file, or remove it") from None
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror}") from None
    print_line(f"wrote {file}: change it, then run voicebill estimate --plan {file}")
