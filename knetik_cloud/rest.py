"""The blocking transport: sends one request and returns its response, or what failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from knetik_cloud.core.outcome import Failure, Send
from knetik_cloud.exceptions import ApiException
from knetik_cloud.wire.content import CHUNK_BYTES
from knetik_cloud.wire.exchange import Transport
from knetik_cloud.wire.pipe import Pipe, run
from knetik_cloud.wire.received import ReceivedResponse

__all__ = ["ApiException", "RESTClientObject", "RESTResponse"]


class Closing:
    """The base class of objects that are closed at the end of a `with`."""

    def close(self) -> None:
        """Close the object."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class RESTResponse(Closing, ReceivedResponse):
    """The response to a request. `status` is its HTTP status, and `reason` its reason phrase or None.

    `data` is the whole decoded body. To read a streamed response, use `read`, `stream` or `data` within the
    call's deadline. Close it, or use it in a `with`, if you don't read it to its end.
    """

    @property
    def data(self) -> bytes:
        """The decoded body, or the rest of a streamed one.

        Raises:
            ApiException: If the rest of a streamed response can't be read, or is larger than
                `Configuration.max_response_size`.
        """
        if self._data is None:
            limit = self._exchange.transport.configuration.max_response_size
            self._exchange.response.limit_rest(limit, len(self._rest))
            self._data = self._unread = run(self._read(None))
        return self._data

    def stream(self, amount: int = CHUNK_BYTES) -> Iterator[bytes]:
        """Yield the decoded body in chunks of at most `amount` bytes.

        Raises:
            ApiException: If the response can't be read to its end.
        """
        while chunk := self.read(amount):
            yield chunk

    def read(self, amount: int | None = None) -> bytes:
        """Read `amount` decoded bytes, fewer at the end. None reads all that are left.

        Raises:
            ApiException: If the response can't be read.
        """
        return run(self._read(amount))

    def close(self) -> None:
        """Close the response. The rest of the body is lost."""
        self._exchange.abort()

    release_conn = close  # its name in urllib3, which programs of other SDKs of this family use


class RESTClientObject(Transport[RESTResponse]):
    """Sends requests over sockets. Any number of threads may share it."""

    _response_type = RESTResponse

    async def connect(self, host: str, port: int, until: float) -> Pipe:
        """Connect a socket."""
        from knetik_cloud.wire.blocking import connect

        return await connect(host, port, until)

    def send(self, command: Send) -> RESTResponse | Failure:
        """Send a request and return its response, read to its end unless it is streamed."""
        return run(self.exchange(command))

    close = Transport.start_closing  # its public name
