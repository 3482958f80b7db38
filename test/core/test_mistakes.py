"""Errors after a mistake: they suggest the right name or class, or report what can't be done."""

from __future__ import annotations

import asyncio
import copy
import pickle
import socket
import threading
from typing import Any

import pytest

from knetik_cloud import AccessTokenApi, ApiClient, Configuration, DeadlineExceeded, UsersInventoryApi, aio
from knetik_cloud.api_client import AsyncResult

from ..conftest import RecordingServer

of_both = pytest.mark.parametrize(
    ("client", "api"), [(ApiClient, UsersInventoryApi), (aio.ApiClient, aio.UsersInventoryApi)]
)


def message_of(action: Any) -> str:
    with pytest.raises(TypeError) as raised:
        action()
    return str(raised.value)


def test_misspelled_keyword_names_the_method_its_parameters_and_a_suggestion(
    api: UsersInventoryApi, server: RecordingServer
) -> None:
    message = message_of(lambda: api.get_user_inventories(56, inactiv=True))  # type: ignore[call-arg]
    assert message.startswith(
        "get_user_inventories() has no parameter or option 'inactiv': did you mean 'inactive'? It takes id, "
    )
    assert message.endswith("and the options _request_timeout, _deadline, _retries, _headers")
    message = message_of(lambda: api.get_user_inventory(56, 56, _timeout=1))  # type: ignore[call-arg]
    assert "did you mean '_request_timeout'?" in message
    message = message_of(lambda: api.get_user_inventory(56, 56, zzz=1))  # type: ignore[call-arg]
    assert message.startswith(
        "get_user_inventory() has no parameter or option 'zzz'. It takes user_id, id, and"
    )
    message = message_of(lambda: api.api_client.call_api("/x", "GET", query_parms={}))
    assert message.startswith(
        "call_api() has no parameter or option 'query_parms': did you mean 'query_params'?"
    )
    for name in ("callback", "async"):
        message = message_of(lambda name=name: api.get_user_inventory(56, 56, **{name: True}))  # type: ignore[misc]
        assert f"option {name!r}: run the call in the background with client.submit(method, ...). " in message
    assert not server.requests


@pytest.mark.parametrize("kind", [UsersInventoryApi, aio.UsersInventoryApi])
@pytest.mark.parametrize("name", ["size", "page"])
def test_reader_of_a_list_explains_how_its_pages_are_sized(kind: Any, name: str) -> None:
    message = message_of(lambda: kind().iter_entitlement_items(**{name: 2}))
    assert message.startswith(
        f"iter_entitlement_items() has no parameter or option '{name}': it reads page after page"
    )
    assert "page_size" in message
    assert "get_entitlement_items() returns one page" in message
    message = message_of(lambda: kind().iter_entitlement_items(page_sise=2))
    assert "did you mean 'page_size'?" in message


@of_both
def test_first_argument_of_the_wrong_class_is_rejected_immediately(client: Any, api: Any) -> None:
    assert message_of(lambda: client("http://127.0.0.1")) == (
        "ApiClient takes a Configuration, not 'str': write ApiClient(Configuration(host=...))"
    )
    message = message_of(lambda: api(Configuration()))
    assert message.endswith("not 'Configuration': write UsersInventoryApi(ApiClient(configuration))")
    assert message_of(lambda: api("http://127.0.0.1")).endswith("not 'str'")


@of_both
def test_setting_or_option_that_is_passed_to_the_wrong_class_is_explained(client: Any, api: Any) -> None:
    token = "a" * 20
    for kind, name, advice in (
        (client, "host", ": write ApiClient(Configuration(host=...))"),
        (client, "access_token", ": write ApiClient(Configuration(access_token=...))"),
        (client, "_retries", ": write ApiClient(...).with_options(_retries=...)"),
        (client, "config", ": did you mean 'configuration'?"),
        (client, "x", ". It takes configuration"),
        (api, "host", ": write UsersInventoryApi(ApiClient(Configuration(host=...)))"),
        (api, "client", ": did you mean 'api_client'?"),
    ):
        with pytest.raises(TypeError) as raised:
            kind(**{name: token})
        assert str(raised.value) == f"{kind.__name__}() has no parameter {name!r}{advice}"
        held = [{**frame.frame.f_locals, "self": None} for frame in raised.traceback[1:]]
        assert held
        assert token not in repr(held)


