"""Check the models and providers of records while they are recorded: unknown names are reported before they are costed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from voicebill.billing.errors import VoicebillError
from voicebill.billing.offers import DEFAULT_PROVIDER
from voicebill.billing.price_book import PriceBook
from voicebill.billing.record import Record
from voicebill.billing.sku_periods import normalize_name

MAX_NAMES = 10_000
"""At most so many names are checked."""
MAX_WARNINGS = 10

ProviderAndModel = tuple[str, str]


@dataclass(slots=True)
class RecordedNames:
    """The models of records, by provider, and whether the price book has them.

    `defaults` may have the provider of records that name none.
    """

    prices: PriceBook
    defaults: Mapping[str, Any] = field(default_factory=dict)
    counts: dict[ProviderAndModel, int] = field(default_factory=dict)
    last_days: dict[ProviderAndModel, date] = field(default_factory=dict)

    def watch(self, records: Iterable[Record]) -> Iterator[Record]:
        """Yield records unchanged, and count their names."""
        for record in records:
            names = (record.provider or "", record.model or "")
            if names in self.counts or len(self.counts) < MAX_NAMES:
                self.counts[names] = self.counts.get(names, 0) + 1
                if record.day is not None:
                    self.last_days[names] = max(record.day, self.last_days.get(names, record.day))
            yield record

    def warnings(self) -> list[str]:
        """Return a sentence for each name that the price book does not have, with the nearest names; the commonest first."""
        ordered = sorted(self.counts.items(), key=lambda entry: (-entry[1], entry[0]))
        texts = [
            f"{count:,} {'record' if count == 1 else 'records'} {reason}"
            for names, count in ordered
            if (reason := self._reason(names)) is not None
        ]
        more = len(texts) - MAX_WARNINGS
        return [*texts[:MAX_WARNINGS], *([f"{more:,} more names are unknown"] if more > 0 else [])]

    def _reason(self, names: ProviderAndModel) -> str | None:
        provider = normalize_name(names[0]) or normalize_name(self.defaults.get("provider")) or DEFAULT_PROVIDER
        model = normalize_name(names[1])
        if not model:
            return "without a model will be unpriced: give a model, or a transcription model for transcriptions"
        try:
            self.prices.offers_named(model, provider, day=self.last_days.get(names))
        except VoicebillError as error:
            return f"of {model} at {provider} will be unpriced: {error}"
        return None
