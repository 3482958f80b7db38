"""The cost of the import, the first client and the first call, over the import of urllib3."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from typing import NamedTuple

from benchmarks import baseline
from benchmarks.comparison import Figure, Ratio, Result
from benchmarks.process import ROOT, environment
from benchmarks.server import Server

PROBE = """
import os, sys, time
def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
loaded, held, started = len(sys.modules), resident(), time.process_time()
{statement}
spent = time.process_time() - started
print([spent * 1e3, len(sys.modules) - loaded, resident() - held])
"""

IMPORT = "import knetik_cloud"
CLIENT = f"{IMPORT}\napi = knetik_cloud.UsersInventoryApi(knetik_cloud.ApiClient())"
CALL = f"""{IMPORT}
settings = knetik_cloud.Configuration({{url!r}}, access_token="token-of-the-benchmark")
knetik_cloud.UsersInventoryApi(knetik_cloud.ApiClient(settings)).get_user_inventory(56, 56)"""
URLLIB3 = "import urllib3"
URLLIB3_CALL = f"""import json, urllib3
json.loads(urllib3.HTTPConnectionPool("127.0.0.1", {{port}}).urlopen("GET", {baseline.target(1)!r}).data)"""


class Probe(NamedTuple):
    """The CPU milliseconds, modules and MiB that a statement added in a fresh interpreter."""

    spent: float
    modules: float
    memory: float


def measure(rounds: int) -> list[Result]:
    """Compare importing, importing with a client and its first API object, and all that with a first call.

    A round starts two interpreters, so there are a fifth as many.
    """
    with tempfile.TemporaryDirectory() as bytecode, Server() as server:
        call, bare_call = CALL.format(url=server.url), URLLIB3_CALL.format(port=server.port)
        results: list[Result] = []
        for name, subject, against in (
            ("import knetik_cloud", IMPORT, URLLIB3),
            ("import, client, first API object", CLIENT, URLLIB3),
            ("import, client, first call", call, bare_call),
        ):
            results += _compare(name, subject, against, max(5, rounds // 5), bytecode)
    return results


def _compare(name: str, subject: str, against: str, rounds: int, bytecode: str) -> list[Result]:
    probe(subject, bytecode), probe(against, bytecode)
    pairs = [(probe(subject, bytecode), probe(against, bytecode)) for _ in range(rounds)]
    time = Ratio.of_pairs(name, [(ours.spent, theirs.spent) for ours, theirs in pairs], "ms")
    modules = statistics.median(ours.modules for ours, _ in pairs)
    memory = Ratio.of_pairs(
        f"{name}: memory", [(ours.memory, theirs.memory) for ours, theirs in pairs], "MiB"
    )
    return [time, memory, Figure(f"{name}: modules", modules, "modules")]


def probe(statement: str, bytecode: str) -> Probe:
    """Run a statement in a fresh interpreter; `bytecode` is the folder that keeps the compiled modules."""
    result = subprocess.run(
        [sys.executable, "-c", PROBE.format(statement=statement)],
        cwd=ROOT,
        env=environment(bytecode),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return Probe(*json.loads(result.stdout))
