"""Every provider of the price book has its name as it writes it."""

from voicebill.answers.catalog.provider_names import PROVIDER_NAMES
from voicebill.facts.load import load_facts


def test_every_provider_of_the_price_book_has_a_name_and_no_other() -> None:
    assert set(PROVIDER_NAMES) == {offer.provider for offer in load_facts().prices.offers}
