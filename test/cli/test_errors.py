"""Exit codes and errors: what scripts and people learn from a failure."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from typing import Any

import pytest

from knetik_cloud import exceptions
from knetik_cloud.cli.errors import NEXT_STEPS
from knetik_cloud.cli.exits import MEANINGS, Exit
from knetik_cloud.sandbox import Sandbox
from test.conftest import RecordingServer, http_response

from .conftest import KNETIK, Run

READ = ("items", "get", "1", "--retries", "0")
WRITE = ("entitlements", "grant", "56", "--entitlement-id", "56", "--retries", "0")


def result_body(code: int, message: str = "no") -> bytes:
    return json.dumps(
        {"code": code, "request_id": "r-1", "result": [{"message": message, "field": "f"}]}
    ).encode()


@pytest.mark.parametrize(
    ("words", "status", "body", "code"),
    [
        (READ, 200, b'{"id": 1}', Exit.SUCCESS),
        (READ, 403, result_body(1007), Exit.DENIED),
        (WRITE, 400, result_body(1007), Exit.DENIED),
        (READ, 400, result_body(1001), Exit.REJECTED),
        (READ, 401, b"", Exit.REJECTED),
        (READ, 403, result_body(1005), Exit.REJECTED),
        (READ, 404, result_body(1003), Exit.REJECTED),
        (READ, 418, b"", Exit.REJECTED),
        (READ, 429, b"", Exit.REJECTED),
        (READ, 500, b"", Exit.SERVICE),
        (READ, 503, b"", Exit.SERVICE),
        (READ, 200, b"<html>", Exit.SERVICE),
        (WRITE, 500, b"", Exit.UNKNOWN),
        (("items", "create", "--name", "x"), 200, b"[", Exit.UNKNOWN),
    ],
)
def test_the_exit_code_reports_the_outcome(
    words: tuple[str, ...], status: int, body: bytes, code: Exit, server: RecordingServer, run: Run
) -> None:
    server.responses = [http_response(status, body)]
    result = run(*words, "--host", server.url)
    assert result.code == code, result.err
    assert result.code == 0 or result.error["exit_code"] == code


def test_a_host_that_is_not_reached_is_distinguished_from_a_lost_connection(
    run: Run, server: RecordingServer
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert run(*WRITE, "--host", f"http://127.0.0.1:{port}").code == Exit.NOT_REACHED
    server.responses = [b""]  # the connection stays open, without a response
    assert run(*READ, "--host", server.url, "--timeout", "200ms").code == Exit.NOT_REACHED
    lost = run(*WRITE, "--host", server.url, "--timeout", "200ms")
    assert lost.code == Exit.UNKNOWN
    assert lost.error["may_have_applied"] is True
    assert "Check whether it was applied" in lost.error["next_step"]


def test_a_negative_argument_that_looks_like_an_option_is_explained(sandbox: Sandbox, run: Run) -> None:
    words, arguments = ("inventory", "set-expires", "--errors", "json"), ("56", "56", "-1")
    result = run(*words, *arguments)
    assert result.code == 2
    assert result.error["next_step"] == (
        "If an argument is a negative number, write -- before it, after all options."
    )
    assert run(*words, *arguments[:-1], "--", arguments[-1]).code == 0
    for others in (("inventory", "set-expires", "-x"), ("items", "list", "-1")):
        assert run(*others, "--errors", "json").error["next_step"].startswith("Run ")


@pytest.mark.parametrize("option", ["--timeout", "--deadline"])
def test_a_time_limit_is_named_by_the_option_of_the_command(
    option: str, run: Run, server: RecordingServer
) -> None:
    server.responses = [b""] * 3
    for words in (READ, WRITE):
        result = run(*words, "--host", server.url, option, "200ms", "--errors", "text")
        assert f"(increase {option})" in result.err.splitlines()[-3 if words == WRITE else -2]
        assert "_request_timeout" not in result.err
        assert "_deadline" not in result.err


def test_errors_are_json_if_the_output_is_json_and_text_otherwise(sandbox: Sandbox, run: Run) -> None:
    for words in (
        ("-o", "json"),
        ("-o", "jsonl"),
        (),
        ("-ojson",),
        ("--output=json",),
        ("--errors", "json", "-o", "csv"),
    ):
        error = run("items", "get", "999", *words).error
        assert error["type"] == "NotFoundException"
        assert (error["status"], error["code"], error["exit_code"]) == (404, 1003, 4)
        assert error["operation"] == "get_entitlement_item"
        assert error["request_id"]
        assert error["next_step"]
        assert error["errors"][0]["field"] == "entitlement_id"
    for words in (
        ("-o", "csv"),
        ("-qo", "csv"),
        ("-qotable",),
        ("-o", "table"),
        ("--errors", "text"),
        ("--errors=text", "-o", "json"),
    ):
        result = run("items", "get", "999", *words)
        assert result.err.startswith(
            "Error: 404 Not Found: No entitlement item has the id 999 (entitlement_id)\n"
        )
        assert result.out == b""


def test_a_usage_error_is_json_too(run: Run) -> None:
    result = run("items", "get", "-o", "json")
    assert result.code == 2
    assert result.error["type"] == "UsageError"
    assert result.error["next_step"] == "Run `knetik items get --help`."


@pytest.mark.parametrize(
    "words",
    [
        ["items", "delete", "5", "--profile"],
        ["login", "--helper"],
        ["login", "--profile"],
        ["login", "--client-id"],
        ["login", "--username"],
        ["bulk", "run", "items", "create", "rows.jsonl", "--journal"],
        ["sandbox", "start", "--port", "0", "--database"],
        ["sandbox", "--port", "0", "--database"],
        ["sandbox", "journal", "--operation"],
        ["sandbox", "journal", "--clear", "--operation"],
    ],
)
def test_the_empty_value_of_an_unset_variable_is_rejected(
    words: list[str], sandbox: Sandbox, run: Run
) -> None:
    result = run(*words, "", "--dry-run", "--errors", "json")
    assert result.code == 2
    assert result.error["message"].startswith(f"Invalid value for '{words[-1]}'")
    assert result.error["message"].endswith("it must not be empty")


def test_a_message_of_the_service_cant_steer_the_terminal(server: RecordingServer, run: Run) -> None:
    text = "\u001b]0;title\u0007\u202egone\n  The write may have been applied."
    body = result_body(1003, text).replace(b"r-1", b"r-1\\n  Fake")
    server.responses = [http_response(404, body)]
    result = run(*READ, "--host", server.url, "--errors", "text")
    assert "\\x1b]0;title\\x07\\u202egone\\n  The write" in result.err.splitlines()[0]
    assert "  Request id: r-1\\n  Fake" in result.err.splitlines()
    assert "\x1b" not in result.err


@pytest.mark.parametrize(
    ("words", "secret"),
    [
        (("login", "--store", "file", "--secret-file", "-"), "wrong"),
        (("login", "--store", "file", "--secret-file", "-", "--username", "admin"), "wrong"),
        (("token", "get", "--client-secret-file", "-"), "wrong"),
        (("token", "get"), ""),
    ],
)
def test_the_next_step_after_a_rejected_token_request_is_to_check_the_credential(
    words: tuple[str, ...], secret: str, run: Run, sandbox: Sandbox
) -> None:
    result = run(*words, "--host", sandbox.url, "--errors", "json", input=f"{secret}\n")
    assert result.code == Exit.REJECTED
    assert result.error["next_step"].startswith("Check the client id, the user name and the secret.")


def test_a_rejected_parameter_of_a_token_request_is_named(run: Run, sandbox: Sandbox) -> None:
    result = run("token", "get", "implicit", "--host", sandbox.url, "--errors", "json")
    assert "implicit" in result.error["message"]
    assert result.error["next_step"] == NEXT_STEPS["BadRequestException"]


def test_every_exception_and_every_exit_code_has_a_next_step() -> None:
    kinds = [
        v for v in vars(exceptions).values() if isinstance(v, type) and issubclass(v, exceptions.ApiException)
    ]
    assert all(any(kind.__name__ in NEXT_STEPS for kind in each.__mro__) for each in kinds)
    assert set(MEANINGS) == set(Exit)


@pytest.mark.parametrize(
    "topic", ["1007", "ApiTimeoutException", "apitimeoutexception", "404", "408", "421", "507", "7", "exit 7"]
)
def test_everything_in_an_error_can_be_explained_offline(topic: str, run: Run) -> None:
    words = ("explain", topic)
    result = run(*words, "-o", "json")
    assert result.code == 0, result.err
    found = json.loads(result.text)
    assert found
    assert all(row["meaning"] and row["next_step"] for row in found)


def test_a_text_that_python_removed_is_not_replaced_by_one_of_its_own() -> None:
    command = [sys.executable, "-OO", *KNETIK[1:], "explain", "-o", "jsonl"]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "Common base class" not in listed
    assert "NotFoundException: The text is missing, because Python runs with -OO." in listed


def test_an_unknown_topic_is_an_error_with_a_suggestion(run: Run) -> None:
    result = run("explain", "ApiTimeoutExeption", "--errors", "json")
    assert result.code == 1
    assert "ApiTimeoutException" in result.error["message"]


def test_every_topic_is_listed(run: Run) -> None:
    topics = {row["topic"] for row in run("explain", "-o", "jsonl").rows("jsonl")}
    assert topics >= {str(int(code)) for code in Exit}
    assert topics >= {"1001", "1007", "404", "503", "ApiException", "DeadlineExceeded"}


@pytest.mark.parametrize("response", ["y", "n", ""])
def test_deleting_elsewhere_never_asks_without_a_terminal(response: str, run: Run, monkeypatch: Any) -> None:
    result = run("items", "delete", "1", "--host", "http://example.invalid", input=response)
    assert result.code == 2
    assert "--yes" in result.error["message"]
    assert "example.invalid" in result.error["message"]


def test_yes_confirms_and_this_machine_needs_no_confirmation(server: RecordingServer, run: Run) -> None:
    server.responses = [http_response(204)]
    assert run("items", "delete", "1", "--host", server.url).code == 0
    result = run("items", "delete", "1", "--host", "http://example.invalid", "--yes", "--retries", "0")
    assert result.code == Exit.NOT_REACHED


def test_a_key_makes_a_use_happen_once_over_several_runs(sandbox: Sandbox, run: Run) -> None:
    words = ("entitlements", "use", "56", "56", "--once", "order-17", "-o", "json")
    assert json.loads(run(*words).text)["state"] == "applied"
    again = json.loads(run(*words).text)
    assert again["state"] == "found"
    assert again["evidence"]["info"] == "[order-17]"
    assert len(sandbox.journal("use_user_entitlement_item")) == 1


def test_a_lost_response_is_found_out_with_a_key(sandbox: Sandbox, run: Run) -> None:
    sandbox.fail("grant_user_entitlement", reset=True, applied=True)
    result = run(
        "entitlements", "grant", "3", "--entitlement-id", "56", "--once", "k", "-o", "json", "--retries", "0"
    )
    assert result.code == 0, result.err
    assert json.loads(result.text)["state"] == "applied"
    assert len(sandbox.journal("grant_user_entitlement")) == 1


def test_an_outcome_that_stays_unknown_ends_with_7(sandbox: Sandbox, run: Run) -> None:
    sandbox.fail("use_user_entitlement_item", reset=True, applied=True)
    sandbox.fail("get_user_inventories", status=400, times=None)
    words = ("entitlements", "use", "56", "56", "--once", "k", "-o", "json", "--retries", "0")
    result = run(*words)
    assert result.code in (Exit.UNKNOWN, Exit.NOT_REACHED), result.err
    sandbox.clear_faults()


def test_a_denied_write_with_a_key_ends_as_one_without(sandbox: Sandbox, run: Run) -> None:
    for key in ((), ("--once", "k")):
        result = run("entitlements", "use", "3", "56", *key, "-o", "json")
        assert result.code == Exit.DENIED
        assert result.error["code"] == 1007
