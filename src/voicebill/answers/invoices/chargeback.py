"""Define what is charged on top of the vendors' cost: a share of it, for all tenants or for one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from voicebill.answers.parsing.quantities import parse_share
from voicebill.answers.recorded.filters import FieldValue
from voicebill.billing.errors import InvalidInput
from voicebill.billing.money import Amount


@dataclass(frozen=True, slots=True)
class Markup:
    """A share of the cost that is charged on top of it: `share`, or that of a tenant in `by_tenant`."""

    share: Fraction = Fraction(0)
    by_tenant: Mapping[str, Fraction] = field(default_factory=dict)

    def share_of(self, tenant: FieldValue) -> Fraction:
        """The share that a tenant is charged; that of all for records without a tenant."""
        return self.by_tenant.get(tenant, self.share) if isinstance(tenant, str) else self.share

    def charge(self, cost: Amount, tenant: FieldValue) -> Amount:
        """A cost with the markup of a tenant.

        >>> Markup(Fraction(1, 5), {"acme": Fraction(1, 4)}).charge(1_000, "acme")
        Fraction(1250, 1)
        """
        return cost * (1 + self.share_of(tenant))

    @property
    def is_zero(self) -> bool:
        """Whether no tenant pays more than the cost."""
        return not (self.share or any(self.by_tenant.values()))


NO_MARKUP = Markup()


def parse_markup(texts: Iterable[str]) -> Markup:
    """Parse a share for all tenants, `20%`, and shares of single ones, `acme=25%`.

    >>> markup = parse_markup(["20%", "acme=25%"])
    >>> str(markup.share_of("acme")), str(markup.share_of("globex"))
    ('1/4', '1/5')

    Raises:
        InvalidInput: a text is no share, or there are two for the same tenant.
    """
    shares: dict[str | None, Fraction] = {}
    for text in texts:
        tenant, separator, share_text = text.rpartition("=")
        key = tenant.strip() if separator else None
        if key in shares:
            raise InvalidInput(f"{text} is the second markup of {'all tenants' if key is None else key}", field="markup")
        shares[key] = _parse_markup_share(share_text.strip())
    default = shares.pop(None, Fraction(0))
    return Markup(default, {tenant: share for tenant, share in shares.items() if tenant is not None})


def _parse_markup_share(text: str) -> Fraction:
    try:
        return Fraction(parse_share(text))
    except InvalidInput as error:
        raise InvalidInput(f"{error}; write 20%, or acme=25% for one tenant", field="markup") from None
