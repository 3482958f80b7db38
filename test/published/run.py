"""Generate clients from the contract in other languages, and run the main flow with each against a sandbox.

    python test/published/run.py [typescript-fetch] [hey-api] [go] [php] [ruby]

It needs openapi-generator-cli (PyPI) with a Java runtime, Node.js 20 with npm, and Go with the Debian package
golang-golang-x-oauth2-dev. `tox -e published-clients` runs these. PHP and Ruby only run if they are named.
They need the Debian packages php-cli, php-mbstring and php-guzzlehttp-guzzle, or ruby-typhoeus.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from knetik_cloud.sandbox import Sandbox

HERE = Path(__file__).resolve().parent
CONTRACT = HERE.parents[1] / "knetik_cloud" / "openapi.yaml"
PACKAGES = ("typescript@5", "@types/node@20", "@hey-api/openapi-ts@0.80")
COMPILER = ("--target", "es2022", "--module", "commonjs", "--moduleResolution", "node", "--skipLibCheck")


def main(names: list[str]) -> int:
    """Run the chosen flows, or all, and return 1 if one fails."""
    failed = []
    for name in names or DEFAULT:
        with tempfile.TemporaryDirectory() as folder, Sandbox() as sandbox:
            try:
                FLOWS[name](Path(folder), {**os.environ, "KNETIK_CLOUD_HOST": sandbox.url})
            except subprocess.CalledProcessError as error:
                print(error.output or "", file=sys.stderr)
                failed.append(name)
        print(f"{name}: {'failed' if name in failed else 'passed'}", flush=True)
    print(f"{len(names or DEFAULT) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def typescript_fetch(folder: Path, environment: dict[str, str]) -> None:
    """Run the flow with openapi-generator's typescript-fetch client."""
    _generate("typescript-fetch", folder / "client")
    _install(folder)
    _compile_and_run(folder, "typescript_fetch.ts", environment)


def hey_api(folder: Path, environment: dict[str, str]) -> None:
    """Run the flow with the client of @hey-api/openapi-ts."""
    _install(folder)
    _run("npx", "openapi-ts", "-i", str(CONTRACT), "-o", "client", "-c", "@hey-api/client-fetch", cwd=folder)
    _compile_and_run(folder, "hey_api.ts", environment)


def go(folder: Path, environment: dict[str, str]) -> None:
    """Run the flow with openapi-generator's Go client, with the packages of Debian."""
    package = folder / "src" / "example.com" / "knetik"
    _generate("go", package, "--additional-properties=packageName=knetik")
    shutil.rmtree(package / "test", ignore_errors=True)
    program = folder / "src" / "example.com" / "flow"
    program.mkdir()
    shutil.copy(HERE / "main.go", program)
    paths = {"GO111MODULE": "off", "GOPATH": f"{folder}:/usr/share/gocode", "GOCACHE": str(folder / "cache")}
    _run("go", "run", "example.com/flow", cwd=folder, env={**environment, **paths})


def php(folder: Path, environment: dict[str, str]) -> None:
    """Run the flow with openapi-generator's PHP client."""
    _generate("php", folder / "client")
    shutil.copy(HERE / "main.php", folder)
    _run("php", "-d", "display_errors=stdout", "main.php", cwd=folder, env=environment)


def ruby(folder: Path, environment: dict[str, str]) -> None:
    """Run the flow with openapi-generator's Ruby client."""
    _generate("ruby", folder / "client")
    shutil.copy(HERE / "main.rb", folder)
    _run("ruby", "main.rb", cwd=folder, env=environment)


DEFAULT = ("typescript-fetch", "hey-api", "go")
FLOWS: dict[str, Callable[[Path, dict[str, str]], None]] = {
    "typescript-fetch": typescript_fetch,
    "hey-api": hey_api,
    "go": go,
    "php": php,
    "ruby": ruby,
}


def _generate(generator: str, target: Path, *options: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    command = ("openapi-generator-cli", "generate", "-i", str(CONTRACT), "-g", generator, "-o", str(target))
    _run(*command, *options, cwd=target.parent)


def _install(folder: Path) -> None:
    (folder / "package.json").write_text('{"private": true}')
    _run("npm", "install", "--silent", "--no-audit", "--no-fund", *PACKAGES, cwd=folder)


def _compile_and_run(folder: Path, program: str, environment: dict[str, str]) -> None:
    shutil.copy(HERE / program, folder / "main.ts")
    _run("npx", "tsc", *COMPILER, "--outDir", "out", "main.ts", cwd=folder)
    _run("node", "out/main.js", cwd=folder, env=environment)


def _run(*command: str, cwd: Path, env: dict[str, str] | None = None) -> None:
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    subprocess.run(command, check=True, cwd=cwd, env=env, text=True, **streams)  # type: ignore[call-overload]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
