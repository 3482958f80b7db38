"""Many rows with a journal: run a write for each row exactly once, resume after a crash, report, export.

    from knetik_cloud import bulk

    report = bulk.run("winners.csv", api.grant_user_entitlement, journal="winners.run")
    report.write("report.csv")

The same command resumes after a crash, a reboot or Ctrl-C. Rows that were in flight are read back from
the service and never blindly sent again. See the guide "A million grants".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from knetik_cloud.bulk.exporting import Exported as Exported
    from knetik_cloud.bulk.exporting import export as export
    from knetik_cloud.bulk.journal import BulkError as BulkError
    from knetik_cloud.bulk.journal import ChangedInputError as ChangedInputError
    from knetik_cloud.bulk.journal import InvalidRowsError as InvalidRowsError
    from knetik_cloud.bulk.planning import Plan as Plan
    from knetik_cloud.bulk.planning import plan as plan
    from knetik_cloud.bulk.reporting import Report as Report
    from knetik_cloud.bulk.reporting import RowReport as RowReport
    from knetik_cloud.bulk.reporting import report as report
    from knetik_cloud.bulk.reporting import status as status
    from knetik_cloud.bulk.running import Tally as Tally
    from knetik_cloud.bulk.running import prepare as prepare
    from knetik_cloud.bulk.running import resume as resume
    from knetik_cloud.bulk.running import run as run
    from knetik_cloud.bulk.running import run_shard as run_shard
    from knetik_cloud.bulk.running import shards_of as shards_of
    from knetik_cloud.bulk.running import stop as stop

from importlib import import_module

_MODULES = {
    "BulkError": "journal",
    "ChangedInputError": "journal",
    "Exported": "exporting",
    "InvalidRowsError": "journal",
    "Plan": "planning",
    "Report": "reporting",
    "RowReport": "reporting",
    "export": "exporting",
    "Tally": "running",
    "plan": "planning",
    "prepare": "running",
    "report": "reporting",
    "resume": "running",
    "run": "running",
    "run_shard": "running",
    "shards_of": "running",
    "status": "reporting",
    "stop": "running",
}

if not TYPE_CHECKING:  # a checker can't evaluate __all__, and would accept any name
    __all__ = [*_MODULES]

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*(name for name in globals() if name.startswith("__")), *__all__})
