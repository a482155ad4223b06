"""Check the models and providers of records while they are recorded: unknown names are reported before they are costed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from voicebill.billing.errors import InvalidInput, VoicebillError
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
        errors = [(names, count, error) for names, count in ordered if (error := self._error(names)) is not None]
        texts = [
            f"{count:,} {'record' if count == 1 else 'records'} {self._reason(names, error)}"
            for names, count, error in errors[:MAX_WARNINGS]
        ]
        more = len(errors) - MAX_WARNINGS
        return [*texts, *([f"{more:,} more names are unknown"] if more > 0 else [])]

    def _provider_and_model(self, names: ProviderAndModel) -> ProviderAndModel:
        provider = normalize_name(names[0]) or normalize_name(self.defaults.get("provider")) or DEFAULT_PROVIDER
        return provider, normalize_name(names[1])

    def _error(self, names: ProviderAndModel) -> VoicebillError | None:
        provider, model = self._provider_and_model(names)
        if not model:
            return InvalidInput("give a model, or a transcription model for transcriptions")
        try:
            self.prices.offers_named(model, provider, day=self.last_days.get(names))
        except VoicebillError as error:
            return error.with_traceback(None)
        return None

    def _reason(self, names: ProviderAndModel, error: VoicebillError) -> str:
        provider, model = self._provider_and_model(names)
        return f"{f'of {model} at {provider}' if model else 'without a model'} will be unpriced: {error}"
