"""The one SQL text: what DuckDB and Spark both run over a usage table.

It speaks the common part of both: whole numbers as DECIMAL, so that sums have 128 bits; parameters as `:p1`; prices as
spans of days, joined where the day lies in the span. Quantities are summed first and priced once.

It reads these views, of which all but `usage` belong to one question: `names` (sold, and how it is filled up: provider,
model, deployment, region, tier), `spans` (span, sold, since, until, offer), `rates` (span, meter, rate, lowest, highest,
step); and what an engine keeps of the text's own first answers: `counted`, `open_counted`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from voicebill.answers.cost import IN_ORDER, PERCENTILES, CostAsked
from voicebill.answers.where import Both, Compared, Condition, Either, Not, OneOf, Value, fields_of

SOLD = ("provider", "model", "deployment", "region", "tier")
LATE = (*SOLD, "offer", "meter", "day", "status")
"""Fields by which `counted` is grouped in any case, or that join to it."""
AMOUNTS = ("low", "high", "disputed_low", "disputed_high")

FIELDS: Mapping[str, str] = {
    **{name: f"u.{name}" for name in ("tenant", "session", "kind", "status", "outcome", "source", "turn", "day", "model")},
    "meter": "NULLIF(u.meter, '')",
    "offer": "s.offer",
    "month": "SUBSTR(CAST(u.day AS STRING), 1, 7)",
    "hour": "CAST(u.day AS STRING) || 'T' || LPAD(CAST(u.hour AS STRING), 2, '0')",
}
"""What each field is in a row; what a row may leave out is filled up with parameters."""

LATE_FIELDS: Mapping[str, str] = {
    **{name: f"n.{name}" for name in ("provider", "deployment", "tier")},
    **{name: f"NULLIF(n.{name}, '')" for name in ("model", "region")},
    "meter": "NULLIF(e.meter, '')",
    "offer": "s.offer",
    "day": "e.day",
    "status": "e.status",
}


@dataclass(slots=True)
class Query:
    """A text, and the values of its parameters by name."""

    text: str
    values: dict[str, Any] = field(default_factory=dict)


def early(asked: CostAsked) -> tuple[str, ...]:
    """The fields by which rows are grouped before they are priced."""
    return tuple(name for name in asked.by if name not in LATE)


def counted(asked: CostAsked, *, joined: bool = False) -> Query:
    """Quantities summed by name, day, meter, status and the fields asked for: one look at the usage table.

    `joined`: spans and rates are known, and needed for rows: for an offer that is asked for, or steps in which a vendor
    counts. Rows of records whose counts leave several readings are `open`; their sums only say what occurs.
    """
    rows = _Rows(asked, joined=joined)
    by = "".join(f", by_{name}" for name in early(asked))
    text = f"""
        WITH asked AS ({rows.asked()})
        SELECT sold, day, meter, status, CASE WHEN status = 'bounded' THEN 1 ELSE 0 END AS open{by},
            SUM(quantity) AS low, COALESCE(SUM(reread), 0) AS again,
            COALESCE(SUM(CASE WHEN reread IS NOT NULL THEN quantity END), 0) AS followed,
            COUNT(CASE WHEN once = 1 THEN 1 END) AS records, COUNT(*) AS pieces
        FROM (
            SELECT sold, day, meter, status, once{by},
                CAST(quantity AS DECIMAL(18, 0)) AS quantity, CAST(reread AS DECIMAL(18, 0)) AS reread
            FROM asked
        ) each_row
        GROUP BY sold, day, meter, status{by}"""
    return Query(text, rows.values)


def open_counted(asked: CostAsked, *, joined: bool = False, none: bool = False) -> Query:
    """The same of records whose counts leave several readings: in the cheapest and in the dearest one.

    `none`: there are none, which saves another look at the usage table.
    """
    rows = _Rows(asked, joined=joined, of_open=True, none=none)
    by = "".join(f", by_{name}" for name in early(asked))
    within = ", meter" if "meter" in asked.by else ""
    text = f"""
        WITH asked AS ({rows.asked()}),
        priced AS (
            SELECT a.*, {_times("a.quantity", "r.rate")} AS amount,
                CASE WHEN r.rate IS NULL AND a.meter <> '' THEN 1 ELSE 0 END AS lost
            FROM asked a LEFT JOIN spans s ON {_on_span("a", "s")} LEFT JOIN rates r ON r.span = s.span AND r.meter = a.meter
        ),
        readings AS (
            SELECT key, reading, COALESCE(SUM(amount), 0) AS amount, SUM(quantity) AS counted, MAX(lost) AS lost
            FROM (SELECT key, reading, amount, quantity, lost FROM priced {rows.others("0", "0", UNSOLD)}) each_row
            GROUP BY key, reading
        ),
        ends AS (
            SELECT key, reading,
                ROW_NUMBER() OVER (PARTITION BY key ORDER BY lost ASC, amount ASC, counted ASC, reading ASC) AS cheapest,
                ROW_NUMBER() OVER (PARTITION BY key ORDER BY lost ASC, amount DESC, counted DESC, reading DESC) AS dearest
            FROM readings
        ),
        sides AS (
            SELECT p.*,
                CASE WHEN e.cheapest = 1 THEN p.quantity ELSE 0 END AS low_quantity,
                CASE WHEN e.dearest = 1 THEN p.quantity ELSE 0 END AS high_quantity,
                ROW_NUMBER() OVER (PARTITION BY p.key{within} ORDER BY p.reading, p.part) AS place
            FROM priced p JOIN ends e ON e.key = p.key AND e.reading = p.reading
            WHERE e.cheapest = 1 OR e.dearest = 1
        )
        SELECT sold, day, meter, status{by}, {_sum("low_quantity")} AS low, {_sum("high_quantity")} AS high,
            SUM(CASE WHEN place = 1 THEN 1 ELSE 0 END) AS records, COUNT(DISTINCT key) AS pieces
        FROM sides
        GROUP BY sold, day, meter, status{by}"""
    return Query(text, rows.values)


OVERVIEW = Query("""
    SELECT sold, status, MIN(day) AS first, MAX(day) AS last, SUM(records) AS records
    FROM counted
    GROUP BY sold, status""")
"""What occurs: a row for each name and status."""

LINES = Query("""
    WITH every AS (
        SELECT sold, day, meter, low, low AS high, again, followed FROM counted WHERE open = 0
        UNION ALL SELECT sold, day, meter, low, high, 0 AS again, 0 AS followed FROM open_counted
    )
    SELECT COALESCE(s.span, -1) AS span, e.meter, n.provider, n.model, n.deployment, n.region, n.tier,
        SUM(e.low) AS low, SUM(e.high) AS high, SUM(e.again) AS again, SUM(e.followed) AS followed
    FROM every e JOIN names n ON n.sold = e.sold
        LEFT JOIN spans s ON s.sold = e.sold AND e.day >= s.since AND e.day < s.until
    WHERE e.meter <> ''
    GROUP BY COALESCE(s.span, -1), e.meter, n.provider, n.model, n.deployment, n.region, n.tier""")
"""Quantities by span, name and meter."""


def groups(asked: CostAsked, *, whole: bool = False) -> Query:
    """Amounts by the fields asked for, or (`whole`) of everything, over the rates' one denominator."""
    by = () if whole else asked.by
    names = [f"key_{at}" for at in range(len(by))]
    keys = "".join(f"{LATE_FIELDS.get(name, f'e.by_{name}')} AS key_{at}, " for at, name in enumerate(by))
    kept = _list(("sold", "day", "meter", "status", *(f"by_{name}" for name in early(asked))))
    exact = "pieces" if "meter" in by else "records"
    text = f"""
        WITH every AS (
            SELECT {kept}, low, low AS high, {exact} AS records, pieces FROM counted WHERE open = 0
            UNION ALL SELECT {kept}, low, high, records, pieces FROM open_counted
        ),
        priced AS (
            SELECT {keys}e.records,
                {_times("e.low", "r.rate")} AS low, {_times("e.high", "r.rate")} AS high,
                {_times("e.low", "r.lowest")} AS disputed_low, {_times("e.high", "r.highest")} AS disputed_high,
                CASE WHEN r.rate IS NOT NULL THEN e.pieces ELSE 0 END AS priced,
                CASE WHEN r.rate IS NULL AND e.meter <> '' THEN e.pieces ELSE 0 END AS unpriced
            FROM every e JOIN names n ON n.sold = e.sold
                LEFT JOIN spans s ON {_on_span("e", "s")} LEFT JOIN rates r ON r.span = s.span AND r.meter = e.meter
        ),
        grouped AS (
            SELECT {_list([*names, *(f"SUM({each}) AS {each}" for each in ("records", *AMOUNTS, "priced", "unpriced"))])}
            FROM priced {f"GROUP BY {_list(names)}" if names else ""}
        )
        SELECT * FROM grouped {_ordered(asked, names) if names else ""}"""
    return Query(text)


