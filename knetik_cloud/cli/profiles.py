"""Profiles: named settings in a TOML file, and the commands and stores that their secrets come from."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from knetik_cloud.cli.exits import CommandError

FILE_VARIABLE = "KNETIK_CLOUD_CONFIG"
PROFILE_VARIABLE = "KNETIK_CLOUD_PROFILE"
HELPER_TIMEOUT = 60.0
"""Seconds that a helper may take: it may ask for a touch or a passphrase."""
MAX_SECRET_LENGTH = 1 << 16
CREDENTIALS = ("access_token", "client_secret", "password")
SERVICE = "knetik"
"""The name of this program's entries in the keyring."""

SETTINGS: Mapping[str, tuple[type, ...]] = {
    "host": (str,),
    "client_id": (str,),
    "username": (str,),
    "verify_ssl": (bool,),
    "ssl_ca_cert": (str,),
    "cert_file": (str,),
    "key_file": (str,),
    "proxy": (str,),
    "no_proxy": (str,),
    "timeout": (int, float),
    "deadline": (int, float),
    "retries": (int,),
}
"""The settings of `Configuration` that a profile may have."""
TLS_SETTINGS = ("verify_ssl", "ssl_ca_cert", "cert_file", "key_file")
"""Those that hold for the profile's own host only."""
SECRET_SOURCES: Mapping[str, tuple[type, ...]] = {
    "helper": (str, list),
    "keyring": (bool,),
    "secret_file": (str,),
}
"""Where a profile's secret comes from: at most one of these."""
KEYS: Mapping[str, tuple[type, ...]] = {**SETTINGS, **SECRET_SOURCES, "credential": (str,)}


@dataclass(frozen=True)
class Profile:
    """One profile of the configuration file."""

    name: str
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, Any]:
        """The values that are settings of `Configuration`. A file may be in the home, as that of a secret."""
        settings = {name: value for name, value in self.values.items() if name in SETTINGS}
        files = [name for name in TLS_SETTINGS if isinstance(settings.get(name), str)]
        return settings | {name: os.path.expanduser(settings[name]) for name in files}

    @property
    def credential(self) -> str | None:
        """The setting that the profile's secret is for, or None if the profile has no secret."""
        if not self.source:
            return None
        usual = "password" if "username" in self.values else "client_secret"
        return str(self.values.get("credential", usual))

    @property
    def source(self) -> str | None:
        """The type of source of the secret, or None."""
        return next((name for name in SECRET_SOURCES if self.values.get(name)), None)

    def secret(self) -> str:
        """Return the profile's secret from its helper, the keyring or its file.

        Raises:
            CommandError: If there is none.
        """
        if self.source == "helper":
            return _from_helper(self.name, self.values["helper"])
        if self.source == "keyring":
            return _from_keyring(self.name)
        return read_secret(
            Path(self.values["secret_file"]).expanduser(), f"the secret of profile {self.name!r}"
        )


@dataclass(frozen=True)
class Profiles:
    """The configuration file, read."""

    path: Path
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    default: str | None = None

    def choose(self, named: str | None) -> Profile | None:
        """Return the profile with this name, or the default one, or None if there is none.

        Raises:
            CommandError: If there is no profile with this name.
        """
        wanted = named or self.default
        if wanted is None:
            return None
        if wanted not in self.profiles:
            raise CommandError(
                f"there is no profile {wanted!r} in {self.path}; it has {', '.join(self.profiles) or 'none'}",
                next_step=f"Create it with `knetik login --profile {wanted}`.",
            )
        return self.profiles[wanted]


def config_path() -> Path:
    """Return the path of the configuration file."""
    named = os.environ.get(FILE_VARIABLE)
    return Path(named) if named else default_config_path()


def default_config_path() -> Path:
    """Return the path of the configuration file where the environment names none."""
    import platformdirs

    return platformdirs.user_config_path("knetik", appauthor=False) / "config.toml"


def state_path() -> Path:
    """Return the folder for what the command remembers between runs."""
    import platformdirs

    return platformdirs.user_state_path("knetik", appauthor=False)


def load() -> Profiles:
    """Read the configuration file. A file that doesn't exist has no profiles.

    Raises:
        CommandError: If the file can't be read, or holds something wrong.
    """
    path = config_path()
    try:
        return _parsed(path, path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):  # the home of some users is /dev/null
        return Profiles(path)
    except UnicodeDecodeError as error:
        raise _wrong(path, f"it isn't TOML: {error}") from None
    except OSError as error:
        raise CommandError(f"can't read {path}: {error.strerror}") from None


