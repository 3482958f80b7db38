"""`once` and `find_out` for the asyncio client; `knetik_cloud.recovery` holds the algorithms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from knetik_cloud import recovery
from knetik_cloud.core.outcome import Sleep
from knetik_cloud.exceptions import ApiException
from knetik_cloud.observation import is_interruption
from knetik_cloud.recovery import SETTLE_SECONDS, Steps
from knetik_cloud.wire.asynchronous import sleep
from knetik_cloud.writes import Outcome

if TYPE_CHECKING:
    from knetik_cloud.aio.api_client import ApiClient

__all__ = ["Outcome", "find_out", "keyed", "once"]

__tracebackhide__ = True  # a failing test shows the caller's line, not the engine's source

P = ParamSpec("P")
T = TypeVar("T")


async def run_steps(
    client: ApiClient, steps: Steps[T], sleep: Callable[[float], Awaitable[object]] = sleep
) -> T:
    """Run an algorithm with the asyncio client."""
    result: Any = None
    try:
        while True:
            command = steps.send(result)
            if isinstance(command, Sleep):
                await sleep(command.seconds)
                result = None
                continue
            try:
                result = await client.call(
                    command.operation, command.arguments, command.options, http_info=True
                )
            except ApiException as error:
                if is_interruption(error):
                    raise
                result = error
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    finally:
        result = None  # the traceback of an error holds this frame, which must not hold the error


class keyed:  # noqa: N801 - reads like the function that it is
    """`once` with the key first, so that type checkers check the method's arguments too.

        await keyed("order-17")(api.use_user_entitlement_item, 56, 1)

    Args:
        key: As for `once`.
        settle: As for `once`.
    """

    def __init__(self, key: str, settle: float = SETTLE_SECONDS) -> None:
        self._key = str(recovery.check_key(key))
        self._settle = recovery.check_settle(settle)

    async def __call__(
        self, method: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Outcome[T]:
        """Run `once(method, *args, key=key, settle=settle, **kwargs)`."""
        return await once(method, *args, key=self._key, settle=self._settle, **kwargs)


async def once(
    method: Callable[..., Awaitable[T]],
    /,
    *args: Any,
    key: str,
    settle: float = SETTLE_SECONDS,
    **kwargs: Any,
) -> Outcome[T]:
    """Run a write at most once under a key, and determine its outcome.

    See `knetik_cloud.once`, which explains what is guaranteed for each operation. If the task is cancelled,
    call `once` again with the same key to determine the outcome of the write.

    Args:
        method: A write method of an asyncio API object.
        *args: Its arguments.
        key: A string that identifies this write among all writes to the service: 1 to 200 printable
            characters without brackets.
        settle: Seconds to wait for a late write. If a `knetik_cloud.deadline` block leaves less, and the
            write is not there yet, the state is `"unknown"`.
        **kwargs: The method's keyword arguments and options.

    Returns:
        The outcome. If the service or the network fails, the error is in `Outcome.error`.

    Raises:
        ApiValueError: If the call can't be sent or read back, such as for the user `me`.
        TypeError: If `method` is not a method of an API object of this client, or does not accept the
            arguments.
    """
    client, steps = recovery.prepare(method, args, kwargs, key, settle, is_async=True)
    return await run_steps(client, steps)


async def find_out(client: ApiClient, error: ApiException, settle: float = SETTLE_SECONDS) -> Outcome[Any]:
    """Find out whether the call that raised an error was applied: `await client.find_out(error)`."""
    steps = recovery.find_out_steps(error, recovery.settings_of(client, {}), recovery.check_settle(settle))
    return await run_steps(client, steps)
