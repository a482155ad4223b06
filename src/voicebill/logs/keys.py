"""Build the key of a record: the vendor's identifier, or else its place in the log and its content."""

from hashlib import blake2b


def response_key(identifier: str) -> str:
    """Return the key of a response: the vendor's identifier, so that a response in logs of two formats counts once.

    How the response ended is not part of the key, since not every format logs it.

    >>> response_key("resp_1")
    'resp_1'
    """
    return identifier


def place_key(source: str, place: int | str, content: bytes) -> str:
    """Return the key of a record without an identifier: its source, its line or row, and a hash of its content."""
    return f"{source}:{place}:{blake2b(content, digest_size=8).hexdigest()}"
