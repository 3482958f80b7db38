"""The first of several addresses that responds: who is tried when, in a time of its own."""

from __future__ import annotations

import errno
import math
import socket
from collections.abc import Sequence
from unittest.mock import patch

import pytest

from knetik_cloud.core import clock
from knetik_cloud.wire.addresses import Address, connect, new_socket, system_error
from knetik_cloud.wire.pipe import run

SILENT = math.inf


class Dialer:
    """Attempts that end after a number of seconds each, which pass only while something waits for them."""

    def __init__(self, **seconds: float) -> None:
        self.seconds = seconds
        self.refused: dict[str, OSError] = {}
        self.now = 0.0
        self.found: tuple[str, ...] = ()
        self.begun: list[tuple[str, float]] = []
        self.abandoned: list[str] = []

    async def resolve(self, host: str, port: int, seconds: float) -> Sequence[Address]:
        families = (socket.AF_INET6 if "6" in name else socket.AF_INET for name in self.found)
        return [
            (family, socket.SOCK_STREAM, 6, "", (name, port))
            for family, name in zip(families, self.found, strict=True)
        ]

    def dial(self, address: Address) -> str:
        name: str = address[4][0]
        self.begun.append((name, round(self.now, 3)))
        return name

    async def wait(
        self, attempts: Sequence[str], seconds: float
    ) -> Sequence[tuple[str, BaseException | None]]:
        ends = {name: dict(self.begun)[name] + self.seconds[name] for name in attempts}
        self.now = min(self.now + seconds, *ends.values())
        return [(name, self.refused.get(name)) for name, end in ends.items() if end <= self.now]

    async def hang_up(self, attempts: Sequence[str]) -> None:
        self.abandoned += attempts

    def connect(self, *found: str, limit: float = 60.0) -> str:
        """Connect to one of these addresses: names with a 6 are of IPv6."""
        self.found = found
        with patch.object(clock, "monotonic", lambda: self.now):
            return run(connect(self, "host.test", 80, limit))


def test_first_address_is_enough() -> None:
    dialer = Dialer(a=0.2, b=0)
    assert dialer.connect("a", "b") == "a"
    assert dialer.begun == [("a", 0)]
    assert dialer.abandoned == []


def test_next_address_is_tried_in_addition_to_a_silent_one() -> None:
    dialer = Dialer(a=SILENT, b=SILENT, c=0.2)
    assert dialer.connect("a", "b", "c") == "c"
    assert dialer.begun == [("a", 0), ("b", 0.3), ("c", 0.6)]
    assert dialer.abandoned == ["a", "b"]


def test_slow_address_may_still_be_the_first_that_responds() -> None:
    dialer = Dialer(a=0.4, b=0.2)
    assert dialer.connect("a", "b") == "a"
    assert dialer.abandoned == ["b"]


def test_winner_is_closed_if_the_others_cannot_be_hung_up() -> None:
    class Interrupted(Dialer):
        async def hang_up(self, attempts: Sequence[str]) -> None:
            await super().hang_up(attempts)
            if len(self.abandoned) == 1:
                raise KeyboardInterrupt

    dialer = Interrupted(a=SILENT, b=0.2)
    with pytest.raises(KeyboardInterrupt):
        dialer.connect("a", "b")
    assert dialer.abandoned == ["a", "b"]


def test_error_codes_of_windows_are_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "errorTab", {10061: "Connection refused."}, raising=False)
    assert str(system_error(10061)) == "[Errno 10061] Connection refused."
    assert str(system_error(errno.ECONNRESET)) == f"[Errno {errno.ECONNRESET}] Connection reset by peer"


def test_error_of_the_proactor_of_windows_is_kept_since_its_errno_says_less() -> None:
    dialer = Dialer(a=0.1)
    dialer.refused["a"] = refusal = ConnectionRefusedError(errno.EINVAL, "The remote computer refused it")
    refusal.winerror = 1225  # type: ignore[attr-defined, unused-ignore]
    with pytest.raises(ConnectionRefusedError, match="The remote computer refused it"):
        dialer.connect("a")


def test_each_address_gets_its_share_of_a_short_time() -> None:
    dialer = Dialer(a=SILENT, b=SILENT, c=SILENT, d=SILENT)
    with pytest.raises(TimeoutError):
        dialer.connect(*"abcd", limit=0.8)
    assert dialer.begun == [("a", 0), ("b", 0.2), ("c", 0.4), ("d", 0.6)]
    assert dialer.abandoned == ["a", "b", "c", "d"]


def test_next_address_is_tried_immediately_after_a_refused_connection() -> None:
    dialer = Dialer(a=0.1, b=0.1)
    dialer.refused = {"a": ConnectionRefusedError("a")}
    assert dialer.connect("a", "b") == "b"
    assert dialer.begun == [("a", 0), ("b", 0.1)]


def test_last_refused_connection_is_raised() -> None:
    dialer = Dialer(a=0.1, b=0.1)
    dialer.refused = {name: ConnectionRefusedError(name) for name in "ab"}
    with pytest.raises(ConnectionRefusedError, match="b"):
        dialer.connect("a", "b")
    with pytest.raises(OSError, match="the host has no address"):
        Dialer().connect()


@pytest.mark.parametrize(
    ("found", "order"),
    [("a6 b6 c6 d4", "a6 d4 b6 c6"), ("a6 b4 c4 d6", "a6 b4 d6 c4"), ("a4 b6 c6 d4 e4", "a4 b6 d4 c6 e4")],
)
def test_families_alternate(found: str, order: str) -> None:
    dialer = Dialer(**dict.fromkeys(found.split(), 0.1))
    dialer.refused = {name: ConnectionRefusedError(name) for name in dialer.seconds}
    with pytest.raises(ConnectionRefusedError):
        dialer.connect(*found.split())
    assert [name for name, _ in dialer.begun] == order.split()


def test_error_of_the_caller_s_own_is_not_a_refused_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def dial(address: Address) -> str:
        begin(address)
        raise ConnectionRefusedError("mine")

    dialer = Dialer(a=0)
    begin = dialer.dial
    monkeypatch.setattr(dialer, "dial", dial)
    with pytest.raises(ConnectionRefusedError, match="mine"):
        dialer.connect("a", "b")
    assert dialer.begun == [("a", 0)]


def test_address_of_a_family_that_the_system_lacks_is_skipped_and_its_error_the_last_resort() -> None:
    class Lacking(Dialer):
        def dial(self, address: Address) -> str:
            if address[4][0] == "a":
                with new_socket((9999, *address[1:])):
                    pass
            return super().dial(address)

    assert Lacking(a=0, b=0).connect("a", "b") == "b"
    with pytest.raises(OSError) as caught:
        Lacking(a=0).connect("a")
    assert caught.value.errno is not None
