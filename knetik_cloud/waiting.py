"""Waiting until an item reaches a state that the contract describes with `x-waiter`.

The algorithm is a generator, as in `knetik_cloud.recovery`, so that both clients run the same one.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import iscoroutinefunction
from typing import Any

from knetik_cloud import upward, writes
from knetik_cloud.api_client import Api, ApiClient
from knetik_cloud.core import options as call_options
from knetik_cloud.core import request, retry
from knetik_cloud.core.clock import monotonic
from knetik_cloud.core.operation import ApiResponse, Operation, Parameter
from knetik_cloud.core.outcome import Sleep
from knetik_cloud.core.paging import EmitPage, Plan, StartFetch
from knetik_cloud.data import expressions, types
from knetik_cloud.deadlines import block_reason, remaining
from knetik_cloud.exceptions import ApiException, ApiValueError, DeadlineExceeded, WaitFailed
from knetik_cloud.extensions import Waiter
from knetik_cloud.recovery import Run, Steps, is_denial, record, run_steps

__all__ = ["resume", "token"]

__tracebackhide__ = True  # a failing test shows the caller's line, not the engine's source

FIRST_SECONDS = 0.2
MAX_SECONDS = 5.0
GROWTH = 1.5
PAGE_SIZE = 1000

SleepFunction = Callable[[float], object]
Limited = Callable[[], Mapping[str, Any]]
"""Returns the options of a call, whose deadline is at most what is left of the wait's."""


