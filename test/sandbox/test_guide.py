"""docs/guides/sandbox.md: its code runs, its tables are complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from click import Option

from knetik_cloud import ApiClient, Configuration
from knetik_cloud.cli.sandbox import sandbox as command
from knetik_cloud.sandbox import Sandbox
from knetik_cloud.sandbox.control_api import routes
from knetik_cloud.sandbox.rules.definitions import RULES
from knetik_cloud.sandbox.rules.periods import UNITS
from knetik_cloud.sandbox.settings import Options

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "sandbox.md").read_text("utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
SEED = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)


@pytest.mark.parametrize("code", PYTHON, ids=lambda code: code.splitlines()[0][:40])
def test_the_code_of_the_guide_runs(sandbox: Sandbox, code: str) -> None:
    sandbox.seed(yaml.safe_load(SEED[0]))
    names: dict[str, object] = {"sandbox": sandbox}
    exec(compile(code, "sandbox.md", "exec"), names)
    sandbox.clear_faults()
    if "test_using_a_potion_is_recorded" in names:
        test = names["test_using_a_potion_is_recorded"]
        assert callable(test)
        with ApiClient(Configuration(host=sandbox.url)) as client:
            test(client, sandbox)


def test_the_seed_of_the_guide_is_a_seed(sandbox: Sandbox) -> None:
    (seed,) = SEED
    sandbox.seed(yaml.safe_load(seed))
    assert sandbox.wallet(10) == {"USD": 5}


def test_the_guide_names_every_option_of_the_command() -> None:
    for option in command.params:
        assert isinstance(option, Option)
        if option.name not in Options.__annotations__:
            continue  # an option that all commands have
        assert f"`{option.opts[0]}" in GUIDE


def test_the_guide_names_every_control_call(sandbox: Sandbox) -> None:
    assert sandbox._service is not None
    for route in routes(sandbox._service):
        path = route.path_format.replace("{name}", "NAME").replace("{user_id}", "USER_ID")
        for method in (route.methods or set()) - {"HEAD"}:
            assert f"{method} {path}" in GUIDE


@pytest.mark.parametrize("word", [*RULES, *UNITS])
def test_the_guide_names_every_behavior_and_unit(word: str) -> None:
    assert word in GUIDE
