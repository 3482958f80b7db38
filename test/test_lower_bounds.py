"""The lower bounds of dependencies are those that the run with the lowest versions and the guide have."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

requirements = pytest.importorskip("packaging.requirements")
versions = pytest.importorskip("packaging.version")
ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="it runs in a checkout")


def lower_bounds() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = (ROOT / "requirements.txt").read_text("utf-8").split()
    for extra in project["optional-dependencies"].values():
        lines += extra
    bounds = {}
    for line in lines:
        requirement = requirements.Requirement(line)
        for specifier in requirement.specifier:
            if specifier.operator == ">=":
                bounds[requirement.name.lower()] = specifier.version
    return bounds


def test_lowest_versions_are_the_lower_bounds() -> None:
    pins = dict(
        line.lower().split("==") for line in (ROOT / "test/lowest-constraints.txt").read_text("utf-8").split()
    )
    for name, bound in lower_bounds().items():
        assert versions.Version(pins[name]) == versions.Version(bound), name


def test_the_guide_lists_every_lower_bound() -> None:
    guide = (ROOT / "docs/guides/versions.md").read_text("utf-8")
    rows = [row.split("|") for row in guide.splitlines() if row.startswith("| ")]
    listed = {name.strip().lower(): row[3] for row in rows for name in row[1].split(",")}
    for name, bound in lower_bounds().items():
        assert listed[name].split()[0] == bound, name
