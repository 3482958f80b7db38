"""schemathesis against the sandbox: no 5xx, no response off the contract, no malformed data accepted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from test.sandbox.conftest import command_environment, running_command
from test.sandbox.web import Web

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ensure_resource_availability",
    "missing_required_header",
    "ignored_auth",
    "object_level_authorization",
)
"""All checks that apply. `positive_data_acceptance` does not, because rules deny what a schema allows: a
taken key, a deleted item, `me` without a user, a field that a list can't be ordered by."""

SEED = 20170815
EXAMPLES = 30 * int(os.environ.get("KNETIK_TEST_SOAK", "1"))
"""The number of requests made up for each operation: 300 in `tox -e soak`, and a third of it with tokens.
A fixed seed makes the same ones in every run."""

EXCLUDED = {"stop", "generate"}
"""Operations of the control API that end the server, or fill it."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90 + 20 * EXAMPLES)]


@pytest.mark.parametrize(
    ("contract", "options", "examples"),
    [
        ("docs/openapi.json", (), EXAMPLES),
        ("docs/openapi.json", ("--require-auth",), EXAMPLES // 3),
        ("_sandbox/openapi.json", (), EXAMPLES),
    ],
    ids=["operations", "operations with tokens", "control"],
)
def test_no_request_generated_from_the_contract_breaks_the_sandbox(
    tmp_path: Path, contract: str, options: tuple[str, ...], examples: int
) -> None:
    with running_command(*options) as (_, url):
        headers = []
        if options:
            client = Web(url)
            headers = ["--header", f"Authorization: Bearer {client.token()}"]
            client.close()
        run = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/{contract}", *headers),
                *("--url", url, "--seed", str(SEED), "--max-examples", str(examples)),
                *("--request-timeout", "60"),
                *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing,stateful"),
                *("--warnings", "off", "--no-color"),
                *(word for name in EXCLUDED for word in ("--exclude-operation-id", name)),
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**command_environment(), "SCHEMATHESIS_HOOKS": "test.sandbox.schemathesis_hooks"},
            timeout=60 + 20 * EXAMPLES,
            check=False,
        )
    assert run.returncode == 0, run.stdout + run.stderr
    counted = re.search(r"(\d+) selected / (\d+) total", run.stdout)
    assert counted is not None, run.stdout
    selected, total = map(int, counted.groups())
    assert selected == total - len(EXCLUDED) * contract.startswith("_sandbox") > 10
    assert "Stateful" in run.stdout
