"""The one SQL text: what DuckDB and Spark both run over a usage table.

It speaks the common part of both: whole numbers as DECIMAL, so that sums have 128 bits; parameters as `:p1`; prices as
spans of days, joined where the day lies in the span. Quantities are summed first and priced once.

It reads three views: `usage`; `spans` (span, provider, model, deployment, region, tier, since, until, offer); and `rates`
(span, meter, rate, lowest, highest, step). The last two belong to one question.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from voicebill.answers.cost import IN_ORDER, PERCENTILES, CostAsked
from voicebill.answers.where import Both, Compared, Condition, Either, Not, OneOf, Value, fields_of

SOLD = ("provider", "model", "deployment", "region", "tier")
PLAIN = ("tenant", "session", "kind", "status", "outcome", "source", "turn", "day")
AMOUNTS = ("low", "high", "disputed_low", "disputed_high")

FIELDS: Mapping[str, str] = {
    **{name: name for name in (*PLAIN, "provider", "deployment", "tier", "offer")},
    **{name: f"NULLIF({name}, '')" for name in ("model", "region", "meter")},
    "month": "SUBSTR(CAST(day AS STRING), 1, 7)",
    "hour": "CAST(day AS STRING) || 'T' || LPAD(CAST(hour AS STRING), 2, '0')",
}
"""What each field is, in a row."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a usage table and its prices need of a query: readings to choose from, quantities that vendors round up."""

    bounded: bool
    stepped: bool


@dataclass(slots=True)
class Query:
    """A text, and the values of its parameters by name."""

    text: str
    values: dict[str, Any] = field(default_factory=dict)


def overview(asked: CostAsked) -> Query:
    """Names with their days: a row for each name, status, and whether provider and deployment were named."""
    parts = _Parts(asked, None)
    grouped = _list((*SOLD, "status", "no_provider", "no_deployment"))
    text = f"""
        WITH {parts.asked()}
        SELECT {grouped}, MIN(day) AS first, MAX(day) AS last, SUM(once) AS records
        FROM asked
        GROUP BY {grouped}"""
    return Query(text, parts.values)


def lines(asked: CostAsked, shape: Shape) -> Query:
    """Quantities by span, name and meter."""
    parts = _Parts(asked, shape)
    sums = _list(f"SUM({name}) AS {name}" for name in ("low", "high", "again", "followed"))
    text = f"""
        WITH {parts.placed(())}
        SELECT span, meter, {_list(SOLD)}, {sums}
        FROM placed
        WHERE meter <> ''
        GROUP BY span, meter, {_list(SOLD)}"""
    return Query(text, parts.values)


def groups(asked: CostAsked, shape: Shape) -> Query:
    """Amounts by the fields asked for, over the rates' one denominator."""
    parts = _Parts(asked, shape)
    early = tuple(name for name in asked.by if name not in ("offer", "meter", *SOLD))
    keys = _list(f"{_key(name, early)} AS key_{at}" for at, name in enumerate(asked.by))
    names = [f"key_{at}" for at in range(len(asked.by))]
    text = f"""
        WITH {parts.placed(early)},
        priced AS (
            SELECT {keys + "," if keys else ""} records,
                {_times("p.low", "r.rate")} AS low, {_times("p.high", "r.rate")} AS high,
                {_times("p.low", "r.lowest")} AS disputed_low, {_times("p.high", "r.highest")} AS disputed_high,
                CASE WHEN r.rate IS NOT NULL THEN pieces ELSE 0 END AS priced,
                CASE WHEN r.rate IS NULL AND p.meter <> '' THEN pieces ELSE 0 END AS unpriced
            FROM placed p LEFT JOIN rates r ON r.span = p.span AND r.meter = p.meter
        ),
        grouped AS (
            SELECT {_list([*names, *(f"SUM({each}) AS {each}" for each in ("records", *AMOUNTS, "priced", "unpriced"))])}
            FROM priced {f"GROUP BY {_list(names)}" if names else ""}
        )
        SELECT * FROM grouped {_ordered(asked, names) if names else ""}"""
    return Query(text, parts.values)


def _ordered(asked: CostAsked, names: Iterable[str]) -> str:
    keys = _list(f"{name} ASC NULLS LAST" for name in names)
    if asked.top is None and asked.by[0] in IN_ORDER:
        return f"ORDER BY {keys}"
    limit = f" LIMIT {asked.top}" if asked.top else ""
    return f"ORDER BY COALESCE(high, 0) DESC, COALESCE(low, 0) DESC, {keys}{limit}"


def unpriced_records(asked: CostAsked) -> Query:
    """How many records have a quantity without a rate."""
    parts = _Parts(asked, Shape(bounded=False, stepped=True))
    text = f"""
        WITH {parts.asked()}
        SELECT COUNT(DISTINCT key) AS records FROM asked WHERE meter <> '' AND step IS NULL"""
    return Query(text, parts.values)


