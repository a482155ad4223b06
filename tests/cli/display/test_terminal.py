"""Tables on terminals of any width and in pipes: an amount is never cut, and in a pipe no name is."""

import io
import re

import pytest

from voicebill.cli.display.terminal import AmountCell, DataTable, PlainConsole

TENANTS = [f"northwind-insurance-claims-europe-{number}-4c1d8e2f7a90b356" for number in range(3)]
SESSION = "7b0c2d44-91aa-4f3e-8c55-d0e1f2a3b4c5"


@pytest.fixture(autouse=True)
def _terminal_with_a_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rich takes a dumb terminal to be 80 columns wide."""
    monkeypatch.setenv("TERM", "xterm")


def tenant_table() -> DataTable:
    table = DataTable("tenant", "session", "records", "amount", left=2)
    for number, tenant in enumerate(TENANTS):
        table.add_row(tenant, SESSION, "1", AmountCell(57_621_000_000_000 + number * 10**12))
    return table


def lines_at(width: int, *, is_terminal: bool) -> list[str]:
    console = PlainConsole(file=io.StringIO(), width=width, force_terminal=is_terminal, color_system=None)
    console.print(tenant_table())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [24, 40, 60, 80])
def test_on_a_terminal_of_any_width_amounts_are_whole_and_lines_fit(width: int) -> None:
    lines = lines_at(width, is_terminal=True)
    assert all(len(line) <= width for line in lines)
    assert re.findall(r"\$\d+\.\d\d\b", "\n".join(lines)) == ["$57.62", "$58.62", "$59.62"]
    assert "…" not in "".join(lines)


@pytest.mark.parametrize("width", [40, 60])
def test_on_a_narrow_terminal_names_fold_and_keep_every_character(width: int) -> None:
    lines = lines_at(width, is_terminal=True)
    key_width = lines[0].index("session") - 2
    first_column = "".join(line[:key_width].strip() for line in lines[2:])
    assert first_column == "".join(TENANTS)


def test_in_a_pipe_names_are_whole_whatever_the_width() -> None:
    lines = lines_at(80, is_terminal=False)
    assert [line.split()[0] for line in lines[2:]] == TENANTS
    assert all(SESSION in line for line in lines[2:])


def test_a_column_has_one_number_of_decimals_and_nothing_looks_free() -> None:
    """Half-way between $0.10 and $0.1742 lies the median: three decimals. $0.00002 is less than their smallest step."""
    table = DataTable("tenant", "amount")
    for name, amount in (("a", 174_200_000_000), ("b", 2_000_000_000_000), ("c", 20_000_000), ("d", 0), ("e", 100_000_000_000)):
        table.add_row(name, AmountCell(amount))
    console = PlainConsole(file=io.StringIO(), width=80, color_system=None)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    cells = [line.split()[1] for line in console.file.getvalue().splitlines()[2:]]
    assert cells == ["$0.174", "$2.000", "<$0.001", "$0", "$0.100"]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (AmountCell(10**12, 2 * 10**12), "$1.000 to $2.000"),
        (AmountCell(2 * 10**12, 10**12), "$1.000 to $2.000"),
        (AmountCell(10**12, 10**12), "$1.000"),
        # Both are $0.100 in this column: a range of one figure would say nothing, so that both get all their digits
        (AmountCell(10**11, 10**11 + 1), "$0.10 to $0.100000000001"),
        (AmountCell(10**11, 2 * 10**11, suffix=" a month"), "$0.100 to $0.200 a month"),
        (AmountCell(10**12, signed=True), "+$1.000"),
        (AmountCell(-(10**12), signed=True), "-$1.000"),
        (AmountCell(0, signed=True), "-"),
        # Less than the column's smallest step has its own sign
        (AmountCell(10**6, signed=True), "<$0.001"),
        (AmountCell(-(10**6), signed=True), ">-$0.001"),
        (AmountCell(0), "$0"),
    ],
)
def test_a_cell_is_an_amount_a_range_or_a_change(cell: AmountCell, text: str) -> None:
    """In a column of three decimals."""
    assert cell.format(3).plain == text


def test_names_fold_to_no_fewer_than_eight_characters() -> None:
    """Two columns of names, two of figures and gaps take 8 + 8 + 7 + 6 + 6 = 35 columns; on 34 each row is a block of lines."""
    for width, is_table in ((35, True), (34, False)):
        lines = lines_at(width, is_terminal=True)
        assert (lines[0].split() == ["tenant", "session", "records", "amount"]) == is_table
