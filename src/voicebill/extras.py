"""Parts that not every install has, and how to get them."""

from importlib.util import find_spec

from voicebill.billing.errors import VoicebillError


class MissingExtra(VoicebillError, ImportError):
    """Something was asked for that needs an extra of the package."""


def need(extra: str, what: str, *modules: str) -> None:
    """Refuse to go on without the modules of an extra; they are only looked for, not loaded.

    >>> need("count", "counting tokens", "tokens_of_tomorrow")
    Traceback (most recent call last):
    voicebill.extras.MissingExtra: counting tokens needs the extra 'count': pip install 'voicebill[count]'

    Raises:
        MissingExtra: one of them is not installed.
    """
    if any(find_spec(module) is None for module in modules):
        raise MissingExtra(f"{what} needs the extra {extra!r}: pip install 'voicebill[{extra}]'")