def sessions(asked: CostAsked, shape: Shape) -> Query:
    """What sessions cost: a row for each of low, high and a minute, and percentile; and one with the sums."""
    parts = _Parts(asked, shape)
    wanted = " OR ".join(f"(100 * place >= n * {percent} AND 100 * (place - 1) < n * {percent})" for percent in PERCENTILES)

    def ranked(what: str, order: str, where: str = "") -> str:
        return f"""
            SELECT '{what}' AS what, place, n, low, high, ms FROM (
                SELECT ROW_NUMBER() OVER (ORDER BY {order}) AS place, COUNT(*) OVER () AS n, low, high, ms
                FROM whole {where}
            ) ranked_{what} WHERE {wanted}"""

    text = f"""
        WITH {parts.placed(("tenant", "session"))},
        each_session AS (
            SELECT by_tenant, by_session,
                COALESCE(SUM({_times("p.low", "r.rate")}), 0) AS low, COALESCE(SUM({_times("p.high", "r.rate")}), 0) AS high,
                SUM(CASE WHEN r.rate IS NULL AND p.meter <> '' THEN 1 ELSE 0 END) AS lost,
                COALESCE(MAX(last_ms) - MIN(first_ms), 0) AS ms
            FROM placed p LEFT JOIN rates r ON r.span = p.span AND r.meter = p.meter
            WHERE by_session IS NOT NULL
            GROUP BY by_tenant, by_session
        ),
        whole AS (SELECT low, high, ms FROM each_session WHERE lost = 0)
        SELECT 'sums' AS what, COUNT(*) AS place, SUM(CASE WHEN ms > 0 THEN 1 ELSE 0 END) AS n,
            SUM(low) AS low, SUM(high) AS high, SUM(CASE WHEN ms > 0 THEN ms ELSE 0 END) AS ms
        FROM whole
        UNION ALL {ranked("low", "low")}
        UNION ALL {ranked("high", "high")}
        UNION ALL {ranked("minute", "CAST(low + high AS DOUBLE) / ms, low + high, ms", "WHERE ms > 0")}"""
    return Query(text, parts.values)


