"""Generated methods as tools see them: hints, signatures with named options, source, and the variants."""

from __future__ import annotations

import copy
import functools
import inspect
import pickle
import traceback
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_type_hints

import pytest

import knetik_cloud
from knetik_cloud import ApiException, ApiResponse, Configuration, Secret, UserInventoryResource, aio
from knetik_cloud.core.options import CallOptions
from test.conftest import RecordingServer, http_response

OPTIONS = ["_request_timeout", "_deadline", "_retries", "_headers"]


def methods() -> Iterator[Any]:
    for package in (knetik_cloud, aio):
        for name in ("AccessTokenApi", "UsersInventoryApi"):
            for member, method in inspect.getmembers(getattr(package, name), inspect.isfunction):
                if not member.startswith("_") and "options" in method.__annotations__:
                    yield pytest.param(method, id=f"{method.__module__}.{member}")


@pytest.mark.parametrize("method", list(methods()))
def test_signature_names_the_options_and_hints_resolve(method: Any) -> None:
    signature, hints = inspect.signature(method), get_type_hints(method)
    *parameters, timeout, deadline, retries, headers = signature.parameters.values()
    assert [parameter.name for parameter in (timeout, deadline, retries, headers)] == OPTIONS
    assert {parameter.kind for parameter in (timeout, deadline, retries, headers)} == {
        inspect.Parameter.KEYWORD_ONLY
    }
    assert headers.annotation == get_type_hints(CallOptions)["_headers"]
    assert [parameter.name for parameter in parameters] == ["self", *list(hints)[:-2]]
    assert signature.return_annotation == hints["return"]
    assert inspect.getsource(method).lstrip().startswith(("def ", "async def ", "@name_options"))
    assert str(signature).count("_deadline") == 1


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
@pytest.mark.parametrize(
    "described", [knetik_cloud.UsersInventoryApi.get_user_inventory, Configuration, UserInventoryResource]
)
def test_signature_can_be_copied_and_pickled(described: Any, copied: Callable[[Any], Any]) -> None:
    signature = copied(inspect.signature(described))
    assert type(signature) is inspect.Signature
    assert signature == inspect.signature(described)


def test_function_that_wraps_a_method_can_be_sent_to_another_process() -> None:
    cloudpickle = pytest.importorskip("cloudpickle")

    @functools.wraps(knetik_cloud.UsersInventoryApi.get_user_inventory)
    def wrapper(*arguments: Any) -> Any:
        return arguments

    received = pickle.loads(cloudpickle.dumps(wrapper))
    assert inspect.signature(received) == inspect.signature(wrapper)


@pytest.mark.parametrize("name", knetik_cloud.models.__all__)
def test_hints_of_models_resolve(name: str) -> None:
    hints = get_type_hints(getattr(knetik_cloud, name))
    assert getattr(knetik_cloud, name)._fields.keys() <= hints.keys()


@pytest.mark.parametrize("package", [knetik_cloud, aio])
def test_variant_is_named_documented_and_typed_as_one(package: Any) -> None:
    variant = package.UsersInventoryApi.get_user_inventory_with_http_info
    assert variant.__name__ == "get_user_inventory_with_http_info"
    assert variant.__qualname__ == "UsersInventoryApi.get_user_inventory_with_http_info"
    assert variant.__doc__.startswith("Call `get_user_inventory`")
    assert get_args(get_type_hints(variant)["return"]) == (knetik_cloud.UserInventoryResource,)
    assert list(inspect.signature(variant).parameters) == ["self", "user_id", "id", *OPTIONS]
    bound = inspect.signature(package.UsersInventoryApi().get_user_inventory_with_http_info)
    assert list(bound.parameters) == ["user_id", "id", *OPTIONS]
    assert inspect.iscoroutinefunction(variant) is (package is aio)


class Lazy:
    """A function of Python 3.14 whose annotations name what only type checkers import."""

    @property
    def __annotations__(self) -> dict[str, Any]:  # type: ignore[override]
        raise NameError("name 'Order' is not defined")


def test_annotations_that_cannot_be_evaluated_break_no_subclass(monkeypatch: pytest.MonkeyPatch) -> None:
    lazy = Lazy()
    assert vars(type("Own", (knetik_cloud.UsersInventoryApi,), {"grant_for": lazy}))["grant_for"] is lazy

    def reject(owner: type) -> dict[str, Any]:
        if owner.__name__ == "Own":
            raise NameError("name 'Order' is not defined")
        return inspect_annotations(owner)

    inspect_annotations = inspect.get_annotations
    monkeypatch.setattr(inspect, "get_annotations", reject)
    own = type("Own", (knetik_cloud.EntitlementItem,), {})
    assert str(inspect.signature(own).parameters["name"]).startswith("name: ")


def test_class_may_have_a_method_of_another_object() -> None:
    api = knetik_cloud.UsersInventoryApi(knetik_cloud.ApiClient(Configuration("http://127.0.0.1:1")))

    class Mine(knetik_cloud.UsersInventoryApi):
        read = api.get_user_inventory

    assert "_deadline" in inspect.signature(Mine.read).parameters


def test_variant_of_an_overridden_class_keeps_its_base(server: RecordingServer) -> None:
    class Own(knetik_cloud.UsersInventoryApi):
        def get_user_inventory(self, *args: Any, **kwargs: Any) -> Any:
            raise AssertionError("not called by the variant of the base class")

    server.responses = [http_response(200, b'{"id": 5}')]
    with knetik_cloud.ApiClient(Configuration(server.url)) as client:
        response = Own(client).get_user_inventory_with_http_info(1, 2)
    assert isinstance(response, ApiResponse)
    assert (response.status, response.data.id) == (200, 5)


def test_secret_of_a_variant_is_in_no_frame() -> None:
    api = knetik_cloud.AccessTokenApi(knetik_cloud.ApiClient(Configuration("http://127.0.0.1:1", retries=0)))
    canary = "".join(("cana", "ry-secret"))
    with pytest.raises(ApiException) as caught:
        api.get_o_auth_token_with_http_info(client_secret=canary)
    frames = [
        frame for frame, _ in traceback.walk_tb(caught.value.__traceback__) if "knetik_cloud" in str(frame)
    ]
    assert frames
    for frame in frames[1:]:
        assert canary not in repr(frame.f_locals), frame
    variants = [frame for frame in frames if frame.f_code.co_name == "variant"]
    assert [type(frame.f_locals["kwargs"]["client_secret"]) for frame in variants] == [Secret]
