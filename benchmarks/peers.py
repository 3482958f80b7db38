"""The cost of calls of clients that other generators make from the contract, over bare urllib3.

The clients are generated at run time into a temporary folder. A generator that isn't installed is left out:
`pip install -r benchmarks/peers-requirements.txt` brings both, and openapi-generator-cli needs Java.
"""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import baseline, payloads
from benchmarks.calls import NAMES
from benchmarks.comparison import Ratio, compare
from benchmarks.process import ROOT
from benchmarks.server import Server

CONTRACT = ROOT / "knetik_cloud" / "openapi.yaml"
Caller = Callable[[int], Callable[[], object]]


def measure(rounds: int) -> list[Ratio]:
    """Compare the peers that can be made here, three fields of each row touched."""
    ratios = []
    with tempfile.TemporaryDirectory() as folder, Server() as server:
        sys.path.insert(0, folder)
        for name, make in PEERS.items():
            caller = make(Path(folder), server.url)
            if caller is None:
                print(f"{name} isn't installed: left out", file=sys.stderr)
                continue
            for size in payloads.SIZES:
                bare = baseline.caller(server.port, size)
                ratios.append(compare(f"{name}: {NAMES[size]}", caller(size), bare, rounds=rounds))
        sys.path.remove(folder)
    return ratios


def openapi_generator(folder: Path, url: str) -> Caller | None:
    """Generate the client of openapi-generator's `python` and return its callers."""
    made = _generate(
        "openapi-generator-cli", "generate", "-g", "python", "-i", str(CONTRACT), "-o", str(folder),
        "--package-name", "peer_openapi_generator",
    )  # fmt: skip
    if not made:
        return None
    peer = importlib.import_module("peer_openapi_generator")
    settings = peer.Configuration(host=url, access_token="token-of-the-benchmark")
    api = peer.UsersInventoryApi(peer.ApiClient(settings))

    def caller(size: int) -> Callable[[], object]:
        if size == 1:
            return lambda: _touch([api.get_user_inventory("56", 56)])
        return lambda: _touch(api.get_users_inventory(size=size).content)

    return caller


def openapi_python_client(folder: Path, url: str) -> Caller | None:
    """Generate the client of openapi-python-client and return its callers."""
    made = _generate(
        "openapi-python-client", "generate", "--path", str(CONTRACT), "--meta", "none",
        "--output-path", str(folder / "peer_openapi_python_client"),
    )  # fmt: skip
    if not made:
        return None
    package = "peer_openapi_python_client"
    client = importlib.import_module(package).AuthenticatedClient(url, "token-of-the-benchmark")
    operations = f"{package}.api.users_inventory"
    one = importlib.import_module(f"{operations}.get_user_inventory").sync
    many = importlib.import_module(f"{operations}.get_users_inventory").sync

    def caller(size: int) -> Callable[[], object]:
        if size == 1:
            return lambda: _touch([one("56", 56, client=client)])
        return lambda: _touch(many(client=client, size=size).content)

    return caller


PEERS: dict[str, Callable[[Path, str], Caller | None]] = {
    "openapi-generator": openapi_generator,
    "openapi-python-client": openapi_python_client,
}


def _generate(command: str, *arguments: str) -> bool:
    """Run a generator; False when it, or the Java that it runs on, isn't there."""
    found = shutil.which(command, path=str(Path(sys.executable).parent)) or shutil.which(command)
    if found is None or (command == "openapi-generator-cli" and shutil.which("java") is None):
        return False
    subprocess.run([found, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return True


def _touch(rows: Any) -> None:
    for entry in rows:
        _ = entry.id, entry.status, entry.item_name