class _Parts:
    """The parts that the queries share, and the parameters that they use."""

    def __init__(self, asked: CostAsked, shape: Shape | None) -> None:
        self.values: dict[str, Any] = {}
        self._question = asked
        self._shape = shape or Shape(bounded=False, stepped=False)
        self._fields = fields_of(asked.where)
        without_prices = shape is None and "offer" in self._fields
        self._where = None if without_prices else asked.where
        self._joined = self._shape.stepped or (shape is not None and "offer" in self._fields)

    def asked(self) -> str:
        """The rows asked for: with what is taken where a record does not say it, and with their span where that is needed."""
        taken = {name: self._parameter(getattr(self._question, name)) for name in SOLD if name != "model"}
        sold = _list(f"LOWER(COALESCE({name}, {taken.get(name, _EMPTY)})) AS {name}" for name in SOLD)
        unnamed = _list(f"CASE WHEN {name} IS NULL THEN 1 ELSE 0 END AS no_{name}" for name in ("provider", "deployment"))
        once = "ROW_NUMBER() OVER (PARTITION BY key ORDER BY reading, part)" if "meter" in self._fields else "part + 1"
        where = f"WHERE {self._condition(self._where)}" if self._where else ""
        return f"""
        named AS (
            SELECT key, reading, part, {_list(PLAIN)}, hour, since_ms, until_ms, {sold}, meter, quantity, reread, {unnamed}
            FROM usage {self._days()}
        ),
        joined AS (SELECT n.*{self._span_columns()} FROM named n {self._span_join()}),
        asked AS (SELECT j.*, CASE WHEN {once} = 1 THEN 1 ELSE 0 END AS once FROM joined j {where})"""

    def _days(self) -> str:
        kept = [(">=", self._question.since), ("<", self._question.until)]
        said = [f"day {sign} {self._parameter(day)}" for sign, day in kept if day]
        return f"WHERE {' AND '.join(said)}" if said else ""

    def _span_columns(self) -> str:
        return f", s.offer AS offer{', r.step AS step' if self._shape.stepped else ''}" if self._joined else ""

    def _span_join(self) -> str:
        spans = f"LEFT JOIN spans s ON {_on_span('n', 's')}" if self._joined else ""
        return spans + (" LEFT JOIN rates r ON r.span = s.span AND r.meter = n.meter" if self._shape.stepped else "")

    @property
    def _quantity(self) -> str:
        """A quantity as its vendor counts it: rounded up to whole steps."""
        if not self._shape.stepped:
            return "quantity"
        step = "COALESCE(step, 1)"
        return f"(quantity + MOD({step} - MOD(quantity, {step}), {step}))"

    def placed(self, early: Iterable[str]) -> str:
        """Quantities summed by name, day, meter and some fields, in the cheapest and the dearest reading, with their span."""
        early = tuple(early)
        by = "".join(f", {FIELDS[name]} AS by_{name}" for name in early)
        group = _list((*SOLD, "day", "meter", *(f"by_{name}" for name in early)))
        times = "MIN(LEAST(since_ms, until_ms)) AS first_ms, MAX(GREATEST(since_ms, until_ms)) AS last_ms"
        tail = f"{times if 'session' in early else '0 AS first_ms, 0 AS last_ms'}"
        records = "COUNT(*)" if "meter" in self._question.by else "SUM(once)"
        text = f"""{self.asked()},
        exact AS (
            SELECT {_list((*SOLD, "day", "meter"))}{by},
                {_sum(self._quantity)} AS low, {_sum(self._quantity)} AS high, {_sum("COALESCE(reread, 0)")} AS again,
                {_sum("CASE WHEN reread IS NULL THEN 0 ELSE quantity END")} AS followed,
                {records} AS records, COUNT(*) AS pieces, {tail}
            FROM asked WHERE reading = 0
            GROUP BY {group}
        ){self._open(by, group, tail) if self._shape.bounded else ""}"""
        return f"""{text},
        every AS (SELECT * FROM exact {"UNION ALL SELECT * FROM open_sums" if self._shape.bounded else ""}),
        placed AS (
            SELECT e.*, COALESCE(s.span, -1) AS span, s.offer AS offer
            FROM every e LEFT JOIN spans s ON {_on_span("e", "s")}
        )"""

    def _open(self, by: str, group: str, tail: str) -> str:
        """Of records whose counts leave several readings, the rows of the cheapest and of the dearest one."""
        within = ", o.meter" if "meter" in self._question.by else ""
        kept = _list(f"o.{name} AS {name}" for name in ("key", *PLAIN, "hour", "since_ms", "until_ms", *SOLD, "meter"))
        return f""",
        open_rows AS (
            SELECT a.*, COALESCE(t.span, -1) AS its_span, {self._quantity} AS counted
            FROM asked a LEFT JOIN spans t ON {_on_span("a", "t")} WHERE a.reading > 0
        ),
        readings AS (
            SELECT o.key, o.reading, COALESCE(SUM({_times("o.counted", "r.rate")}), 0) AS amount
            FROM open_rows o LEFT JOIN rates r ON r.span = o.its_span AND r.meter = o.meter
            GROUP BY o.key, o.reading
        ),
        ends AS (
            SELECT key, reading,
                ROW_NUMBER() OVER (PARTITION BY key ORDER BY amount ASC, reading ASC) AS cheapest,
                ROW_NUMBER() OVER (PARTITION BY key ORDER BY amount DESC, reading ASC) AS dearest
            FROM readings
        ),
        sides AS (
            SELECT {kept},
                CASE WHEN e.cheapest = 1 THEN o.counted ELSE 0 END AS low_quantity,
                CASE WHEN e.dearest = 1 THEN o.counted ELSE 0 END AS high_quantity,
                ROW_NUMBER() OVER (PARTITION BY o.key{within} ORDER BY o.reading, o.part) AS its_place
            FROM open_rows o JOIN ends e ON e.key = o.key AND e.reading = o.reading
            WHERE e.cheapest = 1 OR e.dearest = 1
        ),
        open_sums AS (
            SELECT {_list((*SOLD, "day", "meter"))}{by},
                {_sum("low_quantity")} AS low, {_sum("high_quantity")} AS high, {_sum("0")} AS again, {_sum("0")} AS followed,
                SUM(CASE WHEN its_place = 1 THEN 1 ELSE 0 END) AS records, COUNT(DISTINCT key) AS pieces, {tail}
            FROM sides
            GROUP BY {group}
        )"""

    def _parameter(self, value: Value) -> str:
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def _condition(self, condition: Condition) -> str:
        match condition:
            case Compared(name, "!=", value):
                return f"COALESCE({FIELDS[name]} <> {self._parameter(value)}, TRUE)"
            case Compared(name, operator, value):
                return f"COALESCE({FIELDS[name]} {operator} {self._parameter(value)}, FALSE)"
            case OneOf(name, values):
                return f"COALESCE({FIELDS[name]} IN ({_list(self._parameter(value) for value in values)}), FALSE)"
            case Not(inner):
                return f"NOT ({self._condition(inner)})"
            case Both(one, other):
                return f"({self._condition(one)} AND {self._condition(other)})"
            case Either(one, other):
                return f"({self._condition(one)} OR {self._condition(other)})"


_EMPTY = "''"


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)


def _sum(quantity: str) -> str:
    return f"SUM(CAST({quantity} AS DECIMAL(18, 0)))"


def _times(quantity: str, rate: str) -> str:
    return f"CAST({quantity} AS DECIMAL(20, 0)) * CAST({rate} AS DECIMAL(18, 0))"


def _on_span(rows: str, spans: str) -> str:
    same = " AND ".join(f"{spans}.{name} = {rows}.{name}" for name in SOLD)
    return f"{same} AND {rows}.day >= {spans}.since AND {rows}.day < {spans}.until"


def _key(name: str, early: Iterable[str]) -> str:
    if name in early:
        return f"p.by_{name}"
    return FIELDS[name].replace(name, f"p.{name}")