def _ordered(asked: CostAsked, names: Iterable[str]) -> str:
    keys = _list(f"{name} ASC NULLS LAST" for name in names)
    if asked.top is None and asked.by[0] in IN_ORDER:
        return f"ORDER BY {keys}"
    limit = f" LIMIT {asked.top}" if asked.top else ""
    return f"ORDER BY COALESCE(high, 0) DESC, COALESCE(low, 0) DESC, {keys}{limit}"


UNPRICED = Query("""
    SELECT SUM(CASE WHEN p.span IS NULL THEN c.records ELSE 0 END) AS records,
        SUM(CASE WHEN p.span IS NOT NULL AND r.rate IS NULL THEN 1 ELSE 0 END) AS mixed
    FROM counted c LEFT JOIN spans s ON s.sold = c.sold AND c.day >= s.since AND c.day < s.until
        LEFT JOIN (SELECT DISTINCT span FROM rates) p ON p.span = s.span
        LEFT JOIN rates r ON r.span = s.span AND r.meter = c.meter
    WHERE c.meter <> ''""")
"""How many records are of names that have no price at all; and whether others have a quantity without a rate."""


def unpriced_records(asked: CostAsked) -> Query:
    """How many records have a quantity without a rate in every reading that they have, looked up one by one."""
    rows = _Rows(asked, joined=True)
    text = f"""
        WITH asked AS ({rows.asked()}),
        each_row AS (
            SELECT key, reading, CASE WHEN rate IS NULL AND meter <> '' THEN 1 ELSE 0 END AS lost
            FROM asked {rows.others(UNSOLD)}
        ),
        readings AS (SELECT key, reading, MAX(lost) AS lost FROM each_row GROUP BY key, reading),
        each_record AS (SELECT key, MIN(lost) AS lost FROM readings GROUP BY key)
        SELECT COUNT(*) AS records FROM each_record WHERE lost = 1"""
    return Query(text, rows.values)


