"""Find out what the cache of a log's calls usually does, against which the losses of one call are measured."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from statistics import median

from voicebill.answers.sessions.cache_losses import UsualCache
from voicebill.answers.sessions.reconstruction import UnusableSession
from voicebill.answers.sessions.recorded_models import RecordedModels
from voicebill.answers.sessions.recorded_session import RecordedSession
from voicebill.answers.sessions.session_explanation import reconstruct_recorded
from voicebill.conversation.cache import cache_rule, cached_tokens

MIN_SESSIONS = 20
"""With fewer sessions of a model, its rules say what is usual."""
MIN_WARM_SHARE = 0.8
"""First responses usually have their prompt from the cache if at least this share of them has any of it."""


def usual_caches(sessions: Iterable[RecordedSession], models: RecordedModels) -> dict[str, UsualCache]:
    """What the cache usually does, by model: the median over sessions of the share of the common prefix that it had."""
    shares: dict[str, list[Fraction]] = defaultdict(list)
    warm: dict[str, list[bool]] = defaultdict(list)
    for session in sessions:
        reconstruction = reconstruct_recorded(session, models)
        if isinstance(reconstruction, UnusableSession):
            continue
        first = reconstruction.responses[0].record
        rules = models.of(first).rules
        assert rules is not None
        rule = cache_rule("prefix", rules.rules, 1)
        name = first.model or ""
        warm[name].append(any((first.tokens.text_in_cached, first.tokens.audio_in_cached)))
        findable = cached = 0
        for pair in reconstruction.responses[1:]:
            findable += sum(cached_tokens(pair.simulated, rule)[:2])
            cached += pair.record.tokens.text_in_cached + pair.record.tokens.audio_in_cached
        if findable:
            shares[name].append(min(Fraction(1), Fraction(cached, findable)))
    return {
        name: UsualCache(_median(shares[name]) if len(shares[name]) >= MIN_SESSIONS else None, _starts_warm(entries))
        for name, entries in warm.items()
    }


def _median(shares: list[Fraction]) -> Decimal:
    return round(Decimal(float(median(shares))), 3)


def _starts_warm(entries: list[bool]) -> bool:
    return len(entries) >= MIN_SESSIONS and sum(entries) >= MIN_WARM_SHARE * len(entries)
