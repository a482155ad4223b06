"""Keep what the texts of logs and bills mean while these are read, and forget all of it when they have been.

Names of models, columns and attributes recur in every line, so what they mean is kept by their text. A process that reads the
logs of others must keep none of it: a name may be as long as a line, and what a log contains is nobody else's business.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from functools import _lru_cache_wrapper

TextMeaning = TypeVar("TextMeaning")

_CACHES: list["_lru_cache_wrapper[Any]"] = []


def cache_while_reading(size: int) -> Callable[[Callable[..., TextMeaning]], "_lru_cache_wrapper[TextMeaning]"]:
    """Cache the last results of a function of texts, so many of them, until `forget_texts` is called.

    >>> read_unit = cache_while_reading(2)(str.lower)
    >>> read_unit("1M"), read_unit.cache_info().currsize
    ('1m', 1)
    >>> forget_texts()
    >>> read_unit.cache_info().currsize
    0
    """

    def decorate(function: Callable[..., TextMeaning]) -> "_lru_cache_wrapper[TextMeaning]":
        cached = lru_cache(maxsize=size)(function)
        _CACHES.append(cached)
        return cached

    return decorate


def forget_texts() -> None:
    """Forget the texts of all logs and bills. One that is being read at the same time goes on: it only asks anew."""
    for cached in _CACHES:
        cached.cache_clear()