def sessions(asked: CostAsked, *, with_open: bool, stepped: bool) -> Query:
    """What sessions cost: a row for each of low, high, and either for a minute, and percentile; and one with the sums.

    Where nothing is open, high is as low, and left out.

    Priced row by row, since there are about as many sessions and meters as rows. Records whose counts leave several readings
    are looked up apart: only they need their key. `stepped`: a vendor counts in steps.
    """
    rows = _Rows(asked, joined=True, stepped=stepped)
    open_rows = _Rows(asked, joined=True, stepped=stepped, of_open=True)
    sides = ("low", "high") if with_open else ("low",)
    ranked = " UNION ALL ".join(
        part
        for side in sides
        for part in (
            _ranked(side, side),
            _ranked(f"{side}_minute", f"CAST({side} AS DOUBLE) / ms, {side}, ms", "WHERE ms > 0"),
        )
    )
    text = f"""
        WITH asked AS ({rows.asked(session=True)}),
        exact AS (
            SELECT tenant, session, SUM(amount) AS low, SUM(amount) AS high, MAX(lost) AS lost,
                MIN(LEAST(since_ms, until_ms)) AS first_ms, MAX(GREATEST(since_ms, until_ms)) AS last_ms
            FROM (
                SELECT tenant, session, since_ms, until_ms, {_times("quantity", "rate")} AS amount,
                    CASE WHEN rate IS NULL AND meter <> '' THEN 1 ELSE 0 END AS lost
                FROM asked WHERE {"status <> 'bounded' AND " if with_open else ""}session IS NOT NULL
            ) each_row
            GROUP BY tenant, session
        ){_open_sessions(open_rows) if with_open else ""},
        whole AS (
            SELECT COALESCE(SUM(low), 0) AS low, COALESCE(SUM(high), 0) AS high, COALESCE(MAX(last_ms) - MIN(first_ms), 0) AS ms
            FROM (SELECT * FROM exact {"UNION ALL SELECT * FROM open_ends" if with_open else ""}) both_kinds
            GROUP BY tenant, session HAVING MAX(lost) = 0
        )
        SELECT 'sums' AS what, COUNT(*) AS place, SUM(CASE WHEN ms > 0 THEN 1 ELSE 0 END) AS n,
            SUM(low) AS low, SUM(high) AS high, SUM(CASE WHEN ms > 0 THEN ms ELSE 0 END) AS ms
        FROM whole
        UNION ALL {ranked}"""
    return Query(text, rows.values)


