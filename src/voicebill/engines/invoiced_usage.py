"""Reconcile the usage table of a database with a vendor's bill."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from voicebill.answers.invoices.charge import Charge
from voicebill.answers.invoices.reconcile import reconcile
from voicebill.answers.invoices.reconciliation import Reconciliation
from voicebill.answers.invoices.repeated_usage import RepeatedQuantity
from voicebill.answers.invoices.request import ReconcileRequest
from voicebill.answers.recorded.engine import Engine
from voicebill.answers.recorded.query import CostQuery
from voicebill.billing.price_book import PriceBook
from voicebill.engines import sql
from voicebill.engines.sql_engine import Database
from voicebill.engines.usage_table import parse_sku


class CountingDatabase(Engine, Database, Protocol):
    """A database that counts records, such as DuckDB and Spark."""


def reconcile_usage(
    database: CountingDatabase, query: CostQuery, charges: Iterable[Charge], prices: PriceBook, request: ReconcileRequest
) -> Reconciliation:
    """The difference between the records that a query matches and a bill, and its causes.

    Raises:
        InvalidInput: as `reconcile`.
        EngineError: the memory or the disk is full.
    """

    def find_repeated(record_query: CostQuery, account_field: str | None, meters: Sequence[str]) -> Iterator[RepeatedQuantity]:
        for account, sku, day, slot, *quantities in database.query(sql.repeated_usage(record_query, account_field, meters)):
            for meter, quantity in zip(meters, quantities, strict=True):
                if quantity:
                    yield RepeatedQuantity(account, parse_sku(sku, record_query)[0], day, int(slot), meter, int(quantity))

    return reconcile(database, query, charges, prices, request, find_repeated=find_repeated)