class Wait:
    """The target of a wait, as a token can contain it: its values are converted to those of JSON.

    Args:
        operation: The operation that reads an item.
        waiter: The state.
        arguments: The other arguments of the operation.
        item: The id of the item, several of them, or None to take any item that `find` and `since` describe.
        find: Fields that the item has.
        since: Epoch seconds from which on the item was created, or None.

    Raises:
        ApiValueError: If nothing identifies the item, or a value can't be sent.
    """

    def __init__(
        self,
        operation: Operation[Any],
        waiter: Waiter,
        arguments: Mapping[str, Any],
        item: Any,
        find: Mapping[str, Any],
        since: int | None,
    ) -> None:
        parameters = {parameter.name: parameter for parameter in operation.parameters}
        self.method = f"wait_until_{waiter.name}"
        self.operation = operation
        self.waiter = waiter
        self.arguments = _converted(arguments, parameters)
        self.find = _converted(find, _fields(operation))
        self.since = since
        self._list_since = since  # later also the date of the oldest of several items
        self.item_name = [name for name, parameter in parameters.items() if parameter.place == "path"][-1]
        since_name = ("since",) if waiter.since else ()
        self.parameters = (*arguments, self.item_name, *waiter.find, *since_name, "deadline", "sleep")
        self.is_single = item is not None and not _is_several(item)
        self.item = item
        if self.is_single:
            self.item = request.convert(parameters[self.item_name], item)
        elif item is not None:
            each = Parameter(f"each of {self.item_name}", "path", parameters[self.item_name].type)
            self.item = [call_options.integer(each.name, request.convert(each, one), 0) for one in item]
        if item is not None and (self.find or since is not None):
            names = ", ".join([*self.find, *(["since"] if since is not None else [])])
            raise ApiValueError(f"{self.item_name} already specifies what to wait for: omit {names}")
        if item is None and not self.find and since is None:
            others = ", ".join((*waiter.find, "since"))
            raise ApiValueError(f"{self.method} needs {self.item_name}, or one of {others}")

    def settings(self, client: Any, options: Mapping[str, Any]) -> call_options.Settings:
        """Return the settings of the calls.

        Raises:
            TypeError: If there is no option of that name.
            ApiValueError: If an option is out of range.
        """
        settings: call_options.Settings = client.configuration.settings().with_options(client._options)
        return settings.with_options(options, self.method, self.parameters)

    def token(self) -> str:
        """Format as JSON."""
        return json.dumps(
            {
                "operation": self.operation.id,
                "waiter": self.waiter.name,
                "arguments": self.arguments,
                "item": self.item,
                "find": self.find,
                "since": self.since,
            },
            separators=(",", ":"),
        )

    def steps(
        self, options: Mapping[str, Any], deadline: float, call_deadline: float, elapsed: Callable[[], float]
    ) -> Steps[Any]:
        """Look until the state is reached.

        Args:
            options: The options of each call.
            deadline: Seconds for all calls and waits.
            call_deadline: Seconds that one call may take.
            elapsed: Returns the seconds since the start.

        Raises:
            WaitFailed: If the state can't be reached anymore.
            DeadlineExceeded: If the deadline passes, or that of the current block.
            ApiException: If the service rejects a call.
        """

        def limited() -> Mapping[str, Any]:
            left = deadline - elapsed()
            if left <= 0:
                raise DeadlineExceeded(reason="the deadline of the wait has passed")
            return options if left >= call_deadline else {**options, "_deadline": left}

        pause = FIRST_SECONDS
        look = self._look_at_one if self.is_single else self._look_at_list
        seen = "nothing was seen yet"
        cause: ApiException | None = None
        while min(deadline - elapsed(), remaining()) > 0:
            try:
                result, seen, retry_after = yield from look(limited)
                cause = None
            except ApiException as error:
                if isinstance(error, WaitFailed) or is_denial(error) or isinstance(error, ApiValueError):
                    raise
                result, cause, retry_after = None, error, error.retry_after or 0.0
            if result is not None:
                return result
            wait = max(random.uniform(0.5, 1.0) * pause, retry_after)
            left = min(deadline - elapsed(), remaining())
            if left <= 0:
                break
            yield Sleep(min(wait, left))
            pause = min(pause * GROWTH, MAX_SECONDS)
        is_block_over = remaining() < deadline - elapsed()
        raise self._too_late_error(None if is_block_over else deadline, seen, cause)

    def _too_late_error(
        self, deadline: float | None, seen: str, cause: ApiException | None
    ) -> DeadlineExceeded:
        """Build the error for a wait whose deadline has passed, or (None) that of the current block."""
        state = f"{self.waiter.field} is not {' or '.join(map(repr, self.waiter.success))}"
        if deadline is None:
            reason = f"{block_reason('has passed')}: {state}: {seen} (continue with the error's wait_token)"
        else:
            reason = (
                f"{state} after {deadline:g} s: {seen} (increase deadline, or continue with the error's "
                "wait_token)"
            )
        error = DeadlineExceeded(reason=reason)
        error.operation = self.operation.id
        error.wait_token = self.token()
        error.__cause__ = cause
        return error

    def _look_at_one(self, limited: Limited) -> Steps[tuple[Any, str, float]]:
        arguments = {**self.arguments, self.item_name: self.item}
        result = yield from _call(Run(self.operation, arguments, limited()))
        reached = self._check(result.data)
        return (result.data if reached else None), self._describe([result.data]), _retry_after(result.headers)

    def _look_at_list(self, limited: Limited) -> Steps[tuple[Any, str, float]]:
        items: list[Any] = []
        retry_after = 0.0
        plan = self._plan()
        steps = plan.read()
        page: Any = None
        fetch: StartFetch | None = None
        try:
            while True:
                step = steps.send(page)
                page = None
                if isinstance(step, StartFetch):
                    fetch = step
                elif isinstance(step, EmitPage):
                    items += step.items
                    if self.item is not None and {*self.item} <= {_id_of(item) for item in items}:
                        break
                else:
                    assert fetch is not None
                    result = yield from _call(Run(plan.operation, fetch.arguments, limited()))
                    page, retry_after = result.data, max(retry_after, _retry_after(result.headers))
        except StopIteration:
            pass
        return (*(self._all(items) if self.item is not None else self._any(items)), retry_after)

    def _plan(self) -> Plan[Any]:
        listed: Operation[Any] = _operation(self.operation.models, self.waiter.list or "")
        extra = {"since": f"GOE,{self._list_since or 0}"}
        values = {
            name: writes.resolve(value, self.arguments, extra)
            for name, value in self.waiter.arguments.items()
            if value != "$since" or self._list_since is not None
        }
        return Plan(
            listed,
            {name: value for name, value in values.items() if value is not None},
            {},
            limit=None,
            page_size=PAGE_SIZE,
            prefetch=0,
            deadline=None,
            call_deadline=math.inf,
        )

    def _all(self, items: Sequence[Any]) -> tuple[Any, str]:
        """Return the awaited items if all have reached the state, and a description of the others."""
        found = {_id_of(item): item for item in items}
        awaited = [found.get(key) for key in self.item]
        pending = [item for item in awaited if item is not None and not self._check(item)]
        missing = [key for key, item in zip(self.item, awaited, strict=True) if item is None]
        if self._list_since is None and not missing and self.waiter.since is not None:
            # None of them is older, so that later looks need not list what is.
            dates = [one._json.get(self.waiter.since) for one in awaited if one is not None]
            if dates and all(type(date) is int for date in dates):
                self._list_since = min(dates)
        if not missing and not pending:
            return awaited, ""
        return None, self._describe(pending, missing)

    def _any(self, items: Sequence[Any]) -> tuple[Any, str]:
        """Return the newest item that fits and has reached the state, and a description of the others."""
        waiter = self.waiter
        fitting = [
            item
            for item in items
            if all(item._json.get(name) == value for name, value in self.find.items())
            and (self.since is None or (item._json.get(waiter.since) or 0) >= self.since)
        ]
        reached = [item for item in fitting if item._json.get(waiter.field) in waiter.success]
        if reached:
            return reached[-1], ""
        if fitting and all(item._json.get(waiter.field) in waiter.failure for item in fitting):
            self._check(fitting[-1])
        return None, self._describe(fitting) if fitting else "no matching item yet"

    def _check(self, item: Any) -> bool:
        """Return whether an item has reached the state.

        Raises:
            WaitFailed: If it can't anymore.
        """
        state = item._json.get(self.waiter.field)
        if state in self.waiter.success:
            return True
        if state in self.waiter.failure:
            waited = " or ".join(map(repr, self.waiter.success))
            error = WaitFailed(reason=f"{self._describe([item])}, and can't become {waited} anymore")
            error.operation, error.item, error.state = self.operation.id, item, state
            raise error
        return False

    def _describe(self, items: Sequence[Any], missing: Sequence[Any] = ()) -> str:
        """Describe the states of items, with the invoice that each came from."""
        shown = []
        for item in items[:3]:
            invoice = item._json.get("invoice_id")
            of_invoice = "" if invoice is None else f" (invoice {invoice})"
            shown.append(f"{_id_of(item)}{of_invoice} is {item._json.get(self.waiter.field)!r}")
        shown += [f"{key} is not there" for key in missing[:3]]
        left = len(items) + len(missing) - len(shown)
        return ", ".join(shown) + (f", and {left} more" if left else "")