def _open_sessions(rows: "_Rows") -> str:
    return f""",
        open_asked AS ({rows.asked(session=True)}),
        readings AS (
            SELECT key, reading, tenant, session, COALESCE(SUM({_times("quantity", "rate")}), 0) AS amount,
                MAX(CASE WHEN rate IS NULL AND meter <> '' THEN 1 ELSE 0 END) AS lost,
                MIN(LEAST(since_ms, until_ms)) AS first_ms, MAX(GREATEST(since_ms, until_ms)) AS last_ms
            FROM (
                SELECT key, reading, tenant, session, quantity, rate, meter, since_ms, until_ms FROM open_asked
                {rows.others("u.tenant", "u.session", "0", "NULL", UNSOLD_METER, "u.since_ms", "u.until_ms")}
            ) each_row
            WHERE session IS NOT NULL
            GROUP BY key, reading, tenant, session
        ),
        open_ends AS (
            SELECT tenant, session, COALESCE(MIN(CASE WHEN lost = 0 THEN amount END), MIN(amount)) AS low,
                COALESCE(MAX(CASE WHEN lost = 0 THEN amount END), MAX(amount)) AS high, MIN(lost) AS lost,
                MIN(first_ms) AS first_ms, MAX(last_ms) AS last_ms
            FROM readings
            GROUP BY key, tenant, session
        )"""


def _ranked(what: str, order: str, where: str = "") -> str:
    wanted = " OR ".join(f"(100 * place >= n * {percent} AND 100 * (place - 1) < n * {percent})" for percent in PERCENTILES)
    return f"""
        SELECT '{what}' AS what, place, n, low, high, ms FROM (
            SELECT ROW_NUMBER() OVER (ORDER BY {order}) AS place, COUNT(*) OVER () AS n, low, high, ms
            FROM whole {where}
        ) ranked_{what} WHERE {wanted}"""


UNSOLD = "CASE WHEN p.span IS NULL THEN 1 ELSE 0 END"
UNSOLD_METER = "CASE WHEN p.span IS NULL THEN 'any' ELSE '' END"
"""Of a row that counts nothing: whether its name has no price at all, and a meter that then has none."""


