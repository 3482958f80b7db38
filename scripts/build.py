"""Build the wheel, the sdist and a bill of materials, the same bytes each time for the same commit.

    python scripts/build.py FOLDER

The wheel and the sdist take the time of the last commit. The bill of materials (CycloneDX, JSON) lists what
`pip install` of the wheel brings along.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str]) -> int:
    """Build everything into the folder and print the SHA-256 digests."""
    parser = argparse.ArgumentParser(description="Build the wheel, the sdist and a bill of materials.")
    parser.add_argument("folder", type=Path, help="an empty folder, which is made if it is missing")
    folder: Path = parser.parse_args(arguments).folder.resolve()
    os.umask(0o022)  # a wheel contains the modes of its files
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        print(f"{folder} is not empty: name an empty folder", file=sys.stderr)
        return 2
    epoch = _commit_time()
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary, "source")
        _run("git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(source))
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
        build = (sys.executable, "-m", "build", "--installer", "uv")
        _run(*build, "--outdir", str(folder), str(source), env=environment)
        normalize(next(folder.glob("*.tar.gz")), epoch)
        _write_bill_of_materials(folder, Path(temporary, "environment"), source)
    for path in sorted(folder.iterdir()):
        print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}")
    return 0


def normalize(sdist: Path, epoch: int) -> None:
    """Rewrite an sdist so that its bytes depend only on the names, contents and modes of its files."""
    buffer = io.BytesIO()
    with tarfile.open(sdist) as old, tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as new:
        for member in sorted(old.getmembers(), key=lambda each: each.name):
            member.mtime, member.uid, member.gid, member.uname, member.gname = epoch, 0, 0, "", ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    sdist.write_bytes(gzip.compress(buffer.getvalue(), mtime=epoch))


def _write_bill_of_materials(folder: Path, environment: Path, source: Path) -> None:
    venv.create(environment)
    python = str(environment / "bin" / "python")
    wheel = next(folder.glob("*.whl"))
    bill = folder / f"{wheel.name.split('-py3')[0]}.cdx.json"
    _run(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python, str(wheel))
    _run(
        *(sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible"),
        *("--pyproject", str(source / "pyproject.toml"), "--output-format", "JSON"),
        *("--output-file", str(bill), python),
    )
    _complete(bill, wheel.name.split("-")[1], source)


def _complete(bill: Path, version: str, source: Path) -> None:
    """Add to a bill of materials what pyproject.toml leaves to setuptools: our version and requirements."""
    document = json.loads(bill.read_text(encoding="utf-8"))
    root = document["metadata"]["component"]
    root["version"] = version
    required = {
        re.split(r"[<>=!~ ;\[]", line)[0] for line in (source / "requirements.txt").read_text().split()
    }
    parts = {each["name"]: each["bom-ref"] for each in document["components"]}
    for entry in document["dependencies"]:
        if entry["ref"] == root["bom-ref"]:
            entry["dependsOn"] = sorted(parts[name] for name in required)
    bill.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _commit_time() -> int:
    result = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return int(result.stdout)


def _run(*command: str, env: dict[str, str] | None = None) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=env)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
