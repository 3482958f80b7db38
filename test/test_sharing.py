"""Each cell of the table in the guide "Threads, processes and event loops" holds."""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import os
import pickle
import re
import signal
import tempfile
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import psutil
import pytest

import knetik_cloud
from knetik_cloud import ApiValueError, aio, bulk, filters, sorting
from knetik_cloud.contrib.opentelemetry import KnetikCloudInstrumentor
from knetik_cloud.data.model import Model
from knetik_cloud.sandbox import Sandbox

GUIDE = Path(__file__).parents[1] / "docs" / "guides" / "sharing.md"
COLUMNS = ["Object", "Threads", "After a fork", "Pickle", "Event loops", "`copy.copy`", "Closed by"]
THREADS = 4


def table() -> dict[str, dict[str, str]]:
    lines = [line for line in GUIDE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
    assert rows[0] == COLUMNS
    return {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in rows[2:]}


class Case:
    """A row of the table: how its object is made and used, and how to compare a copy.

    `use` returns the same value each time, or a coroutine for it. `change` changes the object.
    """

    def __init__(
        self,
        make: Callable[[Sandbox], Any],
        use: Callable[[Any], Any],
        *,
        same: Callable[[Any, Any], bool] = lambda one, other: one == other,
        change: Callable[[Any], object] | None = None,
        with_secret: Callable[[], Any] | None = None,
    ) -> None:
        self.make = make
        self.use = use
        self.same = same
        self.change = change
        self.with_secret = with_secret

    def result(self, subject: Any) -> Any:
        """Use the object, in an event loop of this thread if it needs one."""
        if inspect.iscoroutinefunction(self.use):
            return asyncio.run(self.use(subject))
        return self.use(subject)


def configured(sandbox: Sandbox) -> knetik_cloud.Configuration:
    return knetik_cloud.Configuration(host=sandbox.url)


def api_of(sandbox: Sandbox) -> knetik_cloud.UsersInventoryApi:
    return knetik_cloud.UsersInventoryApi(knetik_cloud.ApiClient(configured(sandbox)))


def aio_api_of(sandbox: Sandbox) -> aio.UsersInventoryApi:
    return aio.UsersInventoryApi(aio.ApiClient(configured(sandbox)))


def own(api: Any, sandbox: Sandbox) -> Any:
    """Return an API object whose client is its own, and is closed with it."""
    api.api_client.configuration.host = sandbox.url
    return api


def error_of(sandbox: Sandbox) -> knetik_cloud.ApiException:
    with pytest.raises(knetik_cloud.NotFoundException) as caught:
        api_of(sandbox).get_user_inventory(56, 999)
    return caught.value


def read_with_client(client: knetik_cloud.ApiClient) -> Any:
    return knetik_cloud.UsersInventoryApi(client).get_user_inventory(56, 56)


async def await_with_client(client: aio.ApiClient) -> Any:
    return await aio.UsersInventoryApi(client).get_user_inventory(56, 56)


async def await_with_api(api: aio.UsersInventoryApi) -> Any:
    return await api.get_user_inventory(56, 56)


async def ids_of(pager: Any) -> list[int]:
    return [item.id async for item in pager]


def read_response(response: Any) -> Any:
    """Read a response once; later, return what was read."""
    if response.sharing_result is None:
        response.sharing_result = response.read()
    return response.sharing_result


def raw_of(sandbox: Sandbox) -> Any:
    api = api_of(sandbox)
    response: Any = api.api_client.raw(api.get_user_inventory, 56, 56)
    response.sharing_result = None
    return response


async def await_response(opener: aio.UsersInventoryApi) -> Any:
    async with await opener.api_client.raw(opener.get_user_inventory, 56, 56) as response:
        with pytest.raises(TypeError, match="can't be pickled or copied"):
            copy.copy(response)
        with pytest.raises(TypeError, match="can't be pickled or copied"):
            pickle.dumps(response)
        return await response.read()


def use_once(api: knetik_cloud.UsersInventoryApi) -> Any:
    """Use an item under one key: however often this runs, the service applies it once."""
    outcome = knetik_cloud.once(api.use_user_entitlement_item, 56, 1, key="shared", settle=0)
    return outcome.is_applied, api.wait_until_user_inventory_active(56, 56, deadline=20).id


async def await_once(api: aio.UsersInventoryApi) -> Any:
    outcome = await aio.once(api.use_user_entitlement_item, 56, 1, key="shared", settle=0)
    return outcome.is_applied, (await api.wait_until_user_inventory_active(56, 56, deadline=20)).id


def outcome_of(sandbox: Sandbox) -> Any:
    return knetik_cloud.once(api_of(sandbox).use_user_entitlement_item, 56, 1, key="outcome", settle=0)


class Run:
    """A bulk run of one journal."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.folder = Path(tempfile.mkdtemp())
        self.rows = [{"user_id": 56, "item_id": 1, "key": f"{self.folder.name}-{n}"} for n in range(4)]

    def run(self) -> Any:
        """Run what is left of the journal, and return how often the service was called for its rows."""
        with knetik_cloud.ApiClient(configured(self.sandbox)) as client:
            method = knetik_cloud.UsersInventoryApi(client).use_user_entitlement_item
            report = bulk.run(self.rows, method, journal=self.folder / "run", progress=False, settle=0)
        calls = self.sandbox.journal("use_user_entitlement_item")
        return report.counts["applied"], sum(self.folder.name in f"{c.query}{c.body}" for c in calls)


def hook_of(sandbox: Sandbox) -> Any:
    hook = Counting()
    hook.url = sandbox.url
    return hook


class Counting(knetik_cloud.Hook):
    """A hook that has fields."""

    url = ""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def on_call_start(self, call: Any) -> None:
        self.seen.append(call.operation)


def call_with_hook(hook: Counting) -> Any:
    configuration = knetik_cloud.Configuration(host=hook.url, hooks=[hook])
    with knetik_cloud.ApiClient(configuration) as client:
        read_with_client(client)
    return hook.seen[-1]


def instrument(instrumentor: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        instrumentor.instrument()
    return instrumentor.is_instrumented_by_opentelemetry


def by_attributes(one: Any, other: Any) -> bool:
    names = [name for name in dir(one) if not name.startswith("_")]
    values = [(getattr(one, name), getattr(other, name)) for name in names]
    return all(str(a) == str(b) for a, b in values if not callable(a))


def in_deadline(_: Any) -> Any:
    with knetik_cloud.deadline(60):
        return True


CASES = {
    "`ApiClient`": Case(lambda sandbox: knetik_cloud.ApiClient(configured(sandbox)), read_with_client),
    "`UsersInventoryApi`, `AccessTokenApi`": Case(
        lambda sandbox: own(knetik_cloud.UsersInventoryApi(), sandbox),
        lambda api: api.get_user_inventory(56, 56),
    ),
    "`aio.ApiClient`": Case(lambda sandbox: aio.ApiClient(configured(sandbox)), await_with_client),
    "`aio.UsersInventoryApi`, `aio.AccessTokenApi`": Case(
        lambda sandbox: own(aio.UsersInventoryApi(), sandbox), await_with_api
    ),
    "`Configuration`": Case(
        configured,
        lambda configuration: read_with_client(knetik_cloud.ApiClient(configuration)),
        same=lambda one, other: repr(one) == repr(other),
        change=lambda configuration: setattr(configuration, "host", "http://127.0.0.1:9"),
        with_secret=lambda: knetik_cloud.Configuration(client_secret="secret"),
    ),
    "`Secret`": Case(lambda _: knetik_cloud.Secret("secret"), lambda secret: secret.reveal()),
    "`AccessToken`": Case(
        lambda _: knetik_cloud.AccessToken("token", 60), lambda token: repr(token), same=by_attributes
    ),
    "Models and pages": Case(
        lambda sandbox: api_of(sandbox).get_user_inventories(56, inactive=True),
        lambda page: [entry.to_json() for entry in page.content],
        change=lambda page: setattr(page, "content", []),
    ),
    "`ApiResponse`": Case(
        lambda sandbox: api_of(sandbox).get_user_inventory_with_http_info(56, 56),
        lambda response: (response.status, response.data.id, response.headers["content-type"]),
    ),
    "`ApiException` and its subclasses": Case(
        error_of,
        lambda error: (error.status, error.body, str(error)),
        same=by_attributes,
        change=lambda error: setattr(error, "status", 500),
    ),
    "`DateFilter`, `SortOrder`": Case(
        lambda _: (filters.after(5), sorting.ascending("id")), lambda pair: tuple(map(str, pair))
    ),
    "`Pager`": Case(
        lambda sandbox: api_of(sandbox).iter_users_inventory(page_size=2), lambda pager: [e.id for e in pager]
    ),
    "`aio.Pager`": Case(lambda sandbox: aio_api_of(sandbox).iter_users_inventory(page_size=2), ids_of),
    "`RESTResponse`": Case(raw_of, read_response),
    "`aio.rest.RESTResponse`": Case(aio_api_of, await_response),
    "`AsyncResult`, the `Future` of `submit`": Case(
        lambda sandbox: api_of(sandbox).get_user_inventory(56, 56, async_req=True),
        lambda result: result.get(20),
    ),
    "`once`, `find_out` and waiters": Case(api_of, use_once),
    "Those of `aio`": Case(aio_api_of, await_once),
    "`Outcome`": Case(outcome_of, lambda outcome: (outcome.is_applied, outcome.key), same=by_attributes),
    "`Health`": Case(
        lambda sandbox: knetik_cloud.ApiClient(configured(sandbox)).ping(),
        lambda health: (health.ok, health.problem),
        same=by_attributes,
    ),
    "The journal of `bulk.run`": Case(Run, lambda run: run.run()),
    "`bulk.Report`": Case(
        lambda sandbox: bulk_report(sandbox), lambda report: dict(report.counts), same=by_attributes
    ),
    "`bulk.Plan`, `bulk.Tally`, `bulk.RowReport`, `bulk.Exported`": Case(
        lambda sandbox: bulk_results(sandbox), lambda results: [each._asdict() for each in results]
    ),
    "`bulk.BulkError` and its subclasses": Case(
        lambda _: [bulk.BulkError("a"), bulk.ChangedInputError("b"), bulk.InvalidRowsError(["c"], 2)],
        lambda errors: [(type(each), str(each), vars(each)) for each in errors],
        same=lambda one, other: [*map(repr, one)] == [*map(repr, other)],
    ),
    "`Hook`": Case(hook_of, call_with_hook, same=lambda one, other: one.url == other.url),
    "`Call`, `Attempt` and `TokenEvent` of hooks": Case(
        lambda sandbox: hook_events(sandbox),
        lambda events: facts_of(events),
        same=lambda one, other: facts_of(one) == facts_of(other),
    ),
    "`KnetikCloudInstrumentor`": Case(lambda _: KnetikCloudInstrumentor(), instrument),
    "`with knetik_cloud.deadline(...)`": Case(lambda _: knetik_cloud.deadline(60), in_deadline),
    "`Sandbox`": Case(lambda _: Sandbox().start(), lambda own_sandbox: len(own_sandbox.export())),
    "`Exchange` and `Settings` of a sandbox": Case(
        lambda sandbox: exchange_and_settings(sandbox), lambda pair: [pair[0].to_dict(), str(pair[1])]
    ),
}


def bulk_report(sandbox: Sandbox) -> bulk.Report:
    run = Run(sandbox)
    run.run()
    return bulk.report(run.folder / "run")


def bulk_results(sandbox: Sandbox) -> list[Any]:
    api, run = api_of(sandbox), Run(sandbox)
    plan = bulk.plan(run.rows, api.use_user_entitlement_item)
    journal = run.folder / "run"
    shard, *_ = bulk.prepare(run.rows, api.use_user_entitlement_item, journal=journal)
    tally = bulk.run_shard(journal, shard, api, settle=0)
    exported = bulk.export(api.iter_users_inventory(), run.folder / "entries.jsonl")
    return [plan, tally, next(bulk.report(journal).rows()), exported]


class Keeping(knetik_cloud.Hook):
    """A hook that keeps what it is passed."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def on_token(self, event: Any) -> None:
        self.events.append(event)

    def on_attempt_end(self, attempt: Any) -> None:
        self.events.append(attempt)

    def on_call_end(self, call: Any) -> None:
        self.events.append(call)


def hook_events(sandbox: Sandbox) -> list[Any]:
    hook = Keeping()
    configuration = configured(sandbox)
    configuration.client_secret, configuration.hooks = "client_secret_example", [hook]
    with knetik_cloud.ApiClient(configuration) as client:
        read_with_client(client)
    assert {type(each).__name__ for each in hook.events} == {"Call", "Attempt", "TokenEvent"}
    return hook.events


def facts_of(events: list[Any]) -> Any:
    names = ("operation", "number", "status", "seconds", "request_id", "attempts", "error")
    return [[str(getattr(event, name, None)) for name in names] for event in events]


def exchange_and_settings(sandbox: Sandbox) -> Any:
    api_of(sandbox).get_user_inventory(56, 56)
    return sandbox.journal("get_user_inventory")[-1], sandbox.settings


def test_each_public_class_has_a_row() -> None:
    public = [
        (knetik_cloud, knetik_cloud.__all__),
        (bulk, bulk.__all__),
        (knetik_cloud.sandbox, ("Exchange", "Sandbox", "Settings")),
    ]
    public += [(knetik_cloud.hooks, ("Call", "Attempt", "TokenEvent", "Hook"))]
    classes = [getattr(module, name) for module, names in public for name in names]
    of_kinds = (Model, knetik_cloud.ApiException, bulk.BulkError, Warning)
    named = {*re.findall(r"\w+", " ".join(table()))}
    missing = {
        each.__name__
        for each in classes
        if inspect.isclass(each) and not issubclass(each, of_kinds) and Protocol not in each.__bases__
    }
    assert missing - named == set()


def test_the_table_has_exactly_the_tested_rows() -> None:
    assert list(table()) == list(CASES)


@pytest.fixture(scope="module")
def sandbox(frozen_heap: None) -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture(params=list(CASES))
def row(request: pytest.FixtureRequest) -> tuple[Case, dict[str, str]]:
    return CASES[request.param], table()[request.param]


@pytest.fixture
def case(row: tuple[Case, dict[str, str]]) -> Case:
    return row[0]


@pytest.fixture
def cells(row: tuple[Case, dict[str, str]]) -> dict[str, str]:
    return row[1]


@pytest.fixture
def subject(case: Case, sandbox: Sandbox) -> Iterator[Any]:
    made = case.make(sandbox)
    yield made
    for name in ("close", "stop", "uninstrument"):
        if hasattr(made, name):
            finish(getattr(made, name)())
    del made
    gc.collect()


def finish(result: Any) -> Any:
    """Wait for the result if it is a coroutine."""
    return asyncio.run(result) if inspect.iscoroutine(result) else result


def test_threads(case: Case, cells: dict[str, str], subject: Any) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        if cells["Threads"] == "shared":
            together = threading.Barrier(THREADS)

            def use() -> Any:
                together.wait(20)
                return case.result(subject)

            results = [each.result(60) for each in [pool.submit(use) for _ in range(THREADS)]]
        else:
            assert cells["Threads"] == "one at a time"
            results = [pool.submit(case.result, subject).result(60) for _ in range(THREADS)]
    assert all(result == results[0] for result in results), results
    assert results[0]


def in_child(work: Callable[[], bool]) -> bool:
    """Fork, and return whether the work in the child returned True within 30 s."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 warns of forks beside threads
        child = os.fork()
    if not child:
        signal.alarm(30)
        try:
            os._exit(0 if work() else 1)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(2)
    return os.waitpid(child, 0)[1] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_after_a_fork(case: Case, cells: dict[str, str], subject: Any) -> None:
    if cells["After a fork"] == "works":
        expected = case.result(subject)
        assert in_child(lambda: case.result(subject) == expected)
        assert case.result(subject) == expected
        return
    assert cells["After a fork"] == "not in the child"

    def drop() -> bool:
        for name in ("close", "stop"):
            if hasattr(subject, name):
                getattr(subject, name)()
        return True

    if not inspect.iscoroutinefunction(case.use):
        assert in_child(drop)
    assert case.result(subject)


def test_pickle(case: Case, cells: dict[str, str], subject: Any) -> None:
    cell = cells["Pickle"]
    if cell in ("yes", "without secrets"):
        loaded = pickle.loads(pickle.dumps(subject))
        assert type(loaded) is type(subject)
        assert case.same(loaded, subject)
        if cell == "without secrets":
            assert case.with_secret is not None
            with pytest.raises(TypeError, match="can't be pickled"):
                pickle.dumps(case.with_secret())
    elif cell == "no":
        if not inspect.iscoroutinefunction(case.use) or hasattr(subject, "api_client"):
            with pytest.raises(TypeError, match=r"can't be pickled|cannot pickle"):
                pickle.dumps(subject)
    else:
        assert cell == "-"


def test_event_loops(case: Case, cells: dict[str, str], subject: Any) -> None:
    cell = cells["Event loops"]
    if cell in ("any", "its own") and inspect.iscoroutinefunction(case.use):
        rounds = [asyncio.run(case.use(subject)) for _ in range(2)]
        assert rounds[0] == rounds[1]
    elif cell == "blocks":

        async def off_the_loop() -> Any:
            return await asyncio.to_thread(case.result, subject)

        assert asyncio.run(off_the_loop())
    else:
        assert cell == "any"

        async def in_the_loop() -> Any:
            return case.result(subject)

        assert asyncio.run(in_the_loop()) == asyncio.run(in_the_loop())


def test_copies(case: Case, cells: dict[str, str], subject: Any) -> None:
    cell = cells["`copy.copy`"]
    if cell == "no":
        if not inspect.iscoroutinefunction(case.use):
            with pytest.raises(TypeError, match=r"can't be pickled|cannot pickle"):
                copy.copy(subject)
    elif cell == "itself":
        assert copy.copy(subject) is subject
        assert copy.deepcopy(subject) is subject
    elif cell == "shares":
        copied = copy.copy(subject)
        assert copied is not subject
        assert case.result(copied) == case.result(subject)
        if "close" in cells["Closed by"]:
            finish(subject.close())
            with pytest.raises(ApiValueError, match="closed"):
                case.result(copied)
    elif cell == "independent":
        expected = case.result(subject)
        for how in (copy.copy, copy.deepcopy):
            copied = how(subject)
            assert case.same(copied, subject)
            if case.change is not None:
                case.change(copied)
            assert case.result(subject) == expected
    else:
        assert cell == "-"


def test_closing(case: Case, cells: dict[str, str], subject: Any) -> None:
    cell = cells["Closed by"]
    if cell == "nothing":
        if cells["Pickle"] == "-":
            return  # calls, which end by themselves
        assert not [name for name in ("close", "stop", "shutdown") if hasattr(subject, name)]
        return
    (name,) = re.findall(r"`(\w+)\(\)`", cell)
    if cells["Object"] == "`aio.rest.RESTResponse`":
        assert inspect.iscoroutinefunction(getattr(aio.rest.RESTResponse, name))
        return
    case.result(subject)
    before = open_sockets()
    for _ in range(2):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            finish(getattr(subject, name)())
    assert open_sockets() <= before
    if cells["Object"] in ("`Sandbox`",):
        with pytest.raises(RuntimeError, match="is not running"):
            case.result(subject)
    elif hasattr(subject, "configuration") or hasattr(subject, "api_client"):
        with pytest.raises(ApiValueError, match="closed"):
            case.result(subject)


def open_sockets() -> int:
    return len(psutil.Process().net_connections())


def test_clients_that_are_part_of_a_reference_cycle_close_without_a_warning(sandbox: Sandbox) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            api: Any = api_of(sandbox)
            api.get_user_inventory(56, 56)
            api.api_client.cycle = [api]
            del api
            gc.collect()
    assert not [each for each in caught if each.category is ResourceWarning]
    port = int(sandbox.url.rpartition(":")[2])
    connections = psutil.Process().net_connections()
    assert not [each for each in connections if each.raddr and each.raddr.port == port]


def test_two_processes_that_start_one_bulk_run_store_its_rows_once(sandbox: Sandbox, tmp_path: Path) -> None:
    method = api_of(sandbox).use_user_entitlement_item
    rows = [{"user_id": 56, "item_id": 1, "key": f"row-{number}"} for number in range(2000)]
    together = threading.Barrier(THREADS)

    def prepare() -> list[int]:
        together.wait(20)
        return bulk.prepare(rows, method, journal=tmp_path / "run")

    with ThreadPoolExecutor(THREADS) as pool:
        shards = [each.result(100) for each in [pool.submit(prepare) for _ in range(THREADS)]]
    assert shards == [shards[0]] * THREADS
    assert bulk.report(tmp_path / "run").total == 2000
