"""The contract as it may become: the package that is generated from it works, and so do its commands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from knetik_cloud.documents import load_document
from test.conftest import RecordingServer, http_response

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent.parent
Command = Callable[..., subprocess.CompletedProcess[str]]


def parameter(name: str, schema: dict[str, Any], example: Any, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "description": f"The {name}.",
        "schema": schema,
        "example": example,
    } | more


def answer(schema: dict[str, Any], example: Any) -> dict[str, Any]:
    return {
        "200": {"description": "It.", "content": {"application/json": {"schema": schema, "example": example}}}
    }


def operation(id: str, words: str, responses: dict[str, Any], **more: Any) -> dict[str, Any]:
    about = {"operationId": id, "tags": ["Badges"], "summary": "Do it", "x-added": "1.2.0", "x-cli": words}
    return {**about, "x-retry": "safe", "x-permissions": [], "responses": responses, **more}


def body(schema: dict[str, Any], example: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": schema, "example": example}}
    return {"required": True, "description": "The body.", "content": content}


DAY = {"type": "string", "format": "date"}
BADGE = {"$ref": "#/components/schemas/Badge"}
BADGES = {"type": "array", "items": BADGE}
EXAMPLE = [{"label": "x"}]
PATHS = {
    "/badges": {
        "get": operation(
            "list_badges",
            "badges list",
            answer(BADGES, EXAMPLE),
            parameters=[
                parameter("realm", {"type": "string"}, "a", required=True),
                parameter("from", DAY, "2017-08-01"),
                parameter("ids", {"type": "array", "items": {"type": "integer"}}, [1, 2], explode=False),
                parameter("X-Trace", {"type": "integer"}, 7, **{"in": "header"}),
            ],
        ),
        "post": operation(
            "add_badges",
            "badges add",
            answer({"type": "object", "additionalProperties": BADGE}, {"a": EXAMPLE[0]}),
            requestBody=body(BADGES, EXAMPLE),
            **{"x-retry": "once", "x-codegen-request-body-name": "badges"},
        ),
    },
    "/badges/count": {"get": operation("count_badges", "badges count", answer({"type": "integer"}, 5))},
    "/badges/day": {"get": operation("day_of_badges", "badges day", answer(DAY, "2017-08-01"))},
    "/badges/open": {
        "put": operation(
            "open_badges",
            "badges open",
            answer({"type": "object"}, {"a": 1}),
            requestBody=body({"type": "boolean"}, True),
            **{"x-retry": "idempotent", "x-codegen-request-body-name": "is_open"},
        ),
        "patch": operation(
            "change_badge",
            "badges change",
            answer(BADGE, EXAMPLE[0]),
            requestBody=body(BADGE, EXAMPLE[0]),
            **{"x-retry": "once", "x-codegen-request-body-name": "badge"},
        ),
    },
}
"""Operations with parameters, bodies and results of kinds that the contract does not have."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate the package from the evolved contract, in a copy of the project."""
    root = tmp_path_factory.mktemp("evolved")
    for name in ("codegen", "knetik_cloud"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, root)
    file = root / "knetik_cloud" / "openapi.yaml"
    document = load_document(file)
    document["tags"].append({"name": "Badges", "description": "Badges."})
    document["paths"] |= PATHS
    label = {"description": "Its label.", "type": "string", "example": "x"}
    document["components"]["schemas"]["Badge"] = {
        "description": "A badge.",
        "type": "object",
        "required": ["label"],
        "properties": {"label": label, "self": {**label, "description": "Its address."}},
        "example": EXAMPLE[0],
    }
    file.write_text(yaml.safe_dump(document, sort_keys=False))
    subprocess.run([sys.executable, "-m", "codegen"], cwd=root, check=True, capture_output=True, timeout=100)
    return root


