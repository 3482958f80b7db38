"""`ApiClient` runs calls over the blocking transport; `Api` is the base class of the generated classes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from knetik_cloud import upward
from knetik_cloud.base_client import CHECK, BaseApi, BaseClient, check_method
from knetik_cloud.core.operation import Operation
from knetik_cloud.exceptions import ApiConnectionException, ApiException, ApiValueError
from knetik_cloud.health import Health
from knetik_cloud.lazy import LazyModule
from knetik_cloud.paging import Pager
from knetik_cloud.path_call import prepare_path_call
from knetik_cloud.rest import Closing, RESTResponse
from knetik_cloud.secret import Secret
from knetik_cloud.wire.pipe import run
from knetik_cloud.writes import Outcome as WriteOutcome

if TYPE_CHECKING:
    from concurrent import futures
else:
    futures = LazyModule("concurrent.futures")

__tracebackhide__ = True  # a failing test shows the caller's line, not the engine's source

P = ParamSpec("P")
T = TypeVar("T")


class ApiClient(Closing, BaseClient):
    """Runs calls. Its API objects share its connections, tokens and retry budget.

    Any number of threads may share one client. It starts no threads, except for the lookup of a host name,
    and a pool at the first `submit` or `async_req`. Close it, or use it in a `with`, when you are done.

    Args:
        configuration: The settings, which may be changed later. None makes a default `Configuration`.
    """

    def call(
        self,
        operation: Operation[T],
        arguments: Mapping[str, Any],
        options: Mapping[str, Any],
        http_info: bool = False,
    ) -> Any:
        """Run one call of an operation, as all generated methods do.

        Raises:
            ApiException: If the call fails for any reason.
        """
        if options and options.get("async_req"):
            others = {name: value for name, value in options.items() if name != "async_req"}
            return AsyncResult(self.submit(self.call, operation, arguments, others, http_info))
        try:
            return run(super().call(operation, arguments, options, http_info))
        except ImportError:
            if sys.meta_path is not None:  # the interpreter is not shutting down
                raise
        raise ApiConnectionException(reason=upward.SHUT_DOWN, may_have_applied=operation.retry != "safe")

    def call_api(
        self,
        resource_path: str,
        method: str,
        path_params: Mapping[str, Any] | None = None,
        query_params: Mapping[str, Any] | None = None,
        header_params: Mapping[str, str | Secret] | None = None,
        body: Any = None,
        response_type: str | None = None,
        **options: Any,
    ) -> Any:
        """Call a path of the service that this SDK has no method for.

        Args:
            resource_path: The path below the host, with `{name}` in place of each path parameter. Logs and
                spans show it as it is written.
            method: The HTTP method. GET, PUT and DELETE may be retried. POST and PATCH are not idempotent.
            path_params: The path parameters, each percent-encoded as one segment.
            query_params: The query. None values are omitted.
            header_params: Headers in addition to the SDK's own.
            body: Any JSON value or model. None sends no body.
            response_type: The type to read the response as: a model's name, `list[T]` or `object`. None
                ignores the body.
            options: The options that every method accepts.

        Returns:
            A value of `response_type`.

        Raises:
            ApiException: If the call fails for any reason.
        """
        prepared = prepare_path_call(
            resource_path, method, path_params, query_params, header_params, body, response_type, options
        )
        return self.call(*prepared)

    def submit(self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> futures.Future[T]:
        """Run a method in this client's thread pool, with the caller's context, and return its `Future`.

        Raises:
            ApiValueError: If the client is closed, or no thread can be started. The method is not run.
            TypeError: If `method` can't be called.
        """
        check_method("submit", method)
        shared = self._shared
        future: futures.Future[T] | None = None
        with shared._lock:  # so that the client isn't closed in between
            shared.current()
            try:
                from knetik_cloud.wire.blocking import fulfill

                if shared.executor is None:
                    workers = self.configuration.pool_size
                    shared.executor = futures.ThreadPoolExecutor(workers, thread_name_prefix="knetik_cloud")
                future = futures.Future()
                shared.executor.submit(copy_context().run, fulfill, future, partial(method, *args, **kwargs))
            except (ImportError, RuntimeError) as error:  # the interpreter shuts down, or has no thread left
                if future is None or future.cancel():  # the pool may have queued it all the same
                    raise ApiValueError(f"no thread can be started ({error}): call the method") from None
            return future

    def raw(self, method: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> RESTResponse:
        """Run a method and return the raw response, whose body streams. Read it to its end, or close it.

        Raises:
            ApiException: If the call fails.
            TypeError: If `method` can't be called.
        """
        check_method("raw", method)
        kwargs["_preload_content"] = False
        return cast("RESTResponse", method(*args, **kwargs))

    def find_out(self, error: ApiException, *, settle: float = 2.0) -> WriteOutcome[Any]:
        """Find out whether the call that raised an error was applied, from what the service stores.

        The client reads back, waits until `settle` seconds have passed since the failure, and reads again. It
        compares the new entries with the other writes of this process, but not with those of other processes.
        If another process grants the same item to the same user in that time, the result may be wrong. For an
        add, the result may be wrong if another process grants, adds or sells any item to the user, because an
        entry shows no SKU, only whether it has an invoice.

        Args:
            error: The error of a write.
            settle: Seconds to wait for a late write.

        Returns:
            The outcome. Its state is `"unknown"` if the operation can't be read back, or if several items may
            show the write. These are then its candidates.

        Raises:
            ApiValueError: If the call went to a different service than that of this client.
            TypeError: If `error` is not the error of a call.
        """
        return cast("WriteOutcome[Any]", upward.load("recovery").find_out(self, error, settle))

    def ping(self) -> Health:  # type: ignore[override]
        """Check that the service can be used, and explain what is wrong if it can't.

        The check obtains a token if there are credentials, and makes one small read, without retries. It
        never raises an exception.
        """
        return run(super().ping())

    def warm_up(self) -> None:
        """Import modules, connect and obtain a token, so that the first call doesn't wait for these.

        Call it when a worker starts, after a fork. It makes one small read, and keeps the connection.

        Raises:
            ApiException: If the service can't be used. `ping` explains why.
        """
        self.call(*CHECK)

    def close(self) -> None:
        """Close the connections and the thread pool. Calls in progress finish."""
        shared = self._shared
        with shared._lock:
            shared.is_closed = True
            for state in shared._states.values():
                state.transport.start_closing()
            if shared.executor is not None:
                shared.executor.shutdown(wait=False)


class AsyncResult:
    """The result of a method called with `async_req=True`, as in other SDKs of this family."""

    def __init__(self, future: futures.Future[Any]) -> None:
        self._future = future

    def __repr__(self) -> str:
        if not self._future.done():
            return "<AsyncResult: pending>"
        return f"<AsyncResult: {'succeeded' if self.successful() else 'failed'}>"

    def get(self, timeout: float | None = None) -> Any:
        """Wait for the result, up to `timeout` seconds.

        Raises:
            TimeoutError: If there is no result in time.
            ApiException: If the call failed.
        """
        return self._future.result(timeout)

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the call is done, up to `timeout` seconds."""
        futures.wait([self._future], timeout)

    def ready(self) -> bool:
        """Return whether the call is done."""
        return self._future.done()

    def successful(self) -> bool:
        """Return whether the call, which must be done, succeeded.

        Raises:
            ValueError: If the call is not done.
        """
        if not self._future.done():
            raise ValueError("the call isn't done yet: wait() for it first")
        return self._future.exception() is None


class Api(Closing, BaseApi[ApiClient]):
    """The base class of the generated classes.

    Args:
        api_client: The client to call through. None makes one from a default `Configuration`, which is
            closed with this object, or when this object is collected.
    """

    _client_type = ApiClient
    _waiting = "waiting"

    def close(self) -> None:
        """Close the client, if it is this object's own."""
        if self._owns_client:
            self.api_client.close()

    def _call(self, operation: Operation[T], arguments: Mapping[str, Any], options: Mapping[str, Any]) -> T:
        return self.api_client.call(operation, arguments, options)  # type: ignore[no-any-return]

    def _pager(
        self, operation: Operation[T], arguments: Mapping[str, Any], options: Mapping[str, Any], **how: Any
    ) -> Pager[Any, T]:
        return Pager(self.api_client, self.api_client._plan(operation, arguments, options, **how))
