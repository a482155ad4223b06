"""Define the options of what is handed on of a cost: an export of FOCUS, and statements of what tenants are charged."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from voicebill.answers.invoices.chargeback import Markup, parse_markup
from voicebill.answers.invoices.focus import FOCUS_VERSIONS, FocusVersion, parse_focus_version
from voicebill.billing.errors import InvalidInput
from voicebill.cli.options.shared import option

CHARGEBACK_PANEL = "Chargeback"
FocusVersionOption = Annotated[
    str | None,
    option(
        "--focus-version",
        "Write --out as FOCUS, the FinOps format of bills, in this version. (default: 1.3 with --format focus)",
        CHARGEBACK_PANEL,
        metavar="|".join(FOCUS_VERSIONS),
    ),
]
MarkupOption = Annotated[
    list[str] | None,
    option(
        "--markup",
        "Charge a share on top of the cost: 20%, or acme=25% for one tenant. Repeatable; needs --format focus or --statement.",
        CHARGEBACK_PANEL,
        metavar="SHARE",
    ),
]
IssuerOption = Annotated[
    str | None,
    option(
        "--issuer",
        "Who charges: the issuer of the invoice in FOCUS, and in the title of --statement.",
        CHARGEBACK_PANEL,
        metavar="NAME",
    ),
]
StatementOption = Annotated[
    Path | None,
    option(
        "--statement",
        "Write a statement for each tenant in words for customers to this .md, .html or .csv file.",
        CHARGEBACK_PANEL,
        metavar="FILE",
    ),
]
ShowMarkupOption = Annotated[
    bool,
    typer.Option("--show-markup", help="In --statement, show the markup as a fee.", rich_help_panel=CHARGEBACK_PANEL),
]


FOCUS_FORMAT = "focus"
"""The value of `--format` that names no log format: the table that is written is FOCUS."""


@dataclass(frozen=True, slots=True)
class Chargeback:
    """What is handed on of a cost, and at which markup."""

    version: FocusVersion | None
    statement: Path | None
    markup: Markup
    issuer: str
    shows_markup: bool

    @classmethod
    def of(
        cls,
        *,
        focus: str | None,
        statement: Path | None,
        markup: list[str] | None,
        issuer: str | None,
        shows_markup: bool,
    ) -> "Chargeback":
        """What the options ask for.

        Raises:
            InvalidInput: an option lacks another one, or a markup is no share.
            UnknownName: there is no such version of FOCUS.
        """
        version = None if focus is None else parse_focus_version(focus)
        if (markup or issuer) and version is None and statement is None:
            name = "--markup" if markup else "--issuer"
            raise InvalidInput(
                f"{name} needs --format focus or --statement, which it changes", field="markup", is_sentence=True
            )
        if shows_markup and (statement is None or not markup):
            raise InvalidInput("--show-markup needs --statement and --markup", field="show_markup", is_sentence=True)
        return cls(version, statement, parse_markup(markup or ()), (issuer or "").strip(), shows_markup)
