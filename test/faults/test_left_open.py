"""A peer that resets before the TLS handshake leaves no socket open."""

from __future__ import annotations

import gc
import socket
import struct
import threading
import warnings
from collections.abc import Iterator

import pytest

from knetik_cloud import ApiConnectionException, Configuration
from test.faults.drivers import get_entry
from test.listening import stop_listening

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@pytest.fixture
def resetting_port() -> Iterator[int]:
    """The port of a server that resets every connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def reset() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                connection.close()

        threading.Thread(target=reset, daemon=True).start()
        yield listener.getsockname()[1]
        stop_listening(listener)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_reset_before_the_handshake_leaves_no_socket_open(resetting_port: int, is_async: bool) -> None:
    configuration = Configuration(f"https://localhost:{resetting_port}", retries=0)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(10):
            with pytest.raises(ApiConnectionException):
                get_entry(configuration, is_async)
        gc.collect()
    assert [str(warning.message) for warning in caught] == []
