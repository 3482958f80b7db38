"""Settings and options: every number that makes sense is taken, every other one refused when it is given."""

from __future__ import annotations

import copy
import enum
import inspect
import math
import pickle
import ssl
from decimal import Decimal
from fractions import Fraction
from typing import Any, get_args, get_type_hints

import pytest

from knetik_cloud import ApiClient, ApiValueError, Configuration, Secret
from knetik_cloud.configuration import Setting
from knetik_cloud.core import options
from knetik_cloud.core.options import Settings
from knetik_cloud.hooks import Hook
from knetik_cloud.wire.routes import ConnectionSettings
from knetik_cloud.wire.tls import tls_context
from test.faults.server import CERTIFICATES


@pytest.mark.parametrize("value", [1, 0.5, Decimal("2.5"), Fraction(1, 3), math.inf, 1e-9, 1e300])
def test_limits_are_numbers_of_any_type(value: Any) -> None:
    assert options.time_limit("timeout", value) == float(value)


@pytest.mark.parametrize(
    "value", [0, -1, math.nan, Decimal("nan"), Decimal("-1"), True, False, "1", b"1", None, 1j, [], -math.inf]
)
def test_other_limits_are_rejected(value: Any) -> None:
    with pytest.raises(ApiValueError, match="above 0"):
        options.time_limit("timeout", value)


def test_a_timeout_is_one_number_or_a_pair() -> None:
    assert options.timeouts("timeout", 3) == (3.0, 3.0)
    assert options.timeouts("timeout", (1, Decimal(2))) == (1.0, 2.0)
    assert options.timeouts("timeout", [1, 2]) == (1.0, 2.0)
    for wrong in ((), (1,), (1, 2, 3), (1, 0), (None, 1)):
        with pytest.raises(ApiValueError):
            options.timeouts("timeout", wrong)


def test_counts_are_whole_numbers() -> None:
    class Whole:
        def __index__(self) -> int:
            return 4

    assert options.integer("retries", Whole(), 0) == 4
    assert options.integer("retries", 0, 0) == 0
    for wrong in (-1, True, 1.0, "1", None, Decimal(1)):
        with pytest.raises(ApiValueError, match="int of 0 or more"):
            options.integer("retries", wrong, 0)


def test_an_option_comes_before_a_view_and_a_view_before_the_configuration() -> None:
    settings = Settings(1, 2, 3, 4, {"A": "b"})
    view = settings.with_options({"_deadline": 30, "_headers": {"C": "d"}})
    call = view.with_options(
        {"_deadline": None, "_retries": 0, "_request_timeout": (5, 6), "_headers": {"A": "x"}}
    )
    assert (call.connect, call.read, call.deadline, call.retries) == (5, 6, 30, 0)
    assert call.headers == {"A": "x", "C": "d"}
    assert (settings.deadline, settings.headers) == (3, {"A": "b"})


def test_an_unknown_option_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="_deadlin"):
        Settings(1, 2, 3, 4, {}).with_options({"_deadlin": 5})


@pytest.mark.parametrize(
    "name", ["Content-Length", "HOST", "transfer-encoding", "Connection", "Accept-Encoding"]
)
def test_headers_of_the_transport_are_rejected(name: str) -> None:
    with pytest.raises(ApiValueError, match="transport"):
        options.headers("_headers", {name: "x"})


def test_an_encrypted_key_is_rejected_without_a_prompt() -> None:
    certificate, encrypted = str(CERTIFICATES / "client.pem"), str(CERTIFICATES / "encrypted.pem")
    for configuration in (
        Configuration(cert_file=certificate, key_file=encrypted),
        Configuration(cert_file=encrypted),
    ):
        with pytest.raises(ApiValueError, match=r"encrypted\.pem' is encrypted: decrypt it .* ssl_context"):
            tls_context(ConnectionSettings.of(configuration))


@pytest.mark.parametrize(
    "name", ["authorization", "AUTHORIZATION", "Cookie", "X-Api-Key", "Proxy-Authorization"]
)
def test_secret_headers_are_stored_as_secrets(name: str) -> None:
    (held,) = options.headers("_headers", {name: "canary"}).values()
    assert isinstance(held, Secret)


@pytest.mark.parametrize("headers", [[("Authorization", "canary")], "Authorization: canary", b"canary"])
def test_headers_that_are_no_dict_are_rejected_without_their_values(headers: Any) -> None:
    with pytest.raises(ApiValueError) as caught:
        options.headers("_headers", headers)
    kind = type(headers).__name__
    assert caught.value.reason == f"_headers must be a dict of header names to strings, not {kind}"


@pytest.mark.parametrize("name", ["timeot", "acess_token", "x"])
def test_a_misspelled_setting_is_an_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError, match=name):
        setattr(Configuration(), name, 5)
    with pytest.raises(TypeError):
        Configuration(**{name: 5})


def test_a_configuration_with_secrets_is_copied_but_not_pickled() -> None:
    configuration = Configuration(access_token="canary-token", proxy="http://robin:canary@proxy:1")
    for twin in (copy.copy(configuration), copy.deepcopy(configuration)):
        assert twin.access_token == configuration.access_token
        twin.timeout = 1
        assert configuration.timeout != 1
    with pytest.raises(TypeError, match="access_token"):
        pickle.dumps(configuration)
    configuration.access_token = None
    with pytest.raises(TypeError, match="proxy"):
        pickle.dumps(configuration)
    assert "canary" not in repr(configuration)
    configuration.proxy = None
    assert pickle.loads(pickle.dumps(configuration)).host == configuration.host


