"""What makes a record itself: the vendor's own identifier, or else the place where it was read and what stands there."""

from hashlib import blake2b


def response_key(identifier: str) -> str:
    """The key of a response, which is its vendor's identifier: alike in every dialect, so that one told by two is one.

    How it ended is no part of that, since not every dialect says it.

    >>> response_key("resp_1")
    'resp_1'
    """
    return identifier


def place_key(source: str, place: int | str, content: bytes) -> str:
    """The key of what has no identifier of its own: its source, the line or row in it, and what stands there."""
    return f"{source}:{place}:{blake2b(content, digest_size=8).hexdigest()}"
