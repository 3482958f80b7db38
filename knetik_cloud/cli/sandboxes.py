"""Sandboxes in the background: starting them, and what is remembered of those that were started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import urlsplit

from knetik_cloud.cli.exits import CommandError
from knetik_cloud.cli.profiles import state_path

START_TIMEOUT = 120.0
"""Seconds for a sandbox to respond: it may have a large database to open."""
STOP_TIMEOUT = 60.0
"""Seconds for a sandbox to end: it may have a large database to close."""
DATABASE_VARIABLE = "KNETIK_SANDBOX_DATABASE"


class Started(NamedTuple):
    """A sandbox that was started in the background."""

    url: str
    pid: int
    log: str
    file: Path

    @property
    def is_running(self) -> bool:
        """Whether something still listens at its address."""
        return is_listening(self.url)

    @property
    def has_ended(self) -> bool:
        """Whether its process has ended. True if the file system has no locks that processes inherit."""
        try:
            if os.name == "nt":  # which renames no file that a process has open
                os.rename(self.log, self.log)
                return True
            with open(self.log, "rb") as log:
                return _locked(log)
        except PermissionError:
            return os.name != "nt"
        except OSError:  # it has been removed
            return True

    def forget(self) -> None:
        """Remove what is remembered of it."""
        with suppress(OSError):  # the folder is read-only
            self.file.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove what is remembered of it, and its log."""
        self.forget()
        _remove_log(Path(self.log))


def started() -> list[Started]:
    """Return the sandboxes that were started in the background, the last one last."""
    found = []
    with suppress(OSError):  # the folder can't be read
        for file in (state_path() / "sandboxes").glob("*.json"):
            with suppress(OSError):  # another command may remove the file meanwhile
                try:
                    known = json.loads(file.read_text(encoding="utf-8"))
                    begun = Started(str(known["url"]), int(known["pid"]), str(known["log"]), file)
                    found.append((file.stat().st_mtime, begun))
                except (ValueError, KeyError, TypeError):
                    file.unlink()
    return [begun for _, begun in sorted(found)]


def running() -> list[Started]:
    """Return those that still run, and forget the others."""
    found = []
    for each in started():
        if each.is_running:
            found.append(each)
        else:
            each.forget()
    return found


def own() -> list[Started]:
    """Return those that still run, without those whose address another program uses now."""
    return [each for each in running() if not each.has_ended]


def wait_for_end(url: str, begun: Started | None) -> None:
    """Wait until a sandbox that was told to stop has ended.

    Args:
        url: The address of the sandbox.
        begun: The sandbox, if it was started in the background. None if another program started it: then
            this waits until its address accepts no more connections.

    Raises:
        CommandError: If it doesn't end in time.
    """
    end = time.monotonic() + STOP_TIMEOUT
    while is_listening(url) or not (begun is None or begun.has_ended):
        if time.monotonic() > end:
            log = "" if begun is None else f" Its log is {begun.log}."
            raise CommandError(
                f"the sandbox at {url} accepted the stop, but did not end within {STOP_TIMEOUT:.0f} s",
                next_step=f"End its process yourself, unless another program has restarted it.{log}",
            )
        time.sleep(0.05)


def started_at(url: str) -> Started | None:
    """Return the sandbox that was started in the background at the port of a URL, or None."""
    return next((each for each in reversed(started()) if _address(each.url)[1] == _address(url)[1]), None)


def is_listening(url: str) -> bool:
    """Return whether something accepts connections at the address of a URL."""
    import socket

    try:
        with socket.create_connection(_address(url), timeout=2):
            return True
    except OSError:
        return False


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _locked(file: IO[bytes]) -> bool:
    """Lock a file, and return False if another process holds it. True if the system can't lock it."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # the file system has no locks
        return True
    return True


def start(options: Sequence[str], environment: Mapping[str, str]) -> Started:
    """Start a sandbox in the background, and return it once it responds.

    Raises:
        CommandError: If it doesn't start.
    """
    from knetik_cloud.bulk.files import replace

    folder = state_path() / "sandboxes"
    log = folder / f"{os.getpid()}-{time.time_ns()}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        log.touch()
    except OSError as error:
        other = "" if os.name == "nt" else ", or set XDG_STATE_HOME to a folder that you may write to"
        raise CommandError(
            f"can't write {log}: {error.strerror}", next_step=f"Run `knetik sandbox`{other}."
        ) from None
    program, variables = _program()
    detached: dict[str, Any] = {"start_new_session": True}
    if os.name == "nt":
        flags = ("CREATE_NEW_PROCESS_GROUP", "DETACHED_PROCESS")
        detached = {"creationflags": sum(getattr(subprocess, flag) for flag in flags)}
    with log.open("wb") as errors:
        # The process inherits the lock and holds it until it ends. Another one may get its pid later.
        _locked(errors)
        process = subprocess.Popen(  # noqa: S603 - this very program
            [*program, "sandbox", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", **variables, **environment},
            **detached,
        )
    begun = None
    try:
        if url := _url(process):
            file = folder / f"{urlsplit(url).port}.json"
            known = {"url": url, "pid": process.pid, "log": str(log)}
            new = log.with_suffix(".new")  # all at once, since other commands may be reading it
            new.write_text(json.dumps(known), encoding="utf-8")
            replace(new, file)
            begun = Started(url, process.pid, str(log), file)
    finally:
        # Also after Ctrl-C, because `knetik sandbox stop` would not find it.
        if begun is None:
            process.kill()
            process.wait()
            details = log.read_text(encoding="utf-8", errors="replace").strip()
            _remove_log(log)
    if begun is None:
        reason = details.removeprefix("Error: ") or f"it didn't respond within {START_TIMEOUT:.0f} s"
        raise CommandError(f"the sandbox did not start: {reason}")
    process.returncode = 0  # it goes on without this process, which is not to wait for it
    return begun


def _remove_log(log: Path) -> None:
    with suppress(OSError):  # Windows keeps the log while its process ends
        log.unlink(missing_ok=True)


def _program() -> tuple[list[str], dict[str, str]]:
    """Return the command line that runs `knetik` in another process, and the variables that it needs."""
    if getattr(sys, "frozen", False):  # The executable is `knetik`. Its files are to outlive this process.
        return [sys.executable], {"PYINSTALLER_RESET_ENVIRONMENT": "1"}
    # Import from where this process does: perhaps from a zip file, and from no other folder.
    return [sys.executable, "-P", "-m", "knetik_cloud.cli"], {"PYTHONPATH": os.pathsep.join(sys.path)}


def _url(process: subprocess.Popen[bytes]) -> str:
    """Return the URL that a process writes, or "" if it ends or takes too long.

    Modules that it imports may write lines before, such as `sitecustomize`.
    """
    from threading import Thread

    lines: list[bytes] = []
    assert process.stdout is not None
    output = process.stdout
    urls = (line for line in output if line.startswith(b"http"))
    reader = Thread(target=lambda: lines.append(next(urls, b"")), daemon=True)
    reader.start()
    reader.join(START_TIMEOUT)
    if not lines:
        return ""
    output.close()
    return lines[0].decode("utf-8", "replace").strip()
