"""`--once` and `--wait`: a write under a key, and the wait until its entry has reached its state."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from knetik_cloud.cli import calls
from knetik_cloud.cli.errors import message
from knetik_cloud.cli.exits import CommandError, Exit
from knetik_cloud.exceptions import ApiException, DeadlineExceeded, WaitFailed

if TYPE_CHECKING:
    from knetik_cloud.api_client import Api, ApiClient
    from knetik_cloud.core.operation import Operation
    from knetik_cloud.extensions import Waiter

INTERVAL = 0.25
"""Seconds between two looks for the entry of a write."""


class Wait(NamedTuple):
    """A state to wait for, and the operation whose item reaches it."""

    operation: Operation[Any]
    waiter: Waiter


def takes_key(operation: Operation[Any]) -> bool:
    """Return whether an operation is a write that can be read back."""
    return operation.retry == "once" and bool(operation.read_back)


def wait_of(operation: Operation[Any]) -> Wait | None:
    """Return the state that an operation's item, or the entry that it creates, reaches later, or None."""
    if operation.waiters:
        return Wait(operation, operation.waiters[0])
    if not operation.read_back or operation.marker is not None:
        return None
    listed = operation.read_back[-1].list
    found = ((each, waiter) for each in calls.by_id().values() for waiter in each.waiters)
    return next((Wait(each, waiter) for each, waiter in found if waiter.list == listed), None)


def with_key(operation: Operation[Any], arguments: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the arguments of a write with its key in them, if the operation has a place for it.

    Raises:
        ApiValueError: If the key can't be used.
    """
    from knetik_cloud.recovery import check_key

    marker = check_key(key)
    if operation.marker is None:
        return dict(arguments)
    return {**arguments, operation.marker: marker.after(arguments.get(operation.marker))}


class EntryWait:
    """The wait for the entry that a write creates. Make it before the write, which it must not miss.

    Args:
        client: The client.
        operation: The write.
        arguments: Its arguments.
        wait: The state to wait for.
        seconds: How long to wait.
    """

    def __init__(
        self,
        client: ApiClient,
        operation: Operation[Any],
        arguments: Mapping[str, Any],
        wait: Wait,
        seconds: float,
    ) -> None:
        from knetik_cloud import recovery

        self._client = client
        self._arguments = arguments
        self._wait = wait
        self._seconds = seconds
        self._run: Callable[[Any], Any] = lambda steps: _readable(lambda: recovery.run_steps(client, steps))
        self._lookup = recovery.Lookup(operation, arguments, recovery.settings_of(client, {}), None)
        self._run(self._lookup.learn_time())
        self._since = self._lookup.time.now() - self._lookup.time.margin
        self._before = set(self._ids())

    def _ids(self) -> Iterator[Any]:
        return (item._json.get("id") for item in self._run(self._lookup.traces(self._since)))

    def result(self, api: Api) -> Any:
        """Wait for the entry and its state, and return the entry.

        Raises:
            CommandError: If it isn't there in time, or can't be read. The write is applied all the same.
            WaitFailed: If it can't reach the state anymore.
        """
        try:
            return self._reached(api)
        except WaitFailed:
            raise
        except DeadlineExceeded as error:
            raise _too_late(message(error)) from None
        except ApiException as error:
            raise _too_late(f"its entry can't be read: {message(error)}") from None

    def _reached(self, api: Api) -> Any:
        until = time.monotonic() + self._seconds
        while not (new := [each for each in self._ids() if each not in self._before]):
            if time.monotonic() >= until:
                raise _too_late(f"no new entry after {self._seconds:g} s")
            time.sleep(INTERVAL)
        operation, waiter = self._wait
        arguments = {"id": new[0], **self._place()}
        names = [each.name for each in operation.parameters if each.required]
        left = max(0.1, until - time.monotonic())
        return wait_for(api, waiter, {name: arguments[name] for name in names}, left)

    def _place(self) -> dict[str, Any]:
        """Return the arguments that locate the entry, from those of the list that contains it."""
        from knetik_cloud import writes

        listed = self._lookup.operation.read_back[-1].arguments
        return {
            expression[1:]: writes.resolve(listed[name], self._arguments)
            for name, expression in self._wait.waiter.arguments.items()
            if isinstance(expression, str) and expression.startswith("$") and name in listed
        }


def wait_for(api: Api, waiter: Waiter, arguments: Mapping[str, Any], seconds: float) -> Any:
    """Wait until an item has reached its state, and return it.

    Raises:
        DeadlineExceeded: If it doesn't in time, or can't be read.
        WaitFailed: If it can't anymore.
    """
    return getattr(api, f"wait_until_{waiter.name}")(**arguments, deadline=seconds)


def _readable(read: Callable[[], Any]) -> Any:
    from knetik_cloud.recovery import CannotReadError

    try:
        return read()
    except CannotReadError as failed:
        raise failed.error from None


def _too_late(reason: str) -> CommandError:
    return CommandError(
        f"the service accepted the write, but {reason}",
        Exit.UNKNOWN,
        "Read the inventory later; don't retry the write.",
    )
