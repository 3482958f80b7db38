"""`knetik login` and `knetik whoami`: the credential and the settings of the calls."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from knetik_cloud.cli.exits import CommandError, Exit
from knetik_cloud.cli.options import Command, claim_stdin, not_empty, run_of
from knetik_cloud.cli.output import note
from knetik_cloud.cli.profiles import TLS_SETTINGS, Profile, command_of
from knetik_cloud.cli.rows import Rows
from knetik_cloud.cli.run import VARIABLES, Live, Run
from knetik_cloud.terminals import is_terminal

if TYPE_CHECKING:
    from knetik_cloud.models import OAuth2Resource

WHO = (
    "profile",
    "profile_source",
    "host",
    "host_source",
    "credential",
    "credential_source",
    "client_id",
    "username",
    "overridden",
    "config",
)
"""The fields that `knetik whoami` writes."""
PROFILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@click.command(cls=Command, sections=("Output options", "Connection options"))
@click.option("--client-id", callback=not_empty, help="Client id of the application. [default: knetik]")
@click.option("--username", callback=not_empty, help="Log in as this user, with a password.")
@click.option(
    "--credential",
    type=click.Choice(["client_secret", "password", "access_token"]),
    help="Type of the secret. [default: password with --username, otherwise client_secret]",
)
@click.option(
    "--secret-file",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE|-",
    help="File whose first line is the secret; - reads stdin. Without it, a terminal asks.",
)
@click.option(
    "--helper",
    metavar="COMMAND",
    callback=not_empty,
    help="Command that prints the secret, to run for each call.",
)
@click.option(
    "--store",
    type=click.Choice(["keyring", "file"]),
    default="keyring",
    show_default=True,
    help="Where to keep the secret: in the system's keyring, or in a file that only you may read.",
)
@click.option("--verify/--no-verify", default=True, help="Get a token before anything is stored.")
@click.option("--default/--no-default", "is_default", default=None, help="Make it the default profile.")
def login(
    client_id: str | None,
    username: str | None,
    credential: str | None,
    secret_file: Path | None,
    helper: str | None,
    store: str,
    verify: bool,
    is_default: bool | None,
) -> None:
    """Store a credential for a profile.

    The profile is the one that --profile names, or "default". The secret is read from a terminal, a file,
    stdin or a helper, never from the command line, and goes into the keyring or a file of its own. The
    configuration file holds no secrets.
    """
    from knetik_cloud.configuration import check_host

    run = run_of(click.get_current_context())
    name = run.profile_name or "default"
    _check_name(name, run.profiles.profiles)
    if helper and secret_file:
        raise click.UsageError("--helper and --secret-file exclude each other")
    if str(secret_file) == "-":
        claim_stdin("the secret")
    if helper:
        try:
            command_of(helper)
        except ValueError as error:
            raise click.UsageError(f"--helper must be a command with balanced quotes: {error}") from None
    known = run.profiles.profiles.get(name)
    earlier = {} if known is None else dict(known.values)
    username = username or earlier.get("username")
    kind = credential or ("password" if username else "client_secret")
    if kind == "password" and not username:
        raise click.UsageError("a password needs --username")
    variable = VARIABLES["host"]
    hosts = (("--host", run.host), ("host", earlier.get("host")), (variable, os.environ.get(variable)))
    host = next((check_host(source, value) for source, value in hosts if value), None)
    run.host = host  # of the profile, whose settings the verification uses
    run.__dict__["profile"] = Profile(name, {**earlier, **({"host": host} if host else {})})
    values: dict[str, Any] = {
        "host": host,
        "client_id": client_id or earlier.get("client_id"),
        "username": username if kind == "password" else None,
        "credential": kind if kind == "access_token" else None,
        "helper": helper,
        "keyring": True if helper is None and store == "keyring" else None,
        "secret_file": None,
    }
    becomes_default = is_default if is_default is not None else run.profiles.default is None
    place = "the helper" if helper else f"the {store}"

    def plan() -> list[dict[str, Any]]:
        return [
            {
                "profile": name,
                "file": str(run.profiles.path),
                "settings": {key: value for key, value in values.items() if value is not None},
                "secret": f"{kind}, from {place}" if helper else f"{kind}, to {place}",
                "default": becomes_default,
                "verified": verify,
            }
        ]

    def act(live: Live) -> None:
        from knetik_cloud.cli import profiles

        secret = _secret(kind, secret_file, helper, name)
        if verify:
            _verify(run, kind, secret, values)
        if helper is None and store == "keyring":
            profiles.store_in_keyring(name, secret)
        elif helper is None:
            values["secret_file"] = str(profiles.store_in_file(name, secret))
        path = profiles.save(name, values, becomes_default)
        note(f"Logged in. Profile {name!r} is in {path}.")

    run.act(plan, act)


def _check_name(name: str, known: Iterable[str]) -> None:
    """Check the name of a profile, which is that of a file, too.

    Raises:
        click.UsageError: If it can't be one, or differs from that of a known profile only in letter case.
    """
    if not PROFILE_NAME.fullmatch(name):
        raise click.UsageError(f"--profile must consist of letters, digits, '.', '_' and '-', not {name!r}")
    for other in known:
        if other != name and other.lower() == name.lower():
            raise click.UsageError(
                f"--profile {name!r} differs from {other!r} only in letter case, so that both would have the "
                "same secret on Windows and macOS: use another name"
            )


def _secret(kind: str, file: Path | None, helper: str | None, name: str) -> str:
    from knetik_cloud.cli.profiles import one_line, read_secret

    what = kind.replace("_", " ")
    if helper is not None:
        return Profile(name, {"helper": helper}).secret()
    if file is not None:
        return read_secret(file, f"the {what}")
    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        raise click.UsageError(
            f"there is no terminal to ask for the {what}: pass --secret-file FILE, or - for stdin"
        )
    with _hidden_after_a_stop():
        secret: str = click.prompt(what.capitalize(), hide_input=True, err=True)
    return one_line(secret, f"the {what}")  # as it is read back from its file


@contextmanager
def _hidden_after_a_stop() -> Iterator[None]:
    """Hide what is typed also after Ctrl-Z and `fg`, since a shell turns the echo on for its own prompt."""

    def hide(*_: object) -> None:
        with suppress(termios.error):  # in the background
            modes = termios.tcgetattr(sys.stdin)
            modes[3] &= ~termios.ECHO
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, modes)

    try:
        import termios

        before = signal.signal(signal.SIGCONT, hide)
    except (ImportError, ValueError):  # on Windows, where no command is stopped, or not in the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGCONT, before)


def _verify(run: Run, kind: str, secret: str, values: dict[str, Any]) -> None:
    """Check a credential: get a token with it, or call the service with the token that it is."""
    from knetik_cloud import apis
    from knetik_cloud.api_client import ApiClient
    from knetik_cloud.exceptions import ApiException
    from knetik_cloud.secret import Secret

    configuration = run.configuration(with_credential=False)
    with ApiClient(configuration) as client:
        if kind == "access_token":
            configuration.access_token = Secret(secret)
            try:
                apis.UsersInventoryApi(client).get_entitlement_items(size=1)
            except ApiException as error:
                if error.status != 403:  # a token without permissions is a token
                    raise
            return
        grant: dict[str, Any] = {kind: Secret(secret), "username": values["username"]}
        if values["client_id"]:
            grant["client_id"] = values["client_id"]
        grant["grant_type"] = "password" if kind == "password" else "client_credentials"
        given = {name: value for name, value in grant.items() if value is not None}
        check_token(apis.AccessTokenApi(client).get_o_auth_token(**given))


def check_token(response: OAuth2Resource | None) -> None:
    """Check that the response to a token request contains a token that can be sent.

    Raises:
        CommandError: If it doesn't.
    """
    from knetik_cloud.core.options import is_header_text

    # An empty response is None, and fields of a wrong type are read as they are.
    token = None if response is None else response.access_token
    if not (token and is_header_text(token)):
        raise CommandError("the response contains no access token", Exit.SERVICE, "Check the host.")


@click.command(cls=Command, sections=("Output options", "Connection options"))
def whoami() -> None:
    """Show the profile, the host and the credential of the calls, and the settings that they override.

    Nothing is sent, and no secret is read.
    """
    run = run_of(click.get_current_context())
    run.act(lambda: [_who(run)], lambda live: run.output.write(Rows.single(_who(run), WHO)), WHO)


def _who(run: Run) -> dict[str, Any]:
    profile, credentials = run.profile, run.credentials()
    credential = credentials[0] if credentials else None
    return {
        "profile": None if profile is None else profile.name,
        "profile_source": None if profile is None else run.profile_source,
        "host": run.base_url.value,
        "host_source": run.base_url.source,
        "credential": None if credential is None else credential.kind,
        "credential_source": None if credential is None else credential.source,
        "client_id": None if credential is None else credential.client_id or "knetik",
        "username": None if credential is None else credential.username,
        "overridden": list(_overridden(run)),
        "config": str(run.profiles.path),
    }


def _overridden(run: Run) -> Iterator[str]:
    """Describe each value that another one overrides."""
    from knetik_cloud.configuration import without_userinfo

    for name in ("host", "timeout", "deadline", "retries"):
        values = run.candidates(name)
        for value in values[1:]:
            shown = without_userinfo(value.value)
            yield f"{name} {shown} of {value.source}, by {values[0].source}"
    credentials = run.credentials()
    for credential in credentials[1:]:
        yield f"{credential.kind} of {credential.source}, by {credentials[0].source}"
    profile = run.profile
    if profile is not None and run.is_foreign_host:
        ignored = [f"{name} {profile.values[name]}" for name in TLS_SETTINGS if name in profile.values]
        for each in ([profile.credential] if profile.credential else []) + ignored:
            yield f"{each} of profile {profile.name!r}, by {run.base_url.source}: it is for another host"
