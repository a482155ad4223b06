"""`voicebill record`: keep what logs say in a ledger."""

from voicebill.answers.shape import Shape
from voicebill.billing.errors import InvalidInput
from voicebill.cli import screen
from voicebill.cli.log_options import (
    Format,
    LedgerOption,
    Logs,
    Strict,
    TheDay,
    TheDeployment,
    TheModel,
    TheProvider,
    TheRegion,
    TheTenant,
    TheTranscription,
    records_of,
    told_as,
)
from voicebill.cli.options import Json

MOST_DAYS = 8
"""So many days are named."""


def record_command(
    logs: Logs = None,
    *,
    ledger: LedgerOption = None,
    format: Format = None,  # noqa: A002 - the option's name
    strict: Strict = False,
    model: TheModel = None,
    transcription_model: TheTranscription = None,
    provider: TheProvider = None,
    deployment: TheDeployment = None,
    region: TheRegion = None,
    tenant: TheTenant = None,
    day: TheDay = None,
    as_json: Json = False,
) -> None:
    """Keep what usage logs say in a ledger: once, however often they are recorded.

    \b
    Keep a folder of logs, and cost it by day whenever you like:
        voicebill record logs/ --ledger ledger
        voicebill cost --ledger ledger --by day
    """  # noqa: D301 - \b is Typer's mark for lines that stay as they are
    if not logs or ledger is None:
        raise InvalidInput("name the logs and the ledger: voicebill record LOG... --ledger DIR")
    told = told_as(
        model=model,
        transcription_model=transcription_model,
        provider=provider,
        deployment=deployment,
        region=region,
        tenant=tenant,
        day=day,
    )
    from voicebill.engines.ledger import Ledger  # noqa: PLC0415 - the ledger is kept by an extra
    from voicebill.logs.notes import reading_notes  # noqa: PLC0415
    from voicebill.logs.told import Report  # noqa: PLC0415

    report = Report(strict=strict)
    recorded = Ledger(ledger).record(records_of(logs, format, told, report))
    if as_json:
        shape: Shape = {
            "ledger": str(ledger),
            "read": recorded.read,
            "added": recorded.added,
            "corrected": recorded.corrected,
            "repeated": recorded.repeated,
            "left_out": recorded.left_out,
            "days": list(recorded.days),
            "broken": report.broken_count,
            "warnings": list(reading_notes(report)),
        }
        screen.as_json(shape)
        return
    out = screen.console()
    out.print(
        f"{screen.counted(recorded.read, 'record')} read from {screen.counted(len(report.sources), 'file')}: "
        f"{recorded.added:,} added, {recorded.corrected:,} corrected, {recorded.repeated:,} known already"
    )
    if recorded.days:
        out.print(
            f"changed in {ledger}: {', '.join(recorded.days[:MOST_DAYS])}"
            + (" and more" if len(recorded.days) > MOST_DAYS else "")
        )
    if recorded.left_out:
        out.print(
            f"{recorded.left_out:,} of these are told otherwise than the ledger has them, and left out: what tells them "
            "knows less (no model, session, tenant or time), or has been corrected before"
        )
    for note in screen.notes("Mind", reading_notes(report), style="yellow"):
        out.print(note)
