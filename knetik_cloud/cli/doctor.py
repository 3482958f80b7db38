"""`knetik doctor`: check the configuration, the connection and the credential, and change nothing."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import click

from knetik_cloud.cli.errors import message, next_step_of
from knetik_cloud.cli.exits import CommandError, Exit
from knetik_cloud.cli.options import Command, run_of
from knetik_cloud.cli.output import echo
from knetik_cloud.cli.rows import Rows
from knetik_cloud.cli.run import Live, Run
from knetik_cloud.core.clock import monotonic
from knetik_cloud.exceptions import printable

SKEW = 60.0
"""Seconds by which this machine's clock may differ from the service's without a warning."""
CONNECT_SECONDS = 5.0
"""The time for a connection if no timeout is set."""
MAX_CONNECT_SECONDS = 1e6
EXPIRING = 14
"""Days before the end of a certificate from which on a warning is given."""
ITSELF = re.compile("(:| with) `knetik doctor`")
"""The part of a next step that recommends this command."""


class Check(NamedTuple):
    """One check: `state` is ok, warning, failed or skipped."""

    check: str
    state: str
    detail: str
    next_step: str | None = None


@click.command(cls=Command, sections=("Output options", "Connection options"))
@click.option("--offline", is_flag=True, help="Send nothing. Check only the local configuration.")
def doctor(offline: bool) -> None:
    """Check the configuration, DNS, TCP, TLS, the proxy, the clock, the token, its permissions, and the
    version of a sandbox. Nothing is changed. The exit code is 1 if a check fails.
    """
    run = run_of(click.get_current_context())
    names = ["configuration", "host", "credential", "proxy"]
    names += [] if offline else ["dns", "tcp", "tls", "http", "clock", "token", "permissions", "sandbox"]
    failed: list[Check] = []

    def checks(live: Live) -> Iterator[Check]:
        for each in _Checks(run, live).run(offline):
            failed.extend([each] if each.state == "failed" else [])
            yield each

    def act(live: Live) -> None:
        if run.output.is_for_reading:
            for each in checks(live):
                _show(each)
        else:
            run.output.write(Rows([[each._asdict() for each in checks(live)]], columns=Check._fields))

    run.act(lambda: [{"check": name} for name in names], act, Check._fields)
    if failed:
        raise click.exceptions.Exit(Exit.LOCAL)


def _show(check: Check) -> None:
    """Write a check as lines. A table on a terminal would cut what is wrong and what to do."""
    echo(printable(f"{check.state:7}  {check.check}: {check.detail}"))
    if check.next_step is not None:
        echo(printable(f"{'':7}  {check.next_step}"))


class _Checks:
    """The checks, in the order in which they depend on each other."""

    def __init__(self, run: Run, live: Live) -> None:
        self._run = run
        self._live = live
        self._proxy: str | None = None
        self._first_hop = ("", 0)  # the host and the port that connections are made to
        self._date: str | None = None
        self._address: tuple[Any, ...] = ()

    def run(self, offline: bool) -> Iterator[Check]:
        """Run the checks. Those that depend on a failed one are skipped."""
        yield self._try("configuration", self._configuration)
        local = [self._try("host", self._host), self._try("credential", self._credential)]
        local.append(self._try("proxy", self._find_proxy))
        yield from local
        if offline:
            return
        steps: list[tuple[str, Callable[[], Check]]] = [
            ("dns", self._dns),
            ("tcp", self._tcp),
            ("tls", self._tls),
            ("http", self._http),
        ]
        is_reached = all(each.state != "failed" for each in local)
        for name, step in steps:
            check = self._try(name, step) if is_reached else _skipped(name)
            is_reached = is_reached and check.state != "failed"
            yield check
        if not is_reached:
            yield from map(_skipped, ("clock", "token", "permissions", "sandbox"))
            return
        yield self._try("clock", self._clock)
        token = self._try("token", self._token)
        yield token
        yield (
            _skipped("permissions")
            if token.state == "failed"
            else self._try("permissions", self._permissions)
        )
        yield self._try("sandbox", self._sandbox)

    def _try(self, name: str, step: Callable[[], Check]) -> Check:
        from knetik_cloud.exceptions import ApiException

        try:
            return step()
        except (ApiException, CommandError, click.ClickException) as error:
            from knetik_cloud.cli.errors import exit_code_of

            next_step = ITSELF.sub("", next_step_of(error, exit_code_of(error)) or "")
            return Check(name, "failed", message(error), next_step or None)
        except OSError as error:
            return Check(name, "failed", error.strerror or str(error), "Check the host and the network.")

    # This machine

    def _configuration(self) -> Check:
        from knetik_cloud.cli.profiles import Profiles, config_path

        try:
            profiles = self._run.profiles
            profile = self._run.profile
        except CommandError:
            self._run.__dict__["profiles"] = Profiles(config_path())  # the other checks go on without it
            self._run.__dict__["profile"] = None
            raise
        if not profiles.path.exists():
            return Check("configuration", "ok", f"{profiles.path} doesn't exist; no profile is used")
        used = "none is used" if profile is None else f"{profile.name!r} is used ({self._run.profile_source})"
        return Check("configuration", "ok", f"{profiles.path}: {len(profiles.profiles)} profiles; {used}")

    def _host(self) -> Check:
        url = self._run.configuration(with_credential=False).host
        detail = f"{url} ({self._run.base_url.source})"
        from knetik_cloud.cli.run import is_loopback

        if url.startswith("http://") and not is_loopback(url):
            return Check(
                "host",
                "warning",
                f"{detail}: not encrypted",
                "Use https://, so that the token is encrypted.",
            )
        return Check("host", "ok", detail)

    def _credential(self) -> Check:
        found = next(iter(self._run.credentials()), None)
        if found is None:
            return Check(
                "credential", "warning", "none: calls are sent without a token", "Log in with `knetik login`."
            )
        return Check("credential", "ok", f"{found.kind} ({found.source})")

    def _find_proxy(self) -> Check:
        import os

        from knetik_cloud.wire.routes import ConnectionSettings, Route, choose_proxy

        settings = ConnectionSettings.of(self._run.configuration(with_credential=False))
        self._proxy = choose_proxy(settings, os.environ)
        self._first_hop = Route(settings, os.environ).address
        if self._proxy is None:
            return Check("proxy", "ok", "none")
        parts = urlsplit(self._proxy)  # a password that isn't escaped may end in the path
        return Check("proxy", "ok", f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")

    # The network

    def _timeout(self) -> float:
        """Return the seconds for a connection. A socket takes no infinity."""
        given = next((float(each.value) for each in self._run.candidates("timeout")), CONNECT_SECONDS)
        return min(given, MAX_CONNECT_SECONDS)

    def _dns(self) -> Check:
        host, port = self._first_hop
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError):
            return Check("dns", "failed", f"{host} has no address", "Check the name of the host.")
        addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
        return Check("dns", "ok", f"{host}: {', '.join(addresses)}")

    def _tcp(self) -> Check:
        host, port = self._first_hop
        begun = monotonic()
        try:
            with socket.create_connection((host, port), timeout=self._timeout()) as connection:
                address = connection.getpeername()[0]
        except OSError as error:
            return Check(
                "tcp",
                "failed",
                f"{host}:{port}: {error.strerror or error}",
                "Check that the service is up.",
            )
        return Check("tcp", "ok", f"{address}:{port} in {(monotonic() - begun) * 1000:.0f} ms")

    def _tls(self) -> Check:
        import ssl

        from knetik_cloud.wire.routes import ConnectionSettings
        from knetik_cloud.wire.tls import tls_context

        parts = urlsplit(str(self._run.base_url.value))
        if parts.scheme != "https":
            return Check("tls", "skipped", "the host is an http:// URL")
        if self._proxy is not None:
            return Check("tls", "skipped", "through the proxy; see http")
        context = tls_context(ConnectionSettings.of(self._run.configuration(with_credential=False)))
        host, port = self._first_hop
        name = host.rstrip(".").partition("%")[0]
        try:
            with (
                socket.create_connection((host, port), timeout=self._timeout()) as connection,
                context.wrap_socket(connection, server_hostname=name) as secured,
            ):
                version, certificate = secured.version(), secured.getpeercert() or {}
        except ssl.SSLError as error:
            reason = getattr(error, "verify_message", "") or error.reason or str(error)
            is_untrusted = isinstance(error, ssl.SSLCertVerificationError)
            next_step = (
                "Set ssl_ca_cert in the profile to the CA's file."
                if is_untrusted
                else "Check the host and its port: a server without TLS needs an http:// URL."
            )
            return Check("tls", "failed", f"{host}: {reason}", next_step)
        detail = f"{version}, certificate"
        ends = certificate.get("notAfter")
        if not isinstance(ends, str):
            return Check("tls", "warning", f"{detail} not checked", "Set verify_ssl to true.")
        days = (ssl.cert_time_to_seconds(ends) - time.time()) / 86400
        if days < EXPIRING:
            return Check("tls", "warning", f"{detail} expires in {days:.0f} days", "Have it renewed.")
        return Check("tls", "ok", f"{detail} valid for {days:.0f} days")

    # The service

    def _http(self) -> Check:
        from knetik_cloud.api_client import ApiClient
        from knetik_cloud.exceptions import ApiException

        begun = monotonic()
        with ApiClient(self._run.configuration(with_credential=False)) as client:
            try:
                response = client.call_api(
                    "/entitlements",
                    "GET",
                    query_params={"size": 1},
                    response_type="object",
                    _return_http_data_only=False,
                )
                status, headers = response.status, response.headers
            except ApiException as error:
                if error.status not in (401, 403):
                    raise
                status, headers = error.status, error.headers
        self._date = headers.get("Date")
        return Check("http", "ok", f"status {status} in {(monotonic() - begun) * 1000:.0f} ms")

    def _clock(self) -> Check:
        from email.utils import parsedate_to_datetime

        try:
            skew = time.time() - parsedate_to_datetime(self._date or "").timestamp()
        except ValueError:
            return Check("clock", "skipped", "the service doesn't send its time")
        if abs(skew) > SKEW:
            how = "ahead of" if skew > 0 else "behind"
            return Check(
                "clock",
                "warning",
                f"this machine is {abs(skew):.0f} s {how} the service",
                "Set the clock: filters by date and expiry times depend on it.",
            )
        return Check("clock", "ok", f"{abs(skew):.0f} s apart")

    def _token(self) -> Check:
        from knetik_cloud import apis
        from knetik_cloud.cli.account import check_token

        found = next(iter(self._run.credentials()), None)
        if found is None:
            return Check("token", "skipped", "no credential")
        if found.kind == "access_token":
            apis.UsersInventoryApi(self._live.client).get_entitlement_items(size=1)
            return Check("token", "ok", "the service accepts it")
        settings = {name: value for name, value in found.settings().items() if value is not None}
        grant = "password" if found.kind == "password" else "client_credentials"
        token = apis.AccessTokenApi(self._live.client).get_o_auth_token(grant_type=grant, **settings)
        check_token(token)
        lifetime = f", valid for {token.expires_in} s" if isinstance(token.expires_in, int) else ""
        return Check("token", "ok", f"issued{lifetime}")

    def _permissions(self) -> Check:
        """Call the lists that need a permission and no argument, a row each."""
        from knetik_cloud.cli import calls
        from knetik_cloud.contract import Contract
        from knetik_cloud.exceptions import ForbiddenException, UnauthorizedException

        granted, missing = [], []
        for operation in calls.operations().values():
            needed = [
                each for each in Contract.load().operations[operation.id].permissions if each != "owner"
            ]
            if not needed or operation.pages is None or any(each.required for each in operation.parameters):
                continue
            try:
                getattr(calls.api_class(operation)(self._live.client), operation.id)(size=1)
                granted.append(" or ".join(needed))
            except (ForbiddenException, UnauthorizedException):
                missing.append(" or ".join(needed))
        if missing:
            return Check(
                "permissions",
                "warning",
                f"missing {', '.join(missing)}",
                "Use credentials that have the permission.",
            )
        return Check("permissions", "ok", ", ".join(granted))

    def _sandbox(self) -> Check:
        from knetik_cloud.api_client import ApiClient
        from knetik_cloud.cli.control import PREFIX
        from knetik_cloud.exceptions import ApiException
        from knetik_cloud.version import __version__

        try:
            with ApiClient(self._run.configuration(with_credential=False)) as client:
                about = client.call_api(PREFIX, "GET", response_type="object")
        except ApiException:
            return Check("sandbox", "ok", "the host is not a sandbox, or its control API is off")
        version = about.get("version") if isinstance(about, dict) else None
        if version != __version__:
            return Check(
                "sandbox",
                "warning",
                f"its version is {version or 'older'}, this command's is {__version__}",
                "Start the sandbox with the version of knetik_cloud that you use.",
            )
        return Check("sandbox", "ok", f"version {version}")


def _skipped(name: str) -> Check:
    return Check(name, "skipped", "an earlier check failed")
