"""The committed files are what the generator writes, and `--check` finds any difference."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from codegen.__main__ import main
from codegen.output import MARK

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = Path(__file__).with_name("library.yaml")
PARTS = ("endpoints", "models", "authorization")
README = "".join(f"# {part}\n<!-- generated: {part} -->\nold\n<!-- end generated -->\n" for part in PARTS)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Generate into a folder of its own, where the contract lies in its usual place."""
    (tmp_path / "library").mkdir()
    shutil.copy(LIBRARY, tmp_path / "library" / "openapi.yaml")
    (tmp_path / "README.md").write_text(README)
    assert run(tmp_path) == 0
    return tmp_path


def run(root: Path, *options: str) -> int:
    return main(["--output", str(root), "--package", "library", *options])


def test_the_committed_files_are_those_of_the_contract() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "codegen", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_check_passes_after_writing_and_a_second_run_writes_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(root, "--check") == 0
    assert run(root) == 0
    assert capsys.readouterr().out == ""


def test_check_lists_missing_changed_and_stale_files(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "docs" / "Book.md").unlink()
    (root / "library" / "models" / "card.py").write_text("# mine\n")
    (root / "library" / "models" / "gone.py").write_text(f'"""Gone.\n\n{MARK}\n"""\n')
    (root / "docs" / "written-by-hand.md").write_text("# Mine\n")
    capsys.readouterr()
    assert run(root, "--check") == 1
    assert capsys.readouterr().out.splitlines() == [
        "docs/Book.md: missing",
        "library/models/card.py: changed",
        "library/models/gone.py: stale",
    ]


def test_writing_updates_generated_files_and_keeps_handwritten_ones(root: Path) -> None:
    (root / "library" / "models" / "card.py").write_text("# mine\n")
    (root / "library" / "models" / "gone.py").write_text(f'"""Gone.\n\n{MARK}\n"""\n')
    (root / "docs" / "written-by-hand.md").write_text("# Mine\n")
    assert run(root) == 0
    assert run(root, "--check") == 0
    assert not (root / "library" / "models" / "gone.py").exists()
    assert (root / "docs" / "written-by-hand.md").exists()


def test_readme_keeps_the_text_around_its_generated_parts(root: Path) -> None:
    text = (root / "README.md").read_text()
    assert [line for line in text.splitlines() if line.startswith("# ")] == [f"# {part}" for part in PARTS]
    assert "old" not in text


@pytest.mark.parametrize(
    ("readme", "message"),
    [
        (None, "README.md is missing"),
        ("# Nothing\n", "README.md has no place for 'endpoints': no lines <!-- generated: endpoints -->"),
        ("<!-- generated: endpoints -->\n", "README.md has no place for 'endpoints'"),
    ],
)
def test_a_readme_without_markers_is_reported(
    root: Path, readme: str | None, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "README.md").unlink()
    if readme is not None:
        (root / "README.md").write_text(readme)
    assert run(root) == 2
    assert message in capsys.readouterr().err


def test_a_contract_that_cannot_be_read_is_an_error_that_names_the_place(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = root / "library" / "openapi.yaml"
    contract.write_text(contract.read_text().replace("x-retry: once", "x-retry: never"))
    assert run(root, "--check") == 2
    assert "codegen: #/paths/~1media/post: x-retry is 'never'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ("      example: {kind: book, title: The Sea, pages: 200}\n", "", "Medium has no example"),
        (
            "2005-06-02}\n    SoundRecord",
            "soon}\n    SoundRecord",
            "Book has a wrong example: Invalid isoformat",
        ),
    ],
)
def test_a_missing_or_wrong_example_is_an_error_that_names_the_model(
    root: Path, capsys: pytest.CaptureFixture[str], good: str, bad: str, message: str
) -> None:
    contract = root / "library" / "openapi.yaml"
    contract.write_text(contract.read_text().replace(good, bad))
    assert run(root, "--check") == 2
    assert f"codegen: {message}" in capsys.readouterr().err
