"""Runs a bulk run that its parent kills: `ledger_child.py URL OPERATION NAME JOURNAL`."""

from __future__ import annotations

import json
import sys

import knetik_cloud
from knetik_cloud import bulk
from test.outcomes import ledger


def main(url: str, operation: str, name: str, journal: str) -> None:
    with knetik_cloud.ApiClient(knetik_cloud.Configuration(host=url, retries=4)) as client:
        api = knetik_cloud.UsersInventoryApi(client).with_options(_request_timeout=(5.0, ledger.READ_SECONDS))
        report = bulk.run(
            ledger.rows(operation, name),
            getattr(api, operation),
            journal=journal,
            settle=ledger.SETTLE_SECONDS,
            shards=16,
            progress=False,
        )
    print(json.dumps(report.counts))


if __name__ == "__main__":
    main(*sys.argv[1:])
