"""Usage from outside: each dialect of log is read in one file, and gives records.

Needs the extra `logs`.
"""

from voicebill.extras import need

need("logs", "reading logs", "msgspec", "pyarrow")
