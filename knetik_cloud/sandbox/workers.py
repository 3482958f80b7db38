"""Several server processes on one socket, for a PostgreSQL that many clients share."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.synchronize import Event
from types import FrameType

from knetik_cloud.sandbox.settings import Settings

START_TIMEOUT = 30.0
"""Seconds for all workers to accept requests."""

STOP_TIMEOUT = 5.0
"""Seconds for a worker to end once it is told to."""

Serve = Callable[[Settings, socket.socket, Event, Event], None]
"""The function of a worker: serve on the socket, set the first event once it accepts requests, and the second
one once it was asked to stop the server."""


class Stop(BaseException):
    """The process was told to stop, by a signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM and SIGINT end the block through its cleanup, such as the closing of the database.

    Raises:
        Stop: After the cleanup.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_with_parent() -> None:
    """Stop this process once the one that started it has ended, even if that was killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "only a process that another one started has a parent"

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="knetik-parent", daemon=True).start()


def run_workers(
    settings: Settings, listening: socket.socket, serve: Serve, announce: Callable[[], None]
) -> None:
    """Run `settings.workers` processes until told to stop, even by one of them. Those that die are replaced.

    Args:
        settings: The settings of each worker.
        listening: The socket that they share.
        serve: The function that a worker runs.
        announce: Called once all of them accept requests.

    Raises:
        RuntimeError: If a worker can't start.
    """
    context = multiprocessing.get_context("spawn")
    stop = context.Event()

    def start(event: Event) -> SpawnProcess:
        worker = context.Process(target=serve, args=(settings, listening, event, stop), daemon=True)
        worker.start()
        return worker

    workers: list[SpawnProcess] = []
    try:
        ready = [context.Event() for _ in range(settings.workers)]
        workers += map(start, ready)
        _wait_until_ready(workers, ready)
        announce()
        while not stop.wait(0.2):
            _replace_dead(context, start, workers, ready)
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join(STOP_TIMEOUT)
            worker.kill()


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stop(number)


def _wait_until_ready(workers: list[SpawnProcess], ready: list[Event]) -> None:
    end = time.monotonic() + START_TIMEOUT
    for worker, event in zip(workers, ready, strict=True):
        while not event.wait(0.05):
            if not worker.is_alive() or time.monotonic() > end:
                raise RuntimeError("a worker did not start: its message is above")


def _replace_dead(
    context: SpawnContext,
    start: Callable[[Event], SpawnProcess],
    workers: list[SpawnProcess],
    ready: list[Event],
) -> None:
    for index, worker in enumerate(workers):
        if not worker.is_alive():
            with suppress(ValueError):
                worker.close()
            # A started process no longer holds its arguments, and a worker opens its event by name later.
            ready[index] = context.Event()
            workers[index] = start(ready[index])