@pytest.fixture
def knetik(root: Path, server: RecordingServer) -> Command:
    """Run a command of the generated package against the server."""

    def run(*arguments: str, response: str = "{}", stdin: str = "") -> subprocess.CompletedProcess[str]:
        server.responses = [http_response(200, response.encode())]
        return subprocess.run(
            [sys.executable, "-m", "knetik_cloud.cli", *arguments],
            cwd=root,
            env={**os.environ, "KNETIK_CLOUD_HOST": server.url},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_a_second_run_writes_nothing(root: Path) -> None:
    command = [sys.executable, "-m", "codegen", "--check"]
    assert subprocess.run(command, cwd=root, check=False, timeout=100).returncode == 0


def test_a_command_takes_parameters_of_every_place(knetik: Command, server: RecordingServer) -> None:
    given = ("a", "--from", "2017-08-01", "--ids", "1", "--ids", "2", "--x-trace", "7")
    ran = knetik("badges", "list", *given, response='[{"label": "x"}, {"label": "y"}]')
    assert (ran.returncode, ran.stdout) == (0, '{"label": "x"}\n{"label": "y"}\n'), ran.stderr
    (request,) = server.requests
    assert request.startswith(b"GET /badges?realm=a&from=2017-08-01&ids=1%2C2 ")
    assert b"\r\nX-Trace: 7\r\n" in request


def test_a_body_may_be_a_list_and_a_result_a_map_or_a_number(
    knetik: Command, server: RecordingServer
) -> None:
    ran = knetik("badges", "add", "-", stdin='[{"label": "x"}]', response='{"a": {"label": "x"}}')
    assert (ran.returncode, ran.stdout) == (0, '{"a": {"label": "x"}}\n'), ran.stderr
    assert server.requests[0].endswith(b'\r\n\r\n[{"label":"x"}]')
    ran = knetik("badges", "count", response="5")
    assert (ran.returncode, ran.stdout) == (0, '{"value": 5}\n'), ran.stderr
    assert "pass it as JSON, @FILE or -" in knetik("badges", "add").stderr


def test_a_result_may_be_a_date_a_body_a_boolean_and_a_field_self(
    knetik: Command, server: RecordingServer
) -> None:
    ran = knetik("badges", "day", response='"2017-08-01"')
    assert (ran.returncode, ran.stdout) == (0, '{"value": "2017-08-01"}\n'), ran.stderr
    ran = knetik("badges", "open", "true")
    assert (ran.returncode, server.requests[-1][-8:]) == (0, b"\r\n\r\ntrue"), ran.stderr
    assert "is_open must be True or False, not 'yes'" in knetik("badges", "open", "yes").stderr
    ran = knetik("badges", "change", "--label", "x", "--self", "y", response='{"label": "x"}')
    assert ran.returncode == 0, ran.stderr
    assert server.requests[-1].endswith(b'{"label":"x","self":"y"}')


def test_generated_code_defines_the_names_of_its_types(root: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "knetik_cloud/operations.py"]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=200, check=False)
    assert ran.returncode == 0, ran.stdout


def test_the_pages_of_commands_show_what_the_commands_take(root: Path, knetik: Command) -> None:
    page = (root / "docs" / "cli" / "badges.md").read_text()
    example = "knetik badges list a --from 2017-08-01 --ids 1 --ids 2\n"
    assert example in page
    assert "`--x-trace INTEGER` | The X-Trace." in page
    assert "knetik badges add --skeleton | knetik badges add -" in page
    assert "--from 2017-08-01" in (root / "docs" / "BadgesApi.md").read_text()
    assert knetik(*example.split()[1:], response="[]").returncode == 0


def test_the_sandbox_responds_with_the_example_of_an_operation_that_it_does_not_know_yet(root: Path) -> None:
    program = """
from knetik_cloud import ApiClient, BadgesApi, BadRequestException, Configuration
from knetik_cloud.sandbox import Sandbox

with Sandbox() as sandbox, ApiClient(Configuration(host=sandbox.url)) as client:
    print(BadgesApi(client).list_badges("a", x_trace=7))
    try:
        client.call_api("/badges", "GET", header_params={"x-trace": "soon"})
    except BadRequestException as error:
        print(*(each.message for each in error.errors), sep="; ")
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stdout.splitlines() == [
        "[Badge(label='x')]",
        'realm is required; X-Trace must be a whole number, not "soon"',
    ]
