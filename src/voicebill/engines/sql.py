"""Build the SQL statements that DuckDB and Spark both run over a usage table.

They use what both databases share: integers of a type whose sums have 128 bits, which each names for itself
(`SUMMED_TYPE`), or DECIMAL; named parameters, such as :p1; prices as periods of days, joined if the record's day is in the
period. Quantities are summed first, and each sum is priced once.

The statements read the view `usage` and the views of one query: `skus` (sku, and its parts with defaults applied:
provider, model, deployment, region, tier), `price_periods` (period, sku, since, until, offer), `rates` (period,
meter, rate, lowest, highest, increment), and results that the engine keeps: `quantity_sums`, `range_usage` with the rows of
records with a range, `range_candidates`, `range_quantity_sums`, `meter_prices` of the SKUs, days and meters that occur
(`sku_meters`), and `session_costs`.
If an offer includes tokens in its minutes, there are also `included_meters` and `charged_time` (period, meter), and
`timed_sessions`, in which these tokens count as nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from fractions import Fraction
from typing import Any, NamedTuple

from voicebill.answers.invoices.recorded_usage import MINUTES_PER_SLOT
from voicebill.answers.invoices.repeated_usage import MIN_METERS, SAME_MOMENT_MS
from voicebill.answers.recorded.filters import And, Condition, FieldComparison, FieldValue, In, Not, Or, fields_of
from voicebill.answers.recorded.query import CHRONOLOGICAL_FIELDS, CostQuery
from voicebill.answers.sessions.recorded_session import TokenQuantities
from voicebill.billing.record import ResponseDetails

SUMMED_TYPE = "SUMMED_INTEGER"
"""In the text of a statement, the type of quantities that are summed: a database puts its own in this place."""
MS_PER_SLOT = MINUTES_PER_SLOT * 60_000
SKU_FIELDS = ("provider", "model", "deployment", "region", "tier")
DETAIL_COLUMNS = tuple(entry.name for entry in fields(ResponseDetails))
SESSION_RECORD_COLUMNS = ("since_ms", "kind", "status", *SKU_FIELDS, "day", "until_ms", "outcome", *DETAIL_COLUMNS)
TENANT_NAME = "COALESCE(u.tenant, '')"
POST_PRICING_FIELDS = (*SKU_FIELDS, "offer", "meter", "day", "status")
"""Fields that are columns of `quantity_sums` in every query, or that are joined to it."""
RANGE_COLUMNS = (
    *("key", "reading", "part", "sku", "day", "meter", "status", "quantity", "repeated_input"),
    *("session", "tenant", "source", "since_ms", "until_ms"),
)
"""The columns of records with a range that every query needs; a query needs those of its fields as well."""
DERIVED_FIELDS: Mapping[str, str] = {"offer": "sku", "month": "day", "half_hour": "hour"}
"""Fields that are no columns, by the column that they need beside `RANGE_COLUMNS`."""
NO_PART = 2**31 - 1
"""The part of a row that is added for a usage candidate: it comes after those of the usage table."""
AMOUNTS = ("low", "high", "disputed_low", "disputed_high")

USAGE_FIELDS = ("tenant", "project", "session", "kind", "status", "outcome", "source", "turn", "day", "model")
HOUR = "CAST(u.day AS STRING) || 'T' || LPAD(CAST(u.hour AS STRING), 2, '0')"
FIELD_SQL: Mapping[str, str] = {
    **{name: f"u.{name}" for name in USAGE_FIELDS},
    "meter": "NULLIF(u.meter, '')",
    "offer": "s.offer",
    "month": "SUBSTR(CAST(u.day AS STRING), 1, 7)",
    "hour": HOUR,
    "half_hour": f"{HOUR} || CASE WHEN u.until_ms % 3600000 < 1800000 THEN ':00' ELSE ':30' END",
}
"""The SQL expression of each field in a usage row. Fields that a row may lack take their default from a parameter."""

POST_PRICING_FIELD_SQL: Mapping[str, str] = {
    **{name: f"n.{name}" for name in ("provider", "deployment", "tier")},
    **{name: f"NULLIF(n.{name}, '')" for name in ("model", "region")},
    "meter": "NULLIF(e.meter, '')",
    "offer": "s.offer",
    "day": "e.day",
    "status": "e.status",
}


@dataclass(slots=True)
class Statement:
    """A SQL statement, with the values of its parameters by name."""

    text: str
    values: dict[str, Any] = field(default_factory=dict)


def pre_pricing_fields(query: CostQuery) -> tuple[str, ...]:
    """Return the fields by which rows are grouped before they are priced."""
    return tuple(name for name in query.by if name not in POST_PRICING_FIELDS)


def quantity_sums(query: CostQuery, *, with_prices: bool = False, with_included: bool = False) -> Statement:
    """Sum quantities by SKU, day, meter, status and the fields of the query, in one scan of the usage table.

    `with_prices`: price periods and rates are known, and the rows need them, because the filter names an offer or a vendor
    bills in increments. Rows of records with a range are marked `is_range`; their sums only show which SKUs, days
    and meters occur, and in how many records. The quantity of which the repeated input is known (`tracked`) is summed as rows
    of their own: that takes less time than a second sum of each row.
    """
    rows = _UsageRows(query, with_prices=with_prices, with_included=with_included)
    by_columns = "".join(f", by_{name}" for name in pre_pricing_fields(query))
    text = f"""
        WITH matching AS ({rows.select()})
        SELECT sku, day, meter, status, CASE WHEN row_kind = 2 THEN 1 ELSE 0 END AS is_range{by_columns}, low, repeated,
            CASE WHEN row_kind = 1 THEN low ELSE 0 END AS tracked, records, row_count
        FROM (
            SELECT sku, day, meter, status,
                CASE WHEN reading > 0 THEN 2 WHEN repeated_input IS NOT NULL THEN 1 ELSE 0 END AS row_kind{by_columns},
                {_sum("quantity")} AS low, COALESCE({_sum("repeated_input")}, 0) AS repeated,
                SUM(first_row) AS records, {rows.count_rows("counted_row")} AS row_count
            FROM matching
            GROUP BY 1, 2, 3, 4, 5{by_columns}
        ) sums"""
    return Statement(text, rows.values)


def range_usage(query: CostQuery, *, is_empty: bool = False) -> Statement:
    """Select the rows of records with a range, which are few and are read more than once.

    `is_empty`: there are no such records, so the usage table is not scanned again.
    """
    rows = _UsageRows(query, with_prices=False)
    conditions = rows.conditions("u.reading > 0", *(("1 = 0",) if is_empty else ()))
    query_columns = (DERIVED_FIELDS.get(name, name) for name in sorted({*query.by, *fields_of(query.where)}))
    columns = _comma_list(f"u.{name}" for name in dict.fromkeys((*RANGE_COLUMNS, *query_columns)))
    return Statement(f"SELECT {columns} FROM usage u {conditions}", rows.values)


def range_candidates(query: CostQuery, *, with_increments: bool = False, with_included: bool = False) -> Statement:
    """Sum the amount and the quantities of each usage candidate of records with a range, from the view `range_usage`."""
    rows = _UsageRows(
        query, with_prices=True, with_increments=with_increments, with_included=with_included, table="range_usage"
    )
    times = ("u.since_ms", "u.until_ms")
    text = f"""
        WITH matching AS ({rows.select(with_session=True)})
        SELECT key, reading, tenant, session, COALESCE(SUM({_times("quantity", "rate")}), 0) AS amount,
            SUM(quantity) AS quantity_sum, MAX({_is_unpriced("rate", "meter", "has_price")}) AS is_unpriced,
            MIN(part) AS first_part, MAX(meter) AS meter,
            MIN(LEAST(since_ms, until_ms)) AS first_ms, MAX(GREATEST(since_ms, until_ms)) AS last_ms
        FROM (
            SELECT key, reading, tenant, session, part, quantity, rate, meter, has_price, since_ms, until_ms FROM matching
            {rows.empty_rows("u.tenant", "u.session", str(NO_PART), "0", "NULL", "''", "s.has_price", *times)}
        ) candidate_rows
        GROUP BY key, reading, tenant, session"""
    return Statement(text, rows.values)


def range_quantity_sums(query: CostQuery, *, with_prices: bool = False, with_included: bool = False) -> Statement:
    """Sum the quantities of records with a range, in the usage candidates of the lowest and of the highest amount."""
    rows = _UsageRows(query, with_prices=with_prices, with_included=with_included, table="range_usage")
    by_columns = "".join(f", by_{name}" for name in pre_pricing_fields(query))
    cheapest, dearest = "(is_unpriced, amount, quantity_sum, reading)", "(is_unpriced, -amount, -quantity_sum, -reading)"
    text = f"""
        WITH matching AS ({rows.select()}),
        ends AS (
            SELECT key, MIN_BY(reading, {cheapest}) AS cheapest, MIN_BY(reading, {dearest}) AS dearest,
                LEAST(MIN_BY(first_part, {cheapest}), MIN_BY(first_part, {dearest})) AS first_part
            FROM range_candidates
            GROUP BY key
        )
        SELECT sku, day, meter, status{by_columns},
            {_sum("CASE WHEN reading = cheapest THEN quantity ELSE 0 END")} AS low,
            {_sum("CASE WHEN reading = dearest THEN quantity ELSE 0 END")} AS high,
            SUM(CASE WHEN part = first_part THEN 1 ELSE 0 END) AS records, COUNT(DISTINCT m.key) AS row_count
        FROM matching m JOIN ends e ON e.key = m.key AND m.reading IN (e.cheapest, e.dearest)
        GROUP BY sku, day, meter, status{by_columns}"""
    return Statement(text, rows.values)


def _on_period(rows: str, periods: str) -> str:
    return f"{periods}.sku = {rows}.sku AND {rows}.day >= {periods}.since AND {rows}.day < {periods}.until"


OVERVIEW = Statement("""
    SELECT sku, status, MIN(day) AS first, MAX(day) AS last, SUM(records) AS records, MAX(is_range) AS is_range,
        SUM(low) AS quantity
    FROM quantity_sums
    GROUP BY sku, status""")
"""The first day, the last day, the number of records, whether any has a range, and the total quantity, by SKU and status."""

SKU_METERS = Statement("SELECT DISTINCT sku, day, meter FROM quantity_sums")

METER_PRICES = Statement(f"""
    SELECT m.sku, m.day, m.meter, s.period, s.offer, s.has_price, r.rate, r.increment
    FROM sku_meters m JOIN price_periods s ON {_on_period("m", "s")}
        LEFT JOIN rates r ON r.period = s.period AND r.meter = m.meter""")
"""What a row of the usage table costs, by SKU, day and meter, with or without a rate: rows are joined once, by equality,
which takes two thirds of the time of a join with periods.
"""

SKU_NAMES = Statement("SELECT DISTINCT sku FROM usage")

LINE_QUANTITIES = Statement("""
    WITH all_sums AS (
        SELECT sku, day, meter, low, low AS high, repeated, tracked FROM quantity_sums WHERE is_range = 0
        UNION ALL SELECT sku, day, meter, low, high, 0 AS repeated, 0 AS tracked FROM range_quantity_sums
    )
    SELECT COALESCE(s.period, -1) AS period, e.meter, n.provider, n.model, n.deployment, n.region, n.tier,
        SUM(e.low) AS low, SUM(e.high) AS high, SUM(e.repeated) AS repeated, SUM(e.tracked) AS tracked
    FROM all_sums e JOIN skus n ON n.sku = e.sku
        LEFT JOIN price_periods s ON s.sku = e.sku AND e.day >= s.since AND e.day < s.until
    WHERE e.meter <> ''
    GROUP BY COALESCE(s.period, -1), e.meter, n.provider, n.model, n.deployment, n.region, n.tier""")
"""Quantities by price period, SKU and meter."""


def groups(query: CostQuery, *, total: bool = False) -> Statement:
    """Sum amounts by the fields of the query, or (`total`) over all records, as numerators over `PriceTable.denominator`."""
    by = () if total else query.by
    key_names = [f"key_{index}" for index in range(len(by))]
    keys = _key_columns(by)
    columns = _comma_list(("sku", "day", "meter", "status", *(f"by_{name}" for name in pre_pricing_fields(query))))
    record_count = "row_count" if "meter" in by else "records"
    sums = (f"SUM({column}) AS {column}" for column in ("records", *AMOUNTS, "priced", "unpriced"))
    text = f"""
        WITH all_sums AS (
            SELECT {columns}, low, low AS high, {record_count} AS records, row_count
            FROM quantity_sums WHERE is_range = 0
            UNION ALL SELECT {columns}, low, high, {record_count} AS records, row_count FROM range_quantity_sums
        ),
        priced AS (
            SELECT {keys}e.records,
                {_times("e.low", "r.rate")} AS low, {_times("e.high", "r.rate")} AS high,
                {_times("e.low", "r.lowest")} AS disputed_low, {_times("e.high", "r.highest")} AS disputed_high,
                CASE WHEN r.rate IS NOT NULL THEN e.row_count ELSE 0 END AS priced,
                CASE WHEN r.rate IS NULL AND e.meter <> '' THEN e.row_count ELSE 0 END AS unpriced
            FROM all_sums e JOIN skus n ON n.sku = e.sku
                LEFT JOIN price_periods s ON {_on_period("e", "s")}
                LEFT JOIN rates r ON r.period = s.period AND r.meter = e.meter
        ),
        grouped AS (
            SELECT {_comma_list([*key_names, *sums])}
            FROM priced {f"GROUP BY {_comma_list(key_names)}" if key_names else ""}
        )
        SELECT * FROM grouped {_order_by(query, key_names) if key_names else ""}"""
    return Statement(text)


def quantities(query: CostQuery) -> Statement:
    """Sum quantities by the fields of the query, SKU, day, meter and status, and count each record in one of these sums."""
    columns = _comma_list(("sku", "day", "meter", "status", *(f"by_{name}" for name in pre_pricing_fields(query))))
    key_names = (f"key_{index}" for index in range(len(query.by)))
    names = _comma_list((*key_names, *(f"sku_{name}" for name in SKU_FIELDS), "day", "meter", "status"))
    text = f"""
        WITH all_sums AS (
            SELECT {columns}, low, low AS high, records FROM quantity_sums WHERE is_range = 0
            UNION ALL SELECT {columns}, low, high, records FROM range_quantity_sums
        ),
        keyed AS (
            SELECT {_key_columns(query.by)}{_comma_list(f"n.{name} AS sku_{name}" for name in SKU_FIELDS)},
                e.day, e.meter, e.status, e.low, e.high, e.records
            FROM all_sums e JOIN skus n ON n.sku = e.sku LEFT JOIN price_periods s ON {_on_period("e", "s")}
        )
        SELECT {names}, SUM(low) AS low, SUM(high) AS high, SUM(records) AS records FROM keyed GROUP BY {names}"""
    return Statement(text)


def _key_columns(by: Sequence[str]) -> str:
    return "".join(f"{POST_PRICING_FIELD_SQL.get(name, f'e.by_{name}')} AS key_{index}, " for index, name in enumerate(by))


def _order_by(query: CostQuery, names: Iterable[str]) -> str:
    keys = _comma_list(f"{name} ASC NULLS LAST" for name in names)
    if query.top is None and query.by[0] in CHRONOLOGICAL_FIELDS:
        return f"ORDER BY {keys}"
    limit = f" LIMIT {query.top}" if query.top else ""
    return f"ORDER BY COALESCE(high, 0) DESC, COALESCE(low, 0) DESC, {keys}{limit}"


UNPRICED_COUNTS = Statement("""
    SELECT SUM(CASE WHEN c.meter <> '' AND COALESCE(s.has_price, 0) = 0 THEN c.records ELSE 0 END) AS records,
        SUM(CASE WHEN r.rate IS NULL AND (
            (c.meter <> '' AND s.has_price = 1) OR (c.meter = '' AND c.is_range = 1 AND COALESCE(s.has_price, 0) = 0)
        ) THEN 1 ELSE 0 END) AS mixed
    FROM quantity_sums c LEFT JOIN price_periods s ON s.sku = c.sku AND c.day >= s.since AND c.day < s.until
        LEFT JOIN rates r ON r.period = s.period AND r.meter = c.meter""")
"""The number of records whose SKU has no price at all, and (`mixed`) of sums whose records must be looked at one by one: they
have a price for other meters, or may count nothing.
"""


def unpriced_records(query: CostQuery, *, with_included: bool = False) -> Statement:
    """Count the records that have a quantity without a rate in each of their usage candidates, record by record."""
    rows = _UsageRows(query, with_prices=True, with_included=with_included)
    text = f"""
        WITH matching AS ({rows.select()}),
        row_prices AS (
            SELECT key, reading, meter, {_is_unpriced("rate", "meter", "has_price")} AS is_unpriced
            FROM matching {rows.empty_rows("''", HAS_NO_PRICE)}
        ),
        readings AS (
            SELECT key, reading, MAX(meter) AS meter, MAX(is_unpriced) AS is_unpriced FROM row_prices GROUP BY key, reading
        ),
        record_prices AS (SELECT key, MIN(is_unpriced) AS is_unpriced FROM readings GROUP BY key HAVING MAX(meter) <> '')
        SELECT COUNT(*) AS records FROM record_prices WHERE is_unpriced = 1"""
    return Statement(text, rows.values)


def session_costs(
    query: CostQuery, *, with_ranges: bool, with_increments: bool, with_included: bool = False, is_narrow: bool = False
) -> Statement:
    """Sum what each session cost, and how long it lasted: its low and its high amount, and milliseconds.

    Sessions with an unpriced quantity are left out. Rows are priced one by one, since there are about as many pairs of session
    and meter as rows. Of each record with a range, the view `range_candidates` has the amounts: it adds its low amount, and
    what its high amount is more. `with_increments`: a vendor bills in increments. `is_narrow`: all amounts together have
    less than 64 bits, so that they are multiplied, summed and sorted as integers, in half the time.
    """
    rows = _UsageRows(query, with_prices=True, with_increments=with_increments, with_included=with_included)
    amount_type = "BIGINT" if is_narrow else "DECIMAL(38, 0)"
    amount = "quantity * rate" if is_narrow else _times("quantity", "rate")
    low, extra = (f"CAST(COALESCE(SUM({column}), 0) AS {amount_type}) AS {column}" for column in ("low", "extra"))
    text = f"""
        WITH matching AS ({rows.select(with_session=True)}),
        amounts AS (
            SELECT tenant, session, {amount} AS low, CAST(NULL AS {amount_type}) AS extra,
                CASE WHEN rate IS NULL AND meter <> '' THEN 1 ELSE 0 END AS is_unpriced,
                LEAST(since_ms, until_ms) AS first_ms, GREATEST(since_ms, until_ms) AS last_ms
            FROM matching WHERE {"reading = 0 AND " if with_ranges else ""}session IS NOT NULL
            {_range_amounts(amount_type) if with_ranges else ""}
        ),
        sessions AS (
            SELECT {low}, {extra}, COALESCE(MAX(last_ms) - MIN(first_ms), 0) AS ms
            FROM amounts
            GROUP BY tenant, session HAVING MAX(is_unpriced) = 0
        )
        SELECT low, CAST(low + extra AS {amount_type}) AS high, ms FROM sessions"""
    return Statement(text, rows.values)


SESSION_SUMS = Statement("""
    SELECT COUNT(*) AS sessions, SUM(CASE WHEN ms > 0 THEN 1 ELSE 0 END) AS timed,
        SUM(CAST(low AS DECIMAL(38, 0))) AS low, SUM(CAST(high AS DECIMAL(38, 0))) AS high, SUM(ms) AS ms
    FROM session_costs""")
"""The number of sessions, how many have a length, the sums of their low and their high amounts, and of milliseconds."""


def session_percentiles(places: Collection[int], timed_places: Collection[int], *, with_ranges: bool) -> Statement:
    """Find the sessions at some places, from 1, in the order of an amount: a row of metric, place, amount, milliseconds.

    The metrics are the low amount, the high amount, and either per minute, among the sessions that have a length
    (`timed_places`, if there are any). Without ranges high equals low, and is left out.
    """
    selects = []
    for side in ("low", "high") if with_ranges else ("low",):
        selects.append(_session_places(side, f"SELECT {side} AS amount, 0 AS ms FROM session_costs", "amount", places))
        if timed_places:
            timed = f"SELECT {side} AS amount, ms FROM session_costs WHERE ms > 0"
            order = "CAST(amount AS DOUBLE) / ms, amount, ms"
            selects.append(_session_places(f"{side}_minute", timed, order, timed_places))
    return Statement(" UNION ALL ".join(selects))


class SessionRange(NamedTuple):
    """The sessions from one on, by tenant and name, and before another one; None: from the first, or to the last.

    `sample` is an upper limit of the hash of a session's name in hexadecimal, below which a share of all sessions is.
    """

    since: tuple[str, str] | None = None
    until: tuple[str, str] | None = None
    sample: str | None = None


ALL_SESSIONS = SessionRange()
SAMPLE_DIGITS = 8
SESSION_ORDER = ("tenant", "session", "order_ms", "source", "line_number", "key", "other_meter")
"""The columns by which the rows of `session_records` are in order; sessions without times come last."""
OTHER_METER = f"CASE WHEN u.meter IN ('', {', '.join(repr(name) for name in TokenQuantities._fields)}) THEN '' ELSE u.meter END"
"""The meter of a row, if it counts other things than tokens."""


def sample_limit(share: Fraction) -> str | None:
    """The limit of a `SessionRange` for a share of the sessions; None for all.

    >>> sample_limit(Fraction(1, 2)), sample_limit(Fraction(3))
    ('80000000', None)
    """
    return None if share >= 1 else f"{int(share * 16**SAMPLE_DIGITS):0{SAMPLE_DIGITS}x}"


def session_records(
    query: CostQuery, session: str | None = None, between: SessionRange = ALL_SESSIONS, *, is_partitioned: bool = False
) -> Statement:
    """Select sessions' records in the order of tenants, sessions, times and places.

    A session is selected with all its records if one of them matches the query; `session` selects those of one name. Of a
    record with a range only the first candidate is selected. A record is one row, and another one for each meter other than
    tokens: the columns are tenant, session, key, other meter (empty in the row of tokens), its quantity, the tokens of each
    meter, and those of `SESSION_RECORD_COLUMNS`. The database groups the rows of a record, so that it has a sixth of them to
    sort and to return. `is_partitioned`: the rows are in no order, because each partition is sorted; the other columns of
    `SESSION_ORDER` follow.
    """
    rows = _UsageRows(query, with_prices=False)
    tokens = _comma_list(
        f"MAX(CASE WHEN u.meter = '{name}' THEN u.quantity ELSE 0 END) AS {name}" for name in TokenQuantities._fields
    )
    columns = _comma_list(f"FIRST(u.{name}) AS {name}" for name in SESSION_RECORD_COLUMNS)
    order_columns = ", FIRST(u.until_ms) AS order_ms, FIRST(u.source) AS source, FIRST(u.line_number) AS line_number"
    order = f"""ORDER BY {TENANT_NAME}, u.session, FIRST(u.until_ms) NULLS LAST, FIRST(u.source), FIRST(u.line_number), u.key,
            {OTHER_METER}"""
    text = f"""
        SELECT {TENANT_NAME} AS tenant, u.session, u.key, {OTHER_METER} AS other_meter, MAX(u.quantity) AS other_quantity,
            {tokens}, {columns}{order_columns if is_partitioned else ""}
        FROM usage u {rows.join_sessions(session, between)}
        WHERE {" AND ".join(("u.session IS NOT NULL", "u.reading <= 1", *rows.in_range(between)))}
        GROUP BY {TENANT_NAME}, u.session, u.key, {OTHER_METER}
        {"" if is_partitioned else order}"""
    return Statement(text, rows.values)


def session_starts(query: CostQuery) -> Statement:
    """Select the minutes, since 1970, in which sessions of a query begin: each with the number of sessions."""
    rows = _UsageRows(query, with_prices=False)
    text = f"""
        SELECT CAST(FLOOR(start_ms / 60000.0) AS BIGINT) AS start_minute, COUNT(*) AS sessions
        FROM (
            SELECT MIN(LEAST(COALESCE(u.since_ms, u.until_ms), COALESCE(u.until_ms, u.since_ms))) AS start_ms
            FROM usage u {rows.join_sessions(None, ALL_SESSIONS)}
            WHERE u.session IS NOT NULL
            GROUP BY {TENANT_NAME}, u.session
        ) starts
        WHERE start_ms IS NOT NULL
        GROUP BY 1
        ORDER BY 1"""
    return Statement(text, rows.values)


def session_count(query: CostQuery) -> Statement:
    """Count the sessions of which a record matches a query."""
    rows = _UsageRows(query, with_prices=False)
    sessions = f"SELECT DISTINCT {TENANT_NAME} AS tenant, u.session FROM usage u {rows.conditions('u.session IS NOT NULL')}"
    return Statement(f"SELECT COUNT(*) AS sessions FROM ({sessions}) named", rows.values)


def records_without_session(query: CostQuery) -> Statement:
    """Count the records that match a query and belong to no session."""
    rows = _UsageRows(query, with_prices=False)
    conditions = rows.conditions("u.session IS NULL")
    return Statement(f"SELECT COUNT(DISTINCT u.key) FROM usage u {conditions}", rows.values)


def _range_amounts(amount_type: str) -> str:
    """Add a row for each record with a range: its low amount, and what its high amount is more."""
    return f"""
            UNION ALL SELECT tenant, session, CAST(low AS {amount_type}) AS low, CAST(high - low AS {amount_type}) AS extra,
                is_unpriced, first_ms, last_ms
            FROM (
                SELECT tenant, session, COALESCE(MIN(CASE WHEN is_unpriced = 0 THEN amount END), MIN(amount)) AS low,
                    COALESCE(MAX(CASE WHEN is_unpriced = 0 THEN amount END), MAX(amount)) AS high,
                    CASE WHEN MAX(meter) <> '' THEN MIN(is_unpriced) ELSE 0 END AS is_unpriced,
                    MIN(first_ms) AS first_ms, MAX(last_ms) AS last_ms
                FROM range_candidates WHERE session IS NOT NULL
                GROUP BY key, tenant, session
            ) range_records"""


def _session_places(metric: str, sessions: str, order: str, places: Iterable[int]) -> str:
    return f"""
        SELECT '{metric}' AS metric, place, amount, ms FROM (
            SELECT ROW_NUMBER() OVER (ORDER BY {order}) AS place, amount, ms FROM ({sessions}) {metric}_sessions
        ) {metric}_order WHERE place IN ({_comma_list(map(str, places))})"""


TENANT, SESSION = "COALESCE('t' || u.tenant, '')", "COALESCE('s' || u.session, 'f' || u.source)"
"""A tenant, if any, and one of its sessions; of records without a session, their source."""
TIMED_SESSIONS = Statement(f"""
    SELECT DISTINCT s.offer, {TENANT} AS tenant, {SESSION} AS session
    FROM usage u JOIN price_periods s ON s.sku = u.sku AND u.day >= s.since AND u.day < s.until
        JOIN charged_time c ON c.period = s.period AND c.meter = u.meter""")
"""The sessions of which time is recorded that their offer charges."""
IS_INCLUDED = "(i.meter IS NOT NULL AND t.offer IS NOT NULL)"

HAS_NO_PRICE = "CASE WHEN s.has_price = 1 THEN 0 ELSE 1 END"
"""A column of a row without a quantity: 1 if its SKU has no price at all, so that it counts as unpriced."""


def _is_unpriced(rate: str, meter: str, has_price: str) -> str:
    """Whether a row has no known price. If its SKU has no price at all, a usage candidate that counts nothing has none, too."""
    return f"CASE WHEN {rate} IS NULL AND ({meter} <> '' OR (reading > 0 AND COALESCE({has_price}, 0) = 0)) THEN 1 ELSE 0 END"


class _UsageRows:
    """SQL that selects the usage rows that a query matches, with the values of its parameters."""

    def __init__(
        self,
        query: CostQuery,
        *,
        with_prices: bool,
        table: str = "usage",
        with_increments: bool = True,
        with_included: bool = False,
    ) -> None:
        self.values: dict[str, Any] = {}
        self._query = query
        self._with_prices = with_prices
        self._table = table
        self._with_increments = with_prices and with_increments
        self._with_included = with_prices and with_included
        self._fields = fields_of(query.where)
        self._filter = None if "offer" in self._fields and not with_prices else query.where

    def select(self, *, with_session: bool = False) -> str:
        """Select rows with the quantity that the vendor bills; `first_row` is 1 in exactly one row of each record."""
        by_columns = "".join(f", {FIELD_SQL[name]} AS by_{name}" for name in pre_pricing_fields(self._query))
        first_row = (
            "ROW_NUMBER() OVER (PARTITION BY u.key ORDER BY u.reading, u.part) = 1" if "meter" in self._fields else "u.part = 0"
        )
        return f"""
            SELECT u.key, u.reading, u.part, u.sku, u.day, {self._unless_included("u.meter", "''")} AS meter, u.status,
                {self._unless_included(self._quantity, "0")} AS quantity,
                {self._unless_included("u.repeated_input", "0")} AS repeated_input,
                CASE WHEN {first_row} THEN 1 ELSE 0 END AS first_row, {self._counted_row} AS counted_row{by_columns}
                {", u.tenant, u.session, u.since_ms, u.until_ms" if with_session else ""}
                {", s.rate, s.has_price" if self._with_prices else ""}
            FROM {self._table} u {self._join} {self.conditions()}"""

    def empty_rows(self, *columns: str) -> str:
        """Add a row without a quantity for each usage candidate of the matching records, if the filter uses the meter.

        Without these rows a candidate without the meter would be missing. If a SKU has no price at all, none of its
        candidates has one, whatever it counts.
        """
        if "meter" not in self._fields:
            return ""
        column_list = _comma_list(("u.key", "u.reading", *columns))
        return f"""UNION ALL SELECT {column_list} FROM usage u LEFT JOIN price_periods s ON {_on_period("u", "s")}
            WHERE u.reading > 0 AND u.key IN (SELECT key FROM matching)"""

    def join_sessions(self, session: str | None, between: SessionRange) -> str:
        """Join the sessions of which a record matches, or which have a name; nothing if all do."""
        named = [] if session is None else [f"u.session = {self.parameter(session)}"]
        conditions = self.conditions(*named)
        if not conditions:
            return ""
        all_conditions = " AND ".join((conditions, *self.in_range(between)))
        selected = f"SELECT DISTINCT {TENANT_NAME} AS tenant, u.session FROM usage u {all_conditions}"
        return f"JOIN ({selected}) m ON m.session = u.session AND m.tenant = {TENANT_NAME}"

    def in_range(self, between: SessionRange) -> list[str]:
        """Conditions for sessions of a range."""
        conditions = []
        for end, sign, name_sign in ((between.since, ">", ">="), (between.until, "<", "<")):
            if end is not None:
                tenant, name = map(self.parameter, end)
                in_tenant = f"{TENANT_NAME} = {tenant} AND u.session {name_sign} {name}"
                conditions.append(f"({TENANT_NAME} {sign} {tenant} OR ({in_tenant}))")
        if between.sample is not None:
            name_hash = f"SUBSTR(MD5({TENANT_NAME} || '/' || u.session), 1, {SAMPLE_DIGITS})"
            conditions.append(f"{name_hash} < {self.parameter(between.sample)}")
        return conditions

    @property
    def _quantity(self) -> str:
        """The quantity, rounded up to the vendor's billing increment if prices are known."""
        if not self._with_increments:
            return "u.quantity"
        increment = "COALESCE(s.increment, 1)"
        return f"u.quantity + MOD({increment} - MOD(u.quantity, {increment}), {increment})"

    def _unless_included(self, value: str, otherwise: str) -> str:
        """Return a value of a row, or what it is for tokens that are included in the minutes of their session."""
        return f"CASE WHEN {IS_INCLUDED} THEN {otherwise} ELSE {value} END" if self._with_included else value

    def count_rows(self, counted_row: str) -> str:
        """Count the rows for which a column is 1: all, unless some are included in others."""
        return f"SUM({counted_row})" if self._with_included else "COUNT(*)"

    @property
    def _counted_row(self) -> str:
        """1 for a row that counts one quantity: of the included tokens of a record, the first row."""
        if not self._with_included:
            return "1"
        number = f"ROW_NUMBER() OVER (PARTITION BY u.key, u.reading, {IS_INCLUDED} ORDER BY u.part)"
        return f"CASE WHEN {IS_INCLUDED} AND {number} > 1 THEN 0 ELSE 1 END"

    @property
    def _join(self) -> str:
        if not self._with_prices:
            return ""
        prices = "LEFT JOIN meter_prices s ON s.sku = u.sku AND s.day = u.day AND s.meter = u.meter"
        if not self._with_included:
            return prices
        included = f"{prices} LEFT JOIN included_meters i ON i.period = s.period AND i.meter = u.meter"
        return f"{included} LEFT JOIN timed_sessions t ON t.offer = s.offer AND t.tenant = {TENANT} AND t.session = {SESSION}"

    def conditions(self, *more: str) -> str:
        """Select the rows that match the query, and for which more conditions hold."""
        day_bounds = [(">=", self._query.since), ("<", self._query.until)]
        conditions = [f"u.day {sign} {self.parameter(day)}" for sign, day in day_bounds if day]
        conditions += [self._condition(self._filter)] if self._filter else []
        conditions += more
        return f"WHERE {' AND '.join(conditions)}" if conditions else ""

    def _condition(self, condition: Condition) -> str:
        match condition:
            case FieldComparison(name, "!=", value):
                return f"COALESCE({self._field(name)} <> {self.parameter(value)}, TRUE)"
            case FieldComparison(name, operator, value):
                return f"COALESCE({self._field(name)} {operator} {self.parameter(value)}, FALSE)"
            case In(name, values):
                return f"COALESCE({self._field(name)} IN ({_comma_list(self.parameter(value) for value in values)}), FALSE)"
            case Not(inner):
                return f"NOT ({self._condition(inner)})"
            case And(left, right):
                return f"({self._condition(left)} AND {self._condition(right)})"
            case Or(left, right):
                return f"({self._condition(left)} OR {self._condition(right)})"

    def _field(self, name: str) -> str:
        if name in FIELD_SQL:
            return FIELD_SQL[name]
        default = getattr(self._query, name)
        return f"COALESCE(u.{name}, {self.parameter(default)})" if default else f"u.{name}"

    def parameter(self, value: FieldValue) -> str:
        """A parameter with a value, as it is written in the statement."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f":{name}"


def _comma_list(names: Iterable[str]) -> str:
    return ", ".join(names)


def _sum(quantity: str) -> str:
    return f"SUM(CAST({quantity} AS {SUMMED_TYPE}))"


def _times(quantity: str, rate: str) -> str:
    return f"CAST({quantity} AS DECIMAL(20, 0)) * CAST({rate} AS DECIMAL(18, 0))"


def repeated_usage(query: CostQuery, account_field: str | None, meters: Sequence[str]) -> Statement:
    """Sum what was recorded twice under different identifiers: the same quantities of a SKU at about the same time.

    The rows are account, SKU, day, half hour since 1970, and a quantity for each meter. A response of one meter only may have
    a twin by chance, and is left out.
    """
    rows = _UsageRows(query, with_prices=False)
    account = f"u.{account_field}" if account_field else "CAST(NULL AS STRING)"
    columns = [f"m{index}" for index, _ in enumerate(meters)]
    sums = _comma_list(
        f"SUM(CASE WHEN u.meter = {rows.parameter(meter)} THEN u.quantity ELSE 0 END) AS {column}"
        for column, meter in zip(columns, meters, strict=True)
    )
    content = _comma_list(("sku", *columns))
    text = f"""
        WITH records AS (
            SELECT u.key, u.sku, u.day, u.until_ms AS ms, {account} AS account, {sums}
            FROM usage u {rows.conditions("u.until_ms IS NOT NULL", "u.reading <= 1")}
            GROUP BY u.key, u.sku, u.day, u.until_ms{f", {account}" if account_field else ""}
            HAVING COUNT(*) >= {MIN_METERS}
        ),
        followed AS (
            SELECT r.*, LAG(ms) OVER (PARTITION BY {content} ORDER BY ms, key) AS previous_ms FROM records r
        )
        SELECT account, sku, day, CAST(FLOOR(ms / {MS_PER_SLOT}) AS BIGINT) AS slot,
            {_comma_list(f"SUM({column}) AS {column}" for column in columns)}
        FROM followed WHERE ms - previous_ms <= {SAME_MOMENT_MS}
        GROUP BY account, sku, day, CAST(FLOOR(ms / {MS_PER_SLOT}) AS BIGINT)"""
    return Statement(text, rows.values)