def _call(run: Run) -> Steps[ApiResponse[Any]]:
    """Run a call, and raise its error."""
    result: ApiResponse[Any] | ApiException = yield run
    try:
        if isinstance(result, ApiException):
            raise result
        return result
    finally:
        del result  # the traceback of the error holds this frame, which must not hold the error


def _operation(models: str, name: str) -> Operation[Any]:
    module = upward.load(f"{models.removesuffix('.models')}.operations")
    found: Operation[Any] = getattr(module, name.upper())
    return found


def _is_several(item: Any) -> bool:
    """Return whether a value holds ids, and is not an id of any library itself."""
    is_iterable = isinstance(item, Iterable) and not isinstance(item, (str, bytes, Mapping))
    return is_iterable and types.to_int(item) is None


def _fields(operation: Operation[Any]) -> dict[str, Parameter]:
    """Return the fields of an operation's item, as parameters by name."""
    returned = operation.returned
    assert isinstance(returned, expressions.Reference)
    fields = returned.model._fields.values()
    return {field.wire: Parameter(field.wire, "query", field.expression) for field in fields}


def _converted(values: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """Return the values that are not None, converted by the types of their parameters."""
    return {
        name: request.convert(parameters[name], value) for name, value in values.items() if value is not None
    }


def _id_of(item: Any) -> Any:
    return item._json.get("id")


def _retry_after(headers: Mapping[str, str]) -> float:
    value = headers.get("Retry-After")
    return 0.0 if value is None else retry.retry_after(value, time.time) or 0.0


def waiter_of(operation: Operation[Any], name: str) -> Waiter:
    """Return a waiter of an operation by its name."""
    return next(waiter for waiter in operation.waiters if waiter.name == name)


def prepare(
    client: Any, wait: Wait, options: Mapping[str, Any], deadline: float, is_simulated: bool
) -> tuple[Steps[Any], Callable[[float], None]]:
    """Return the steps of a wait, and a function to call with the seconds of each simulated sleep.

    Raises:
        TypeError: If there is no option of that name.
        ApiValueError: If an option is out of range.
    """
    deadline = call_options.time_limit("deadline", deadline)
    call_deadline = wait.settings(client, options).deadline
    started = monotonic()
    simulated = 0.0

    def elapsed() -> float:
        return monotonic() - started + simulated

    def count(seconds: float) -> None:
        nonlocal simulated
        if is_simulated:
            simulated += seconds

    return wait.steps(options, deadline, call_deadline, elapsed), count


def instant(since: Any) -> int | None:
    """Return epoch seconds of an instant, or None.

    Raises:
        ApiValueError: If it is not an instant.
    """
    if since is None:
        return None
    from knetik_cloud.data.instant import epoch_seconds

    return epoch_seconds(since, "since")


def wait(
    client: ApiClient,
    operation: Operation[Any],
    name: str,
    arguments: Mapping[str, Any],
    item: Any,
    options: Mapping[str, Any],
    *,
    find: Mapping[str, Any],
    since: Any,
    deadline: float,
    sleep: SleepFunction | None,
) -> Any:
    """Wait with the blocking client: what the generated methods do."""
    awaited = Wait(operation, waiter_of(operation, name), arguments, item, find, instant(since))
    return _run(client, awaited, options, deadline, sleep)


def _run(
    client: ApiClient, awaited: Wait, options: Mapping[str, Any], deadline: float, sleep: SleepFunction | None
) -> Any:
    steps, count = prepare(client, awaited, options, deadline, sleep is not None)

    def pause(seconds: float) -> None:
        (sleep or time.sleep)(seconds)
        count(seconds)

    return run_steps(client, steps, pause)


def parse(models: str, token: str) -> Wait:
    """Read a token.

    Raises:
        ApiValueError: If `token` is not the token of a wait.
    """
    try:
        found = json.loads(token)
        operation = _operation(models, found["operation"])
        waiter = waiter_of(operation, found["waiter"])
        awaited = Wait(operation, waiter, found["arguments"], found["item"], found["find"], found["since"])
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
        raise types.invalid_value_error("token", "a token of a waiter", token) from None
    awaited.method, awaited.parameters = "resume", ("api", "token", "deadline", "sleep")
    return awaited


def token(method: Callable[..., Any], /, *args: Any, **kwargs: Any) -> str:
    """Return the token of a wait, as JSON, without waiting.

    Another process continues with `resume(api, token)`.

    Args:
        method: A waiter of an API object, such as `api.wait_until_user_inventory_active`.
        *args: Its arguments.
        **kwargs: Its keyword arguments. `deadline` and `sleep` are not part of the token.

    Raises:
        TypeError: If `method` is not a waiter, or does not accept the arguments.
        ApiValueError: If nothing identifies the item, or an option is out of range.
    """
    waits = record(method, args, kwargs).waits
    if len(waits) != 1:
        raise TypeError(
            f"expected a waiter, such as api.wait_until_user_inventory_active, not {types.short_repr(method)}"
        )
    (operation, name, arguments, item, options), how = waits[0]
    awaited = Wait(operation, waiter_of(operation, name), arguments, item, how["find"], instant(how["since"]))
    awaited.settings(method.__self__.api_client, options)  # type: ignore[attr-defined]
    return awaited.token()


def resume(
    api: Api,
    token: str,
    *,
    deadline: float = 60.0,
    sleep: SleepFunction | None = None,
    **options: Any,
) -> Any:
    """Continue a wait of another process.

    Args:
        api: Any API object of the same service.
        token: The result of `token`, or the `wait_token` of a `DeadlineExceeded`.
        deadline: Seconds for all calls and waits. `math.inf` sets no limit.
        sleep: A function to call with the seconds, instead of sleeping.
        **options: Options for each of the calls.

    Returns:
        The item, or the items.

    Raises:
        WaitFailed: If the state can't be reached anymore.
        DeadlineExceeded: If the deadline passes first, or that of a `knetik_cloud.deadline` block.
        ApiValueError: If `token` is not the token of a wait.
        ApiException: If the service rejects a call.
        TypeError: If `api` is not an API object of the blocking client.
    """
    client = client_of(api, is_async=False)
    return _run(client, parse(models_of(api), token), options, deadline, sleep)


def client_of(api: object, is_async: bool) -> Any:
    """Return the client of an API object for `resume`.

    Raises:
        TypeError: If it is something else, or the API object of a client of the other kind.
    """
    client = getattr(api, "api_client", None)
    if client is not None and iscoroutinefunction(client.call) is is_async:
        return client
    kind, package, other = (
        ("asyncio", "knetik_cloud.aio", "with the blocking client, use resume() of knetik_cloud.waiting")
        if is_async
        else ("blocking", "knetik_cloud", "in a coroutine, use resume() of knetik_cloud.aio.waiting")
    )
    raise TypeError(
        f"resume() takes an API object of the {kind} client, such as {package}.UsersInventoryApi(), not "
        f"{types.short_repr(api)}: {other}"
    )


def models_of(api: Any) -> str:
    """Return the package of the models of an API object's contract."""
    package = type(api).__module__
    for part in (".aio.apis.", ".apis."):
        if part in package:
            return f"{package.partition(part)[0]}.models"
    return "knetik_cloud.models"