class _Rows:
    """The rows that are asked for, and the parameters that this needs."""

    def __init__(
        self, asked: CostAsked, *, joined: bool, of_open: bool = False, none: bool = False, stepped: bool = True
    ) -> None:
        self.values: dict[str, Any] = {}
        self._question = asked
        self._joined = joined
        self._of_open = of_open
        self._none = none
        self._stepped = joined and stepped
        self._fields = fields_of(asked.where)
        self._where = None if "offer" in self._fields and not joined else asked.where

    def asked(self, *, session: bool = False) -> str:
        """Rows with their quantity as its vendor counts it; `once` is 1 in one row of each record."""
        by = "".join(f", {FIELDS[name]} AS by_{name}" for name in early(self._question))
        once = "ROW_NUMBER() OVER (PARTITION BY u.key ORDER BY u.reading, u.part)" if "meter" in self._fields else "u.part + 1"
        return f"""
            SELECT u.key, u.reading, u.part, u.sold, u.day, u.meter, u.status, {self._quantity} AS quantity, u.reread,
                CASE WHEN {once} = 1 THEN 1 ELSE 0 END AS once{by}
                {", u.tenant, u.session, u.since_ms, u.until_ms" if session else ""}{", r.rate" if self._joined else ""}
            FROM usage u {self._join} {self._conditions()}"""

    def others(self, *columns: str) -> str:
        """Rows that count nothing for every reading of the records asked for: where a meter is asked for, not all have one.

        Of a name that has no price at all no reading has one, whatever it counts.
        """
        if "meter" not in self._fields:
            return ""
        named = _list(("u.key", "u.reading", *columns))
        return f"""UNION ALL SELECT {named} FROM usage u LEFT JOIN spans s ON {_on_span("u", "s")}
            LEFT JOIN (SELECT DISTINCT span FROM rates) p ON p.span = s.span
            WHERE u.reading > 0 AND u.key IN (SELECT key FROM asked)"""

    @property
    def _quantity(self) -> str:
        """Rounded up to whole steps of the vendor, where prices are known."""
        if not self._stepped:
            return "u.quantity"
        step = "COALESCE(r.step, 1)"
        return f"u.quantity + MOD({step} - MOD(u.quantity, {step}), {step})"

    @property
    def _join(self) -> str:
        if not self._joined:
            return ""
        return f"LEFT JOIN spans s ON {_on_span('u', 's')} LEFT JOIN rates r ON r.span = s.span AND r.meter = u.meter"

    def _conditions(self) -> str:
        kept = [(">=", self._question.since), ("<", self._question.until)]
        said = [f"u.day {sign} {self._parameter(day)}" for sign, day in kept if day]
        said += ["u.reading > 0"] if self._of_open else []
        said += ["1 = 0"] if self._none else []
        said += [self._condition(self._where)] if self._where else []
        return f"WHERE {' AND '.join(said)}" if said else ""

    def _condition(self, condition: Condition) -> str:
        match condition:
            case Compared(name, "!=", value):
                return f"COALESCE({self._field(name)} <> {self._parameter(value)}, TRUE)"
            case Compared(name, operator, value):
                return f"COALESCE({self._field(name)} {operator} {self._parameter(value)}, FALSE)"
            case OneOf(name, values):
                return f"COALESCE({self._field(name)} IN ({_list(self._parameter(value) for value in values)}), FALSE)"
            case Not(inner):
                return f"NOT ({self._condition(inner)})"
            case Both(one, other):
                return f"({self._condition(one)} AND {self._condition(other)})"
            case Either(one, other):
                return f"({self._condition(one)} OR {self._condition(other)})"

    def _field(self, name: str) -> str:
        if name in FIELDS:
            return FIELDS[name]
        taken = getattr(self._question, name)
        return f"COALESCE(u.{name}, {self._parameter(taken)})" if taken else f"u.{name}"

    def _parameter(self, value: Value) -> str:
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f":{name}"


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)


def _sum(quantity: str) -> str:
    return f"SUM(CAST({quantity} AS DECIMAL(18, 0)))"


def _times(quantity: str, rate: str) -> str:
    return f"CAST({quantity} AS DECIMAL(20, 0)) * CAST({rate} AS DECIMAL(18, 0))"


def _on_span(rows: str, spans: str) -> str:
    return f"{spans}.sold = {rows}.sold AND {rows}.day >= {spans}.since AND {rows}.day < {spans}.until"
