"""Text files that may be compressed, and that can be continued where they were left."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, Any

from knetik_cloud.core.clock import monotonic
from knetik_cloud.data import types
from knetik_cloud.exceptions import ApiValueError

COMPRESSIONS = (".gz", ".zst")
CHUNK_BYTES = 65536
REPLACE_SECONDS = 1.0
"""Seconds for which another program, such as a virus scanner, may keep a file open that is to be replaced."""


def check_path(name: str, value: Any) -> Path:
    """Return an argument as a path.

    Raises:
        ApiValueError: If no file can have it as its name, such as None or a text with a NUL.
    """
    try:
        if b"\0" not in os.fsencode(value):
            return Path(value)
    except (TypeError, UnicodeError):  # of bytes, too: a `Path` is text
        pass
    raise types.invalid_value_error(name, "a path", value)


def replace(new: Path, path: Path) -> None:
    """Put a new file in the place of another one, which Windows rejects while a program has either open."""
    end = monotonic() + REPLACE_SECONDS
    while True:
        try:
            new.replace(path)
            return
        except PermissionError:
            if monotonic() >= end:
                raise
        time.sleep(0.02)


def compression_of(path: Path) -> str | None:
    """Return the suffix of a compressed file in lower case, or None."""
    suffix = path.suffix.lower()
    return suffix if suffix in COMPRESSIONS else None


def format_of(path: Path) -> str:
    """Return the suffix that names the format of a file, in lower case, or "" without one."""
    inner = path.with_suffix("") if compression_of(path) else path
    return inner.suffix.lower()


def open_text(path: Path) -> IO[str]:
    """Open a text file for reading, decompressed by its name."""
    return io.TextIOWrapper(open_bytes(path, compression_of(path)), encoding="utf-8-sig", newline="")


def open_bytes(path: Path, compression: str | None) -> IO[bytes]:
    """Open a file for reading, decompressed. Reading a truncated or damaged one raises an ApiValueError."""
    if compression is None:
        return path.open("rb")
    return io.BufferedReader(_Chunks(_gunzip(path) if compression == ".gz" else _unzstd(path)))


class _Chunks(io.RawIOBase):
    """A file that is made of chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer, and return the number of bytes, which is 0 at the end."""
        while not self._rest and (chunk := next(self._chunks, None)) is not None:
            self._rest = memoryview(chunk)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        """Close the file that the chunks come from."""
        self._chunks.close()  # type: ignore[attr-defined]
        super().close()


def _gunzip(path: Path) -> Iterator[bytes]:
    import gzip
    import zlib

    with gzip.open(path, "rb") as file:
        try:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
        except EOFError:
            raise _truncated_error(path) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise _damaged_error(path, error) from None


def _unzstd(path: Path) -> Iterator[bytes]:
    zstandard = load_zstandard(path)
    frame = None
    with path.open("rb") as file:
        data = file.read(CHUNK_BYTES)
        while data:
            if frame is None or frame.eof:
                frame = zstandard.ZstdDecompressor().decompressobj()
            try:
                yield frame.decompress(data)
            except zstandard.ZstdError as error:
                raise _damaged_error(path, error) from None
            data = frame.unused_data or file.read(CHUNK_BYTES)
    if frame is not None and not frame.eof:  # the library ends silently
        raise _truncated_error(path)


def _truncated_error(path: Path) -> ApiValueError:
    return ApiValueError(f"{path} is truncated: copy it again")


def _damaged_error(path: Path, error: Exception) -> ApiValueError:
    return ApiValueError(f"{path} can't be decompressed ({error}): is it what its name says?")


def create_text(path: Path) -> IO[str]:
    """Open a text file for writing, compressed by its name. A file that exists is emptied."""
    compression = compression_of(path)
    open_file: Any = open
    if compression == ".gz":
        import gzip

        open_file = gzip.open
    elif compression == ".zst":
        open_file = load_zstandard(path).open
    file: IO[str] = open_file(path, "wt", encoding="utf-8", errors="backslashreplace", newline="")
    return file


class Appender:
    """A file that grows by whole chunks. After `checkpoint`, its first bytes are a whole file of their own.

    Args:
        path: The file.
        compression: `.gz`, `.zst` or None.
        size: The number of bytes to keep of an existing file. The rest is removed.
    """

    def __init__(self, path: Path, compression: str | None, size: int) -> None:
        self._compression = compression
        self._path = path
        self._file = path.open("r+b" if size else "wb")
        self._file.truncate(size)
        self._file.seek(size)
        self._writer: Any = None

    def write(self, data: bytes) -> None:
        """Append some bytes."""
        if self._compression is None:
            self._file.write(data)
            return
        if self._writer is None:
            self._writer = self._open()
        self._writer.write(data)

    def checkpoint(self) -> int:
        """Write everything to the disk, and return the size of the file in bytes."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """Close the file. What was written since the last checkpoint may be damaged."""
        # gzip raises an exception after an interruption within it.
        with closing(self._file), suppress(Exception):
            self.checkpoint()

    def _open(self) -> Any:
        if self._compression == ".gz":
            import gzip

            return gzip.GzipFile(filename="", mode="wb", fileobj=self._file, compresslevel=6, mtime=0)
        return load_zstandard(self._path).ZstdCompressor().stream_writer(self._file, closefd=False)


def load_zstandard(path: Path) -> Any:
    """Import the library that a file needs.

    Raises:
        ApiValueError: If it isn't installed.
    """
    try:
        import zstandard
    except ImportError:
        raise ApiValueError(f"{path} needs zstandard: pip install zstandard, or name it .gz") from None
    return zstandard
