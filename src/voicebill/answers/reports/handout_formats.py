"""Write a document that is handed out as Markdown, as CSV, or as HTML that needs nothing but itself."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from voicebill.answers.escaping import csv_text, html_text, markdown_text
from voicebill.answers.reports.handout import Handout, HandoutAmount, HandoutCell, HandoutSection, HandoutTable

STYLE = """
@page { margin: 12mm; }
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 2rem auto; padding: 0 1rem; max-width: 60rem; background: #fff; color: #14181d;
  font: .94rem/1.4 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
body.wide { max-width: 90rem; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; }
h2 { font-size: 1.02rem; margin: 1.2rem 0 .3rem; }
p { margin: .3rem 0; }
.summary { font-size: 1.1rem; }
.closing, .link { color: #4c5763; font-size: .86rem; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(24rem, 1fr)); gap: 0 2rem; margin: 0; }
dl div { display: flex; gap: .6rem; padding: .12rem 0; border-bottom: 1px solid #d5dae0; }
dt { flex: 0 0 8rem; color: #4c5763; }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .16rem .5rem; border-bottom: 1px solid #d5dae0; text-align: right; vertical-align: baseline; }
thead th { color: #4c5763; font-weight: 600; }
tbody th { font-weight: 400; }
tbody th, thead th:first-child, .text { text-align: left; }
th:first-child { padding-left: 0; }
.wide table { font-size: .84rem; }
.wide th, .wide td { padding: .16rem .35rem; }
.wide tbody th, .wide td:nth-child(2) { min-width: 10rem; }
td:not(.text) { white-space: nowrap; }
.main { font-weight: 700; }
ul, ol { margin: .2rem 0; padding-left: 1.4rem; }
li { overflow-wrap: anywhere; }
h2 { break-after: avoid; }
tr, dl div, li { break-inside: avoid; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } }
@media screen { .tables { overflow-x: auto; } }
@media print { html { font-size: 12px; } body { margin: 0; padding: 0; max-width: none; } a { color: inherit; }
  h1 { font-size: 1.4rem; } h2 { margin-top: .7rem; } p { margin: .15rem 0; }
  th, td, dl div { padding-top: .08rem; padding-bottom: .08rem; }
  dl { grid-template-columns: 1fr 1fr; } dt { flex-basis: 7rem; } }
"""
"""The style of a file: light, for the screen and for sheets of any size."""

WIDE_STYLE = """@page { size: landscape; }
@media print { html { font-size: 10.5px; } body.wide { max-width: none; } dl { grid-template-columns: repeat(3, 1fr); } }
"""


def handout_markdown(handout: Handout) -> str:
    """A document as Markdown."""
    lines = [f"# {markdown_text(handout.title)}", "", markdown_text(handout.summary), ""]
    for section in handout.sections:
        lines += [f"## {markdown_text(section.title)}", "", *_markdown_section(section)]
    lines += [f"Link: <{_markdown_address(handout.link)}>", ""] if handout.link else []
    lines += [markdown_text(text) for text in handout.closing]
    return "\n".join(lines) + "\n"


def _markdown_section(section: HandoutSection) -> Iterator[str]:
    if section.terms:
        yield from (*(f"- **{markdown_text(term)}**: {markdown_text(value)}" for term, value in section.terms), "")
    if section.table:
        yield from (*_markdown_table(section.table), "")
    for paragraph in section.paragraphs:
        yield from (markdown_text(paragraph), "")
    for number, note in enumerate(section.notes, start=1):
        yield f"{number}. {markdown_text(note)}" if section.is_numbered else f"- {markdown_text(note)}"
    if section.notes:
        yield ""


def _markdown_table(table: HandoutTable) -> Iterator[str]:
    yield _markdown_row(map(markdown_text, table.columns))
    yield "|" + "|".join("---" if index in (0, *table.text_columns) else "--:" for index in range(len(table.columns))) + "|"
    for row in table.rows:
        cells = [markdown_text(_cell_text(cell)) for cell in row]
        yield _markdown_row(f"**{cell}**" if index in table.main_columns and cell else cell for index, cell in enumerate(cells))


def _markdown_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown_address(address: str) -> str:
    """An address between angle brackets, which its own would end."""
    return address.replace("<", "%3C").replace(">", "%3E")


def _cell_text(cell: HandoutCell) -> str:
    return cell.text if isinstance(cell, HandoutAmount) else cell


def handout_csv(handout: Handout) -> str:
    """The amounts of a document as CSV, exact."""
    return csv_text(handout.records)


def handout_body(handout: Handout, level: int = 1) -> str:
    """A document as the HTML of a part of a page, in which its title is a heading of a level."""
    return "\n".join(_html_lines(handout, level)) + "\n"


def handout_page(handout: Handout) -> str:
    """A document as an HTML file that contains all it needs: no script, and no reference to anything else."""
    style, attribute = (STYLE + WIDE_STYLE, ' class="wide"') if handout.is_wide else (STYLE, "")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html_text(handout.title)}</title>\n<style>{style}</style>\n</head>\n"
        f"<body{attribute}>\n{handout_body(handout)}</body>\n</html>\n"
    )


def _html_lines(handout: Handout, level: int = 1) -> Iterator[str]:
    yield f'<article class="handout{" wide" if handout.is_wide else ""}">'
    yield f"<h{level}>{html_text(handout.title)}</h{level}>"
    yield f'<p class="summary">{html_text(handout.summary)}</p>'
    for section in handout.sections:
        yield f"<section>\n<h{level + 1}>{html_text(section.title)}</h{level + 1}>"
        yield from _html_section(section, is_wide=handout.is_wide)
        yield "</section>"
    if handout.link:
        address = html_text(handout.link)
        yield f'<p class="link">Link: <a href="{address}">{address}</a></p>'
    yield f'<p class="closing">{html_text(" ".join(handout.closing))}</p>\n</article>'


def _html_section(section: HandoutSection, *, is_wide: bool) -> Iterator[str]:
    if section.terms:
        yield "<dl>"
        yield from (f"<div><dt>{html_text(term)}</dt><dd>{html_text(value)}</dd></div>" for term, value in section.terms)
        yield "</dl>"
    if section.table:
        yield from _html_table(section.table, section.title if is_wide else "")
    yield from (f"<p>{html_text(paragraph)}</p>" for paragraph in section.paragraphs)
    if section.notes:
        tag = "ol" if section.is_numbered else "ul"
        yield f"<{tag}>{''.join(f'<li>{html_text(note)}</li>' for note in section.notes)}</{tag}>"


def _html_table(table: HandoutTable, scrolled_as: str) -> Iterator[str]:
    """A table; with a name, one that scrolls where it is wider than its page."""
    scrolls = f' role="region" aria-label="{html_text(scrolled_as)}" tabindex="0"' if scrolled_as else ""
    heads = (
        f'<th scope="col"{_cell_class(table, index)}>{html_text(column)}</th>' for index, column in enumerate(table.columns)
    )
    yield f'<div class="tables"{scrolls}><table>\n<thead><tr>{"".join(heads)}</tr></thead>\n<tbody>'
    for row in table.rows:
        cells = "".join(
            f"<td{_cell_class(table, index)}>{_html_cell(cell)}</td>" for index, cell in enumerate(row[1:], start=1)
        )
        yield f'<tr><th scope="row">{_html_cell(row[0])}</th>{cells}</tr>'
    yield "</tbody>\n</table></div>"


def _cell_class(table: HandoutTable, index: int) -> str:
    if index in table.text_columns:
        return ' class="text"'
    return ' class="main"' if index in table.main_columns else ""


def _html_cell(cell: HandoutCell) -> str:
    if isinstance(cell, HandoutAmount):
        return f'<data value="{html_text(cell.exact)}">{html_text(cell.text)}</data>'
    return html_text(cell)


class HandoutFormat(NamedTuple):
    """A format of a document: its media type, and the function that writes it."""

    media_type: str
    write: Callable[[Handout], str]


HANDOUT_FORMATS: Mapping[str, HandoutFormat] = {
    "md": HandoutFormat("text/markdown; charset=utf-8", handout_markdown),
    "csv": HandoutFormat("text/csv; charset=utf-8", handout_csv),
    "html": HandoutFormat("text/html; charset=utf-8", handout_page),
}
"""The formats by the ending of a file's name."""
