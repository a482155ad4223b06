"""Check and import optional dependencies (extras)."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from voicebill.billing.errors import VoicebillError


class MissingExtra(VoicebillError, ImportError):
    """A feature needs an extra of the package that is not installed.

    >>> raise MissingExtra("count", "counting tokens")
    Traceback (most recent call last):
    voicebill.extras.MissingExtra: counting tokens needs the extra 'count': pip install 'voicebill[count]'
    """

    def __init__(self, extra: str, what: str, *, otherwise: str = "") -> None:
        super().__init__(f"{what} needs the extra {extra!r}: pip install 'voicebill[{extra}]'{otherwise}")


def require_extra(extra: str, what: str, *modules: str) -> None:
    """Check that the modules of an extra are installed, without importing them.

    Raises:
        MissingExtra: one of them is not installed.
    """
    if any(find_spec(module) is None for module in modules):
        raise MissingExtra(extra, what)


def import_extra(extra: str, what: str, module: str, *, otherwise: str = "") -> Any:  # noqa: ANN401 - a module
    """Import a module of an extra; `otherwise` ends the message with what works without it.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError:
        raise MissingExtra(extra, what, otherwise=otherwise) from None
