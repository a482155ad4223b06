"""Read saved price tables: which one a file is, is seen from its shape."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from voicebill.answers.catalog.price_tables import PriceTableName, PublishedPriceTable
from voicebill.billing.errors import InvalidInput
from voicebill.facts.price_tables.azure_retail import is_azure_retail, read_azure_retail
from voicebill.facts.price_tables.genai_prices import is_genai_prices, read_genai_prices
from voicebill.facts.price_tables.litellm_prices import is_litellm, read_litellm
from voicebill.facts.price_tables.saved_json import TableReading, read_documents


class TableFormat(NamedTuple):
    """How the JSON of a price table is recognised and read."""

    name: PriceTableName
    matches: Callable[[object], bool]
    read: Callable[[Iterable[object], tuple[str, ...], TableReading], PublishedPriceTable]


TABLE_FORMATS = (
    TableFormat("azure-retail", is_azure_retail, read_azure_retail),
    TableFormat("litellm", is_litellm, read_litellm),
    TableFormat("genai-prices", is_genai_prices, read_genai_prices),
)
READABLE = (
    "read are saved pages of Azure's retail prices (Items with meterName and retailPrice), litellm's "
    "model_prices_and_context_window.json, and the data.json of genai-prices"
)


def read_price_tables(files: Iterable[Path]) -> tuple[PublishedPriceTable, ...]:
    """Return the price tables of saved files; the files of one table, such as its pages, are read as one.

    Raises:
        UnreadableFile: a file cannot be read.
        InvalidInput: a file is no price table.
    """
    tables: dict[PriceTableName, _SavedTable] = {}
    for file in dict.fromkeys(files):
        reading = TableReading()
        documents = read_documents(file, reading)
        table = tables.setdefault(_format_of(documents, file).name, _SavedTable())
        table.files.append(file.name)
        table.documents += documents
        table.reading.malformed += reading.malformed
    return tuple(tables[item.name].read_as(item) for item in TABLE_FORMATS if item.name in tables)


@dataclass(slots=True)
class _SavedTable:
    """The files of one table, with their documents."""

    files: list[str] = field(default_factory=list)
    documents: list[object] = field(default_factory=list)
    reading: TableReading = field(default_factory=TableReading)

    def read_as(self, table_format: TableFormat) -> PublishedPriceTable:
        return table_format.read(self.documents, tuple(self.files), self.reading)


def _format_of(documents: Sequence[object], file: Path) -> TableFormat:
    for document in documents:
        for table_format in TABLE_FORMATS:
            if table_format.matches(document):
                return table_format
    raise InvalidInput(f"{file} is no price table: {READABLE}")
