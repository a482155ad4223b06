"""The same bill, more rows: one SQL text over the usage table, run by DuckDB or by Spark.

Needs the extra `logs`; Spark needs the extra `spark`.
"""

from voicebill.extras import need

need("logs", "costing logs", "duckdb", "pyarrow")
