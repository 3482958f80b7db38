"""Connects to the first of several addresses that responds."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, Protocol, TypeVar

from knetik_cloud.wire.failure import reject_foreign
from knetik_cloud.wire.pipe import remaining

STAGGER_SECONDS = 0.3
"""The time after which the next address is tried while the ones before it are still silent."""

A = TypeVar("A")
Address = tuple[Any, Any, int, str, Any]
"""An entry of `socket.getaddrinfo`."""


class Dialer(Protocol, Generic[A]):
    """The attempts to connect that a pipe can make."""

    async def resolve(self, host: str, port: int, seconds: float) -> Sequence[Address]:
        """Ask the name servers for the addresses of a host."""

    def dial(self, address: Address) -> A:
        """Begin to connect to an address."""

    async def wait(self, attempts: Sequence[A], seconds: float) -> Sequence[tuple[A, BaseException | None]]:
        """Wait until an attempt ends or time passes, and return those that ended, with their errors."""

    async def hang_up(self, attempts: Sequence[A]) -> None:
        """Abandon attempts."""


async def connect(dialer: Dialer[A], host: str, port: int, until: float) -> A:
    """Connect to the first address of a host that responds, and return its attempt.

    An address gets `STAGGER_SECONDS`, or its share of the time if that is less, before the next one is tried
    as well. All together get the time until a moment of the monotonic clock.

    Raises:
        TimeoutError: If the host does not respond in time.
        OSError: If the host is not found, or no address accepts the connection.
    """
    untried = _interleaved(_read(host, port) or await dialer.resolve(host, port, remaining(until)))
    attempts: list[A] = []
    failure: BaseException = OSError("the host has no address")
    try:
        while untried or attempts:
            if untried:
                try:
                    attempts.append(dialer.dial(untried.pop(0)))
                except OSError as error:
                    reject_foreign(error)
                    failure = error
                    continue
            seconds = remaining(until)
            if untried:
                seconds = min(STAGGER_SECONDS, seconds / (len(untried) + 1))
            for attempt, refusal in await dialer.wait(attempts, seconds):
                attempts.remove(attempt)
                if refusal is None:
                    others, attempts = attempts, [attempt]  # until it is returned, to be closed as well
                    await dialer.hang_up(others)
                    attempts = []
                    return attempt
                failure = refusal
                await dialer.hang_up([attempt])
        # asyncio adds its own words and the address. Some codes of Windows have no errno that says the same.
        if isinstance(failure, OSError) and failure.errno is not None and not getattr(failure, "winerror", 0):
            failure = system_error(failure.errno)
        raise failure
    finally:
        await dialer.hang_up(attempts)
        del failure  # its traceback holds this frame


def _read(host: str, port: int) -> Sequence[Address]:
    """Read a host that is an address, without a name server. Returns nothing for a name."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return ()


@contextmanager
def new_socket(address: Address) -> Iterator[socket.socket]:
    """Create a socket in non-blocking mode for an address, which an error closes."""
    sock = socket.socket(*address[:3])
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield sock
    except BaseException:
        sock.close()
        raise


def system_error(code: int) -> OSError:
    """Build the error for a code of the system. On Windows, only `socket` describes those of sockets."""
    return OSError(code, getattr(socket, "errorTab", {}).get(code) or os.strerror(code))


def _interleaved(found: Sequence[Address]) -> list[Address]:
    """Alternate between address families: a family without a route costs one attempt at most."""
    kinds = [address[0] for address in found]
    order = sorted(range(len(found)), key=lambda n: (kinds[:n].count(kinds[n]), kinds.index(kinds[n])))
    return [found[index] for index in order]
