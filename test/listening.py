"""Ends a thread that accepts connections."""

from __future__ import annotations

import socket


def stop_listening(listener: socket.socket) -> None:
    """Wake the thread that waits for a connection, with an `OSError`.

    The socket stays open, since the thread must not accept from what gets its number next.
    """
    try:
        listener.shutdown(socket.SHUT_RDWR)
    except OSError:  # on Windows, where only its end wakes the thread
        listener.close()
