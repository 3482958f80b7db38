"""TLS as a pipe over another pipe, which may be one with TLS itself."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from knetik_cloud.wire.failure import reject_foreign
from knetik_cloud.wire.pipe import RECEIVE_BYTES, SEND_BYTES, Listener, Pipe

T = TypeVar("T")


class SecurePipe(Pipe):
    """The decrypted side of a TLS connection. `ssl` gets bytes and returns bytes, and does no I/O."""

    def __init__(self, pipe: Pipe, context: ssl.SSLContext, host: str) -> None:
        self._pipe = pipe
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        name = host.rstrip(".").partition("%")[0]
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)

    def begin(self, deadline: float, wait: float) -> None:
        """Set the time limits of the pipe below."""
        self._pipe.begin(deadline, wait)

    async def handshake(self) -> SecurePipe:
        """Negotiate TLS, check the certificate, and return this pipe.

        Raises:
            ssl.SSLError: If the certificate is rejected, or the peer speaks another protocol.
        """
        try:
            await self._run(self._tls.do_handshake)
        except ssl.SSLError:
            try:
                await self._flush()  # the alert that tells the peer why
            except OSError as error:
                reject_foreign(error)
            raise
        await self._flush()
        return self

    async def send(self, data: bytes, listener: Listener | None = None) -> bool:
        """Encrypt and send bytes."""
        view = memoryview(data)
        for start in range(0, len(view), SEND_BYTES):
            await self._run(partial(self._tls.write, view[start : start + SEND_BYTES]))
            if not await self._pipe.send(self._outgoing.read(), listener):
                return False
        return True

    async def receive(self) -> bytes:
        """Receive and decrypt bytes.

        Raises:
            ssl.SSLEOFError: If the connection was closed without the end that TLS requires.
        """
        return await self._run(self._read)

    def receive_now(self) -> bytes | None:
        """Return decrypted bytes that have arrived, or None. Session tickets do not count."""
        data = self._pipe.receive_now()
        if data is None:
            return None
        self._take(data)
        try:
            return self._read()
        except ssl.SSLWantReadError:
            return None

    def close(self) -> None:
        """Close the pipe below."""
        self._pipe.close()

    def _take(self, data: bytes) -> None:
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _read(self) -> bytes:
        """Return all that can be decrypted, b"" at a proper end."""
        data = self._tls.read(RECEIVE_BYTES)
        with suppress(ssl.SSLWantReadError):  # the rest of a record has not arrived
            while (self._tls.pending() or self._incoming.pending) and (more := self._tls.read(RECEIVE_BYTES)):
                data += more
        return data

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await self._pipe.send(self._outgoing.read())

    async def _run(self, step: Callable[[], T]) -> T:
        """Run a step of TLS, and receive what it needs."""
        while True:
            with suppress(ssl.SSLWantReadError):
                return step()
            await self._flush()
            self._take(await self._pipe.receive())
