"""The command `python -m codegen`: writes the generated files, or checks that those on disk are current."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from codegen import output
from codegen.formatting import PROJECT
from codegen.reader import read_contract
from codegen.render import readme_sections, render
from knetik_cloud.contract import ContractError


def main(arguments: list[str] | None = None) -> int:
    """Run the command, and return 1 if `--check` finds differences, 2 if the contract is invalid, else 0."""
    options = _parser().parse_args(arguments)
    contract_path = options.contract or options.output / options.package / "openapi.yaml"
    try:
        contract = read_contract(contract_path)
        files = render(contract, options.package)
        files["README.md"] = output.fill_in(
            _readme(options.output), readme_sections(contract, options.package)
        )
    except ContractError as error:
        print(f"codegen: {error}", file=sys.stderr)
        return 2
    status = output.finish(options.output, files, check=options.check)
    if options.package != "knetik_cloud" or options.output != PROJECT:
        return status
    # In a process of its own, which imports the operations that have just been written.
    command = [sys.executable, "-m", "codegen.commands", *(["--check"] if options.check else [])]
    return status or subprocess.run(command, cwd=PROJECT, check=False).returncode  # noqa: S603


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m codegen", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; list the files that differ and exit with 1"
    )
    parser.add_argument(
        "--contract", type=Path, help="the OpenAPI document (default: OUTPUT/PACKAGE/openapi.yaml)"
    )
    parser.add_argument(
        "--output", type=Path, default=PROJECT, help="the folder that holds the package, docs/ and README.md"
    )
    parser.add_argument("--package", default="knetik_cloud", help="the name of the generated package")
    return parser


def _readme(root: Path) -> str:
    path = root / "README.md"
    if not path.exists():
        raise output.MarkerError(f"{path} is missing: its tables are generated between markers in it")
    return path.read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
