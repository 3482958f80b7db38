"""A peer that resets before the TLS handshake leaves no socket open, though `ssl` forgets to close it."""

from __future__ import annotations

import gc
import socket
import struct
import threading
import time
import warnings
from collections.abc import Iterator

import pytest

from knetik_cloud import ApiClient, ApiConnectionException, Configuration, UsersInventoryApi, connections

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
        listener.shutdown(socket.SHUT_RDWR)


def test_a_reset_before_the_handshake_leaves_no_socket_open(
    resetting_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = connections._Timed._connected

    def connect_and_meet_the_reset(*arguments: object) -> socket.socket:
        sock = connect(*arguments)  # type: ignore[arg-type]
        time.sleep(0.01)
        return sock

    monkeypatch.setattr(connections._Timed, "_connected", connect_and_meet_the_reset)
    configuration = Configuration(f"https://localhost:{resetting_port}", retries=0)
    with ApiClient(configuration) as client, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(20):
            with pytest.raises(ApiConnectionException):
                UsersInventoryApi(client).get_user_inventory(56, 56)
        gc.collect()
    assert [str(warning.message) for warning in caught] == []
