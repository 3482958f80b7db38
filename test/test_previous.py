"""The comparison with the tests of the last release: what differs from the reviewed list fails."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pytest

from test import previous

LISTED = [{"reason": "Messages are worded anew.", "tests": ["test/a.py::test_a", "test/b.py::test_b[1]"]}]


@pytest.mark.parametrize(
    ("failed", "code", "says"),
    [
        ({"test/a.py::test_a[x]", "test/a.py::test_a[y]", "test/b.py::test_b[1]"}, 0, "0 of them not listed"),
        (
            {"test/a.py::test_a", "test/b.py::test_b[1]", "test/b.py::test_b[2]"},
            1,
            "UNLISTED: test/b.py::test_b[2]",
        ),
        ({"test/a.py::test_a"}, 1, "STALE: test/b.py::test_b[1]"),
    ],
)
def test_failures_must_be_exactly_the_listed_ones(
    failed: set[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert previous.compare(LISTED, failed, Counter(passed=5, failure=3)) == code
    assert says in capsys.readouterr().out


def test_a_run_in_which_no_test_passes_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert previous.compare([], set(), Counter(private=1)) == 1
    assert "nothing was compared" in capsys.readouterr().out


def test_a_clone_without_the_release_is_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(previous, "LAST_RELEASE", "0" * 40)
    with pytest.raises(SystemExit, match="69"):
        previous.main([])
    assert "git fetch --unshallow" in capsys.readouterr().err


def test_a_machine_without_git_is_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match="69"):
        previous.main([])
    assert "No such file or directory: 'git'" in capsys.readouterr().err


def test_a_test_is_skipped_only_if_it_reads_a_private_attribute_itself(tmp_path: Path) -> None:
    (tmp_path / "product.py").write_text("def read(value): return value._gone")
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "test_it.py").write_text(
        "import product\n"
        "def test_private(): object()._gone\n"
        "def test_public(): object().gone\n"
        "def test_product(): product.read(object())\n"
    )
    previous.hide_private_modules(tmp_path)
    failed, outcomes = previous.run(tmp_path, ["test/test_it.py"], [], set())
    assert failed == {"test/test_it.py::test_public", "test/test_it.py::test_product"}
    assert outcomes == {"private": 1, "failure": 2}


def test_only_failures_that_are_not_expected_are_tried_again(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "test_it.py").write_text(
        "import pathlib, pytest\n"
        "@pytest.mark.parametrize('name', ['listed', 'starved'])\n"
        "def test_once(name):\n"
        "    path = pathlib.Path(name)\n"
        "    if not path.exists():\n"
        "        path.touch()\n"
        "        pytest.fail('the first time')\n"
    )
    previous.hide_private_modules(tmp_path)
    expected = {"test/test_it.py::test_once[listed]"}
    failed, outcomes = previous.run(tmp_path, ["test/test_it.py"], [], expected)
    assert failed == expected
    assert outcomes == {"failure": 2}


def test_each_deviation_has_a_reason() -> None:
    listed = tomllib.loads(previous.LIST.read_text(encoding="utf-8"))
    deviations = listed.get("deviations", [])  # a release has none until something changes
    names = [name for each in deviations for name in each["tests"]]
    assert len(names) == len(set(names))
    assert all(each["reason"].endswith(".") for each in deviations)
