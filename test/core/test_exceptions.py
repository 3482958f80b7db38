"""Exceptions: each pickles and copies with all that it knows."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knetik_cloud import exceptions
from knetik_cloud.exceptions import ApiException, Attempt, ErrorDetail, Headers, exception_class

CLASSES = [
    value
    for value in vars(exceptions).values()
    if isinstance(value, type) and issubclass(value, ApiException)
]


def full(kind: type[ApiException]) -> ApiException:
    error = kind("why") if kind is exceptions.ApiValueError else kind(503, "why")  # type: ignore[arg-type]
    error.body, error.headers = "body", Headers([("X-A", "b"), ("x-a", "c")])
    error.code, error.request_id, error.errors = 9, "r-1", (ErrorDetail("m", "f", {"d": 1}),)
    error.operation, error.attempts = "get", (Attempt("reset", None, 0.5), Attempt("503 why", 503))
    error.may_have_applied, error.retry_after, error._curl = True, 5.0, "curl x"
    error.__cause__ = OSError("cause")
    return error


def test_an_attempt_shows_its_duration() -> None:
    attempt = Attempt("reset", None, 0.5)
    attempt.seconds = 0.25
    assert repr(attempt) == "Attempt(outcome='reset', status=None, waited=0.5, seconds=0.25)"


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_exception_pickles_with_all_of_its_attributes(kind: type[ApiException], protocol: int) -> None:
    error = full(kind)
    twin = pickle.loads(pickle.dumps(error, protocol))
    assert type(twin) is kind
    assert vars(twin) == vars(error)
    assert (str(twin), twin.args, twin.as_curl()) == (str(error), error.args, "curl x")


def test_an_exception_that_version_1_0_0_pickled_has_what_it_lacks() -> None:
    error = pickle.loads(
        b"cknetik_cloud.exceptions\n_rebuild\n(cknetik_cloud.exceptions\nApiValueError\n(d"
        b"Vheaders\ncknetik_cloud.exceptions\nHeaders\n((ltRs"
        b"Vbody\nNsV_curl\nNsVstatus\nNsVreason\nVid must be an int\nsVcode\nNsVrequest_id\nNsVerrors\n(tstR."
    )
    assert type(error) is exceptions.ApiValueError
    assert not error.may_have_applied
    assert str(error) == "id must be an int"


def in_rays_error(cause: Any) -> Any:
    """Return the error that Ray raises for that of a task. It looks up attributes in the cause."""

    class RayTaskError(type(cause)):  # type: ignore[misc]
        def __init__(self, cause: ApiException) -> None:
            self.cause = cause

        def __getattr__(self, name: str) -> Any:
            return getattr(self.cause, name)

        def __reduce__(self) -> tuple[Any, ...]:
            return RayTaskError, (self.cause,)

    return RayTaskError(cause)


@pytest.mark.parametrize("kind", CLASSES)
def test_the_error_of_ray_for_an_exception_has_all_of_its_attributes(kind: type[ApiException]) -> None:
    error = full(kind)
    error._setting, error._write = "host", object()
    vars(error).update(dict.fromkeys(vars(error).keys() - vars(ApiException()).keys(), "set"))
    raised = in_rays_error(error)
    for shown in (raised, copy.copy(raised)):
        assert {name: getattr(shown, name) for name in vars(error)} == vars(error)
        assert (str(shown), shown.docs, shown.as_curl()) == (str(error), error.docs, error.as_curl())


@pytest.mark.parametrize("kind", CLASSES)
def test_an_exception_copies_with_its_cause_and_without_its_traceback(kind: type[ApiException]) -> None:
    error = full(kind)
    try:
        raise error
    except ApiException as raised:
        twin = copy.copy(raised)
    assert vars(twin) == vars(error)
    assert twin.__cause__ is error.__cause__
    assert twin.__traceback__ is None
    assert vars(copy.deepcopy(error)).keys() == vars(error).keys()


@pytest.mark.parametrize("kind", CLASSES)
def test_a_bare_exception_has_every_attribute(kind: type[ApiException]) -> None:
    error = kind("why") if kind is exceptions.ApiValueError else kind()  # type: ignore[arg-type]
    assert (error.body, error.code, error.request_id, error.errors) == (None, None, None, ())
    assert (error.operation, error.attempts, error.may_have_applied, error.retry_after) == (
        None,
        (),
        False,
        None,
    )
    assert error.as_curl() is None
    assert str(error)


@given(st.text())
def test_any_body_makes_an_exception(body: str) -> None:
    error = ApiException(500, "why")
    error._load_response(body, Headers())
    assert error.body == body
    assert str(error).startswith("(500)\nReason: why")


@pytest.mark.parametrize("described", [{}, {"error_description": None}, {"error_description": ""}])
def test_oauth_error_without_a_description_has_its_code_as_the_message(described: dict[str, Any]) -> None:
    error = ApiException(401, "why")
    error._load_response(json.dumps({"error": "invalid_client", **described}), Headers())
    assert error.errors == (ErrorDetail("invalid_client", None, "invalid_client"),)
    assert "Message: invalid_client\n" in str(error)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["code", "request_id", "result", "error", "error_description", "message"]),
                inner,
            )
        ),
    )
)
def test_any_json_makes_an_exception(value: object) -> None:
    error = ApiException(500, "why")
    error._load_response(json.dumps(value), Headers())
    assert error.code is None or type(error.code) is int
    assert error.request_id is None or isinstance(error.request_id, str)
    assert all(isinstance(detail.message, str | None) for detail in error.errors)
    assert str(error)


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "BadRequestException"),
        (401, "UnauthorizedException"),
        (403, "ForbiddenException"),
        (404, "NotFoundException"),
        (409, "ConflictException"),
        (422, "UnprocessableEntityException"),
        (429, "TooManyRequestsException"),
        (500, "ServiceException"),
        (599, "ServiceException"),
        (302, "ApiException"),
        (418, "ApiException"),
        (999, "ApiException"),
    ],
)
def test_each_status_has_its_class(status: int, name: str) -> None:
    assert exception_class(status).__name__ == name


def test_headers_match_in_any_letter_case() -> None:
    headers = Headers([("Set-Cookie", "a"), ("SET-COOKIE", "b"), ("X-Y", "z")])
    assert headers["set-cookie"] == "a, b"
    assert list(headers) == ["Set-Cookie", "X-Y"]
    assert "x-y" in headers
    assert 5 not in headers
    assert pickle.loads(pickle.dumps(headers)) == headers


KINDS = [
    kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, ApiException)
]


@pytest.mark.parametrize("kind", KINDS)
def test_tests_can_make_any_exception_that_may_have_applied(kind: type[ApiException]) -> None:
    error = kind(reason="slow", may_have_applied=True)
    assert error.may_have_applied
    assert "may have been applied" in str(error)
    assert pickle.loads(pickle.dumps(error)).may_have_applied
    assert not kind(reason="slow").may_have_applied


CONTROLS = "".join(map(chr, (*range(9), 11, 12, *range(13, 32), *range(127, 160))))
CONTROLS += "\u061c\u200f\u2028\u2029\u202e\u2066"


def test_text_of_an_error_holds_no_control_characters_of_a_response() -> None:
    """Where a log or a traceback prints it, no service may steer the terminal or forge a line."""
    sent = f"a{CONTROLS}b\nOperation: forged\u2028Operation: forged"
    row = {"message": sent, "field": sent}
    error = ApiException(400, "Bad Request")
    error._load_response(json.dumps({"request_id": sent, "result": [row]}, ensure_ascii=False), Headers())
    assert error.request_id == error.errors[0].message == error.errors[0].field == sent
    other = ApiException(400, "Bad Request")
    other._load_response(sent, Headers([("X-Request-Id", sent.replace("\n", ""))]))
    for text in (str(error), str(other)):
        assert set(CONTROLS).isdisjoint(text)
        assert "\\x1b" in text
    assert not any(line.startswith("Operation") for line in str(error).splitlines())


def test_text_of_an_error_keeps_the_lines_of_a_body() -> None:
    error = ApiException(502, "Bad Gateway")
    error._load_response("<html>\r\n\t<p>down\n", Headers())
    assert str(error).endswith("HTTP response body: <html>\n\t<p>down\n")


def test_text_of_an_error_shortens_the_request_id() -> None:
    error = ApiException(400, "Bad Request")
    error._load_response(json.dumps({"request_id": "r" * 100_000}), Headers())
    assert error.request_id == "r" * 100_000
    assert len(str(error)) < 10_000
