"""Several server processes, without the database that they share."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing
from multiprocessing.synchronize import Event

import pytest

from knetik_cloud.sandbox import serving
from knetik_cloud.sandbox.server import listen
from knetik_cloud.sandbox.settings import Settings
from knetik_cloud.sandbox.workers import run_workers

SETTINGS = Settings(port=0, database="postgresql://localhost/none", workers=2)


def _stop_at_once(settings: Settings, listening: socket.socket, ready: Event, stop: Event) -> None:
    ready.set()
    stop.set()


def test_a_worker_stops_all_of_them_without_a_signal() -> None:
    announced = []
    with closing(listen(SETTINGS)) as listening:
        run_workers(SETTINGS, listening, _stop_at_once, lambda: announced.append(True))
    assert announced


def test_workers_dont_use_the_default_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    # That of Windows can't accept connections of a socket in several processes.
    default = asyncio.new_event_loop()
    monkeypatch.setattr(asyncio, "new_event_loop", lambda: default)
    with closing(default), closing(serving._new_loop(workers=2)) as loop:
        assert serving._new_loop(workers=1) is default
        assert loop is not default
