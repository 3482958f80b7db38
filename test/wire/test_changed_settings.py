"""A changed setting costs only what it must: the token, the connections, or neither."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

from knetik_cloud import ApiClient, Configuration
from test.faults.drivers import DRIVERS
from test.faults.server import CERTIFICATES, FaultServer
from test.interruptions import Interruption

Change = Callable[[Any], None]


def setting(name: str, value: Any) -> Change:
    """Return the change of a setting."""
    return lambda client: setattr(client.configuration, name, value)


CHANGES: dict[str, tuple[Change, int, int]] = {
    "a default header": (lambda client: client.set_default_header("X-A", "b"), 1, 1),
    "timeout": (setting("timeout", 3.0), 1, 1),
    "deadline": (setting("deadline", 9.0), 1, 1),
    "retries": (setting("retries", 1), 1, 1),
    "debug": (setting("debug", True), 1, 1),
    "user_agent": (setting("user_agent", "other"), 1, 1),
    "pool_size": (setting("pool_size", 3), 1, 1),
    "max_response_size": (setting("max_response_size", 1000), 1, 1),
    "the same client_secret": (setting("client_secret", "secret"), 1, 1),
    "verify_ssl": (setting("verify_ssl", False), 1, 2),
    "ssl_ca_cert": (setting("ssl_ca_cert", str(CERTIFICATES / "authority.pem")), 1, 2),
    "proxy": (setting("proxy", ""), 1, 2),
    "no_proxy": (setting("no_proxy", "*"), 1, 2),
    "client_secret": (setting("client_secret", "another"), 2, 1),
    "client_id": (setting("client_id", "another"), 2, 1),
}
"""Changes, each with the tokens and the connections that a call before and one after it need in all."""


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("change", CHANGES)
def test_change_keeps_what_does_not_depend_on_it(change: str, driver: str) -> None:
    apply, tokens, connections = CHANGES[change]
    with FaultServer() as server:
        made: Any = DRIVERS[driver](Configuration(server.url, client_secret="secret", retries=0))
        made.call("get_user_inventory", 56, 56)
        apply(made.client)
        made.call("get_user_inventory", 56, 56)
        made.close()
    assert (server.seen("POST"), server.connections) == (tokens, connections)


@pytest.mark.parametrize("driver", DRIVERS)
def test_another_host_gets_neither_the_token_nor_the_connections(driver: str) -> None:
    with FaultServer() as server, FaultServer() as other:
        made: Any = DRIVERS[driver](Configuration(server.url, client_secret="secret", retries=0))
        made.call("get_user_inventory", 56, 56)
        made.client.configuration.host = other.url
        made.call("get_user_inventory", 56, 56)
        made.close()
    assert (server.seen("POST"), other.seen("POST")) == (1, 1)
    assert other.connections == 1


def test_change_keeps_the_retry_budget() -> None:
    with ApiClient(Configuration("http://127.0.0.1:1")) as client:
        budget = client._shared.current().engine.budget
        client.configuration.debug = True
        assert client._shared.current().engine.budget is budget


def test_interruption_never_keeps_the_token_of_earlier_credentials() -> None:
    def is_of_the_client(frame: FrameType) -> bool:
        return frame.f_globals.get("__name__") == "knetik_cloud.base_client"

    for number in range(1, 1000):
        client = ApiClient(Configuration("http://127.0.0.1:1", username="first", password="secret"))
        tokens = client._shared.current().engine.tokens
        client.configuration.username = "second"
        interruption = Interruption(number, KeyboardInterrupt(), is_of_the_client)
        with suppress(KeyboardInterrupt), interruption:
            client._shared.current()
        assert client._shared.current().engine.tokens is not tokens, f"line {number}"
        client.close()
        if interruption.left > 0:
            break
    assert 10 < number < 999