def test_settings_that_an_older_version_did_not_pickle_have_their_defaults() -> None:
    pickled = Configuration(host="https://example.com", retries=5)
    for name in ("hooks", "max_json_values"):  # new since version 1.0.0
        del vars(pickled)[name]
    configuration = pickle.loads(pickle.dumps(pickled))
    assert (configuration.retries, configuration.hooks) == (5, ())
    assert configuration.max_json_values == Configuration().max_json_values


def test_each_assignment_is_seen_by_the_clients() -> None:
    configuration = Configuration(host="http://127.0.0.1:1")
    with ApiClient(configuration) as client:
        before = client._shared.current()
        assert client._shared.current() is before
        configuration.retries = 0
        after = client._shared.current()
        assert after is not before
        assert after.settings.retries == 0


@pytest.mark.parametrize(
    ("given", "origin", "base_path"),
    [
        ("http://Example.COM/", "http://example.com", ""),
        ("https://example.com:8443/a/b/", "https://example.com:8443", "/a/b"),
        ("http://[::1]:80/x", "http://[::1]:80", "/x"),
        ("HTTP://[FE80::1%25enP4p1s0]:81/X", "http://[fe80::1%25enP4p1s0]:81", "/X"),
        ("http://127.0.0.1", "http://127.0.0.1", ""),
    ],
)
def test_a_host_is_an_origin_and_a_base_path(given: str, origin: str, base_path: str) -> None:
    configuration = Configuration(host=given)
    assert (configuration.origin, configuration.base_path) == (origin, base_path)


def test_an_empty_host_is_an_error_and_other_empty_settings_count_as_not_passed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KNETIK_CLOUD_CLIENT_ID", "from-environment")
    with pytest.raises(ApiValueError, match="host must be a URL"):
        Configuration(host="")
    assert Configuration(client_id="", username="").client_id == "from-environment"
    monkeypatch.setenv("KNETIK_CLOUD_HOST", "")
    assert Configuration(host=None).host == "https://sandbox.knetikcloud.com"


def test_none_is_assigned_where_the_type_allows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNETIK_CLOUD_CLIENT_ID", "from-environment")
    monkeypatch.setenv("KNETIK_CLOUD_ACCESS_TOKEN", "from-environment")
    configuration = Configuration("http://localhost", client_id="mine", access_token="mine")
    for name, hint in get_type_hints(Configuration).items():
        if not isinstance(vars(Configuration).get(name), Setting):
            continue
        if type(None) in get_args(get_args(hint)[1]):
            setattr(configuration, name, None)
        else:
            with pytest.raises(ApiValueError, match=f"^{name} must be "):
                setattr(configuration, name, None)
    assert configuration.host == "https://sandbox.knetikcloud.com"
    assert configuration.client_id == "from-environment"
    assert configuration.access_token is None


def test_hooks_are_a_list_of_hook_objects() -> None:
    hook = Hook()
    assert Configuration(hooks=[hook]).hooks == (hook,)
    for wrong in ([hook, 1], hook.on_call_start, "hook", None):
        with pytest.raises(ApiValueError, match=r"hooks must be a list of knetik_cloud\.Hook objects"):
            Configuration(hooks=wrong)  # type: ignore[arg-type]


def test_a_setting_is_declared_once_for_the_constructor_the_attribute_and_the_documentation() -> None:
    parameters = inspect.signature(Configuration).parameters
    hints = get_type_hints(Configuration)
    documented = (inspect.getdoc(Configuration) or "").partition("Attributes:")[2]
    assert list(parameters) == [name for name in hints if isinstance(vars(Configuration).get(name), Setting)]
    for name, parameter in parameters.items():
        declared = vars(Configuration)[name]
        assert f"    {name}: {inspect.getdoc(declared)}\n" in f"{documented}\n", name
        assert getattr(Configuration(), name) == declared.default, name
        assert parameter.annotation == get_args(hints[name])[1]
    assert str(parameters["timeout"]) == "timeout: float | tuple[float, float] = (5.0, 10.0)"
    assert parameters["host"].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert "`KNETIK_CLOUD_HOST`; default: https://sandbox.knetikcloud.com" in documented


def test_a_subclass_may_declare_settings_of_its_own() -> None:
    class Own(Configuration):
        region: Setting[str, str] = Setting(default="eu", check=lambda name, value: value.lower())

    own = Own(host="http://localhost", region="US")
    assert (own.host, own.region, repr(own).startswith("Own(host=")) == ("http://localhost", "us", True)
    with pytest.raises(TypeError, match="Own has no setting 'regon': did you mean 'region'"):
        Own(regon="us")  # type: ignore[call-arg]


class Proxy(str, enum.Enum):  # noqa: UP042 - formatting differs from that of a StrEnum
    OFFICE = "http://proxy:3128"


def test_member_of_an_enum_is_stored_as_its_value() -> None:
    configuration = Configuration(proxy=Proxy.OFFICE)
    assert (configuration.proxy, type(configuration.proxy)) == ("http://proxy:3128", str)


def test_context_that_was_made_before_its_class_was_replaced_is_accepted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = ssl.create_default_context()
    monkeypatch.setattr(ssl, "SSLContext", type("SSLContext", (ssl.SSLContext,), {}))  # as truststore does
    assert Configuration(ssl_context=context).ssl_context is context
