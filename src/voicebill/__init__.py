"""What a realtime voice conversation costs: before it is held, and after.

The names below are loaded when they are first used, so that importing the package stays light.

>>> import voicebill
>>> from datetime import date
>>> selection = voicebill.ModelSelection(model="gpt-realtime-1.5", day=date(2026, 11, 22))
>>> answer = voicebill.estimate(voicebill.Plan(minutes=10, turns=20), selection, voicebill.load_facts())
>>> voicebill.format_dollars(answer.per_conversation.expected)
'0.832852'
"""

from importlib import import_module

__version__ = "0.1.0"

TYPE_CHECKING = False  # type checkers take it for true; importing typing would double the time that this import takes
if TYPE_CHECKING:
    from voicebill.answers.capacity.capacity import plan_capacity
    from voicebill.answers.capacity.targets import CapacityTargets
    from voicebill.answers.comparison.alternatives import alternatives
    from voicebill.answers.comparison.compare import available_offers, compare
    from voicebill.answers.connectivity.transport import ConnectionCosts
    from voicebill.answers.estimates.estimate import estimate
    from voicebill.answers.estimates.model_selection import ModelSelection
    from voicebill.answers.estimates.simulate import simulate
    from voicebill.answers.invoices.reconcile import reconcile
    from voicebill.answers.invoices.repeated_usage import repeated_records
    from voicebill.answers.invoices.request import ReconcileRequest
    from voicebill.answers.invoices.verify import verify
    from voicebill.answers.provisioned.ptu import size_ptus
    from voicebill.answers.provisioned.request import PtuRequest, derive_ptu_request
    from voicebill.answers.recorded.cost import cost
    from voicebill.answers.recorded.filters import parse_filter
    from voicebill.answers.recorded.python_engine import PythonEngine
    from voicebill.answers.recorded.query import CostQuery
    from voicebill.answers.replay.replay import replay
    from voicebill.answers.replay.request import ReplayRequest
    from voicebill.answers.replay.script_changes import ScriptChanges
    from voicebill.answers.sessions.fit import fit
    from voicebill.answers.sessions.log_explanation import explain_call, explain_log
    from voicebill.answers.sessions.recorded_models import RecordedModels
    from voicebill.answers.sessions.recorded_session import sessions_of_records
    from voicebill.billing.bill import bill
    from voicebill.billing.errors import VoicebillError
    from voicebill.billing.money import format_dollars
    from voicebill.billing.record import Record
    from voicebill.billing.usage import Usage
    from voicebill.conversation.call_lengths import CallLengths, LengthDistribution
    from voicebill.conversation.plan import Plan
    from voicebill.conversation.script import Script, ToolCall, Truncation, Turn
    from voicebill.conversation.volume import Volume
    from voicebill.engines.cost_table import cost_table
    from voicebill.engines.in_duckdb import DuckDBEngine
    from voicebill.engines.ledger import Ledger
    from voicebill.engines.usage_table import usage_table
    from voicebill.facts.load import load_facts
    from voicebill.logs.bills.read_bills import read_bills
    from voicebill.logs.defaults import LogDefaults
    from voicebill.logs.read import read_log
    from voicebill.logs.report import ReadReport

__all__ = [
    "CallLengths",
    "CapacityTargets",
    "ConnectionCosts",
    "CostQuery",
    "DuckDBEngine",
    "Ledger",
    "LengthDistribution",
    "LogDefaults",
    "ModelSelection",
    "Plan",
    "PtuRequest",
    "PythonEngine",
    "ReadReport",
    "ReconcileRequest",
    "Record",
    "RecordedModels",
    "ReplayRequest",
    "Script",
    "ScriptChanges",
    "ToolCall",
    "Truncation",
    "Turn",
    "Usage",
    "VoicebillError",
    "Volume",
    "__version__",
    "alternatives",
    "available_offers",
    "bill",
    "compare",
    "cost",
    "cost_table",
    "derive_ptu_request",
    "estimate",
    "explain_call",
    "explain_log",
    "fit",
    "format_dollars",
    "load_facts",
    "parse_filter",
    "plan_capacity",
    "read_bills",
    "read_log",
    "reconcile",
    "repeated_records",
    "replay",
    "sessions_of_records",
    "simulate",
    "size_ptus",
    "usage_table",
    "verify",
]

_HOMES = {
    "CallLengths": "conversation.call_lengths",
    "CapacityTargets": "answers.capacity.targets",
    "ConnectionCosts": "answers.connectivity.transport",
    "CostQuery": "answers.recorded.query",
    "DuckDBEngine": "engines.in_duckdb",
    "Ledger": "engines.ledger",
    "LengthDistribution": "conversation.call_lengths",
    "LogDefaults": "logs.defaults",
    "ModelSelection": "answers.estimates.model_selection",
    "Plan": "conversation.plan",
    "PtuRequest": "answers.provisioned.request",
    "PythonEngine": "answers.recorded.python_engine",
    "ReadReport": "logs.report",
    "Record": "billing.record",
    "ReconcileRequest": "answers.invoices.reconcile",
    "RecordedModels": "answers.sessions.recorded_models",
    "ReplayRequest": "answers.replay.request",
    "Script": "conversation.script",
    "ScriptChanges": "answers.replay.script_changes",
    "ToolCall": "conversation.script",
    "Truncation": "conversation.script",
    "Turn": "conversation.script",
    "Usage": "billing.usage",
    "VoicebillError": "billing.errors",
    "Volume": "conversation.volume",
    "alternatives": "answers.comparison.alternatives",
    "available_offers": "answers.comparison.compare",
    "bill": "billing.bill",
    "compare": "answers.comparison.compare",
    "cost": "answers.recorded.cost",
    "cost_table": "engines.cost_table",
    "derive_ptu_request": "answers.provisioned.request",
    "estimate": "answers.estimates.estimate",
    "explain_call": "answers.sessions.log_explanation",
    "explain_log": "answers.sessions.log_explanation",
    "fit": "answers.sessions.fit",
    "format_dollars": "billing.money",
    "load_facts": "facts.load",
    "parse_filter": "answers.recorded.filters",
    "plan_capacity": "answers.capacity.capacity",
    "read_bills": "logs.bills.read_bills",
    "read_log": "logs.read",
    "reconcile": "answers.invoices.reconcile",
    "repeated_records": "answers.invoices.repeated_usage",
    "replay": "answers.replay.replay",
    "sessions_of_records": "answers.sessions.recorded_session",
    "simulate": "answers.estimates.simulate",
    "size_ptus": "answers.provisioned.ptu",
    "usage_table": "engines.usage_table",
    "verify": "answers.invoices.verify",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"voicebill.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