def _parsed(path: Path, text: str) -> Profiles:
    """Parse the text of the configuration file.

    Raises:
        CommandError: If it holds something wrong.
    """
    import tomllib

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _wrong(path, f"it isn't TOML: {error}") from None
    unknown = document.keys() - {"default_profile", "profiles"}
    if unknown:
        raise _wrong(path, f"it has no setting {min(unknown)!r}; use default_profile and [profiles.NAME]")
    tables = document.get("profiles", {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise _wrong(path, "write each profile as a table [profiles.NAME]")
    default = document.get("default_profile")
    if default is not None and default not in tables:
        raise _wrong(
            path, f"default_profile must be one of {', '.join(tables) or 'the profiles'}, not {default!r}"
        )
    return Profiles(path, {name: _profile(path, name, table) for name, table in tables.items()}, default)


def save(name: str, values: Mapping[str, Any], make_default: bool) -> Path:
    """Write a profile to the configuration file, keeping its comments, and return the file's path.

    Args:
        name: The name of the profile.
        values: The keys to write. None removes a key.
        make_default: Whether it becomes the default profile.

    Raises:
        CommandError: If the file can't be read or written, or has a form that can't be changed.
    """
    path = config_path()
    try:
        with _locked(path.resolve()):
            before = load()  # a broken file is not to be written over
            _write_private(path, _changed(before, name, values, make_default))
    except OSError as error:
        raise CommandError(f"can't write {path}: {error.strerror}") from None
    return path


def _changed(before: Profiles, name: str, values: Mapping[str, Any], make_default: bool) -> str:
    """Return the text of the configuration file with a changed profile.

    Raises:
        CommandError: If the file has a form that can't be changed, such as inline tables.
    """
    import tomlkit

    path = before.path
    document = tomlkit.parse(path.read_text(encoding="utf-8-sig")) if path.exists() else tomlkit.document()
    known = before.profiles.get(name, Profile(name))
    wanted = {key: value for key, value in {**known.values, **values}.items() if value is not None}
    expected = Profiles(
        path,
        {**before.profiles, name: Profile(name, wanted)},
        name if make_default else before.default,
    )
    try:
        if make_default:
            document["default_profile"] = name
        if "profiles" not in document:
            document["profiles"] = tomlkit.table(is_super_table=True)
        tables: Any = document["profiles"]
        if name not in tables:
            tables[name] = tomlkit.table()
        for key, value in values.items():
            if value is None:
                tables[name].pop(key, None)
            else:
                tables[name][key] = value
        text = tomlkit.dumps(document)
        if _parsed(path, text) == expected:
            return text
    except (ValueError, CommandError):
        pass  # tomlkit can't change an inline table, or puts a line in the wrong one
    raise CommandError(
        f"{path} has a form that can't be changed",
        next_step="Write each profile in it as a table [profiles.NAME], after default_profile.",
    )


def store_in_keyring(name: str, secret: str) -> None:
    """Store a profile's secret in the keyring.

    Raises:
        CommandError: If there is no keyring.
    """
    keyring = _keyring()
    try:
        keyring.set_password(SERVICE, name, secret)
    except Exception as error:
        raise _keyring_failed(name, error) from None


def store_in_file(name: str, secret: str) -> Path:
    """Store a profile's secret in a file that only this user may read, and return its path.

    Raises:
        CommandError: If the file can't be written.
    """
    path = config_path().parent / "secrets" / name
    try:
        _write_private(path, f"{secret}\n")
    except OSError as error:
        raise CommandError(f"can't write {path}: {error.strerror}") from None
    return path


def read_secret(path: Path, what: str) -> str:
    """Read a secret from the first line of a file, or of stdin if the path is `-`.

    Raises:
        CommandError: If it can't be read or is empty.
    """
    import sys

    try:
        if str(path) == "-":
            line = sys.stdin.buffer.readline(MAX_SECRET_LENGTH)
        else:
            with path.open("rb") as file:
                line = file.readline(MAX_SECRET_LENGTH)
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CommandError(f"can't read {what} from {path}: it isn't UTF-8 text") from None
    except (OSError, ValueError) as error:  # a path with a NUL is a ValueError
        reason = error.strerror if isinstance(error, OSError) else error
        raise CommandError(f"can't read {what} from {path}: {reason}") from None
    return one_line(text, f"{what} in {'stdin' if str(path) == '-' else path}")


def _profile(path: Path, name: str, table: Mapping[str, Any]) -> Profile:
    where = f"[profiles.{name}]"
    for key, value in table.items():
        if key in CREDENTIALS:
            raise _wrong(
                path,
                f"{where} must not hold a {key}: secrets don't belong in this file",
                f"Remove the line, and run `knetik login --profile {name}`, or set `helper` to a command "
                "that prints the secret.",
            )
        if key not in KEYS:
            from difflib import get_close_matches

            matches = get_close_matches(key, KEYS, 1)
            hint = f"did you mean {matches[0]!r}?" if matches else f"use {', '.join(KEYS)}"
            raise _wrong(path, f"{where} has no setting {key!r}: {hint}")
        if not isinstance(value, KEYS[key]) or (isinstance(value, bool) and bool not in KEYS[key]):
            kinds = " or ".join(kind.__name__ for kind in KEYS[key])
            raise _wrong(path, f"{key} in {where} must be a TOML {kinds}, not {value!r}")
    try:
        command_of(table.get("helper", []))
    except ValueError as error:
        raise _wrong(
            path, f"helper in {where} must be a command with balanced quotes, or a list of words: {error}"
        ) from None
    if "host" in table:
        from knetik_cloud.configuration import check_host
        from knetik_cloud.exceptions import ApiValueError

        try:
            check_host(f"host in {where}", table["host"])
        except ApiValueError as error:
            raise _wrong(path, str(error.reason)) from None
    if table.get("credential", CREDENTIALS[0]) not in CREDENTIALS:
        raise _wrong(
            path,
            f"credential in {where} must be one of {', '.join(CREDENTIALS)}, not {table['credential']!r}",
        )
    sources = [key for key in SECRET_SOURCES if table.get(key)]
    if len(sources) > 1:
        raise _wrong(path, f"{where} has {' and '.join(sources)}: keep one of them")
    return Profile(name, dict(table))


def _wrong(path: Path, what: str, next_step: str | None = None) -> CommandError:
    return CommandError(f"{path} can't be used: {what}", next_step=next_step or f"Correct {path}.")


def command_of(helper: str | list[Any]) -> str | list[str]:
    """Return the command that a helper stands for.

    Raises:
        ValueError: If a quotation in it is not closed.
    """
    import shlex

    if not isinstance(helper, str):
        return [str(part) for part in helper]
    return helper.strip() if os.name == "nt" else shlex.split(helper)  # Windows splits it itself


def _from_helper(name: str, helper: str | list[Any]) -> str:
    import subprocess
    import sys

    from knetik_cloud.terminals import is_terminal

    what = f"the helper of profile {name!r}"
    command = command_of(helper)
    if not command:
        raise CommandError(f"{what} is empty: write a command that prints the secret")
    # A helper such as ssh reads all of stdin: the rows of a run, a body, or the lines of the script's loop.
    stdin = None if is_terminal(sys.stdin) else subprocess.DEVNULL
    try:
        result = subprocess.run(  # noqa: S603 - the user's own command
            command, stdin=stdin, stdout=subprocess.PIPE, timeout=HELPER_TIMEOUT, check=False
        )
    except (OSError, ValueError) as error:  # a word with a NUL is a ValueError
        program = command if isinstance(command, str) else command[0]
        reason = error.strerror if isinstance(error, OSError) else error
        raise CommandError(f"{what} can't be run: {program}: {reason}") from None
    except subprocess.TimeoutExpired:
        raise CommandError(f"{what} did not end within {HELPER_TIMEOUT:.0f} s") from None
    if result.returncode != 0:
        raise CommandError(f"{what} failed with exit status {result.returncode}: run it yourself to see why")
    return one_line(result.stdout.decode("utf-8", "surrogateescape"), f"the output of {what}")


def one_line(text: str, what: str) -> str:
    """Return the secret in a text: its first line, without outer blanks.

    Raises:
        CommandError: If it is empty.
    """
    secret = text.splitlines()[0].strip() if text.strip() else ""
    if not secret:
        raise CommandError(f"{what} is empty")
    return secret


def _keyring() -> Any:
    try:
        import keyring
    except ImportError:
        raise CommandError(
            "the keyring library is not installed",
            next_step="Run `pip install keyring`, or use `--store file` or a `helper`.",
        ) from None
    return keyring


def _from_keyring(name: str) -> str:
    keyring = _keyring()
    try:
        secret = keyring.get_password(SERVICE, name)
    except Exception as error:
        raise _keyring_failed(name, error) from None
    if not secret:
        raise CommandError(
            f"the keyring holds no secret of profile {name!r}",
            next_step=f"Run `knetik login --profile {name}`.",
        )
    return str(secret)


def _keyring_failed(name: str, error: Exception) -> CommandError:
    return CommandError(
        f"the keyring can't be used for profile {name!r}: {type(error).__name__}",
        next_step="Unlock the keyring, or use `knetik login --store file`, or set a `helper`.",
    )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep a file from other commands that write to it, if the file system has locks."""
    from knetik_cloud.bulk.journal import BulkError, BusyError, Lease

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f"{path.name}.lease")
    lease: Lease | None = None
    while lease is None:
        try:
            lease = Lease(lock)
        except BusyError:
            time.sleep(0.02)
        except BulkError:  # the file system has no locks
            break
    try:
        yield
    finally:
        if lease is not None:
            lease.remove()
        else:
            lock.unlink(missing_ok=True)


def _write_private(path: Path, text: str) -> None:
    """Write a file as a whole that only this user may read, at the target of a symbolic link."""
    from knetik_cloud.bulk.files import replace

    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:  # with the line ends that shells read
            file.write(text.encode())
        replace(new, path)
    finally:
        new.unlink(missing_ok=True)