def test_blocking_and_asyncio_classes_do_not_mix() -> None:
    assert message_of(lambda: UsersInventoryApi(aio.ApiClient())) == (  # type: ignore[arg-type]
        "UsersInventoryApi takes an ApiClient of knetik_cloud, not one of knetik_cloud.aio: "
        "blocking and asyncio classes don't mix"
    )
    assert "of knetik_cloud.aio, not one of knetik_cloud:" in message_of(
        lambda: aio.UsersInventoryApi(ApiClient())  # type: ignore[arg-type]
    )


@of_both
def test_pickling_a_client_or_an_api_object_is_explained(client: Any, api: Any) -> None:
    used = client()
    assert message_of(lambda: pickle.dumps(used)) == (
        "an ApiClient can't be pickled: pass its Configuration's settings and make a new one there"
    )
    assert message_of(lambda: pickle.dumps(api(used))).startswith("a UsersInventoryApi can't be pickled")
    assert message_of(lambda: copy.deepcopy(used)).startswith("an ApiClient can't be pickled")
    assert copy.copy(used).configuration is used.configuration
    assert copy.copy(api(used)).api_client.configuration is used.configuration


@of_both
def test_reprs_contain_the_host_and_the_list(client: Any, api: Any) -> None:
    used = api(client(Configuration("http://127.0.0.1:8080", access_token="a-secret")))
    assert repr(used) == "<UsersInventoryApi of http://127.0.0.1:8080>"
    assert repr(used.iter_users_inventory(filter_username="robin", page_size=5, _headers={"X-Key": "k"})) == (
        "<Pager of get_users_inventory(filter_username='robin', size=5, _headers=...)>"
    )
    assert repr(used.iter_users_inventory(limit=3, prefetch=2, deadline=9, _retries=0)) == (
        "<Pager of get_users_inventory(limit=3, prefetch=2, deadline=9.0, _retries=0)>"
    )
    assert "a-secret" not in repr(used)


def test_async_result_reports_its_state() -> None:
    with ApiClient() as client:
        go = threading.Event()
        waiting, failing = AsyncResult(client.submit(go.wait, 9)), AsyncResult(client.submit(int, "x"))
        assert repr(waiting) == "<AsyncResult: pending>"
        go.set()
        waiting.wait(9)
        failing.wait(9)
        assert repr(waiting) == "<AsyncResult: succeeded>"
        assert repr(failing) == "<AsyncResult: failed>"


def test_deadline_that_has_passed_is_reported_in_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            ApiClient(Configuration(host)) as client,
            pytest.raises(DeadlineExceeded, match=r"deadline of 0\.2 s"),
        ):
            AccessTokenApi(client).get_o_auth_token("client_credentials", "x", _deadline=0.2)

        async def awaited() -> None:
            async with aio.ApiClient(Configuration(host)) as client:
                await aio.UsersInventoryApi(client).get_user_inventory(1, 2, _deadline=0.2)

        with pytest.raises(DeadlineExceeded, match=r"deadline of 0\.2 s \(increase _deadline\)"):
            asyncio.run(awaited())


def both_messages_of(name: str, method: Any) -> set[str]:
    """Return the messages of the blocking and of the asyncio client for a wrong method."""

    async def message_of_asyncio() -> str:
        async with aio.ApiClient() as client:
            with pytest.raises(TypeError) as raised:
                await getattr(client, name)(method, 56)
            return str(raised.value)

    with ApiClient() as client:
        message = message_of(lambda: getattr(client, name)(method, 56))
    return {message, asyncio.run(message_of_asyncio())}


@pytest.mark.parametrize("name", ["raw", "submit"])
@pytest.mark.parametrize("method", [5, None, "get_entitlement_item"])
def test_what_can_not_be_called_is_rejected_with_an_example(name: str, method: Any) -> None:
    (message,) = both_messages_of(name, method)
    assert message == (
        f"{name}() takes the method of a call and its arguments, not {method!r}: "
        f"write client.{name}(api.get_entitlement_item, 56)"
    )
