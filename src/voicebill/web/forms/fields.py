"""Build the fields of the forms from the declared inputs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlencode

from voicebill.answers.comparison.compare import available_offers
from voicebill.answers.parameters import kinds
from voicebill.answers.parameters.inputs import (
    CALL_VOLUME,
    CAPACITY,
    COMPARISON,
    CONNECTION_COSTS,
    ESTIMATE,
    LOG_DEFAULTS,
    LOG_QUERY,
    MODEL,
    PLAN,
    PTU,
    SELECTION,
    Input,
    Inputs,
    groups_of,
)
from voicebill.billing.offers import DEFAULT_PROVIDER
from voicebill.billing.price_book import PriceBook
from voicebill.web.forms.requests import PAGE_FIELDS


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of a form. `value` is its initial value, `placeholder` the meaning of an empty field.

    The models of the kind `models_of` that are sold on the day are further choices.
    """

    name: str
    label: str
    hint: str
    value: str = ""
    placeholder: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    input_mode: str = "text"
    is_checkbox: bool = False
    models_of: str = ""
    wide: bool = False


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """Fields that open together; the first group is always open."""

    title: str
    fields: tuple[FormField, ...]


DISCOUNT = Input(
    name="discount",
    label="Discount, %",
    help="Discount of your contract in percent; never part of an address",
    kind=kinds.SHARE,
    group=MODEL,
    default_text="0",
    example="10",
    is_private=True,
)
"""A field of the page and of request bodies only, since logs store addresses."""


def form_field(row: Input) -> FormField:
    """The field of an input: a selection of its choices, or a text.

    >>> form_field(PLAN["first_speaker"]).choices
    (('', 'user'), ('assistant', 'assistant'))
    """
    return FormField(
        name=row.name,
        label=row.label,
        hint=row.help,
        value=row.initial,
        placeholder=row.default_as_text,
        choices=_choices(row),
        input_mode=row.kind.input_mode,
        is_checkbox=row.kind is kinds.FLAG,
        models_of=row.models_of or "",
        wide=row.is_wide,
    )


def _choices(row: Input) -> tuple[tuple[str, str], ...]:
    """Values and labels of a selection: an empty value stands for the default, unless the field has an initial value."""
    if row.choice_labels:
        return tuple(row.choice_labels.items())
    words = row.choices or row.suggestions
    default = row.default_as_text
    if row.models_of and not row.initial:
        return (("", default),)
    return (("", default), *((word, word) for word in words if word != default)) if words else ()


def form_groups(inputs: Iterable[Input]) -> tuple[FieldGroup, ...]:
    """The groups of a form: first the fields that are always open, then the others by their group."""
    rows = list(inputs)
    main = FieldGroup("", tuple(form_field(row) for row in rows if not row.is_advanced))
    groups = groups_of(row for row in rows if row.is_advanced)
    return (main, *(FieldGroup(title, tuple(map(form_field, group))) for title, group in groups.items()))


def with_models(group: FieldGroup, models: Mapping[str, Iterable[str]]) -> FieldGroup:
    """A group in which the fields that name a model or a provider have those of a day as further choices."""
    return replace(group, fields=tuple(_with_names(row, models.get(row.models_of or row.name, ())) for row in group.fields))


def _with_names(row: FormField, names: Iterable[str]) -> FormField:
    listed = {value for value, _ in row.choices}
    return replace(row, choices=(*row.choices, *((name, name) for name in names if name not in listed)))


FORM_INPUTS: Inputs = {**ESTIMATE, "discount": DISCOUNT}
_ADVANCED_ORDER = {**PLAN, **CALL_VOLUME, **CONNECTION_COSTS, **SELECTION, "discount": DISCOUNT}
MAIN_FIELDS = form_groups(FORM_INPUTS.values())[0]
MORE_FIELDS = form_groups(_ADVANCED_ORDER.values())[1:]
FIELD_GROUPS = (MAIN_FIELDS, *MORE_FIELDS)

NOT_FOR_CAPACITY = ("discount", *CONNECTION_COSTS)
CAPACITY_GROUPS = form_groups(CAPACITY.values())[1:]
CAPACITY_MORE_FIELDS = (
    *CAPACITY_GROUPS,
    *form_groups(row for name, row in _ADVANCED_ORDER.items() if name not in NOT_FOR_CAPACITY)[1:],
)
COMPARISON_FIELDS = (*form_groups(COMPARISON.values())[1:], *MORE_FIELDS)
PTU_FIELDS = form_groups(PTU.values())[0]
LOG_DEFAULT_FIELDS = tuple(map(form_field, LOG_DEFAULTS.values()))
LOG_QUERY_FIELDS = {name: form_field(row) for name, row in LOG_QUERY.items()}
FORM_FIELDS: Mapping[str, FormField] = {field.name: field for group in FIELD_GROUPS for field in group.fields}


def with_defaults(values: Mapping[str, str]) -> dict[str, str]:
    """The given values, with the initial values of the form for all other fields."""
    return {field.name: field.value for field in MAIN_FIELDS.fields if field.value} | dict(values)


def query_string(values: Mapping[str, str], **extra: str) -> str:
    """The query of the same request: only values that differ from the initial form, and never a discount."""
    changed = {
        name: value
        for name, value in values.items()
        if (name not in PAGE_FIELDS or name == "embed")
        and not (name in FORM_FIELDS and value == FORM_FIELDS[name].value)
        and (value or (name in FORM_FIELDS and FORM_FIELDS[name].value))
    }
    return urlencode(
        {name: changed[name] for name in sorted(changed, key=_field_order)} | {k: v for k, v in extra.items() if v}
    )


def _field_order(name: str) -> int:
    return list(FORM_FIELDS).index(name) if name in FORM_FIELDS else len(FORM_FIELDS)


def model_choices(book: PriceBook, day: date, provider: str) -> dict[str, list[str]]:
    """The models of a form's fields that are sold on a day, by their kind; transcription is of one provider. The providers."""
    return {
        "provider": sorted({offer.provider for offer in available_offers(book, day)}),
        "realtime": list(realtime_model_names(book, day)),
        "transcription": book.model_names("transcription", day, provider),
    }


def provider_choices(book: PriceBook, day: date) -> tuple[tuple[str, str], ...]:
    """The providers whose models hold a conversation on a day, with their labels."""
    return _with_names(FORM_FIELDS["provider"], model_choices(book, day, DEFAULT_PROVIDER)["provider"]).choices


USUAL_PROVIDERS = ("openai", "azure")
"""Their models come first in a form."""


def realtime_model_names(book: PriceBook, day: date) -> Iterator[str]:
    """Undated names of the models available on a day, OpenAI's and Azure's first, of those the newest and largest."""
    newest: dict[str, tuple[date, str]] = {}
    for offer in available_offers(book, day):
        since = min(row.since.first for row in offer.rows)
        newest[offer.model] = max(newest.get(offer.model, (since, offer.model)), (since, offer.model))
    usual = {offer.model for offer in available_offers(book, day) if offer.provider in USUAL_PROVIDERS}
    yield from sorted(
        newest,
        key=lambda model: (model not in usual, "mini" in model, "preview" in model, -newest[model][0].toordinal(), model),
    )
