"""Build the fields of the forms from the declared inputs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import quote_plus

from voicebill.answers.comparison.model_choices import ModelChoices
from voicebill.answers.estimates.model_selection import DEFAULT_MODEL
from voicebill.answers.parameters import kinds
from voicebill.answers.parameters.inputs import (
    BUSY_HOUR,
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
    RECONCILE_QUERY,
    REPLAY_QUERY,
    SELECTION,
    SESSION_QUERY,
    Input,
    Inputs,
    groups_of,
)
from voicebill.billing.offers import DEFAULT_PROVIDER, DEPLOYMENTS
from voicebill.conversation.volume import DEFAULT_PERIOD, PER_YEAR
from voicebill.web.forms.model_choices import Choices, deployment_label, grouped_models, provider_label
from voicebill.web.forms.requests import PAGE_FIELDS, split_repeated


@dataclass(frozen=True, slots=True, eq=False)
class FormField:
    """A field of a form, equal to itself alone. `value` is its initial value, `placeholder` the meaning of an empty field.

    The models of the kind `models_of` that are sold on the day are further choices. `groups` are choices in groups with titles.
    `slider` is the least and the greatest value and the step of a slider beside a number; `periods` are those of a volume, a
    number per period.
    """

    name: str
    label: str
    hint: str
    value: str = ""
    placeholder: str = ""
    choices: Choices = ()
    groups: tuple[tuple[str, Choices], ...] = ()
    input_mode: str = "text"
    slider: tuple[int, int, int] | None = None
    periods: tuple[str, ...] = ()
    is_checkbox: bool = False
    models_of: str = ""
    wide: bool = False

    @property
    def all_choices(self) -> Choices:
        """The choices, those of the groups included."""
        return (*self.choices, *(choice for _, choices in self.groups for choice in choices))


@dataclass(frozen=True, slots=True, eq=False)
class FieldGroup:
    """Fields that open together, equal to itself alone; the first group is always open."""

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


SLIDERS: Mapping[str, tuple[int, int, int]] = {
    "minutes": (1, 60, 1),
    "turns": (1, 120, 1),
    "user_share": (0, 100, 5),
    "assistant_share": (0, 100, 5),
    "busy_hour_share": (5, 50, 1),
    "days": (1, 31, 1),
    "cache_rate": (0, 100, 5),
}
"""The fields with a slider: the least and the greatest value, and the step; a field takes other values too."""


def form_field(row: Input) -> FormField:
    """The field of an input: a selection of its choices, or a text.

    >>> form_field(PLAN["first_speaker"]).choices
    (('', 'user'), ('assistant', 'assistant'))
    """
    return FormField(
        name=row.name,
        label=row.label,
        hint=row.hint or row.help,
        value=row.initial,
        placeholder=row.default_as_text,
        choices=_choices(row),
        input_mode="decimal" if row.kind is kinds.VOLUME else row.kind.input_mode,
        slider=SLIDERS.get(row.name),
        periods=tuple(PER_YEAR) if row.kind is kinds.VOLUME else (),
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


def fill_choices(group: FieldGroup, fields: Mapping[str, str], choices: ModelChoices) -> FieldGroup:
    """A group in which the fields that name a model or how it is sold offer what can be combined on a day."""
    model, provider = fields.get("model", DEFAULT_MODEL), fields.get("provider", DEFAULT_PROVIDER).strip().lower()
    deployment = fields.get("deployment", "").strip().lower()
    return _filled_group(group, model, provider, deployment, choices)


@lru_cache(maxsize=256)
def _filled_group(group: FieldGroup, model: str, provider: str, deployment: str, choices: ModelChoices) -> FieldGroup:
    """The same for a model and how it is sold. Most plans have one of a few models, and a form has eight groups."""
    providers = choices.providers(model) or choices.all_providers
    deployments = choices.deployments(model, provider) or DEPLOYMENTS
    regions = choices.regions(model, provider, deployment)

    def filled(field: FormField) -> FormField:
        if field.models_of == "realtime":
            return replace(field, choices=(), groups=grouped_models(choices))
        if field.models_of == "transcription":
            return replace(field, choices=(*field.choices, *((name, name) for name in choices.transcription_models(provider))))
        if field.name == "provider":
            return replace(field, choices=tuple((name, provider_label(name)) for name in providers))
        if field.name == "deployment":
            return replace(field, choices=tuple((name, deployment_label(name)) for name in deployments))
        if field.name == "region" and regions:
            return replace(field, choices=(("", field.placeholder), *((name, name) for name in regions)))
        return field

    return replace(group, fields=tuple(map(filled, group.fields)))


FORM_INPUTS: Inputs = {**ESTIMATE, "discount": DISCOUNT}
_ADVANCED_ORDER = {**PLAN, **CALL_VOLUME, **CONNECTION_COSTS, **SELECTION, "discount": DISCOUNT}
MAIN_FIELDS = form_groups(FORM_INPUTS.values())[0]
MORE_FIELDS = form_groups(_ADVANCED_ORDER.values())[1:]
FIELD_GROUPS = (MAIN_FIELDS, *MORE_FIELDS)

NOT_FOR_CAPACITY = ("discount", *CONNECTION_COSTS)
CAPACITY_GROUPS = form_groups(CAPACITY.values())[1:]
TRAFFIC = ("conversations", "busy_hour_share", "blocking_probability", "service_level")
_CAPACITY_MAIN = ("model", "provider", "deployment", "minutes", "turns", *TRAFFIC)
_CAPACITY_INPUTS = {
    name: replace(row, is_advanced=name not in _CAPACITY_MAIN)
    for name, row in {**CAPACITY, **_ADVANCED_ORDER}.items()
    if name not in NOT_FOR_CAPACITY
}
CAPACITY_MAIN_FIELDS = FieldGroup("", tuple(form_field(_CAPACITY_INPUTS[name]) for name in _CAPACITY_MAIN))
CAPACITY_MORE_FIELDS = form_groups(_CAPACITY_INPUTS.values())[1:]
COMPARISON_FIELDS = (*form_groups(COMPARISON.values())[1:], *MORE_FIELDS)
_PTU_FOLDED = ("profile", "buy_ptus", "day")
PTU_FIELDS = FieldGroup("", tuple(field for field in form_groups(PTU.values())[0].fields if field.name not in _PTU_FOLDED))
PTU_MORE_FIELDS = (FieldGroup("Load by hour, PTUs to buy, day", tuple(form_field(PTU[name]) for name in _PTU_FOLDED)),)
PTU_BUSY_HOUR_FIELDS = FieldGroup(BUSY_HOUR, tuple(form_field(row) for row in PTU.values() if row.group == BUSY_HOUR))
LOG_DEFAULT_FIELDS = tuple(map(form_field, LOG_DEFAULTS.values()))
SESSION_FIELD = form_field(SESSION_QUERY["session"])
REPLAY_PAGE_FIELDS = tuple(form_field(REPLAY_QUERY[name]) for name in ("script", "stack"))
PAGE_BILL_INPUTS: Inputs = {
    "bill_by": replace(
        RECONCILE_QUERY["by"],
        name="bill_by",
        label="List by",
        help="Fields by which recorded and billed usage are listed",
        choice_labels={
            "": "model and meter",
            "model": "model",
            "day": "day",
            "day,model": "day and model",
            "account,model": "project and model",
        },
    ),
    "account": RECONCILE_QUERY["account"],
    "exchange_rate": RECONCILE_QUERY["exchange_rate"],
}
"""What the page asks about a bill; the records of a log are grouped by other fields."""
BILL_PAGE_FIELDS = tuple(map(form_field, PAGE_BILL_INPUTS.values()))
LOG_QUERY_FIELDS = {name: form_field(row) for name, row in LOG_QUERY.items()}
FORM_FIELDS: Mapping[str, FormField] = {field.name: field for group in FIELD_GROUPS for field in group.fields}


def split_volume(text: str) -> tuple[str, str]:
    """The number and the period of a volume as it was typed; a period that is unknown stays with the number.

    >>> split_volume("1,000/day"), split_volume("250"), split_volume("5/moon")
    (('1,000', 'day'), ('250', 'month'), ('5/moon', 'month'))
    """
    number, _, period = text.partition("/")
    word = period.strip().lower()
    return (number.strip(), word) if word in PER_YEAR else (text, DEFAULT_PERIOD)


def with_defaults(values: Mapping[str, str]) -> dict[str, str]:
    """The given values, with the initial values of the form for all other fields."""
    return {field.name: field.value for field in MAIN_FIELDS.fields if field.value} | dict(values)


KEPT_PAGE_FIELDS = ("embed", "compare")
"""Fields of the page that belong to its state, as a plan does."""


def query_string(values: Mapping[str, str], **extra: str) -> str:
    """The query of the same request: only values that differ from the initial form, and never a discount.

    `extra` replaces values of the same name.
    """
    changed = {
        name: value
        for name, value in values.items()
        if name not in extra
        and (name not in PAGE_FIELDS or name in KEPT_PAGE_FIELDS)
        and not (name in FORM_FIELDS and value == FORM_FIELDS[name].value)
        and (value or (name in FORM_FIELDS and FORM_FIELDS[name].value))
    }
    pairs = [(name, part) for name in sorted(changed, key=_field_order) for part in split_repeated(name, changed[name])]
    pairs += ((name, value) for name, value in extra.items() if value)
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)


_quoted = lru_cache(maxsize=256)(quote_plus)
"""Names and values as they are in a query: a page has the same ones in ten links."""


def plan_query_string(values: Mapping[str, str], *, without: Iterable[str] = ()) -> str:
    """The query of a plan alone, without the state of the page and some other fields."""
    left_out = {*PAGE_FIELDS, *without}
    return query_string({name: value for name, value in values.items() if name not in left_out})


_FIELD_ORDER = {name: index for index, name in enumerate(FORM_FIELDS)}


def _field_order(name: str) -> int:
    return _FIELD_ORDER.get(name, len(FORM_FIELDS))
