"""The semantics that callers rely on, a test for each: what is sent, what is refused, what comes back."""

from __future__ import annotations

import gc
import pickle
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pprint import pformat
from typing import Any

import pytest
from urllib3.exceptions import InsecureRequestWarning

import knetik_cloud
from knetik_cloud import (
    ApiClient,
    ApiException,
    ApiResponseError,
    ApiValueError,
    Configuration,
    EntitlementItem,
    NotFoundException,
    UsersInventoryApi,
)

from .conftest import RecordingServer, http_response

# The API object


def test_api_object_makes_a_client_from_a_default_configuration(
    server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KNETIK_CLOUD_HOST", server.url)
    with UsersInventoryApi() as api:
        assert api.get_entitlement_item(56) is not None


def test_api_object_closes_its_own_client_and_no_other(server: RecordingServer, client: ApiClient) -> None:
    UsersInventoryApi(client).close()
    assert UsersInventoryApi(client).get_entitlement_item(56) is not None

    own = UsersInventoryApi()
    own.close()
    with pytest.raises(ApiValueError, match="closed"):
        own.get_entitlement_item(56)


def test_api_object_that_is_dropped_takes_its_client_along() -> None:
    api = UsersInventoryApi()
    reference = weakref.ref(api.api_client)
    del api
    gc.collect()
    assert reference() is None


# Parameters


def test_required_parameters_are_positional_or_by_keyword(
    server: RecordingServer, api: UsersInventoryApi
) -> None:
    api.get_user_inventory(56, 57)
    api.get_user_inventory(id=57, user_id=56)
    assert server.requests[0] == server.requests[1]


def test_optional_parameters_are_keyword_only(api: UsersInventoryApi) -> None:
    with pytest.raises(TypeError):
        api.get_entitlement_items(25)  # type: ignore[misc]


def test_none_for_an_optional_parameter_is_not_sent(server: RecordingServer, api: UsersInventoryApi) -> None:
    api.get_entitlement_items(size=None, page=2, order=None)
    assert server.requests[0].startswith(b"GET /entitlements?page=2 ")


def test_unknown_keyword_is_a_type_error(server: RecordingServer, api: UsersInventoryApi) -> None:
    with pytest.raises(TypeError, match="filter_nme"):
        api.get_users_inventory(filter_nme="x")  # type: ignore[call-arg]
    assert server.requests == []


@pytest.mark.parametrize("value", [56, "56"])
def test_integer_parameter_accepts_an_int_or_its_text(
    value: Any, server: RecordingServer, api: UsersInventoryApi
) -> None:
    api.get_entitlement_item(value)
    assert server.requests[0].startswith(b"GET /entitlements/56 ")


@pytest.mark.parametrize("value", [True, 1.5, "x", "1.0", " 1", "", "\u0661", 2**31, -(2**31) - 1, [1]])
def test_integer_parameter_rejects_everything_else(
    value: Any, server: RecordingServer, api: UsersInventoryApi
) -> None:
    with pytest.raises(ApiValueError, match="entitlement_id"):
        api.get_entitlement_item(value)
    assert server.requests == []


def test_integer_too_long_for_a_text_is_rejected(server: RecordingServer, api: UsersInventoryApi) -> None:
    with pytest.raises(ApiValueError, match="entitlement_id"):
        api.get_entitlement_item(10**5000)
    assert server.requests == []


@pytest.mark.parametrize("value", ["me", 56, "56", "user_id_example"])
def test_user_id_may_be_me_where_the_service_allows_it(
    value: Any, server: RecordingServer, api: UsersInventoryApi
) -> None:
    api.get_user_inventory(value, 1)
    assert server.requests[0].startswith(f"GET /users/{value}/inventory/1 ".encode())


def test_missing_parameter_is_a_type_error(server: RecordingServer, api: UsersInventoryApi) -> None:
    with pytest.raises(TypeError):
        api.get_user_inventory(56)  # type: ignore[call-arg]
    assert server.requests == []


def test_none_for_a_required_parameter_is_an_api_value_error(
    server: RecordingServer, api: UsersInventoryApi
) -> None:
    with pytest.raises(ApiValueError, match="get_entitlement_item requires entitlement_id"):
        api.get_entitlement_item(None)  # type: ignore[arg-type]
    assert server.requests == []


# Path and header values


@pytest.mark.parametrize(
    ("value", "segment"),
    [("a/b", "a%2Fb"), ("a?b=1#c", "a%3Fb%3D1%23c"), ("../x", "..%2Fx"), ("%2e%2e", "%252e%252e")],
)
def test_path_value_is_one_encoded_segment(
    value: str, segment: str, server: RecordingServer, api: UsersInventoryApi
) -> None:
    api.get_entitlement_template(value)
    assert server.requests[0].startswith(f"GET /entitlements/templates/{segment} ".encode())


@pytest.mark.parametrize("value", ["", ".", "..", "\ud800"])
def test_path_value_that_is_not_a_segment_is_rejected(
    value: str, server: RecordingServer, api: UsersInventoryApi
) -> None:
    with pytest.raises(ApiValueError):
        api.get_entitlement_template(value)
    assert server.requests == []


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\x00", "\u20ac"])
def test_header_value_that_could_inject_is_rejected(
    value: str, server: RecordingServer, api: UsersInventoryApi
) -> None:
    with pytest.raises(ApiValueError, match="X-Test"):
        api.get_entitlement_item(56, _headers={"X-Test": value})
    assert server.requests == []


# call_api


def test_call_api_calls_a_path_that_has_no_method(server: RecordingServer, client: ApiClient) -> None:
    server.responses = [http_response(200, b'{"id":56,"name":"Potion"}')]

    item = client.call_api(
        "/items/{id}",
        "PUT",
        {"id": "a/b"},
        {"deep": True, "n": 3, "left_out": None},
        {"X-Trace": "t"},
        EntitlementItem(name="Potion"),
        "EntitlementItem",
    )

    assert isinstance(item, EntitlementItem)
    head, body = server.requests[0].split(b"\r\n\r\n")
    assert head.startswith(b"PUT /items/a%2Fb?deep=true&n=3 ")
    assert b"X-Trace: t\r\n" in head
    assert body == b'{"type_hint":"entitlement","name":"Potion"}'


def test_call_api_rejects_a_path_with_missing_parameters(server: RecordingServer, client: ApiClient) -> None:
    with pytest.raises(ApiValueError, match="path parameters"):
        client.call_api("/items/{id}", "GET")
    assert server.requests == []


@pytest.mark.parametrize("response_type", ["Nope", "list[Nope]", "dict[str, Nope]", "not a type"])
def test_call_api_rejects_an_unknown_response_type_before_anything_is_sent(
    response_type: str, server: RecordingServer, client: ApiClient
) -> None:
    with pytest.raises(ApiValueError, match=r"Nope|not a type"):
        client.call_api("/entitlements", "POST", body={}, response_type=response_type)
    assert server.requests == []


def test_call_api_rejects_parameters_other_than_a_dict(server: RecordingServer, client: ApiClient) -> None:
    with pytest.raises(ApiValueError, match="query_params"):
        client.call_api("/entitlements", "GET", query_params=[("size", 1)])  # type: ignore[arg-type]
    assert server.requests == []


@pytest.mark.parametrize("path", ["/../x", "/a/./b", "/a/.."])
def test_call_api_rejects_dot_segments(path: str, server: RecordingServer, client: ApiClient) -> None:
    with pytest.raises(ApiValueError, match="resource_path"):
        client.call_api(path, "GET")
    assert server.requests == []


@pytest.mark.parametrize(
    "response_type", [5, "dict", "annotations", "list[", "dict(str, int)", "Model", "__doc__"]
)
def test_call_api_rejects_a_response_type_that_is_not_a_name(
    response_type: Any, server: RecordingServer, client: ApiClient
) -> None:
    with pytest.raises(ApiValueError):
        client.call_api("/x", "POST", query_params={}, response_type=response_type)
    assert server.requests == []


# The request


@pytest.mark.parametrize(
    ("value", "body"), [(0, b"0"), ("", b'""'), (False, b"false"), ({}, b"{}"), ([], b"[]")]
)
def test_falsy_body_is_sent(value: Any, body: bytes, server: RecordingServer, client: ApiClient) -> None:
    client.call_api("/x", "POST", body=value)
    assert b"Content-Type: application/json" in server.requests[0]
    assert server.requests[0].endswith(b"\r\n\r\n" + body)


def test_none_body_sends_no_body_and_no_content_type(server: RecordingServer, api: UsersInventoryApi) -> None:
    server.responses = [http_response(200)]
    api.update_user_inventory_expires(56, 57, timestamp=None)
    assert b"Content-Type" not in server.requests[0]
    assert server.requests[0].endswith(b"Content-Length: 0\r\n\r\n")


def test_user_agent_is_our_own(server: RecordingServer) -> None:
    UsersInventoryApi(ApiClient(Configuration(server.url))).get_entitlement_item(1)
    assert f"User-Agent: knetik_cloud/{knetik_cloud.__version__} python/".encode() in server.requests[0]


# Empty responses


@pytest.mark.parametrize(("status", "body"), [(204, b""), (201, b""), (201, b"null")])
def test_empty_response_of_an_operation_that_may_be_empty_is_none(
    status: int, body: bytes, server: RecordingServer, api: UsersInventoryApi
) -> None:
    server.responses = [http_response(status, body)]
    request = knetik_cloud.UserInventoryAddRequest(note="n", sku="s", skip_invoice=True)
    assert api.add_item_to_user_inventory(56, user_inventory_add_request=request) is None
    template = knetik_cloud.ItemTemplateResource(name="t")
    assert api.update_entitlement_template("t", template=template) is None


@pytest.mark.parametrize("body", [b"", b"null"])
def test_empty_response_where_a_model_is_expected_is_an_error(
    body: bytes, server: RecordingServer, api: UsersInventoryApi
) -> None:
    server.responses = [http_response(200, body)]
    with pytest.raises(ApiResponseError, match="expected EntitlementItem") as caught:
        api.get_entitlement_item(56)
    assert caught.value.status == 200


def test_retried_delete_with_404_after_an_ambiguous_attempt_succeeds(server: RecordingServer) -> None:
    server.responses = [http_response(503), http_response(404)]
    with ApiClient(Configuration(server.url)) as client:
        response = UsersInventoryApi(client).delete_entitlement_item_with_http_info(56)
    assert response.data is None
    assert [attempt.status for attempt in response.attempts] == [503, 404]
    assert "already deleted by an earlier attempt" in str(response.attempts[-1])


def test_delete_with_404_to_its_first_attempt_is_an_error(
    server: RecordingServer, api: UsersInventoryApi
) -> None:
    server.responses = [http_response(404)]
    with pytest.raises(knetik_cloud.NotFoundException):
        api.delete_entitlement_item(56)


# Bodies


def test_required_fields_are_checked_when_sent_naming_all(
    server: RecordingServer, api: UsersInventoryApi
) -> None:
    request = knetik_cloud.UserInventoryAddRequest()
    request.sku = "s"
    with pytest.raises(ApiValueError, match=r"\.note, .*\.skip_invoice"):
        api.add_item_to_user_inventory(56, user_inventory_add_request=request)

    item = EntitlementItem(behaviors=[knetik_cloud.Fulfillable()])
    with pytest.raises(ApiValueError, match=r"behaviors\[0\]\.type_name.*entitlement_item\.name"):
        api.create_entitlement_item(entitlement_item=item)
    assert server.requests == []


def test_read_only_fields_are_sent_back_unchanged(server: RecordingServer, api: UsersInventoryApi) -> None:
    sent = b'{"id":56,"type_hint":"entitlement","unheard_of":{"a":[1,2]},"name":"Potion","created_date":1}'
    server.responses = [http_response(200, sent), http_response(204)]
    item = api.get_entitlement_item(56)
    item.name = "Elixir"
    api.update_entitlement_item(56, entitlement_item=item)
    assert server.requests[1].endswith(b"\r\n\r\n" + sent.replace(b"Potion", b"Elixir"))


def test_body_may_be_given_as_a_dict(server: RecordingServer, api: UsersInventoryApi) -> None:
    server.responses = [http_response(202)]
    api.grant_user_entitlement(56, {"entitlement_id": 57})  # type: ignore[arg-type]
    assert server.requests[0].endswith(b'{"entitlement_id":57}')


# Answers


def test_behaviors_and_properties_come_back_as_their_subclasses(
    server: RecordingServer, api: UsersInventoryApi
) -> None:
    server.responses = [
        http_response(
            200,
            b'{"behaviors":[{"type_hint":"consumable","max_use":3},{"type_hint":"expirable"},{"type_hint":"new"}],'
            b'"additional_properties":{"c":{"type":"text","value":"red"},"f":{"type":"file_group",'
            b'"files":[{"type":"image","url":"u"},{"type":"text"}]}}}',
        )
    ]
    item = api.get_entitlement_item(56)
    assert [type(behavior).__name__ for behavior in item.behaviors or []] == [
        "Consumable",
        "Expirable",
        "Behavior",
    ]
    properties = item.additional_properties or {}
    assert isinstance(properties["c"], knetik_cloud.TextProperty)
    files = properties["f"].files  # type: ignore[attr-defined]
    assert [type(file).__name__ for file in files] == ["ImageProperty", "FileProperty"]


def test_page_prints_readably(server: RecordingServer, api: UsersInventoryApi) -> None:
    server.responses = [
        http_response(200, b'{"content":[{"id":1,"user":{"id":56,"username":"robin"}}],"size":25,"odd":null}')
    ]
    assert pformat(api.get_users_inventory()) == (
        "PageResourceUserInventoryResource(\n"
        "    content=[\n"
        "        UserInventoryResource(\n"
        "            id=1,\n"
        "            user=SimpleUserResource(id=56, username='robin'),\n"
        "        ),\n"
        "    ],\n"
        "    size=25,\n"
        "    odd=None,\n"
        ")"
    )


def test_token_shows_in_no_repr_but_is_there(server: RecordingServer, client: ApiClient) -> None:
    server.responses = [
        http_response(200, b'{"access_token":"canary","refresh_token":"canary2","expires_in":"60"}')
    ]
    token = knetik_cloud.AccessTokenApi(client).get_o_auth_token(client_secret="s")
    assert "canary" not in repr(token) + token.to_str() + pformat(token)
    assert (token.access_token, token.refresh_token) == ("canary", "canary2")
    assert token.to_dict()["access_token"] == "canary"


# Ways to call


def test_with_http_info_returns_data_status_headers(server: RecordingServer, api: UsersInventoryApi) -> None:
    server.responses = [http_response(200, b'{"id":56}', "X-Kind: test")]
    data, status, headers = api.get_entitlement_item_with_http_info(56)
    assert (data.id, status, headers["x-kind"]) == (56, 200, "test")


def test_async_req_returns_a_result_to_wait_for(api: UsersInventoryApi) -> None:
    pending: Any = api.get_entitlement_item(56, async_req=True)  # type: ignore[call-arg]
    assert isinstance(pending.get(10), EntitlementItem)
    assert pending.ready()
    assert pending.successful()


@pytest.mark.parametrize("value", [False, None])
def test_async_req_that_is_not_set_has_no_effect(
    client: ApiClient, api: UsersInventoryApi, value: bool | None
) -> None:
    assert isinstance(api.get_entitlement_item(56, async_req=value), EntitlementItem)  # type: ignore[call-arg]
    assert client.call_api("/any", "GET", async_req=value) is None


def test_return_http_data_only_that_is_not_set_keeps_the_result_of_the_method(api: UsersInventoryApi) -> None:
    response: Any = api.get_entitlement_item_with_http_info(56, _return_http_data_only=None)  # type: ignore[call-arg]
    assert response.status == 200


def test_submit_returns_a_future_of_the_methods_type(client: ApiClient, api: UsersInventoryApi) -> None:
    assert isinstance(client.submit(api.get_entitlement_item, 56).result(10), EntitlementItem)


def test_submitted_call_may_take_keywords_and_close_its_client(
    client: ApiClient, api: UsersInventoryApi
) -> None:
    assert isinstance(client.submit(api.get_entitlement_item, entitlement_id=56).result(10), EntitlementItem)
    client.submit(client.close).result(10)


def test_write_that_no_thread_could_be_started_for_is_not_sent_later(
    server: RecordingServer, client: ApiClient, api: UsersInventoryApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reject(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", reject)
        for submit in (client.submit, lambda method, *args: method(*args, async_req=True)):
            with pytest.raises(ApiValueError, match=r"no thread can be started \(can't start new thread\)"):
                submit(api.use_user_entitlement_item, 56, 57)
    assert isinstance(client.submit(api.get_entitlement_item, 56).result(10), EntitlementItem)
    assert [request.split(b" ")[0] for request in server.requests] == [b"GET"]


def test_future_of_a_submitted_call_has_its_error_and_can_be_cancelled(
    server: RecordingServer, api: UsersInventoryApi
) -> None:
    server.responses = [http_response(404)]
    with ApiClient(Configuration(server.url, pool_size=1)) as client:
        is_free = threading.Event()
        busy = client.submit(is_free.wait, 10)
        cancelled = client.submit(api.get_entitlement_item, 56)
        assert cancelled.cancel()
        is_free.set()
        assert busy.result(10)
        error = client.submit(UsersInventoryApi(client).get_entitlement_item, 56).exception(10)
    assert isinstance(error, NotFoundException)
    assert len(server.requests) == 1


def submit_until_rejected(client: ApiClient) -> BaseException:
    """Submit calls until one is rejected, and return the error."""
    api = UsersInventoryApi(client)
    while True:
        try:
            client.submit(api.get_entitlement_item, 56)
        except Exception as error:
            return error


def test_submit_that_races_close_reports_that_the_client_is_closed(server: RecordingServer) -> None:
    with ThreadPoolExecutor(3) as pool:
        for _ in range(20):
            client = ApiClient(Configuration(server.url))
            submitting = [pool.submit(submit_until_rejected, client) for _ in range(3)]
            client.close()
            assert [type(future.result(10)) for future in submitting] == [ApiValueError] * 3


def test_raw_response_streams(server: RecordingServer, client: ApiClient, api: UsersInventoryApi) -> None:
    server.responses = [http_response(200, b'{"id":56}')]
    with client.raw(api.get_entitlement_item, 56) as response:
        assert (response.status, response.read(4), response.read()) == (200, b'{"id', b'":56}')
    streamed: Any = api.get_entitlement_item(56, _preload_content=False)  # type: ignore[call-arg]
    assert b"".join(streamed.stream(2)) == b'{"id":56}'


def test_return_http_data_only_false_returns_all_three(
    server: RecordingServer, api: UsersInventoryApi
) -> None:
    response: Any = api.get_entitlement_item(56, _return_http_data_only=False)  # type: ignore[call-arg]
    assert response.status == 200


def test_options_of_a_call_override_those_of_the_view(
    server: RecordingServer, api: UsersInventoryApi
) -> None:
    view = api.with_options(_headers={"X-A": "view", "X-B": "view"})
    view.get_entitlement_item(56, _headers={"x-a": "call"})
    assert b"x-a: call\r\n" in server.requests[0]
    assert b"X-B: view\r\n" in server.requests[0]
    assert b"X-A" not in server.requests[0]


def test_header_is_sent_once_in_its_latest_letter_case(
    server: RecordingServer, client: ApiClient, api: UsersInventoryApi
) -> None:
    for name in ("x-trace", "X-TRACE", "user-agent"):
        client.set_default_header(name, "default")
    view = api.with_options(_headers={"X-Trace": "view"})
    api.get_entitlement_item(56)
    view.get_entitlement_item(56)
    view.get_entitlement_item(56, _headers={"x-trace": "call"})
    sent = [
        [line for line in request.split(b"\r\n") if line.lower().startswith((b"x-trace", b"user-agent"))]
        for request in server.requests
    ]
    assert [sorted(lines) for lines in sent] == [
        [b"X-TRACE: default", b"user-agent: default"],
        [b"X-Trace: view", b"user-agent: default"],
        [b"user-agent: default", b"x-trace: call"],
    ]


def test_header_of_the_sdk_that_a_caller_replaces_is_sent_once(
    server: RecordingServer, api: UsersInventoryApi
) -> None:
    own = {"accept": "application/vnd.own+json", "CONTENT-TYPE": "application/vnd.own"}
    api.update_user_inventory_status(56, 57, inventory_status="active", _headers=own)
    lines = server.requests[0].split(b"\r\n")
    assert [line for line in lines if line.lower().startswith((b"accept:", b"content-type:"))] == [
        b"Accept: application/vnd.own+json",
        b"Content-Type: application/vnd.own",
    ]


def test_view_of_a_view_keeps_what_it_does_not_set(server: RecordingServer, api: UsersInventoryApi) -> None:
    view = api.with_options(_headers={"X-A": "1", "X-C": "1"}, _deadline=5, _retries=1)
    view = view.with_options(_headers={"X-B": "2", "x-c": "2"}, _deadline=None, _retries=0)
    view.with_options(_headers=None).get_entitlement_item(56)
    assert all(line in server.requests[0] for line in (b"X-A: 1\r\n", b"X-B: 2\r\n", b"x-c: 2\r\n"))
    assert b"X-C" not in server.requests[0]
    settings = view.api_client._current()[1]
    assert (settings.deadline, settings.retries) == (5, 0)
    with pytest.raises(TypeError, match="_deadlin"):
        view.with_options(_deadlin=None)  # type: ignore[call-arg]


def test_view_shares_the_connections_of_its_client(server: RecordingServer, api: UsersInventoryApi) -> None:
    view = api.with_options(_retries=0)
    assert view.api_client.configuration is api.api_client.configuration


# Errors


def test_error_starts_with_status_and_reason(server: RecordingServer, api: UsersInventoryApi) -> None:
    server.responses = [
        http_response(
            404,
            b'{"code":1,"request_id":"r-1","result":[{"message":"no such entry","field":"id"}]}',
            "X-A: b",
        )
    ]
    with pytest.raises(knetik_cloud.NotFoundException) as caught:
        api.get_user_inventory(56, 57)
    error = caught.value
    assert str(error).startswith("(404)\nReason: Reason\n")
    assert "no such entry" in str(error)
    assert "r-1" in str(error)
    assert (error.code, error.request_id, error.errors[0].field) == (1, "r-1", "id")
    assert isinstance(error.body, str)
    assert error.headers["x-a"] == "b"
    assert error.operation == "get_user_inventory"
    assert "/users/56/inventory/57" in (error.as_curl() or "")
    twin = pickle.loads(pickle.dumps(error))
    assert (str(twin), twin.status, twin.errors) == (str(error), 404, error.errors)


def test_api_exception_constructs_as_in_older_sdks() -> None:
    class HttpResponse:
        status, reason, data = 418, "Teapot", '{"a":1}'

        def getheaders(self) -> dict[str, str]:
            return {"X-A": "b"}

    error = ApiException(http_resp=HttpResponse())
    assert (error.status, error.reason, error.body, error.headers["x-a"]) == (418, "Teapot", '{"a":1}', "b")
    assert ApiException(status=0, reason="r").reason == "r"
    assert knetik_cloud.rest.ApiException is ApiException


def test_error_of_many_reasons_stays_small(server: RecordingServer, api: UsersInventoryApi) -> None:
    rows = b",".join([b'{"message":"m"}'] * 500)
    server.responses = [http_response(400, b'{"result":[' + rows + b"]}")]
    with pytest.raises(knetik_cloud.BadRequestException) as caught:
        api.get_entitlement_item(56)
    assert len(caught.value.errors) == 100
    assert "... and 90 more" in str(caught.value)
    assert len(str(caught.value)) < 3000


def test_error_body_other_than_a_result_is_kept_as_text(
    server: RecordingServer, api: UsersInventoryApi
) -> None:
    body = b'{"result":[' + b"{}," * 400_000 + b"{}]}"
    server.responses = [http_response(400, body)]
    with pytest.raises(knetik_cloud.BadRequestException) as caught:
        api.get_entitlement_item(56)
    assert caught.value.errors == ()
    assert caught.value.body == body.decode()


@pytest.mark.parametrize("charset", ["punycode", "unicode_escape", "idna", "utf-7", "nonsense"])
def test_response_in_an_unsupported_character_set_is_rejected(
    charset: str, server: RecordingServer, api: UsersInventoryApi
) -> None:
    server.responses = [
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset={charset}\r\n"
        "Content-Length: 2\r\n\r\n{}".encode()
    ]
    with pytest.raises(ApiResponseError, match="character set"):
        api.get_entitlement_item(56)


# Configuration


def test_misspelled_setting_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="verify_ssl"):
        Configuration().verify_sll = False  # type: ignore[attr-defined]


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOST", "ACCESS_TOKEN", "CLIENT_ID", "CLIENT_SECRET", "USERNAME", "PASSWORD"):
        monkeypatch.setenv(f"KNETIK_CLOUD_{name}", "http://h" if name == "HOST" else name)
    configuration = Configuration()
    assert configuration.host == "http://h"
    assert configuration.access_token is not None
    assert configuration.access_token.reveal() == "ACCESS_TOKEN"
    assert (configuration.client_id, configuration.username) == ("CLIENT_ID", "USERNAME")
    assert Configuration(host="http://other").host == "http://other"


def test_verify_ssl_false_works_and_warns() -> None:
    from knetik_cloud.wire.routes import ConnectionSettings
    from knetik_cloud.wire.tls import tls_context

    with pytest.warns(InsecureRequestWarning):
        assert not tls_context(ConnectionSettings.of(Configuration(verify_ssl=False))).check_hostname
