"""One run of a command: its options, the settings they lead to, and the only way to act on them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import click

from knetik_cloud.cli.exits import CommandError, Exit
from knetik_cloud.cli.output import Output
from knetik_cloud.cli.rows import Rows
from knetik_cloud.cli.text import with_options_of_the_command, without_secrets
from knetik_cloud.exceptions import printable
from knetik_cloud.terminals import is_terminal

if TYPE_CHECKING:
    from knetik_cloud.api_client import ApiClient
    from knetik_cloud.cli.control import Control
    from knetik_cloud.cli.profiles import Profile, Profiles
    from knetik_cloud.configuration import Configuration

T = TypeVar("T")

VARIABLES: Mapping[str, str] = {
    "host": "KNETIK_CLOUD_HOST",
    "client_id": "KNETIK_CLOUD_CLIENT_ID",
    "username": "KNETIK_CLOUD_USERNAME",
    "access_token": "KNETIK_CLOUD_ACCESS_TOKEN",
    "client_secret": "KNETIK_CLOUD_CLIENT_SECRET",
    "password": "KNETIK_CLOUD_PASSWORD",
}
"""The environment variables that `Configuration` reads, by setting."""


class Value(NamedTuple):
    """The value of a setting, and where it comes from."""

    value: Any
    source: str


@dataclass(frozen=True)
class Credential:
    """The credential of the calls.

    Attributes:
        kind: The setting that holds the secret: `access_token`, `client_secret` or `password`.
        source: Where it comes from.
        reveal: Reads the secret.
        client_id: The client id that goes with it, or None for the default.
        username: The username that goes with a password.
        client_secret: The client secret that goes with a password, or None.
    """

    kind: str
    source: str
    reveal: Callable[[], str] = field(repr=False)
    client_id: str | None = None
    username: str | None = None
    client_secret: str | None = field(default=None, repr=False)

    def settings(self, *, is_masked: bool = False) -> dict[str, Any]:
        """Return the settings of `Configuration` that the credential consists of.

        Args:
            is_masked: Whether to mask the secrets, and read none.
        """
        from knetik_cloud.secret import MASK, Secret

        client_secret = MASK if is_masked and self.client_secret else self.client_secret
        return {
            "access_token": None,
            "client_secret": Secret(client_secret) if client_secret else None,
            "password": None,
            "username": self.username,
            self.kind: Secret(MASK if is_masked else self.reveal()),
        } | ({"client_id": self.client_id} if self.client_id else {})


@dataclass
class Run:
    """The options of a run that the command line sets."""

    output: Output = field(default_factory=Output)
    errors: str | None = None
    writes_rows: bool = False
    is_writing: bool = False
    quiet: bool = False
    dry_run: bool = False
    show_as: str | None = None
    yes: bool = False
    debug: bool = False
    profile_name: str | None = None
    host: str | None = None
    token_file: Path | None = None
    timeout: float | None = None
    deadline: float | None = None
    retries: int | None = None
    stdin_for: str | None = None

    def act(
        self,
        plan: Callable[[], Iterable[Mapping[str, Any]]],
        action: Callable[[Live], T],
        columns: Sequence[str] | None = None,
        kinds: Mapping[str, str] | None = None,
    ) -> T:
        """Do what a command is for, or with --dry-run only write what it would do.

        This is the only place that makes a `Live`, and so the only way to send, to write files and to start
        processes. The options for the output are checked first.

        Args:
            plan: Returns what the command would do, as rows.
            action: Does it.
            columns: The fields that the rows of its result are known to have; None if they are not known.
            kinds: The types of these fields, as far as they are known.

        Raises:
            click.UsageError: If the options for the output can't be met.
            click.exceptions.Exit: If nothing is to be done.
        """
        self.output.check(columns, kinds)
        if self.dry_run or self.show_as:
            self._show(plan())
            raise click.exceptions.Exit(Exit.SUCCESS)
        with remarks(self), closing(Live(self)) as live:
            return action(live)

    def _show(self, plan: Iterable[Mapping[str, Any]]) -> None:
        """Write what a command would do, in the format that was chosen."""
        if self.show_as is None:
            rows = [
                {name: value for name, value in row.items() if name not in ("curl", "python")} for row in plan
            ]
            shown = Output(self.output.format)
            shown.check(None)
            shown.write(Rows.of(rows) if len(rows) != 1 else Rows.single(rows[0]))
            return
        for row in plan:
            text = row.get(self.show_as)
            if text is None:
                raise click.UsageError(
                    f"--{self.show_as} works for commands that send one request of the API"
                )
            click.echo(text.encode())  # in UTF-8 in every locale, as other results

    @property
    def has_json_errors(self) -> bool:
        """Whether errors are written as JSON."""
        return self.errors == "json" or (self.errors is None and self.writes_rows and self.output.is_json)

    @cached_property
    def profiles(self) -> Profiles:
        """The configuration file."""
        from knetik_cloud.cli import profiles

        return profiles.load()

    @cached_property
    def profile(self) -> Profile | None:
        """The profile in use, or None."""
        from knetik_cloud.cli.profiles import PROFILE_VARIABLE

        return self.profiles.choose(self.profile_name or os.environ.get(PROFILE_VARIABLE))

    @property
    def profile_source(self) -> str:
        """Where the choice of the profile comes from."""
        from knetik_cloud.cli.profiles import PROFILE_VARIABLE

        if self.profile_name:
            return "--profile"
        return (
            PROFILE_VARIABLE
            if os.environ.get(PROFILE_VARIABLE)
            else f"default_profile in {self.profiles.path}"
        )

    def candidates(self, name: str) -> list[Value]:
        """Return the values that are given for a setting, the one that holds first.

        The TLS settings of a profile are for its own host, as its secret is.
        """
        from knetik_cloud.cli.profiles import TLS_SETTINGS

        given = {
            "host": self.host,
            "timeout": self.timeout,
            "deadline": self.deadline,
            "retries": self.retries,
        }
        of_line = [Value(given[name], f"--{name}")] if given.get(name) is not None else []
        variable = VARIABLES.get(name, "")
        of_environment = [Value(os.environ[variable], variable)] if os.environ.get(variable) else []
        profile = self.profile
        values = {} if profile is None else profile.settings
        of_profile = [Value(values[name], f"profile {profile.name!r}")] if profile and name in values else []
        if name in TLS_SETTINGS and self.is_foreign_host:
            of_profile = []
        if self.profile_name:  # named on this very command line, it comes before what the shell has
            return of_line + of_profile + of_environment
        return of_line + of_environment + of_profile

    @cached_property
    def base_url(self) -> Value:
        """The host of the calls.

        Raises:
            ApiValueError: If it isn't a URL, or has a user or a password in it, which the SDK doesn't send.
        """
        from knetik_cloud.configuration import DEFAULT_HOST, check_host

        value, source = next(iter(self.candidates("host")), Value(DEFAULT_HOST, "default"))
        return Value(check_host(source, value), source)

    def credentials(self) -> list[Credential]:
        """Return the credentials that are given, the one that holds first."""
        of_line: list[Credential] = []
        if self.token_file is not None:
            from knetik_cloud.cli.profiles import read_secret

            path = self.token_file
            of_line.append(Credential("access_token", "--token-file", lambda: read_secret(path, "the token")))
        of_environment, of_profile = _environment_credentials(), self._profile_credentials()
        if self.profile_name:
            found = of_line + of_profile + of_environment
        else:
            found = of_line + of_environment + of_profile
        client_id = next((each.value for each in self.candidates("client_id")), None)
        return [replace(each, client_id=each.client_id or client_id) for each in found]

    def _profile_credentials(self) -> list[Credential]:
        profile = self.profile
        if profile is None or profile.credential is None or self.is_foreign_host:
            return []
        settings = profile.settings
        username = settings.get("username") if profile.credential == "password" else None
        if profile.credential == "password" and username is None:
            raise CommandError(f"profile {profile.name!r} has a password and no username: set username in it")
        source = f"{profile.source} of profile {profile.name!r}"
        return [Credential(profile.credential, source, profile.secret, settings.get("client_id"), username)]

    @property
    def is_foreign_host(self) -> bool:
        """Whether the calls go to another host than the profile's: without its secret and TLS settings."""
        from knetik_cloud.configuration import DEFAULT_HOST
        from knetik_cloud.core.call import origin

        profile = self.profile
        if profile is None:
            return False
        own = str(profile.settings.get("host", DEFAULT_HOST))
        return origin(urlsplit(own)) != origin(urlsplit(str(self.base_url.value)))

    def configuration(self, with_credential: bool = True) -> Configuration:
        """Return the configuration of the calls.

        Args:
            with_credential: False leaves the credential out, and reads no secret.

        Raises:
            CommandError: If a secret can't be read.
            ApiValueError: If a setting has a value that it can't have.
        """
        from knetik_cloud.cli.profiles import SETTINGS
        from knetik_cloud.configuration import Configuration

        found = next(iter(self.credentials()), None) if with_credential else None
        unset = {"access_token": None, "client_secret": None, "username": None, "password": None}
        chosen = {name: values[0].value for name in SETTINGS if (values := self.candidates(name))}
        chosen = {
            **chosen,
            "host": self.base_url.value,
            **unset,
            **({} if found is None else found.settings()),
        }
        configuration = Configuration(**{name: value for name, value in chosen.items() if value is not None})
        for name in unset:
            if chosen[name] is None:  # the constructor has read the environment for it
                setattr(configuration, name, None)
        configuration.debug = self.debug
        return configuration

    def confirm(self, question: str, url: str | None = None) -> None:
        """Ask before something that can't be undone, unless --yes was given or the host is this machine.

        Args:
            question: The question, without the host.
            url: The URL to change something at, for which no profile counts. None stands for the host of the
                calls.

        Raises:
            click.UsageError: If there is no terminal to ask on.
            CommandError: If the user declines.
        """
        host = str(self.base_url.value) if url is None else url
        if self.yes or is_loopback(host):
            return
        if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
            raise click.UsageError(
                f"this needs a confirmation, and there is no terminal to ask on: add --yes ({host})"
            )
        used = self.profile if url is None else None
        profile = f", profile {used.name!r}" if used is not None else ""
        if not click.confirm(f"{question} on {host}{profile}?", err=True):
            raise CommandError("not confirmed; nothing was sent")


