"""Runs the sandbox inside this process, or as a command."""

from __future__ import annotations

import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from datetime import datetime
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self, Unpack

from knetik_cloud.sandbox import console, control_api
from knetik_cloud.sandbox.arguments import check_seed
from knetik_cloud.sandbox.clock import Clock
from knetik_cloud.sandbox.controls import Controls
from knetik_cloud.sandbox.errors import ServiceError
from knetik_cloud.sandbox.faults import Fault
from knetik_cloud.sandbox.instants import duration, instant
from knetik_cloud.sandbox.journal import Exchange
from knetik_cloud.sandbox.service import Service
from knetik_cloud.sandbox.serving import Server
from knetik_cloud.sandbox.settings import Options, Settings, check_names
from knetik_cloud.sandbox.workers import Stop, end_with_parent, run_workers, terminable

START_TIMEOUT = 30.0
"""Seconds to wait for the server to respond."""

STOP_TIMEOUT = 10.0
"""Seconds to wait for the server to stop. Its thread doesn't outlive the process."""


class Sandbox:
    """A sandbox server inside this process, on its own port.

        with Sandbox() as sandbox:
            configuration = Configuration(host=sandbox.url)

    It takes the settings of `Settings` as keywords. It starts with the `with` block or with `start()`. While
    it runs, its methods can be called from any thread.
    """

    def __init__(self, **settings: Unpack[Options]) -> None:
        check_names(settings)
        self.settings = Settings(**settings)
        self._service: Service | None = None
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None
        # A forked process may ask for it, in which the socket is closed.
        self._url: str | None = None

    def start(self) -> Self:
        """Start the server and return once it serves.

        Raises:
            OSError: If the address can't be listened on, or the seed can't be read.
            RuntimeError: If the sandbox is already running.
            UnusableDatabase: If the database can't be opened.
            ValueError: If anything is wrong with the seed.
        """
        if self._server is not None:
            raise RuntimeError("this sandbox is already running")
        self._socket = listen(self.settings)
        self._url = address(self._socket)
        try:
            self._service = Service(self.settings)
        except ServiceError as error:
            self.stop()
            raise ValueError(str(error)) from None
        except BaseException:
            self.stop()
            raise
        self._server = Server(self._service)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="knetik-sandbox", daemon=True
        )
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(START_TIMEOUT / 0.005)):
            if self._server.started:
                return self
            if not self._thread.is_alive():
                break
            waited.wait(0.005)
        self.stop()
        raise RuntimeError("the sandbox did not start")

    def stop(self) -> None:
        """Stop the server and discard an in-memory database. Stopping twice does nothing."""
        if self._server is not None:
            self._server.should_exit = True
            self._server.force_exit = True
        if self._thread is not None:
            # A call that waits for its database must not keep the caller waiting.
            self._thread.join(STOP_TIMEOUT)
        if self._socket is not None:
            self._socket.close()
        if self._service is not None:
            self._service.close()
        self._server = self._thread = self._socket = self._service = self._url = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return "<Sandbox, stopped>" if self._url is None else f"<Sandbox at {self._url}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Sandbox can't be pickled or copied: pass its url")

    @property
    def url(self) -> str:
        """The address of the server, such as `http://127.0.0.1:49152`."""
        if self._url is None:
            raise RuntimeError("this sandbox is not running: use it in a with block, or call start()")
        return self._url

    # Data

    def reset(self) -> None:
        """Restore the initial state: the initial data, real time, no faults and an empty journal."""
        self._controls.reset()

    def seed(self, source: str | Path | Mapping[str, Any]) -> None:
        """Add data from a mapping or a file: YAML, JSON or, if it ends in `.jsonl`, JSON Lines.

        A row with an existing key replaces the stored row. A file with JSON Lines is read in parts, so it may
        be of any size.

        Raises:
            OSError: If the file can't be read.
            TypeError: If it is neither a path nor a map.
            ValueError: If anything is wrong with the data. Nothing has changed.
        """
        check_seed("source", source)
        try:
            self._controls.seed(source)
        except ServiceError as error:
            raise ValueError(str(error)) from None

    def generate(self, *, users: int = 0, entries: int = 0) -> None:
        """Add many users and inventory entries, which the database generates within seconds.

        The entries contain the existing items and belong to the new users, or to all users if none are new.
        Of every ten entries, one is inactive, and three expire after a day to a year. The same call on the
        same data adds the same rows, except for their dates.

        Args:
            users: Number of users to add, named `generated_ID`. At most 10,000,000.
            entries: Number of entries to add. At most 10,000,000.

        Raises:
            TypeError: If a number is not an integer.
            ValueError: If a number is out of range, or if there is no user to own the entries.
        """
        self._controls.generate(users=users, entries=entries)

    def export(self) -> dict[str, Any]:
        """Return the data as a map for `seed`, without tokens and invoices."""
        return self._controls.export()

    def snapshot(self, name: str = "default") -> None:
        """Store a copy of the data and the clock under a name, replacing an earlier one.

        Raises:
            TypeError: If the name is not a string.
            ValueError: If the name is empty, too long, `.` or `..`, ends in `/restore`, or contains
                unprintable characters.
        """
        self._controls.snapshot(name)

    def restore(self, name: str = "default") -> None:
        """Return to a snapshot.

        Raises:
            KeyError: If there is no snapshot of that name.
            TypeError: If the name is not a string.
        """
        self._controls.restore(name)

    def wallet(self, user_id: int) -> dict[str, int]:
        """Return a user's wallet balances by currency code.

        Raises:
            TypeError: If `user_id` is not an integer.
            ValueError: If `user_id` can't be the id of a user.
        """
        return self._controls.wallet(user_id)

    def expire_tokens(self) -> int:
        """End every access token now, as a revocation would. Return how many. Refresh tokens stay valid."""
        return self._controls.expire_tokens()

    # Time

    def now(self) -> float:
        """Return the sandbox's time in epoch seconds."""
        return self._controls.current_clock().now()

    def advance(
        self, *, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0, weeks: float = 0
    ) -> None:
        """Move the sandbox's time, so that entries expire and invoices are fulfilled. Values may be negative.

        Raises:
            TypeError: If a value isn't a number.
            ValueError: If the clock can't show the resulting instant.
        """
        length = duration(seconds=seconds, minutes=minutes, hours=hours, days=days, weeks=weeks)
        self._controls.change_clock(lambda clock: clock.advance(length))

    def set_time(self, when: float | str | datetime) -> None:
        """Set the sandbox's time to epoch seconds, an aware datetime or an ISO 8601 string with its offset.

        Raises:
            TypeError: If the value is of another type.
            ValueError: If it has no UTC offset, or is not from 1970 to 9999.
        """
        wanted = instant(when, "when")
        self._controls.change_clock(lambda clock: clock.set(wanted))

    def freeze(self, when: float | str | datetime | None = None) -> None:
        """Stop the sandbox's time, where it is or at an instant in a form that `set_time` accepts."""
        wanted = None if when is None else instant(when, "when")

        def change(clock: Clock) -> None:
            clock.freeze()
            if wanted is not None:
                clock.set(wanted)

        self._controls.change_clock(change)

    def resume(self) -> None:
        """Restart a frozen clock."""
        self._controls.change_clock(Clock.resume)

    # Faults and journal

    def fail(
        self,
        operation: str,
        *,
        status: int | None = None,
        times: int | None = 1,
        delay: float = 0.0,
        reset: bool = False,
        truncate: bool = False,
        applied: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Fault:
        """Make an operation fail.

        Args:
            operation: The name of its method, or `*` for all operations.
            status: The status to return without running the operation, from 400 to 599.
            times: The number of times to apply the fault. None means until it is cleared.
            delay: Seconds to wait first, up to 3600.
            reset: Drop the connection without a response.
            truncate: Send half of the response's body.
            applied: Run the operation before its response is lost, even if the caller has disconnected.
            headers: Headers to add to the response.

        Returns:
            The fault. Its `met` counts how many times it has been applied.

        Raises:
            TypeError: If a value is of the wrong type.
            ValueError: If the fault can't be applied, or if there is no such operation.
        """
        fault = Fault(
            operation, status, times, delay, reset, truncate, applied, {} if headers is None else headers
        )
        self._controls.arm(fault)
        return fault

    @property
    def faults(self) -> list[Fault]:
        """The armed faults. The `met` of each is the number of times that it has been applied."""
        return self._controls.armed_faults()

    def clear_faults(self) -> None:
        """Disarm all faults."""
        self._controls.clear_faults()

    def journal(self, operation: str | None = None) -> list[Exchange]:
        """List the last requests with their responses, oldest first, optionally of one operation.

        Raises:
            TypeError: If `operation` is not a string.
            ValueError: If there is no such operation.
        """
        return self._controls.exchanges(operation)

    def clear_journal(self) -> None:
        """Empty the journal."""
        self._controls.journal.clear()

    @property
    def _controls(self) -> Controls:
        if self._service is None:
            raise RuntimeError("this sandbox is not running: use it in a with block, or call start()")
        return self._service.controls


class UnusableAddress(OSError):
    """The server can't listen on the address that the message names. `errno` is the system's."""

    def __init__(self, where: str, error: Exception) -> None:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is not an address"
        super().__init__(f"can't listen on {where}: {reason}")
        self.errno = error.errno if isinstance(error, OSError) else None


class AnnouncingServer(Server):
    """A server that makes a call once it accepts requests."""

    def __init__(self, service: Service, announce: Callable[[], object]) -> None:
        super().__init__(service)
        self._announce = announce
        service.stop = self._stop

    def _stop(self) -> None:
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()


def run(settings: Settings) -> None:
    """Serve until the process is told to stop. Once it serves, the first line on stdout is its address.

    Raises:
        UnusableAddress: If the address can't be listened on, such as when the port is taken.
        KeyboardInterrupt: If Ctrl-C ends it before it serves.
        SystemExit: If SIGTERM ends it before it serves.
    """
    progress, is_announced = Progress(), False
    try:
        with (
            terminable(),
            closing(listen(settings)) as listening,
            closing(Service(settings, progress)) as service,
        ):

            def announce() -> None:
                nonlocal is_announced
                is_announced, url = True, address(listening)
                # First, because `knetik sandbox start` shows what is there when it has the address.
                sys.stderr.write(_hints(service, url))
                sys.stderr.flush()
                sys.stdout.write(f"{url}\n")
                sys.stdout.flush()

            if settings.workers > 1:
                # This process has made the tables and seeded them, so that the workers find them made.
                run_workers(settings, listening, partial(serve_worker, service.console_token), announce)
            else:
                with suppress(KeyboardInterrupt):
                    AnnouncingServer(service, announce).run([listening])
    except Stop as stop:
        if not is_announced:
            is_interrupt = stop.number == signal.SIGINT
            raise (KeyboardInterrupt if is_interrupt else SystemExit(128 + stop.number)) from None


class Progress:
    """Reports on stderr how far the seed is loaded, once a second."""

    def __init__(self) -> None:
        self._reported = time.monotonic()

    def __call__(self, rows: int) -> None:
        """Report the number of rows so far, if the last report was a second ago."""
        now = time.monotonic()
        if now - self._reported >= 1:
            self._reported = now
            sys.stderr.write(f"loading the seed: {rows:,} rows\n")
            sys.stderr.flush()


def _hints(service: Service, url: str) -> str:
    """Format the banner of a sandbox that has just started."""
    lines = [f"For programs: KNETIK_CLOUD_HOST={url}"]
    if service.settings.control != control_api.OFF:
        lines.insert(0, f"View and control it in a browser: {url}{console.PREFIX}")
    seed_file = service.settings.seed
    if seed_file is not None and service.controls.found_data:
        kept = f"{service.database.name} holds data already"
        lines.append(f"--seed {seed_file} was not read, as {kept}; a reset starts over from it")
    if service.settings.generate is not None and service.controls.found_data:
        lines.append(f"nothing was generated, as {service.database.name} holds data already")
    return "".join(f"{line}\n" for line in lines)


def serve_worker(
    console_token: str, settings: Settings, listening: socket.socket, ready: Event, stop: Event
) -> None:
    """Serve as one of several processes, until told to stop.

    Any of them may get the form of another one's page, so the process that starts them passes one token.
    """
    end_with_parent()
    with suppress(Stop), terminable(), closing(Service(settings)) as service, suppress(KeyboardInterrupt):
        server = AnnouncingServer(service, ready.set)
        service.console_token = console_token
        server.run([listening])
        # It was asked to stop, and has responded. The process that replaces workers then stops all of them.
        stop.set()


def listen(settings: Settings) -> socket.socket:
    """Open the socket to serve on. Connections wait in it until the server runs.

    Raises:
        UnusableAddress: If the address can't be used.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Only on a socket that names its protocol does asyncio turn Nagle's algorithm off, which would delay
    # every answer.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform == "win32":  # where the other option shares a port with another server
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.host, settings.port))
        listening.listen(2048)
    except (OSError, TypeError, UnicodeError) as error:
        # A name that IDNA can't encode is a TypeError here.
        listening.close()
        raise UnusableAddress(_authority(settings.host, settings.port), error) from error
    return listening


def address(listening: socket.socket) -> str:
    """Return the URL of a listening socket."""
    return f"http://{_authority(*listening.getsockname()[:2])}"


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
