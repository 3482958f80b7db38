"""The blocking pipe: a socket that never waits longer than the time limits allow."""

from __future__ import annotations

import os
import selectors
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from typing import ClassVar, TypeVar

from knetik_cloud.core import clock
from knetik_cloud.wire import addresses
from knetik_cloud.wire.failure import reject_foreign
from knetik_cloud.wire.pipe import RECEIVE_BYTES, SEND_BYTES, Listener, Pipe, readable_check, remaining

T = TypeVar("T")
MAX_WAIT_SECONDS = 0.5 if os.name == "nt" else 1e6
"""Longer waits are repeated. Windows reports Ctrl-C after a wait, and some clocks can't count more time."""
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class BlockingPipe(Pipe):
    """A connected socket, in non-blocking mode."""

    _open: ClassVar[set[socket.socket]] = set()
    """The sockets of all pipes. In a reference cycle, Python may finalize a socket, which warns, before its
    pipe closes it. Nothing in this set is part of a cycle. It belongs to the class, since a dying interpreter
    clears the globals of a module before its last pipes are gone."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._open.add(sock)
        self._can_receive = readable_check(sock)

    async def send(self, data: bytes, listener: Listener | None = None) -> bool:
        """Send bytes, and call the listener whenever some may have arrived meanwhile."""
        view = memoryview(data)
        while True:
            try:
                view = view[self._socket.send(view[:SEND_BYTES]) :]
            except BlockingIOError as error:
                reject_foreign(error)
            if not view:
                return True
            until = clock.monotonic() + remaining(self._deadline, self._wait)
            while not wait_for((self._socket,), READ | WRITE if listener else WRITE, remaining(until)):
                pass
            if listener is not None and listener():
                return False

    async def receive(self) -> bytes:
        """Wait for bytes and return them, or b"" at the end."""
        seconds = remaining(self._deadline, self._wait)
        while not self._can_receive(min(seconds, MAX_WAIT_SECONDS) * 1000):
            seconds -= MAX_WAIT_SECONDS  # not by the clock: every call waits here, and seldom twice
            if seconds <= 0:
                raise TimeoutError("timed out")
        return self._socket.recv(RECEIVE_BYTES)

    def receive_now(self) -> bytes | None:
        """Return bytes that have arrived, b"" at the end, or None if nothing has."""
        return self._socket.recv(RECEIVE_BYTES) if self._can_receive(0) else None

    def close(self) -> None:
        """Close the socket."""
        self._open.discard(self._socket)
        self._socket.close()

    @classmethod
    def close_inherited(cls) -> None:
        """Close the sockets of a parent process, in which threads may use them: they don't exist here."""
        while cls._open:
            cls._open.pop().close()

    def __del__(self) -> None:
        if hasattr(self, "_socket"):  # an error may interrupt the constructor
            self.close()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=BlockingPipe.close_inherited)


def wait_for(sockets: Sequence[socket.socket], events: int, seconds: float) -> Sequence[socket.socket]:
    """Wait until sockets can be read or written, or a part of the time, and return those that can."""
    with selectors.DefaultSelector() as selector:
        for sock in sockets:
            selector.register(sock, events, sock)
        return [key.data for key, _ in selector.select(min(seconds, MAX_WAIT_SECONDS))]


def fulfill(future: Future[T], work: Callable[[], T]) -> None:
    """Run the work of a future in a thread, unless it was cancelled."""
    if future.set_running_or_notify_cancel():
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)
            del future, work  # which the traceback would keep alive


class _Dialer:
    """Connects sockets, several at the same time."""

    async def resolve(self, host: str, port: int, seconds: float) -> Sequence[addresses.Address]:
        """Resolve a name in a thread, since the system may take far longer than the time that remains."""
        if _is_green(socket.getaddrinfo) and not _is_green(threading.get_ident):
            # It lets other greenlets run. A thread would get a hub of its own, which stays behind.
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found: Future[Sequence[addresses.Address]] = Future()
        look_up = partial(fulfill, found, partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM))
        try:  # in this context: a tool that replaces the function may trace it
            threading.Thread(
                target=copy_context().run, args=(look_up,), name="knetik_cloud: getaddrinfo", daemon=True
            ).start()
        except RuntimeError:
            look_up()  # there are too many, the interpreter shuts down, or a subinterpreter allows none
        return found.result(min(seconds, threading.TIMEOUT_MAX))

    def dial(self, address: addresses.Address) -> socket.socket:
        with addresses.new_socket(address) as sock:
            try:
                sock.connect(address[4])  # not `connect_ex`, which tools that forbid connections don't guard
            except BlockingIOError as error:  # it is in progress
                reject_foreign(error)
            return sock

    async def wait(
        self, attempts: Sequence[socket.socket], seconds: float
    ) -> Sequence[tuple[socket.socket, OSError | None]]:
        ended = wait_for(attempts, WRITE, seconds)
        codes = [(sock, sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)) for sock in ended]
        return [(sock, addresses.system_error(code) if code else None) for sock, code in codes]

    async def hang_up(self, attempts: Sequence[socket.socket]) -> None:
        for sock in attempts:
            sock.close()


async def connect(host: str, port: int, until: float) -> BlockingPipe:
    """Connect to a host.

    Args:
        host: A name or an address.
        port: The port.
        until: The moment of the monotonic clock of the time limit.

    Raises:
        TimeoutError: If the host does not respond in time.
        OSError: If the host is not found or does not accept the connection.
    """
    return BlockingPipe(await addresses.connect(_Dialer(), host, port, until))


def _is_green(function: object) -> bool:
    """Return whether gevent or eventlet have put a function in place of one of Python."""
    return str(getattr(function, "__module__", "")).startswith(("gevent.", "eventlet."))
