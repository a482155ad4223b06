"""Check that optional dependencies (extras) are installed."""

from importlib.util import find_spec

from voicebill.billing.errors import VoicebillError


class MissingExtra(VoicebillError, ImportError):
    """A feature needs an extra of the package that is not installed."""


def require_extra(extra: str, what: str, *modules: str) -> None:
    """Check that the modules of an extra are installed, without importing them.

    >>> require_extra("count", "counting tokens", "missing_module")
    Traceback (most recent call last):
    voicebill.extras.MissingExtra: counting tokens needs the extra 'count': pip install 'voicebill[count]'

    Raises:
        MissingExtra: one of them is not installed.
    """
    if any(find_spec(module) is None for module in modules):
        raise MissingExtra(f"{what} needs the extra {extra!r}: pip install 'voicebill[{extra}]'")
