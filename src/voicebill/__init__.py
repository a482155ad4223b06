"""What a realtime voice conversation costs: before it is held, and after.

The names below are loaded when they are first used, so that importing the package stays light.

>>> import voicebill
>>> from datetime import date
>>> asked = voicebill.Asked(model="gpt-realtime-1.5", day=date(2026, 11, 22))
>>> answer = voicebill.estimate(voicebill.Plan(minutes=10, turns=20), asked, voicebill.load())
>>> voicebill.dollars(answer.per_conversation.expected)
'0.8372544'
"""

from importlib import import_module

TYPE_CHECKING = False  # type checkers take it for true; importing typing would double the time that this import takes
if TYPE_CHECKING:
    from voicebill.answers.alternatives import alternatives
    from voicebill.answers.capacity import Wanted, capacity
    from voicebill.answers.compare import alive, compare
    from voicebill.answers.cost import CostAsked, cost
    from voicebill.answers.estimate import estimate
    from voicebill.answers.lengths import Lengths, Spread
    from voicebill.answers.offered import Asked
    from voicebill.answers.ptu import PtuAsked, ptu
    from voicebill.answers.quantities import Volume
    from voicebill.answers.rows import RowEngine
    from voicebill.answers.simulate import simulate
    from voicebill.answers.transport import Carriage
    from voicebill.answers.where import condition
    from voicebill.billing.bill import bill
    from voicebill.billing.errors import VoicebillError
    from voicebill.billing.money import dollars
    from voicebill.billing.record import Record
    from voicebill.billing.usage import Usage
    from voicebill.conversation.plan import Plan
    from voicebill.conversation.script import Script, ToolCall, Truncation, Turn
    from voicebill.engines.cost_table import cost_table
    from voicebill.engines.in_duckdb import DuckDB
    from voicebill.engines.ledger import Ledger
    from voicebill.engines.usage_table import usage_table
    from voicebill.facts.load import load
    from voicebill.logs.read import read_log
    from voicebill.logs.told import Report, Told

    __version__: str

__all__ = [
    "Asked",
    "Carriage",
    "CostAsked",
    "DuckDB",
    "Ledger",
    "Lengths",
    "Plan",
    "PtuAsked",
    "Record",
    "Report",
    "RowEngine",
    "Script",
    "Spread",
    "Told",
    "ToolCall",
    "Truncation",
    "Turn",
    "Usage",
    "VoicebillError",
    "Volume",
    "Wanted",
    "__version__",
    "alive",
    "alternatives",
    "bill",
    "capacity",
    "compare",
    "condition",
    "cost",
    "cost_table",
    "dollars",
    "estimate",
    "load",
    "ptu",
    "read_log",
    "simulate",
    "usage_table",
]

_HOMES = {
    "Asked": "answers.offered",
    "Carriage": "answers.transport",
    "CostAsked": "answers.cost",
    "DuckDB": "engines.in_duckdb",
    "Ledger": "engines.ledger",
    "Lengths": "answers.lengths",
    "Plan": "conversation.plan",
    "PtuAsked": "answers.ptu",
    "Record": "billing.record",
    "Report": "logs.told",
    "RowEngine": "answers.rows",
    "Script": "conversation.script",
    "Spread": "answers.lengths",
    "Told": "logs.told",
    "ToolCall": "conversation.script",
    "Truncation": "conversation.script",
    "Turn": "conversation.script",
    "Usage": "billing.usage",
    "VoicebillError": "billing.errors",
    "Volume": "answers.quantities",
    "Wanted": "answers.capacity",
    "alive": "answers.compare",
    "alternatives": "answers.alternatives",
    "bill": "billing.bill",
    "capacity": "answers.capacity",
    "compare": "answers.compare",
    "condition": "answers.where",
    "cost": "answers.cost",
    "cost_table": "engines.cost_table",
    "dollars": "billing.money",
    "estimate": "answers.estimate",
    "load": "facts.load",
    "ptu": "answers.ptu",
    "read_log": "logs.read",
    "simulate": "answers.simulate",
    "usage_table": "engines.usage_table",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        return import_module("importlib.metadata").version("voicebill")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"voicebill.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
