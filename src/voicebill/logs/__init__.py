"""Read usage logs into records: one module per log format.

Needs the extra `logs`.
"""

from voicebill.extras import require_extra

require_extra("logs", "reading logs", "msgspec", "pyarrow")
