"""Price millions of records: the same SQL statements over the usage table, run by DuckDB or by Spark.

Needs the extra `logs`; Spark needs the extra `spark`.
"""

from voicebill.extras import require_extra

require_extra("logs", "costing logs", "duckdb", "pyarrow")
