"""Text files that may be compressed, and that can be continued where they were left."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO, Any

from knetik_cloud.exceptions import ApiValueError

COMPRESSIONS = (".gz", ".zst")


def compression_of(path: Path) -> str | None:
    """Return the suffix of a compressed file, or None."""
    return path.suffix if path.suffix in COMPRESSIONS else None


def open_text(path: Path) -> IO[str]:
    """Open a text file for reading, decompressed by its name."""
    return io.TextIOWrapper(open_bytes(path, compression_of(path)), encoding="utf-8-sig", newline="")


def open_bytes(path: Path, compression: str | None) -> IO[bytes]:
    """Open a file for reading, decompressed."""
    if compression == ".gz":
        import gzip

        return io.BufferedReader(gzip.open(path, "rb"))
    if compression == ".zst":
        file = path.open("rb")
        reader = (
            _zstandard(path).ZstdDecompressor().stream_reader(file, read_across_frames=True, closefd=True)
        )
        return io.BufferedReader(reader)
    return path.open("rb")


class Appender:
    """A file that grows by whole chunks. After `checkpoint`, its first bytes are a whole file of their own.

    Args:
        path: The file.
        compression: `.gz`, `.zst` or None.
        size: The bytes to keep of what is there; the rest is cut off.
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
        """Write everything out, and return the size of the file in bytes."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._file.flush()
        return self._file.tell()

    def close(self) -> None:
        """Close the file."""
        try:
            self.checkpoint()
        finally:
            self._file.close()

    def _open(self) -> Any:
        if self._compression == ".gz":
            import gzip

            return gzip.GzipFile(filename="", mode="wb", fileobj=self._file, compresslevel=6, mtime=0)
        return _zstandard(self._path).ZstdCompressor().stream_writer(self._file, closefd=False)


def _zstandard(path: Path) -> Any:
    try:
        import zstandard
    except ImportError:
        raise ApiValueError(f"{path} needs zstandard: pip install zstandard, or name it .gz") from None
    return zstandard
