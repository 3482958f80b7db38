"""Several server processes on one socket, for a PostgreSQL that many clients share."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import socket
import time
from collections.abc import Callable
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.synchronize import Event
from types import FrameType

from knetik_cloud.sandbox.settings import Settings

START_TIMEOUT = 30.0
"""Seconds for all workers to answer."""

STOP_TIMEOUT = 5.0
"""Seconds for a worker to end once it is asked to."""

Serve = Callable[[Settings, socket.socket, Event], None]
"""What a worker runs: serve on the socket, and set the event once it answers."""


class Stop(Exception):
    """The process was told to stop."""


def run_workers(
    settings: Settings, listening: socket.socket, serve: Serve, announce: Callable[[], None]
) -> None:
    """Run `settings.workers` processes until told to stop; `announce` is called once all of them answer.

    A worker that dies is replaced. Raises RuntimeError when one can't start.
    """
    context = multiprocessing.get_context("spawn")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    workers: list[SpawnProcess] = []
    try:
        ready = [context.Event() for _ in range(settings.workers)]
        workers += [_start(context, settings, listening, serve, event) for event in ready]
        _wait_until_ready(workers, ready)
        announce()
        while True:
            _replace_dead(context, settings, listening, serve, workers)
            time.sleep(0.2)
    except Stop:
        pass
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join(STOP_TIMEOUT)
            worker.kill()


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stop


def _start(
    context: SpawnContext, settings: Settings, listening: socket.socket, serve: Serve, ready: Event
) -> SpawnProcess:
    worker = context.Process(target=serve, args=(settings, listening, ready), daemon=True)
    worker.start()
    return worker


def _wait_until_ready(workers: list[SpawnProcess], ready: list[Event]) -> None:
    end = time.monotonic() + START_TIMEOUT
    for worker, event in zip(workers, ready, strict=True):
        while not event.wait(0.05):
            if not worker.is_alive() or time.monotonic() > end:
                raise RuntimeError("a worker did not start: its message is above")


def _replace_dead(
    context: SpawnContext,
    settings: Settings,
    listening: socket.socket,
    serve: Serve,
    workers: list[SpawnProcess],
) -> None:
    for index, worker in enumerate(workers):
        if not worker.is_alive():
            with contextlib.suppress(ValueError):
                worker.close()
            workers[index] = _start(context, settings, listening, serve, context.Event())
