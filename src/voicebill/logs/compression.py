"""Decompress gzip, bzip2, xz and Zstandard while they are read, as far as they are complete."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from typing import IO, Any, Protocol

from voicebill.facts.files import UnreadableFile

COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
GZIP, BZIP2, XZ, ZSTD = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"
BZIP2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")
"""After its level, a bzip2 stream has its first block, or its end if there is none."""
ENDS_EARLY = "the compressed file ends early"
MAX_XZ_MEMORY = 128 * 2**20
"""The strongest level of xz takes 65 MiB; a file may ask for more than a machine has."""
BUFFER_BYTES = 2**20
CHUNK_BYTES = 2**16
LONGEST_START = len(BZIP2) + 1 + len(BZIP2_BLOCKS[0])


class _Decompressor(Protocol):
    """What the standard library's decompressors have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def decompress(raw: Any, name: str) -> IO[bytes]:  # noqa: ANN401 - whatever can be peeked at
    """Return a stream decompressed, by its first bytes; one that is not compressed as it is.

    All that can be unpacked is given before an error: EOFError if the compressed stream ends early, else OSError or
    zlib.error.

    Raises:
        UnreadableFile: it cannot be decompressed at all.
    """
    start = first_bytes(raw)
    if start.startswith(GZIP):
        return io.BufferedReader(_Gzip(raw), BUFFER_BYTES)
    if is_bzip2(start):
        return io.BufferedReader(_Streams(raw, is_bzip2, bz2.BZ2Decompressor), BUFFER_BYTES)
    if start.startswith(XZ):
        return io.BufferedReader(_Streams(raw, lambda rest: rest.startswith(XZ), _xz_decompressor), BUFFER_BYTES)
    if start.startswith(ZSTD):
        return io.BufferedReader(_Zstandard(raw, name), BUFFER_BYTES)
    return raw  # type: ignore[no-any-return]


def first_bytes(raw: Any) -> bytes:  # noqa: ANN401 - whatever can be peeked at
    """Return the first bytes of a stream without consuming them: enough to tell how it is compressed."""
    if not isinstance(raw, io.BytesIO):
        peeked: bytes = raw.peek(LONGEST_START)
        return peeked[:LONGEST_START]
    place = raw.tell()  # its `getbuffer` would copy all of an upload
    raw.seek(0)
    start = raw.read(LONGEST_START)
    raw.seek(place)
    return start


def is_bzip2(start: bytes) -> bool:
    """Return whether bytes begin like bzip2, and unlike text.

    >>> is_bzip2(b"BZh91AY&SY..."), is_bzip2(b"BZh9 is a name")
    (True, False)
    """
    return start.startswith(BZIP2) and start[len(BZIP2) + 1 :].startswith(BZIP2_BLOCKS)


def _xz_decompressor() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_XZ_MEMORY)


class _Unpacked(io.RawIOBase):
    """A decompressed stream, which closes the compressed one as well."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw

    def readable(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Close both."""
        super().close()
        self._raw.close()


class _Gzip(_Unpacked):
    """Decompressed gzip."""

    def __init__(self, raw: IO[bytes]) -> None:
        super().__init__(raw)
        self._unpacked = gzip.GzipFile(fileobj=raw)

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - whatever bytes can be written to
        """Read as much as is available."""
        try:
            content = self._unpacked.read1(len(buffer))
        except EOFError:
            raise EOFError(ENDS_EARLY) from None
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        """Close both."""
        self._unpacked.close()
        super().close()


class _Streams(_Unpacked):
    """Decompressed bzip2 or xz: one stream or several, one after the other, with zeros between them."""

    def __init__(self, raw: Any, begins: Callable[[bytes], bool], decompressor: Callable[[], _Decompressor]) -> None:  # noqa: ANN401
        super().__init__(raw)
        self._read_packed: Callable[[int], bytes] = raw.read1
        self._begins = begins
        self._new_decompressor = decompressor
        self._decompressor = decompressor()

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - whatever bytes can be written to
        """Read as much as is available."""
        while True:
            packed = b""
            if self._decompressor.eof:
                packed = self._next_stream()
                if not packed:
                    return 0
                self._decompressor = self._new_decompressor()
            elif self._decompressor.needs_input:
                packed = self._read_packed(CHUNK_BYTES)
                if not packed:
                    raise EOFError(ENDS_EARLY)
            try:
                content = self._decompressor.decompress(packed, len(buffer))
            except lzma.LZMAError as error:
                raise OSError(str(error)) from None
            if content:
                buffer[: len(content)] = content
                return len(content)

    def _next_stream(self) -> bytes:
        """Return the beginning of the next stream; nothing at the end."""
        packed = self._decompressor.unused_data.lstrip(b"\0")
        while len(packed) < LONGEST_START and (more := self._read_packed(CHUNK_BYTES)):
            packed = (packed + more).lstrip(b"\0")
        if packed and not self._begins(packed):
            raise OSError("what follows the compressed part is not compressed")
        return packed


class _Zstandard(_Unpacked):
    """Decompressed Zstandard."""

    def __init__(self, raw: IO[bytes], name: str) -> None:
        import pyarrow as pa  # noqa: PLC0415 - only for such files: it takes a while to load

        super().__init__(raw)
        self._error: Exception | None = None
        try:
            self._unpacked = pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd")
        except pa.ArrowException as error:
            raise UnreadableFile(f"{name} cannot be read: {error}") from None

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - whatever bytes can be written to
        """Read as much as is available. Before an error, Arrow fills a part of the buffer, and does not say how much."""
        if self._error is not None:
            raise self._error
        buffer[:] = bytes(len(buffer))
        try:
            return int(self._unpacked.readinto(buffer))
        except OSError as error:
            is_early = "Truncated" in str(error)
            self._error = EOFError(ENDS_EARLY) if is_early else OSError(f"not valid Zstandard ({error})")
        length = len(bytes(buffer).rstrip(b"\0"))  # text does not end in zeros
        if not length:
            raise self._error
        return length