class Live:
    """The client and settings of a command. Only `Run.act` makes one."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._client: ApiClient | None = None

    @property
    def client(self) -> ApiClient:
        """A client for the host and the credential of this run."""
        if self._client is None:
            from knetik_cloud.api_client import ApiClient

            if self.run.profile is not None and self.run.profile.credential and self.run.is_foreign_host:
                from knetik_cloud.cli.output import note

                host, source = self.run.base_url
                note(f"The credential of profile {self.run.profile.name!r} is not sent to {host} ({source}).")
            self._client = ApiClient(self.run.configuration())
        return self._client

    def control(self, url: str) -> Control:
        """Return a client of a sandbox's control API."""
        from knetik_cloud.cli.control import Control

        return Control(url)

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()


@contextmanager
def remarks(run: Run) -> Iterator[None]:
    """Write the warnings and the log of the SDK to stderr: all of the log with --debug, else its warnings.

    They hold no secrets. A traceback is always written, because a sandbox reports its defects so.
    """
    import logging
    import warnings

    from knetik_cloud.cli.output import note

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info:
                for line in self.format(record).splitlines():
                    click.echo(without_secrets(printable(line)), err=True)
            elif run.debug:
                click.echo(without_secrets(printable(record.getMessage())), err=True)
            elif not run.has_json_errors:
                note(with_options_of_the_command(record.getMessage()))

    def show(message: Warning | str, *where: Any, **more: Any) -> None:
        note(f"Warning: {message}")

    logger = logging.getLogger("knetik_cloud")
    before = logger.handlers[:], logger.propagate, logger.level
    logger.handlers[:], logger.propagate = [Handler()], False
    logger.setLevel(logging.DEBUG if run.debug else logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.simplefilter("ignore", ResourceWarning)  # of what Ctrl-C interrupts
            warnings.showwarning = show
            yield
    finally:
        logger.handlers[:], logger.propagate = before[:2]
        logger.setLevel(before[2])


def is_loopback(url: str) -> bool:
    """Return whether a URL leads to this machine."""
    from ipaddress import ip_address

    name = urlsplit(url).hostname or ""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name)
        return address.is_loopback or address.is_unspecified
    except ValueError:
        return False


def _environment_credentials() -> list[Credential]:
    """Return the credentials that the environment holds, in the order in which the SDK prefers them."""
    given = {name: os.environ.get(variable) for name, variable in VARIABLES.items()}
    found = []

    def add(kind: str, username: str | None = None, client_secret: str | None = None) -> None:
        secret, source = given[kind], VARIABLES[kind]
        if not secret and username:
            source = f"{VARIABLES['username']} without {source}"

        def reveal() -> str:
            if not secret:
                remedy = "Set both. For an application, set KNETIK_CLOUD_CLIENT_SECRET and no user name."
                raise CommandError(f"can't log in with {source}", next_step=remedy)
            return secret

        if secret or username:
            found.append(Credential(kind, source, reveal, given["client_id"], username, client_secret))

    add("access_token")
    if given["username"]:
        add("password", given["username"], given["client_secret"])
    else:
        add("client_secret")
    return found
