"""Define what is handed out of an answer: one document of terms, amounts and notes, which is written in several formats."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from voicebill.answers.escaping import CsvCell

INVOICE_NOTE = "An estimate from published prices and recorded behaviour. The provider's invoice is authoritative."


class HandoutAmount(NamedTuple):
    """An amount in a table: as an exact decimal, and as people read it."""

    exact: str
    text: str


HandoutCell = str | HandoutAmount


@dataclass(frozen=True, slots=True)
class HandoutTable:
    """A table. The first column names its row; `text_columns` are the other columns of text, `main_columns` stand out."""

    columns: tuple[str, ...]
    rows: tuple[tuple[HandoutCell, ...], ...]
    text_columns: tuple[int, ...] = ()
    main_columns: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class HandoutSection:
    """A part of a document under a title: terms with their values, paragraphs, a table, and notes as a list."""

    title: str
    terms: tuple[tuple[str, str], ...] = ()
    paragraphs: tuple[str, ...] = ()
    table: HandoutTable | None = None
    notes: tuple[str, ...] = ()
    is_numbered: bool = False


@dataclass(frozen=True, slots=True)
class Handout:
    """A document that is handed out. `records` are a title row and rows with the same amounts, exact, for programs.

    `link` is the address at which the answer can be opened again; empty without one. `basis` says what the amounts are.
    """

    title: str
    summary: str
    sections: tuple[HandoutSection, ...]
    records: tuple[tuple[CsvCell, ...], ...]
    version: str
    link: str = ""
    is_wide: bool = False
    basis: str = INVOICE_NOTE

    @property
    def closing(self) -> tuple[str, ...]:
        """The last lines: what the figures are, and who computed them."""
        return (self.basis, f"Computed by voicebill {self.version}.")


def note_sections(*titled_notes: tuple[str, Iterable[str]]) -> tuple[HandoutSection, ...]:
    """A section for each title with notes; none for a title without notes."""
    sections = (HandoutSection(title, notes=tuple(dict.fromkeys(notes))) for title, notes in titled_notes)
    return tuple(section for section in sections if section.notes)
