"""Check lookups at their edges, in price books of invented offers: contracts, aliases, shutdowns, availability."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.billing.invented import BOTH, make_adjustment, make_alias, make_book, make_offer, price_row
from tests.cases import DAY
from voicebill.billing.errors import NotAvailable, UnknownName, Unpriced
from voicebill.billing.offers import Dispute
from voicebill.billing.price_book import Availability, Lifecycle, PriceBook
from voicebill.billing.validity import PartialDate


def text_price(book: PriceBook, day: date = DAY, **terms: Any) -> Decimal:
    return book.quote("parrot", day=day, **{"provider": "acme"} | terms).rates.row.unit_prices["text_in"]


@pytest.mark.parametrize(
    ("scope", "applies"),
    [
        ({}, True),
        ({"models": ("parrot",)}, True),
        ({"models": ("parrot-2026-01-01",)}, True),
        ({"models": ("polly",)}, True),  # another name of it
        ({"models": ("raven",)}, False),
        ({"providers": ("acme",)}, True),
        ({"providers": ("azure",)}, False),
        ({"deployments": ("global",)}, True),
        ({"deployments": ("regional",)}, False),
        ({"models": ("parrot",), "providers": ("acme",), "deployments": ("global",)}, True),
        ({"models": ("raven",), "providers": ("acme",), "deployments": ("global",)}, False),
        ({"models": ("parrot",), "providers": ("azure",), "deployments": ("global",)}, False),
        ({"models": ("parrot",), "providers": ("acme",), "deployments": ("regional",)}, False),
    ],
    ids=str,
)
def test_an_adjustment_applies_where_all_its_lists_match(scope: dict[str, Any], applies: bool) -> None:
    """Half of $4 is $2."""
    book = make_book(make_offer("2026-01-01", also_named=("polly",)), adjustments=(make_adjustment("0.5", **scope),))
    assert text_price(book, date(2026, 4, 1)) == (2 if applies else 4)
    (terms,) = book.contract_terms(book.offers[0], date(2026, 4, 1)) or [""]
    assert terms == ("discount: prices × 0.5 (our contract)" if applies else "")


def test_adjustments_multiply_each_on_its_days_and_their_first_day_is_included() -> None:
    """$4 × 0.5 from March to May, × 0.9 from May on: 4, 2, 1.8, 3.6."""
    book = make_book(make_offer(), adjustments=(make_adjustment("0.5"), make_adjustment("0.9", "2026-05-01", None)))
    days = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 4, 30), date(2026, 5, 1), date(2026, 5, 31), date(2026, 6, 1)]
    assert [text_price(book, day) for day in days] == [4, 2, 2, Decimal("1.8"), Decimal("1.8"), Decimal("3.6")]


def test_an_adjustment_of_no_price_is_no_price() -> None:
    book = make_book(make_offer(), adjustments=(make_adjustment("0.5", "2025-01-01", None),))
    with pytest.raises(NotAvailable, match="no price of parrot at acme is known for 2025-12-31"):
        text_price(book, date(2025, 12, 31))


def test_every_term_of_a_contract_is_part_of_the_fingerprint() -> None:
    books = [make_book(make_offer(), adjustments=(make_adjustment(factor),)) for factor in ("0.5", "0.6")]
    digests = [book.digest for book in (make_book(make_offer()), *books)]
    assert len(set(digests)) == 3
    assert make_book(make_offer(), adjustments=books[0].adjustments).digest == digests[1]


def test_a_cached_price_without_its_uncached_price_cannot_price_anything() -> None:
    row = price_row({"text_in": 4, "text_in_cached": 1, "text_out": 16, "audio_in_cached": 1})
    with pytest.raises(Unpriced, match="has only some of the prices"):
        text_price(make_book(make_offer(None, row)))
    row = price_row({"text_in": 4, "text_in_cached": 1, "text_out": 16, "audio_in": 8})
    rates = make_book(make_offer(None, row)).quote("parrot", provider="acme", day=DAY).rates
    assert [str(rates[name]) for name in ("text_in_cached", "audio_in_cached")] == ["$1.00/M", "$8.00/M"]
    assert [rate.is_fallback for rate in rates.by_meter.values()] == [False, False, False, True, False]


def test_an_adjusted_price_is_rounded_half_even_to_twelve_decimals() -> None:
    """$4 times the factors is half a picodollar, which becomes none, and one and a half, which become two."""
    factors = {"0.000000000000125": 0, "0.000000000000375": Decimal("2e-12")}
    for factor, price in factors.items():
        assert text_price(make_book(make_offer(), adjustments=(make_adjustment(factor),)), date(2026, 4, 1)) == price


def test_contracted_prices_replace_their_meters_and_the_disputes_about_them() -> None:
    rivals = {meter: (Dispute(Decimal(9), "somebody"),) for meter in BOTH}
    book = make_book(
        make_offer(None, price_row(BOTH, disputes=rivals)),
        contracted={"acme/parrot": (price_row({"text_in": 3}, "2026-03-01", "2026-06-01"),)},
    )
    assert [text_price(book, day) for day in (date(2026, 2, 28), date(2026, 3, 1), date(2026, 5, 31), date(2026, 6, 1))] == [
        *(4, 3, 3, 4)
    ]
    row = book.quote("parrot", provider="acme", day=date(2026, 4, 1)).rates.row
    assert row.unit_prices == {"text_in": Decimal(3), "text_out": Decimal(16)}
    assert set(row.disputes) == {"text_out"}
    assert book.contract_terms(book.offers[0], date(2026, 4, 1)) == ["contracted prices since 2026-03-01 (a test)"]
    assert book.contract_terms(book.offers[0], date(2026, 6, 1)) == []


def test_contracted_prices_apply_on_days_without_a_list_price() -> None:
    contracted = {"acme/parrot": (price_row({"text_in": 3, "text_out": 12}, "2025-10-01"),)}
    book = make_book(make_offer(), contracted=contracted)
    assert text_price(book, date(2025, 12, 31)) == 3
    with pytest.raises(NotAvailable, match="no price of parrot at acme is known for 2025-09-30"):
        text_price(book, date(2025, 9, 30))


def test_a_discount_applies_to_a_disputed_price_as_well() -> None:
    """Half of $4, and half of the $9 that another source gives."""
    row = price_row(BOTH, disputes={"text_in": (Dispute(Decimal(9), "somebody"),)})
    quote = make_book(make_offer(None, row), adjustments=(make_adjustment("0.5"),)).quote(
        "parrot", provider="acme", day=date(2026, 4, 1)
    )
    assert quote.rates.row.disputes["text_in"][0].price == Decimal("4.5")


VERSIONS = (make_offer("2026-01-01"), make_offer("2026-05-01", price_row({"text_in": 8, "text_out": 32}, "2026-05-01")))


def test_an_undated_name_follows_its_alias_to_the_day() -> None:
    """$4 for the version of January, $8 for that of May, to which the name moved on July 1; it ended with October."""
    aliases = (make_alias("2026-01-01", "2026-01-01", "2026-07-01"), make_alias("2026-05-01", "2026-07-01", "2026-11-01"))
    book = make_book(*VERSIONS, aliases=aliases)
    assert [text_price(book, day) for day in (date(2026, 6, 30), date(2026, 7, 1), date(2026, 10, 31))] == [4, 8, 8]
    with pytest.raises(
        NotAvailable,
        match="acme ended the undated name parrot by 2026-11-01; use parrot-2026-01-01 or parrot-2026-05-01",
    ):
        text_price(book, date(2026, 11, 1))
    assert book.quote("parrot-2026-01-01", provider="acme", day=DAY).offer is VERSIONS[0]


def test_an_alias_known_to_end_in_a_month_applies_until_the_month_is_over() -> None:
    book = make_book(*VERSIONS, aliases=(make_alias("2026-01-01", "2026-01-01", "2026-11"),))
    assert text_price(book, date(2026, 11, 30)) == 4
    with pytest.raises(NotAvailable, match="acme ended the undated name parrot by 2026-12-01"):
        text_price(book, date(2026, 12, 1))


def test_a_gap_between_two_aliases_does_not_end_the_name() -> None:
    """In July the name has no alias: the newest version with prices is used."""
    aliases = (make_alias("2026-01-01", "2026-01-01", "2026-07-01"), make_alias("2026-01-01", "2026-08-01"))
    book = make_book(*VERSIONS, aliases=aliases)
    assert [text_price(book, day) for day in (date(2026, 6, 30), date(2026, 7, 1), date(2026, 8, 1))] == [4, 8, 4]


def test_a_dated_version_is_newer_than_one_without_a_date() -> None:
    book = make_book(make_offer(), VERSIONS[1])
    assert [text_price(book, day) for day in (date(2026, 4, 30), date(2026, 5, 1))] == [4, 8]


def test_an_undated_name_is_priced_before_its_first_alias_as_the_newest_version_with_prices() -> None:
    book = make_book(*VERSIONS, aliases=(make_alias("2026-05-01", "2026-07-01", "2026-11-01"),))
    quotes = [book.quote("parrot", provider="acme", day=day) for day in (date(2026, 4, 30), date(2026, 5, 1))]
    assert [quote.offer.version for quote in quotes] == ["2026-01-01", "2026-05-01"]
    assert all("the newest version with prices on" in quote.assumptions[0] for quote in quotes)


def test_a_name_that_moved_on_unknown_days_warns_if_there_is_a_choice() -> None:
    """In April only one version has prices; in May two have, and no source tells which of them the name was."""
    book = make_book(*VERSIONS, aliases=(make_alias(None, "2026-01-01"),))
    april, may = (book.quote("parrot", provider="acme", day=day) for day in (date(2026, 4, 30), date(2026, 5, 1)))
    assert (april.warnings, april.assumptions) == (
        (),
        ("parrot is priced as parrot-2026-01-01, the newest version with prices on 2026-04-30",),
    )
    assert may.assumptions == ()
    assert may.warnings == (
        "parrot is priced as parrot-2026-05-01, the newest version with prices on 2026-05-01; no source gives the days on "
        "which the undated name moved",
    )


def test_a_newer_version_with_only_cached_prices_is_named_and_not_used() -> None:
    newer = make_offer("2026-06-01", price_row({"text_in_cached": 1}))
    quote = make_book(*VERSIONS, newer).quote("parrot", provider="acme", day=DAY)
    assert quote.offer.version == "2026-05-01"
    assert quote.warnings == (
        "parrot-2026-06-01 is newer than parrot-2026-05-01, but the vendor's list has only some of its prices",
    )
    with pytest.raises(Unpriced, match=r"some of the prices \(text_in_cached\)"):
        make_book(newer).quote("parrot-2026-06-01", provider="acme", day=DAY)


def make_lifecycle(shutdown: str, version: str | None = None, *disputed: str, replacement: str | None = "raven") -> Lifecycle:
    others = tuple((PartialDate.parse(day), "somebody") for day in disputed)
    return Lifecycle("acme", "parrot", version, None, PartialDate.parse(shutdown), replacement, DAY, "a test", others)


def shutdown_warnings(day: date, *lifecycle: Lifecycle) -> tuple[str, ...]:
    return make_book(make_offer("2026-01-01"), lifecycle=lifecycle).quote("parrot", provider="acme", day=day).warnings


@pytest.mark.parametrize("disputed", [(), ("2027-12-31",)])
def test_a_shutdown_is_reported_from_183_days_before_it(disputed: tuple[str, ...]) -> None:
    """From 2027-01-01 on for a shutdown on 2027-07-03; on that day it is past."""
    lifecycle = make_lifecycle("2027-07-03", None, *disputed)
    assert date(2027, 7, 3) - date(2027, 1, 1) == timedelta(days=183)
    assert shutdown_warnings(date(2026, 12, 31), lifecycle) == ()
    for day in (date(2027, 1, 1), date(2027, 7, 2)):
        (warning,) = shutdown_warnings(day, lifecycle)
        assert warning.startswith("parrot-2026-01-01 is shut down by acme on 2027-07-03")
        assert warning.endswith("; the named replacement is raven")
    (warning,) = shutdown_warnings(date(2027, 7, 3), lifecycle)
    assert warning.startswith("parrot-2026-01-01 was due to be shut down by acme on 2027-07-03")


def test_an_earlier_disputed_shutdown_is_reported_from_183_days_before_it() -> None:
    lifecycle = make_lifecycle("2027-12-31", None, "2027-07-03", replacement=None)
    assert shutdown_warnings(date(2026, 12, 31), lifecycle) == ()
    assert shutdown_warnings(date(2027, 1, 1), lifecycle) == (
        "parrot-2026-01-01 is shut down by acme on 2027-12-31 (disputed: 2027-07-03 according to somebody); no replacement is "
        "named",
    )


def test_a_shutdown_of_which_only_the_latest_possible_day_is_known_says_so() -> None:
    lifecycle = replace(make_lifecycle("2027-07-03"), is_latest_possible=True)
    (warning,) = shutdown_warnings(date(2027, 1, 1), lifecycle)
    assert warning.startswith("parrot-2026-01-01 is shut down by acme no later than 2027-07-03")
    (warning,) = shutdown_warnings(date(2027, 7, 3), lifecycle)
    assert warning.startswith("parrot-2026-01-01 was due to be shut down by acme no later than 2027-07-03")
    book = make_book(make_offer("2026-01-01"), lifecycle=(lifecycle,))
    days = (date(2027, 7, 2), date(2027, 7, 3))
    assert [book.is_ending_soon(book.offers[0], day) for day in days] == [True, False]
    assert [book.is_shut_down(book.offers[0], day) for day in days] == [False, True]
    assert book.shutdown_day(book.offers[0]) == date(2027, 7, 3)


@pytest.mark.parametrize("other", ["2026-04-01", "2026-06-01"])
def test_an_offer_ends_on_the_day_that_is_used_whatever_other_sources_give(other: str) -> None:
    """From 2026-05-01 on it has ended, and is no longer sold."""
    book = make_book(make_offer("2026-01-01"), lifecycle=(make_lifecycle("2026-05-01", None, other),))
    days = (date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 1), date(2026, 6, 1))
    assert [book.is_shut_down(book.offers[0], day) for day in days] == [False, False, True, True]
    assert [book.is_available(book.offers[0], day) for day in days] == [True, True, False, False]
    assert book.shutdown_day(book.offers[0]) == date(2026, 5, 1)
    assert not make_book(make_offer()).is_shut_down(make_offer(), DAY)


def test_an_offer_ends_soon_from_90_days_before_its_end_until_the_day_before() -> None:
    """2026-05-01 is 90 days after 2026-01-31."""
    book = make_book(make_offer("2026-01-01"), lifecycle=(make_lifecycle("2026-05-01"),))
    days = (date(2026, 1, 30), date(2026, 1, 31), date(2026, 4, 30), date(2026, 5, 1))
    assert date(2026, 5, 1) - days[1] == timedelta(days=90)
    assert [book.is_ending_soon(book.offers[0], day) for day in days] == [False, True, True, False]
    assert not make_book(make_offer()).is_ending_soon(make_offer(), DAY)


def test_an_offer_without_a_price_on_the_day_is_not_sold() -> None:
    offer = make_offer("2026-01-01", price_row(BOTH, "2026-01-01", "2026-06-01"))
    assert [make_book(offer).is_available(offer, day) for day in (date(2026, 5, 31), date(2026, 6, 1))] == [True, False]


def test_names_of_models_that_have_ended_are_not_suggested() -> None:
    book = make_book(make_offer("2026-01-01"), lifecycle=(make_lifecycle("2026-05-01"),))
    for day, suggested in ((date(2026, 4, 30), True), (date(2026, 5, 1), False)):
        with pytest.raises(UnknownName) as error:
            book.quote("parrott", provider="acme", day=day)
        assert ("the nearest" in str(error.value)) is suggested


def test_a_shutdown_applies_to_its_version_or_to_all() -> None:
    """The rows: one for all versions, one for another version, one of another provider."""
    rows = (
        make_lifecycle("2027-01-01"),
        make_lifecycle("2027-02-01", "2026-05-01"),
        replace(make_lifecycle("2027-03-01"), provider="azure"),
        replace(make_lifecycle("2027-04-01"), model="raven"),
    )
    book = make_book(*VERSIONS, lifecycle=rows)
    assert [book.lifecycle_of(offer) for offer in VERSIONS] == [rows[:1], rows[:2]]


def test_a_version_without_an_end_of_its_own_ends_with_the_last_of_the_later_versions() -> None:
    """One ends in May 2027, the other in April: of the days that are used, the last counts."""
    rows = (
        make_lifecycle("2027-05-01", "2026-02-01", "2027-03-01"),
        make_lifecycle("2027-04-01", "2026-05-01"),
        make_lifecycle("2030-01-01", "2025-01-01"),
        replace(make_lifecycle("2031-01-01", "2026-05-01"), provider="azure"),
    )
    book = make_book(make_offer("2026-01-01"), lifecycle=rows)
    assert book.shutdown_day(book.offers[0]) == date(2027, 5, 1)
    assert book.shutdown_day(make_offer("2026-06-01")) is None
    assert book.shutdown_day(make_offer()) == date(2030, 1, 1)
    assert book.shutdown_day(make_offer("2025-01-01")) == date(2030, 1, 1)


def test_a_day_after_the_shutdown_names_the_latest_end_and_its_replacement() -> None:
    offer = make_offer("2026-01-01", price_row(BOTH, "2026-01-01", "2026-06-01"))
    rows = (make_lifecycle("2026-06-01", replacement="raven"), make_lifecycle("2026-05-01", replacement="crow"))
    text = r"are known from 2026-01-01 until 2026-06-01\. It was shut down on 2026-06-01; the vendor names raven instead$"
    with pytest.raises(NotAvailable, match=text):
        text_price(make_book(offer, lifecycle=rows), date(2026, 6, 1))
    with pytest.raises(NotAvailable, match=r"until 2026-06-01\. It was shut down on 2026-06-01$"):
        text_price(make_book(offer, lifecycle=(make_lifecycle("2026-06-01", replacement=None),)), date(2026, 6, 1))
    with pytest.raises(NotAvailable, match=r"until 2026-06-01$"):
        text_price(make_book(offer, lifecycle=(make_lifecycle("2026-06-02"),)), date(2026, 6, 1))


REGIONAL = [
    make_offer(None, price_row({"text_in": price, "text_out": 16}), deployment="regional", regions=(region,))
    for region, price in (("oslo", 5), ("bergen", 6))
]


def test_a_region_is_needed_if_prices_differ_by_region_and_assumed_if_there_is_one() -> None:
    with pytest.raises(NotAvailable, match="regional prices of parrot at acme differ by region; choose one of bergen, oslo"):
        text_price(make_book(*REGIONAL), deployment="regional")
    assert text_price(make_book(*REGIONAL), deployment="regional", region=" Bergen ") == 6
    quote = make_book(REGIONAL[0]).quote("parrot", provider="acme", deployment="regional", day=DAY)
    assert quote.region == "oslo"
    assert "the region is oslo, the only one with regional prices of parrot" in quote.assumptions
    chosen = make_book(REGIONAL[0]).quote("parrot", provider="acme", deployment="regional", region="oslo", day=DAY)
    assert (chosen.region, chosen.assumptions) == ("oslo", ())
    two = make_offer(deployment="regional", regions=("oslo", "bergen"))
    assert make_book(two).quote("parrot", provider="acme", deployment="regional", day=DAY).region is None
    one_global = make_offer(regions=("oslo",))
    assert make_book(one_global).quote("parrot", provider="acme", day=DAY).region is None


def make_availability(deployment: str, *regions: str, **more: Any) -> Availability:
    more = {"provider": "acme", "models": ("parrot",)} | more
    return Availability(deployment=deployment, regions=regions, checked=date(2026, 11, 1), source="a test", **more)


def region_warnings(region: str | None, *rows: Availability, regions: tuple[str, ...] = ("oslo",)) -> tuple[str, ...]:
    offer = make_offer(regions=regions)
    return make_book(offer, availability=rows).quote("parrot", provider="acme", region=region, day=DAY).warnings


def test_a_region_is_checked_against_the_availability_table() -> None:
    """Prices in Oslo; available in Oslo and Bergen, or where no table says."""
    here = make_availability("global", "oslo", "bergen")
    assert region_warnings("oslo", here) == region_warnings(None, here) == region_warnings("oslo") == ()
    assert region_warnings("bergen", here) == ("acme lists no price of parrot in bergen: the global price is used",)
    assert region_warnings("oslo", make_availability("global", "bergen", "molde")) == (
        "acme's availability table of 2026-11-01 does not list oslo for parrot (global): it lists bergen, molde",
    )
    assert region_warnings("oslo", make_availability("global", "bergen"), here) == ()
    assert region_warnings("oslo", make_availability("global")) == (
        "acme does not publish the regions of parrot: it may not be available in oslo",
    )
    unconfirmed = (
        "acme lists global prices for parrot, but its availability table of 2026-11-01 lists it only under regional: a price "
        "does not prove that it can be deployed",
    )
    assert region_warnings(None, make_availability("regional", "oslo")) == unconfirmed
    assert region_warnings(None, make_availability("regional", "oslo"), here) == ()
    assert region_warnings(None, make_availability("regional", "oslo", provider="azure")) == ()
    assert region_warnings(None, make_availability("regional", "oslo", models=("raven",))) == ()
    for elsewhere in ({"provider": "azure"}, {"models": ("raven",)}):
        assert region_warnings("oslo", make_availability("global", "bergen", **elsewhere)) == ()
        with pytest.raises(UnknownName, match=r"unknown region 'molde' of parrot \(global\); known: bergen, oslo"):
            region_warnings("molde", here, make_availability("global", "molde", **elsewhere))
    with pytest.raises(UnknownName, match=r"unknown region 'molde' of parrot \(global\); known: bergen, oslo"):
        region_warnings("molde", here, make_availability("regional", "molde"))
    assert region_warnings(None, make_availability("global")) == ()
    assert region_warnings("oslo", make_availability("global"), here) == ()
    rows = (make_availability("global", "oslo"), make_availability("regional", "bergen"))
    assert region_warnings("bergen", *rows, regions=("oslo", "bergen")) == (
        "acme's availability table of 2026-11-01 does not list bergen for parrot (global): it lists oslo",
    )


def test_prices_checked_before_the_day_are_assumed_unchanged_unless_their_end_is_known() -> None:
    """Checked on 2026-11-22."""
    assumption = "prices of parrot were checked on 2026-11-22 and are assumed unchanged since"
    open_book = make_book(make_offer())
    ended_book = make_book(make_offer(None, price_row(BOTH, "2026-01-01", "2027-01-01")))
    assert open_book.quote("parrot", provider="acme", day=DAY).assumptions == ()
    assert open_book.quote("parrot", provider="acme", day=DAY + timedelta(days=1)).assumptions == (assumption,)
    assert ended_book.quote("parrot", provider="acme", day=DAY + timedelta(days=1)).assumptions == ()
    low = make_offer(None, price_row(BOTH, confidence="low", note="read from a picture"))
    assert make_book(low).quote("parrot", provider="acme", day=DAY).assumptions == (
        "the price row of parrot has low confidence: read from a picture",
    )


def test_a_version_is_named_where_it_was_not_asked_for() -> None:
    dated = make_book(make_offer("2026-01-01"))
    assert dated.quote("parrot", provider="acme", day=DAY).assumptions == (
        "parrot is priced as parrot-2026-01-01, its only version",
    )
    assert dated.quote("parrot-2026-01-01", provider="acme", day=DAY).assumptions == ()
    renamed = make_book(
        make_offer("2026-01-01", also_named=("polly",)), aliases=(make_alias(None, "2025-01-01", "2026-02-01"),)
    )
    assert renamed.quote("Polly", provider="acme", day=DAY).assumptions == ()
    with pytest.raises(NotAvailable, match="acme ended the undated name parrot by 2026-11-22; use parrot-2026-01-01"):
        renamed.quote("parrot", provider="acme", day=DAY)


def test_suggestions_are_of_the_provider_and_of_the_kind_that_is_needed() -> None:
    speaker = replace(make_offer(model="parrot-tts"), kind="speech")
    book = make_book(make_offer(model="parrot-live"), speaker, make_offer(model="parrot-azure", provider="azure"))
    with pytest.raises(UnknownName, match=r"unknown model 'parrot'; the nearest are parrot-tts, parrot-live$"):
        book.offers_named("parrot", "acme")
    with pytest.raises(UnknownName, match=r"unknown model 'parrot'; the nearest is parrot-tts$"):
        book.offers_named("parrot", "acme", "speech")
    with pytest.raises(UnknownName, match=r"azure has that name$"):
        book.offers_named("Parrot-Azure", "acme")


def test_carriers_are_no_providers_of_models() -> None:
    book = make_book(make_offer(provider="zeta"), make_offer(), make_offer(provider="carrier", example=True))
    assert book.providers == ("acme", "zeta")
    with pytest.raises(UnknownName, match="unknown provider 'carier'; known: acme, zeta"):
        book.offers_named("parrot", "carier")


def test_every_spelling_of_a_name_leads_to_its_offer() -> None:
    """Case, blanks around it, the version, and further names; a name of several providers leads to the offers of all."""
    offers = (make_offer("2026-01-01", also_named=("Polly",)), make_offer("2026-01-01", provider="azure"))
    book = make_book(*offers)
    for name in ("parrot", " PARROT ", "Parrot-2026-01-01"):
        assert book.offers_named(name) == offers
        assert book.offers_named(name, " ACME ") == offers[:1]
    assert book.offers_named("polly") == offers[:1]


def test_ids_name_only_what_differs_from_the_default() -> None:
    assert make_offer(deployment="regional").id == "acme/parrot/regional"
    assert make_offer(deployment="regional", regions=("oslo", "bergen")).id == "acme/parrot/regional/oslo"
    assert make_offer(regions=("oslo",)).id == "acme/parrot"
    assert make_offer("2026-01-01", tier="batch").id == "acme/parrot-2026-01-01:batch"
