"""What makes a record itself: the vendor's own identifier, or else the place where it was read and what stands there."""

from hashlib import blake2b


def response_key(identifier: str, status: str | None = "completed") -> str:
    """The key of a response by its vendor's identifier: alike in every dialect, so that one told by two is one.

    A response that a retry or a correction ends differently is told anew. Where a dialect does not say how one ended, it
    was completed.

    >>> response_key("resp_1", None), response_key("resp_1", "cancelled")
    ('resp_1:completed', 'resp_1:cancelled')
    """
    return f"{identifier}:{status or 'completed'}"


def place_key(source: str, place: int | str, content: bytes) -> str:
    """The key of what has no identifier of its own: its source, the line or row in it, and what stands there."""
    return f"{source}:{place}:{blake2b(content, digest_size=8).hexdigest()}"
