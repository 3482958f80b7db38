"""schemathesis against the stand-in: it finds no 5xx, no answer off the contract, no accepted garbage."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from test.sandbox.conftest import command_environment, running_command

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
)
"""All that hold for the stand-in: not `positive_data_acceptance`, as rules refuse what a schema allows."""

SEED = 20170815
EXAMPLES = 25
"""Requests that are made up for each operation; with a fixed seed they are the same in every run."""


@pytest.mark.slow
def test_nothing_made_up_from_the_contract_breaks_the_stand_in(tmp_path: Path) -> None:
    with running_command() as (_, url):
        run = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/docs/openapi.json"),
                *("--url", url, "--seed", str(SEED), "--max-examples", str(EXAMPLES)),
                *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing,stateful"),
                *("--warnings", "off", "--no-color"),
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=command_environment(),
            timeout=110,
            check=False,
        )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "23 selected / 23 total" in run.stdout
    assert "Stateful" in run.stdout
