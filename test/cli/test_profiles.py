"""Profiles: which settings and which credential a call uses, where secrets are kept, and broken files."""

from __future__ import annotations

import errno
import json
import os
import re
import socket
import ssl
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from knetik_cloud import ApiClient, UsersInventoryApi
from knetik_cloud.bulk import files, journal
from knetik_cloud.cli import account, profiles
from knetik_cloud.cli.exits import CommandError
from knetik_cloud.exceptions import ApiValueError
from knetik_cloud.sandbox import Sandbox
from knetik_cloud.version import __version__
from test.conftest import RecordingServer, http_response
from test.listening import stop_listening

from .conftest import Run, profiles_file, spawn

SECRET = "client_secret_example"


CERTIFICATES = Path(__file__).parents[1] / "faults" / "certificates"
HELPER = f'"{sys.executable}" -c "print(1)"'
PRIVATE = 0o666 if os.name == "nt" else 0o600  # Windows protects the folder instead
unix_helper = pytest.mark.skipif(os.name == "nt", reason="the helper is a program of Unix")


class SecureServer:
    """A service without a sandbox's control API, over TLS with a certificate of this folder.

    Args:
        certificate: The file of the certificate.
        control: The response to a call of the control API. An empty one closes the connection.
    """

    def __init__(self, certificate: str, control: bytes = http_response(404)) -> None:
        self._control = control
        self.control_calls = 0
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATES / certificate)
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with plain, suppress(OSError), self._context.wrap_socket(plain, server_side=True) as connection:
            while head := connection.recv(65536):
                response = http_response(200, b'{"content": []}')
                if head.startswith(b"GET /_sandbox"):
                    self.control_calls += 1
                    response = self._control
                if not response:
                    return
                connection.sendall(response)

    def close(self) -> None:
        stop_listening(self._listener)
        self._thread.join(5)
        self._listener.close()


@pytest.fixture
def secured() -> Any:
    """A sandbox that wants tokens."""
    with Sandbox(require_auth=True) as sandbox:
        yield sandbox


def who(run: Run, *words: str) -> dict[str, Any]:
    result = run("whoami", "-o", "json", *words)
    assert result.code == 0, result.err
    found: dict[str, Any] = json.loads(result.text)
    return found


TWO = """
default_profile = "dev"

[profiles.dev]
host = "http://127.0.0.1:1"
helper = "echo dev-secret"

[profiles.live]
host = "https://live.example"
client_id = "support"
username = "ann"
helper = ["echo", "live-secret"]
deadline = 9
"""


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user"
)
@pytest.mark.parametrize("home", [None, "", "relative", "/dev/null"])
def test_a_user_without_a_home_needs_no_configuration_file(sandbox: Sandbox, home: str | None) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    environment.pop("HOME")
    if home is not None:
        environment["HOME"] = home
    # The real user, who is unknown to the system, has the home. The effective one reads the modules.
    program = "import os; os.setresuid(4711, 0, 0); import knetik_cloud.cli; knetik_cloud.cli.main()"
    for words in (["items", "list"], ["whoami", "-o", "json"], ["completion", "bash"]):
        command = [sys.executable, "-c", program, *words]
        result = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
        assert result.returncode == 0, result.stderr
        if words[0] == "whoami":
            assert Path(json.loads(result.stdout)["config"]).is_absolute()  # not in the current folder


NO_HOSTS = ["http://kim:secretpw@127.0.0.1:1", "http://[::1", "127.0.0.1:1", "http://h:99999", "http://h?a=1"]


@pytest.mark.parametrize("url", NO_HOSTS)
@pytest.mark.parametrize(
    "words", [["whoami"], ["items", "delete", "5"], ["login", "--no-verify"], ["sandbox", "reset"]]
)
def test_a_host_that_cant_be_used_is_rejected_with_its_source(
    run: Run, home: Path, url: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    option = "--url" if words[0] == "sandbox" else "--host"
    given = run(*words, option, url, "--errors", "json")
    monkeypatch.setenv("KNETIK_CLOUD_HOST", url)
    for result, source in ((given, option), (run(*words, "--errors", "json"), "KNETIK_CLOUD_HOST")):
        assert result.code == 2
        assert result.error["message"].startswith(f"{source} must be a URL such as https://")
        assert "secretpw" not in result.err
    shown = who(run, "--host", "http://127.0.0.1:2")
    assert (shown["host"], len(shown["overridden"])) == ("http://127.0.0.1:2", 1)
    assert "secretpw" not in str(shown)


@pytest.mark.parametrize("url", NO_HOSTS)
def test_a_host_of_a_profile_that_cant_be_used_is_rejected_with_its_place(
    run: Run, home: Path, url: str
) -> None:
    path = profiles_file(home, f'[profiles.dev]\nhost = "{url}"\nhelper = "echo x"\n')
    for words in (["whoami"], ["items", "list"], ["doctor", "--offline"]):
        result = run(*words, "--errors", "text")
        assert result.code == 1
        shown = (result.err + result.text).replace("\\\\", "\\")  # JSON escapes the path of Windows
        assert f"{path} can't be used: host in [profiles.dev] must be a URL" in shown
        assert "secretpw" not in result.err + result.text


def test_without_a_file_the_defaults_hold(run: Run) -> None:
    found = who(run)
    assert (found["profile"], found["host_source"], found["credential"]) == (None, "default", None)
    assert found["host"] == "https://sandbox.knetikcloud.com"


def test_the_environment_comes_before_the_default_profile(run: Run, home: Path, monkeypatch: Any) -> None:
    profiles_file(home, TWO)
    assert (who(run)["profile"], who(run)["host"]) == ("dev", "http://127.0.0.1:1")
    assert who(run)["credential_source"] == "helper of profile 'dev'"
    monkeypatch.setenv("KNETIK_CLOUD_HOST", "http://127.0.0.1:2")
    monkeypatch.setenv("KNETIK_CLOUD_ACCESS_TOKEN", "token")
    found = who(run)
    assert (found["host"], found["host_source"]) == ("http://127.0.0.1:2", "KNETIK_CLOUD_HOST")
    assert (found["credential"], found["credential_source"]) == ("access_token", "KNETIK_CLOUD_ACCESS_TOKEN")
    assert "host http://127.0.0.1:1 of profile 'dev', by KNETIK_CLOUD_HOST" in found["overridden"]


def test_a_profile_that_is_named_comes_before_the_environment(run: Run, home: Path, monkeypatch: Any) -> None:
    profiles_file(home, TWO)
    monkeypatch.setenv("KNETIK_CLOUD_HOST", "http://127.0.0.1:2")
    monkeypatch.setenv("KNETIK_CLOUD_ACCESS_TOKEN", "token")
    found = who(run, "--profile", "live")
    assert found["host"] == "https://live.example"
    assert (found["credential"], found["username"], found["client_id"]) == ("password", "ann", "support")
    assert set(found["overridden"]) == {
        "host http://127.0.0.1:2 of KNETIK_CLOUD_HOST, by profile 'live'",
        "access_token of KNETIK_CLOUD_ACCESS_TOKEN, by helper of profile 'live'",
    }
    monkeypatch.setenv("KNETIK_CLOUD_PROFILE", "live")
    assert who(run)["host"] == "http://127.0.0.1:2"
    assert who(run)["profile_source"] == "KNETIK_CLOUD_PROFILE"


def test_the_command_line_comes_first(run: Run, home: Path, tmp_path: Path) -> None:
    profiles_file(home, TWO)
    (tmp_path / "token").write_text("token-1\n")
    found = who(run, "--host", "http://127.0.0.1:3", "--token-file", str(tmp_path / "token"))
    assert (found["host"], found["host_source"]) == ("http://127.0.0.1:3", "--host")
    assert (found["credential"], found["credential_source"]) == ("access_token", "--token-file")


def test_a_profiles_secret_goes_to_its_own_host_only(run: Run, home: Path, server: RecordingServer) -> None:
    profiles_file(home, TWO)
    server.responses = [http_response(200, b'{"content": [], "total_elements": 0}')]
    result = run("items", "list", "--host", server.url, "-o", "json")
    assert result.code == 0
    assert "The credential of profile 'dev' is not sent to" in result.err
    assert len(server.requests) == 1
    assert b"authorization" not in server.requests[0].lower()
    assert who(run, "--host", server.url)["credential"] is None


@pytest.mark.parametrize(
    "how", [pytest.param("helper", marks=unix_helper), "file", "environment", "token", "stdin"]
)
def test_a_secret_reaches_the_service_from_every_source(
    how: str, run: Run, home: Path, secured: Sandbox, tmp_path: Path, monkeypatch: Any
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    words: list[str] = []
    input = None
    if how == "helper":
        profiles_file(home, f'[profiles.a]\nhost = "{secured.url}"\nhelper = "cat {secret}"\n')
        words = ["--profile", "a"]
    elif how == "file":
        profiles_file(home, f"[profiles.a]\nhost = \"{secured.url}\"\nsecret_file = '{secret}'\n")
        words = ["--profile", "a"]
    else:
        monkeypatch.setenv("KNETIK_CLOUD_HOST", secured.url)
        monkeypatch.setenv("KNETIK_CLOUD_CLIENT_SECRET", SECRET)
        if how in ("token", "stdin"):
            token = json.loads(run("token", "get").text)["access_token"]
            monkeypatch.delenv("KNETIK_CLOUD_CLIENT_SECRET")
            secret.write_text(token)
            words = ["--token-file", str(secret) if how == "token" else "-"]
            input = f"{token}\n" if how == "stdin" else None
    result = run("inventory", "list-all", "-o", "id", *words, input=input)
    assert result.code == 0, result.err
    assert result.text.split() == ["1", "56"]


@pytest.mark.parametrize("where", ["environment", "profile"])
def test_a_client_id_and_a_secret_of_two_sources_are_used_and_reported_together(
    where: str, run: Run, home: Path, secured: Sandbox, monkeypatch: Any
) -> None:
    (home / "secret").write_text("game_secret\n")
    lines = ["default_profile = 'a'", "[profiles.a]", f"host = '{secured.url}'"]
    if where == "environment":
        monkeypatch.setenv("KNETIK_CLOUD_CLIENT_ID", "game")
        lines.append(f"secret_file = '{home / 'secret'}'")
    else:
        monkeypatch.setenv("KNETIK_CLOUD_CLIENT_SECRET", "game_secret")
        lines.append("client_id = 'game'")
    profiles_file(home, "\n".join(lines))
    assert who(run)["client_id"] == "game"
    assert run("items", "list").code == 0
    assert run("token", "get").code == 0
    assert json.loads(run("token", "get", "--dry-run", "-o", "json").text)["body"].startswith("grant_type")
    rows = {row["check"]: row for row in run("doctor", "-o", "jsonl").rows("jsonl")}
    assert rows["token"]["state"] == "ok", rows["token"]


def form(request: bytes) -> set[bytes]:
    """Return the fields of a form that was sent."""
    assert request.startswith(b"POST /oauth/token"), request
    return set(request.partition(b"\r\n\r\n")[2].split(b"&"))


def test_a_password_goes_with_the_client_secret_of_its_source(
    run: Run, home: Path, server: RecordingServer, monkeypatch: Any
) -> None:
    token = {"access_token": "t", "token_type": "bearer", "expires_in": 99, "content": []}
    server.responses = [http_response(200, json.dumps(token).encode())]
    (home / "password").write_text("profile-password\n")
    password = f"secret_file = '{home / 'password'}'"
    profiles_file(home, f"[profiles.a]\nhost = '{server.url}'\nusername = 'bob'\n{password}\n")
    for name, value in {
        "HOST": server.url,
        "USERNAME": "ann",
        "PASSWORD": "env-password",
        "CLIENT_ID": "game",
        "CLIENT_SECRET": "env-secret",
    }.items():
        monkeypatch.setenv(f"KNETIK_CLOUD_{name}", value)

    def sent() -> set[bytes]:
        found = next(each for each in server.requests if each.startswith(b"POST"))
        server.requests.clear()
        return form(found)

    with ApiClient() as client:
        UsersInventoryApi(client).get_entitlement_items(size=1)
    by_sdk = sent()
    assert b"client_secret=env-secret" in by_sdk
    for words in (["items", "list"], ["token", "get"], ["doctor"]):
        assert run(*words).code == 0
        assert sent() == by_sdk, words
    assert (who(run)["credential"], who(run)["overridden"]) == ("password", [])
    assert "client_secret=$KNETIK_CLOUD_CLIENT_SECRET" in run("token", "get", "--curl").text
    for words in (["items", "list"], ["token", "get"], ["doctor"]):
        assert run(*words, "--profile", "a").code == 0
        assert sent() >= {b"username=bob", b"password=profile-password", b"client_id=game"}
        assert not any(b"env-secret" in request for request in server.requests)
    assert set(who(run, "--profile", "a")["overridden"]) >= {
        "password of KNETIK_CLOUD_PASSWORD, by secret_file of profile 'a'"
    }


def test_a_secret_is_asked_for_in_any_thread(
    secured: Sandbox, run: Run, home: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(account, "is_terminal", lambda stream: True)
    words = ("login", "--host", secured.url, "--store", "file")
    with ThreadPoolExecutor() as pool:
        result = pool.submit(run, *words, input=f"{SECRET}\n").result()
    assert result.code == 0, result.err
    assert run("items", "list", "--profile", who(run)["profile"]).code == 0


def test_a_user_name_without_a_password_is_an_error_as_in_the_sdk(
    run: Run, home: Path, server: RecordingServer, monkeypatch: Any
) -> None:
    (home / "secret").write_text("profile-secret\n")
    profiles_file(home, f"[profiles.a]\nhost = '{server.url}'\nsecret_file = '{home / 'secret'}'\n")
    for name, value in {"HOST": server.url, "USERNAME": "ann", "CLIENT_SECRET": "env-secret"}.items():
        monkeypatch.setenv(f"KNETIK_CLOUD_{name}", value)
    source = "KNETIK_CLOUD_USERNAME without KNETIK_CLOUD_PASSWORD"
    with ApiClient() as client, pytest.raises(ApiValueError, match="username 'ann' has no password"):
        UsersInventoryApi(client).get_entitlement_items(size=1)
    for words in (["items", "list"], ["token", "get"]):
        result = run(*words)
        assert result.code == 1
        assert result.error["message"] == f"can't log in with {source}"
        assert result.error["next_step"].startswith("Set both.")
    assert server.requests == []
    assert (who(run)["credential"], who(run)["credential_source"]) == ("password", source)
    assert who(run, "--profile", "a")["credential"] == "client_secret"
    monkeypatch.setenv("KNETIK_CLOUD_ACCESS_TOKEN", "token")
    assert run("items", "list").code == 0


@pytest.mark.parametrize("how", ["--host", "KNETIK_CLOUD_HOST"])
@pytest.mark.parametrize(
    "setting", ["verify_ssl = false", f"ssl_ca_cert = '{CERTIFICATES / 'authority.pem'}'"]
)
def test_the_tls_settings_of_a_profile_are_for_its_own_host(
    setting: str, how: str, run: Run, home: Path, monkeypatch: Any
) -> None:
    server = SecureServer("good.pem")
    own = f"default_profile = 'a'\n[profiles.a]\nhost = '{server.url}'\n"
    profiles_file(home, f"{own}{setting}\n")
    try:
        assert run("items", "list").code == 0
        profiles_file(home, f"{own.replace(server.url, 'https://live.example')}{setting}\n")
        words = ["--host", server.url] if how == "--host" else []
        if not words:
            monkeypatch.setenv("KNETIK_CLOUD_HOST", server.url)
        result = run("items", "list", "--retries", "0", *words)
        assert result.code == 6
        assert "certificate" in result.error["message"]
        name, _, value = setting.partition(" = ")
        value = value.strip("'").replace("false", "False")
        ignored = f"{name} {value} of profile 'a', by {how}: it is for another host"
        assert ignored in who(run, *words)["overridden"]
    finally:
        server.close()


def test_a_client_certificate_of_a_profile_is_for_its_own_host(run: Run, home: Path) -> None:
    missing = "cert_file = '/no/such/file'\nkey_file = '/no/such/file'\n"
    profiles_file(home, f"default_profile = 'a'\n[profiles.a]\nhost = 'https://live.example'\n{missing}")
    overridden = who(run, "--host", "https://127.0.0.1:1")["overridden"]
    assert [each.split()[0] for each in overridden] == ["host", "cert_file", "key_file"]
    assert run("items", "list", "--host", "https://127.0.0.1:1", "--retries", "0").code == 6


def test_a_certificate_of_a_profile_may_be_in_the_home(run: Run, home: Path) -> None:
    server = SecureServer("good.pem")
    (home / "ca.pem").write_bytes((CERTIFICATES / "authority.pem").read_bytes())
    profiles_file(home, f"[profiles.a]\nhost = '{server.url}'\nssl_ca_cert = '~/ca.pem'\n")
    try:
        result = run("items", "list", "--profile", "a", "--retries", "0")
    finally:
        server.close()
    assert result.code == 0, result.err


@pytest.mark.parametrize("certificate", ["good.pem", "expired.pem"])
def test_login_verifies_with_the_tls_settings_that_it_keeps(certificate: str, run: Run, home: Path) -> None:
    server = SecureServer(certificate)
    authority = f"ssl_ca_cert = '{CERTIFICATES / 'authority.pem'}'\n"
    path = profiles_file(home, f"[profiles.default]\nhost = 'https://live.example'\n{authority}")
    words = ("login", "--host", server.url, "--credential", "access_token", "--store", "file")
    try:
        result = run(*words, "--secret-file", "-", "--retries", "0", input="token\n")
    finally:
        server.close()
    assert result.code == (0 if certificate == "good.pem" else 6), result.err
    assert (server.url in path.read_text()) == (result.code == 0)


@pytest.mark.parametrize("store", ["file", "keyring"])
def test_login_stores_a_secret_outside_the_configuration(
    store: str, run: Run, home: Path, secured: Sandbox, monkeypatch: Any, request: pytest.FixtureRequest
) -> None:
    config = home / "config.toml"
    monkeypatch.setenv("KNETIK_CLOUD_CONFIG", str(config))
    if store == "keyring":
        use_keyring(monkeypatch, home, request)
    config.write_text('# mine\n[profiles.other]\nhost = "http://127.0.0.1:9"  # kept\n')
    words = ("login", "--profile", "live", "--host", secured.url, "--secret-file", "-", "--store", store)
    wrong = run(*words, input="wrong\n")
    assert wrong.code == 4
    assert "live" not in config.read_text()
    result = run(*words, input=f"{SECRET}\n")
    assert result.code == 0, result.err
    text = config.read_text()
    assert SECRET not in text
    assert "# mine" in text
    assert "# kept" in text
    assert stat.S_IMODE(config.stat().st_mode) == PRIVATE
    listed = run("inventory", "list-all", "-o", "id", "--profile", "live")
    assert listed.code == 0, listed.err
    assert who(run)["profile"] == "live"  # the first login makes the default
    for path in home.rglob("*"):
        if path.is_file() and SECRET in path.read_text():
            assert stat.S_IMODE(path.stat().st_mode) == PRIVATE


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("how", ["stdin", "file"])
def test_a_secret_is_utf_8_in_every_locale(mark: str, how: str, home: Path, tmp_path: Path) -> None:
    secret = f"{mark}s\u00e9cret\n".encode()
    (tmp_path / "secret").write_bytes(secret)
    source = "-" if how == "stdin" else str(tmp_path / "secret")
    environment = {
        **os.environ,
        "KNETIK_CLOUD_CONFIG": str(home / "config.toml"),
        "PYTHONIOENCODING": "latin-1",
    }
    words = ("login", "--secret-file", source, "--store", "file", "--no-verify")
    result = spawn(*words, input=secret, env=environment)
    assert result.returncode == 0, result.stderr
    assert (home / "secrets" / "default").read_bytes() == "s\u00e9cret\n".encode()
    wrong = spawn("login", "--secret-file", "-", "--no-verify", input=b"s\xe9cret", env=environment)
    assert wrong.returncode == 1
    assert b"can't read the client secret from -: it isn't UTF-8 text" in wrong.stderr


KEYRING = """
import json, os
from keyring.backend import KeyringBackend

class Store(KeyringBackend):
    priority = 1
    path = os.environ["TEST_KEYRING"]

    def _read(self):
        return json.load(open(self.path)) if os.path.exists(self.path) else {}

    def get_password(self, service, username):
        return self._read().get(f"{service}/{username}")

    def set_password(self, service, username, password):
        kept = {**self._read(), f"{service}/{username}": password}
        with os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(kept, file)
"""


def use_keyring(monkeypatch: Any, home: Path, request: pytest.FixtureRequest) -> None:
    import keyring

    monkeypatch.setenv("TEST_KEYRING", str(home / "keyring.json"))
    space: dict[str, Any] = {}
    exec(KEYRING, space)
    request.addfinalizer(partial(keyring.set_keyring, keyring.get_keyring()))
    keyring.set_keyring(space["Store"]())


@unix_helper
def test_login_with_a_user_and_with_a_helper(
    run: Run, home: Path, secured: Sandbox, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("KNETIK_CLOUD_CONFIG", str(home / "config.toml"))
    (tmp_path / "password").write_text("admin\n")
    helper = f"cat {tmp_path / 'password'}"
    result = run("login", "--host", secured.url, "--username", "admin", "--helper", helper)
    assert result.code == 0, result.err
    assert who(run)["credential"] == "password"
    assert run("inventory", "list-all", "-o", "id").code == 0
    assert json.loads(run("token", "get").text)["refresh_token"]


@pytest.mark.parametrize(
    "response",
    [{}, {"access_token": None}, {"access_token": ""}, {"access_token": 5}, {"access_token": "a\nb"}, None],
)
def test_login_stores_nothing_if_the_response_contains_no_token(
    response: dict[str, Any] | None, run: Run, home: Path, server: RecordingServer
) -> None:
    empty, filled = http_response(204), http_response(200, json.dumps(response).encode())
    server.responses = [empty if response is None else filled]
    words = ("login", "--host", server.url, "--store", "file", "--secret-file", "-")
    result = run(*words, "--errors", "json", input=f"{SECRET}\n")
    assert (result.code, result.error["message"]) == (5, "the response contains no access token")
    assert not [each for each in home.rglob("*") if each.is_file()]


def test_login_rejects_a_name_that_differs_from_another_only_in_letter_case(run: Run, home: Path) -> None:
    words = ("login", "--store", "file", "--secret-file", "-", "--no-verify", "--errors", "json", "--profile")
    assert run(*words, "Live", input="first").code == 0
    result = run(*words, "live", input="second")
    assert result.code == 2
    assert result.error["message"].startswith("--profile 'live' differs from 'Live' only in letter case")
    assert os.listdir(profiles.config_path().parent / "secrets") == ["Live"]
    assert run(*words, "Live", input="third").code == 0


def test_login_never_asks_without_a_terminal(run: Run, secured: Sandbox) -> None:
    result = run("login", "--host", secured.url)
    assert result.code == 2
    assert "--secret-file" in result.err
    assert run("login", "--profile", "../x", "--secret-file", "-", input="x").code == 2


BROKEN = {
    "not TOML": ("[profiles", "isn't TOML"),
    "a secret": ('[profiles.a]\nclient_secret = "x"\n', "must not hold a client_secret"),
    "an unknown setting": ('[profiles.a]\nhots = "x"\n', "did you mean 'host'?"),
    "a wrong type": ("[profiles.a]\nhost = 1\n", "host in [profiles.a] must be a TOML str"),
    "a default that isn't there": (
        'default_profile = "b"\n[profiles.a]\n',
        "default_profile must be one of a",
    ),
    "two secrets": ('[profiles.a]\nhelper = "x"\nkeyring = true\n', "keep one of them"),
    "an unknown table": ("[profile.a]\n", "has no setting 'profile'"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_explained_and_help_version_and_doctor_still_work(
    kind: str, run: Run, home: Path, sandbox: Sandbox
) -> None:
    text, message = BROKEN[kind]
    path = profiles_file(home, text)
    for words in (["items", "list"], ["whoami"]):
        result = run(*words)
        assert result.code == 1
        assert result.error["message"].startswith(f"{path} can't be used: ")
        assert message in result.error["message"]
        assert result.error["next_step"]
    assert run("--help").code == run("items", "list", "--help").code == run("--version").code == 0
    assert run("explain", "7").code == run("completion", "bash").code == 0
    result = run("doctor", "-o", "jsonl")
    assert result.code == 1
    checks = {row["check"]: row for row in result.rows("jsonl")}
    assert checks["configuration"]["state"] == "failed"
    assert message in checks["configuration"]["detail"]
    assert checks["http"]["state"] == "ok"


def test_a_file_may_begin_with_a_byte_order_mark(home: Path, run: Run, sandbox: Sandbox) -> None:
    profiles_file(home, f'\ufeff[profiles.a]\nhost = "{sandbox.url}"\n')
    assert run("items", "list", "--profile", "a").code == 0


def test_a_file_that_cant_be_read_is_explained(home: Path) -> None:
    path = profiles_file(home, TWO)
    path.chmod(0)
    if os.access(path, os.R_OK):
        path.chmod(0o600)
        path.unlink()
        path.mkdir()
    result = spawn("items", "list", "--errors", "text")
    assert result.returncode == 1
    assert f"can't read {path}" in result.stderr.decode()
    assert spawn("--help").returncode == 0
    assert spawn("doctor", "--offline").returncode == 1


@pytest.mark.parametrize(
    ("helper", "message"),
    [
        ("exit-no-such-command", "can't be run"),
        (r"cat\u0000", "can't be run"),
        pytest.param("false", "failed with exit status 1", marks=unix_helper),
        pytest.param("true", "is empty", marks=unix_helper),
    ],
)
def test_a_helper_that_fails_is_explained(helper: str, message: str, run: Run, home: Path) -> None:
    profiles_file(
        home, f'default_profile = "a"\n[profiles.a]\nhost = "http://127.0.0.1:1"\nhelper = "{helper}"\n'
    )
    result = run("items", "list")
    assert result.code == 1
    assert message in result.error["message"]


@pytest.mark.parametrize(("name", "reason"), [("none", "No such file"), (r"a\u0000", "embedded null ")])
def test_a_secret_file_that_cant_be_read_is_named(name: str, reason: str, run: Run, home: Path) -> None:
    profiles_file(
        home, f'default_profile = "a"\n[profiles.a]\nhost = "http://127.0.0.1:1"\nsecret_file = "{name}"\n'
    )
    result = run("items", "list")
    assert result.code == 1
    assert result.error["message"].startswith("can't read the secret of profile 'a' from ")
    assert reason in result.error["message"]


@pytest.mark.parametrize(
    "text", ['profiles = {a = {host = "http://a.example"}}\n', 'profiles.a.host = "http://a.example"\n']
)
def test_login_leaves_a_file_that_it_cant_change(text: str, run: Run, home: Path) -> None:
    path = profiles_file(home, text)
    words = ("login", "--profile", "b", "--default", "--helper", HELPER, "--no-verify")
    result = run(*words, "--errors", "json")
    assert result.code == 1
    assert result.error["message"] == f"{path} has a form that can't be changed"
    assert "as a table [profiles.NAME]" in result.error["next_step"]
    assert path.read_text() == text


@pytest.fixture
def locks_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    if os.name == "nt":
        return
    import fcntl

    def locking(descriptor: int, mode: int, size: int) -> None:
        fcntl.flock(descriptor, mode)

    locks = SimpleNamespace(locking=locking, LK_NBLCK=fcntl.LOCK_EX | fcntl.LOCK_NB)
    monkeypatch.setitem(sys.modules, "msvcrt", locks)
    monkeypatch.setitem(sys.modules, "fcntl", None)


@pytest.mark.parametrize("locks", [None, "locks_of_windows"])
def test_logins_at_the_same_time_keep_the_profiles_of_each_other(
    home: Path, request: pytest.FixtureRequest, locks: str | None
) -> None:
    if locks is not None:
        request.getfixturevalue(locks)
    path = profiles_file(home, "")
    names = [f"p{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as threads:
        saved = threads.map(lambda name: profiles.save(name, {"keyring": True}, False), names)
        assert set(saved) == {path}
    assert sorted(profiles.load().profiles) == sorted(names)
    assert os.listdir(home) == [path.name]


def test_a_profile_is_saved_on_a_file_system_without_locks(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lock(file: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(journal, "_lock", lock)
    path = profiles_file(home, "")
    profiles.save("a", {"keyring": True}, make_default=True)
    assert (list(profiles.load().profiles), os.listdir(home)) == (["a"], [path.name])


def test_saved_files_have_the_line_ends_of_shells_on_windows(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_as_windows(file: Any, mode: str = "r", **how: Any) -> Any:
        return open(file, mode, **{**({} if "b" in mode else {"newline": "\r\n"}), **how})

    path = profiles_file(home, "")
    monkeypatch.setattr(profiles, "open", open_as_windows, raising=False)
    assert profiles.store_in_file("a", "secret").read_bytes() == b"secret\n"
    profiles.save("a", {"keyring": True}, make_default=True)
    assert b"\r" not in path.read_bytes()


@pytest.mark.parametrize("times", [3, 1_000_000])
def test_configuration_that_another_program_has_open_on_windows_is_kept(
    times: int, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, genuine = iter(range(times)), Path.replace

    def replace(new: Path, path: Path) -> Path:
        if next(left, None) is not None:
            raise PermissionError(13, "Access is denied", str(new), 5, str(path))
        return genuine(new, path)

    path = profiles_file(home, "# mine\n")
    monkeypatch.setattr(Path, "replace", replace)
    monkeypatch.setattr(files, "REPLACE_SECONDS", 0.3)
    if times == 3:
        profiles.save("a", {"keyring": True}, make_default=True)
    else:
        with pytest.raises(CommandError, match=f"^can't write {re.escape(str(path))}: Access is denied$"):
            profiles.save("a", {"keyring": True}, make_default=True)
    assert ("keyring" in path.read_text()) is (times == 3)
    assert os.listdir(home) == [path.name]


@unix_helper
def test_a_helper_reads_nothing_from_the_stdin_of_the_command(
    sandbox: Sandbox, home: Path, tmp_path: Path
) -> None:
    helper = "sh -c 'cat; echo token-of-helper'"
    profiles_file(
        home, f'[profiles.a]\nhost = "{sandbox.url}"\nhelper = "{helper}"\ncredential = "access_token"'
    )
    words = ("bulk", "run", "entitlements", "grant", "-", "--profile", "a", "--journal", str(tmp_path / "j"))
    result = spawn(*words, input=b'{"user_id": 3, "entitlement_id": 56}\n')
    assert result.returncode == 0, result.stderr
    (exchange,) = sandbox.journal("grant_user_entitlement")
    assert exchange.user_id == 3


def test_an_unknown_profile_is_explained(run: Run, home: Path) -> None:
    profiles_file(home, TWO)
    result = run("items", "list", "--profile", "liev")
    assert result.code == 1
    assert "it has dev, live" in result.error["message"]


def test_doctor_finds_what_is_wrong(run: Run, home: Path, secured: Sandbox, monkeypatch: Any) -> None:
    def checks(*words: str) -> dict[str, Any]:
        return {row["check"]: row for row in run("doctor", "-o", "jsonl", *words).rows("jsonl")}

    monkeypatch.setenv("KNETIK_CLOUD_HOST", secured.url)
    monkeypatch.setenv("KNETIK_CLOUD_CLIENT_SECRET", SECRET)
    found = checks()
    assert {name: row["state"] for name, row in found.items() if row["state"] != "ok"} == {"tls": "skipped"}
    assert set(checks("--offline")) == {"configuration", "host", "credential", "proxy"}
    monkeypatch.setenv("KNETIK_CLOUD_CLIENT_ID", "game")
    monkeypatch.setenv("KNETIK_CLOUD_CLIENT_SECRET", "game_secret")
    assert "INVENTORY_ADMIN" in checks()["permissions"]["detail"]
    monkeypatch.setenv("KNETIK_CLOUD_CLIENT_SECRET", "wrong")
    found = checks()
    assert (found["token"]["state"], found["permissions"]["state"]) == ("failed", "skipped")
    assert (checks("--host", "http://no-such-host.invalid")["dns"]["state"]) == "failed"
    found = checks("--host", "http://127.0.0.1:1")
    assert (found["dns"]["state"], found["tcp"]["state"], found["http"]["state"]) == (
        "ok",
        "failed",
        "skipped",
    )
    assert run("doctor", "--host", "http://127.0.0.1:1").code == 1


@pytest.mark.parametrize("timeout", ["inf", "1e300", "1e7"])
def test_doctor_connects_without_a_limit(timeout: str, run: Run, sandbox: Sandbox, home: Path) -> None:
    profiles_file(home, f'[profiles.a]\nhost = "{sandbox.url}"\ntimeout = {float(timeout)}\n')
    for words in (("--profile", "a"), ("--host", sandbox.url, "--timeout", timeout)):
        result = run("doctor", *words, "-o", "jsonl")
        rows = {row["check"]: row for row in result.rows("jsonl")}
        assert (result.code, rows["tcp"]["state"], rows["sandbox"]["state"]) == (0, "ok", "ok"), rows


def test_doctor_warns_of_a_clock_that_is_off(run: Run, server: RecordingServer) -> None:
    server.responses = [http_response(200, b"{}", "Date: Wed, 01 Jan 2020 00:00:00 GMT")]
    rows = {row["check"]: row for row in run("doctor", "--host", server.url, "-o", "jsonl").rows("jsonl")}
    assert rows["clock"]["state"] == "warning"
    assert "ahead of the service" in rows["clock"]["detail"]


@pytest.mark.parametrize(
    ("response", "state", "detail"),
    [
        ({"access_token": "granted", "expires_in": 60}, "ok", "issued, valid for 60 s"),
        ({"access_token": "granted"}, "ok", "issued"),
        ({"access_token": "granted", "expires_in": "soon"}, "ok", "issued"),
        ({"access_token": 5}, "failed", "the response contains no access token"),
        ({"error": "invalid_client"}, "failed", "the response contains no access token"),
        (None, "failed", "the response contains no access token"),
    ],
)
def test_doctor_checks_that_a_token_is_in_the_response(
    response: dict[str, Any] | None,
    state: str,
    detail: str,
    run: Run,
    server: RecordingServer,
    monkeypatch: Any,
) -> None:
    monkeypatch.setenv("KNETIK_CLOUD_CLIENT_SECRET", SECRET)
    empty, filled = http_response(204), http_response(200, json.dumps(response).encode())
    server.responses = [empty if response is None else filled]
    rows = {row["check"]: row for row in run("doctor", "--host", server.url, "-o", "jsonl").rows("jsonl")}
    assert (rows["token"]["state"], rows["token"]["detail"]) == (state, detail)
    assert (rows["permissions"]["state"] == "skipped") is (state == "failed")


@pytest.mark.parametrize(
    ("certificate", "setting", "state", "detail"),
    [
        ("good.pem", f"ssl_ca_cert = '{CERTIFICATES / 'authority.pem'}'", "ok", "certificate valid for"),
        ("good.pem", "", "failed", "certificate"),
        ("expired.pem", f"ssl_ca_cert = '{CERTIFICATES / 'authority.pem'}'", "failed", "expired"),
        ("good.pem", "verify_ssl = false", "warning", "not checked"),
    ],
)
def test_doctor_checks_certificates(
    certificate: str, setting: str, state: str, detail: str, run: Run, home: Path
) -> None:
    server = SecureServer(certificate)
    try:
        profiles_file(home, f'default_profile = "a"\n[profiles.a]\nhost = "{server.url}"\n{setting}\n')
        result = run("doctor", "-o", "jsonl")
    finally:
        server.close()
    rows = {row["check"]: row for row in result.rows("jsonl")}
    assert rows["tls"]["state"] == state, rows["tls"]
    assert detail in rows["tls"]["detail"]
    assert rows["http"]["state"] == rows["sandbox"]["state"] == ("skipped" if state == "failed" else "ok")
    assert result.code == (1 if state == "failed" else 0), rows


def test_doctor_checks_the_certificate_of_a_name_that_ends_in_a_dot(
    run: Run, home: Path, monkeypatch: Any
) -> None:
    resolve: Any = socket.getaddrinfo  # not every resolver knows "localhost."
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *more, **by: resolve(host.rstrip("."), *more, **by)
    )
    server = SecureServer("good.pem")
    url, authority = server.url.replace("localhost", "localhost."), CERTIFICATES / "authority.pem"
    profiles_file(
        home, f'default_profile = "a"\n[profiles.a]\nhost = "{url}"\nssl_ca_cert = \'{authority}\'\n'
    )
    try:
        result = run("doctor", "-o", "jsonl")
    finally:
        server.close()
    rows = {row["check"]: row for row in result.rows("jsonl")}
    assert (rows["tls"]["state"], rows["http"]["state"]) == ("ok", "ok"), rows


def test_doctor_passes_if_the_control_api_is_not_reached(run: Run, home: Path) -> None:
    server = SecureServer("good.pem", control=b"")
    authority = CERTIFICATES / "authority.pem"
    text = f'default_profile = "a"\n[profiles.a]\nhost = "{server.url}"\nssl_ca_cert = \'{authority}\'\n'
    profiles_file(home, text)
    try:
        result = run("doctor", "--retries", "0", "-o", "jsonl")
    finally:
        server.close()
    rows = {row["check"]: row for row in result.rows("jsonl")}
    assert (result.code, rows["sandbox"]["state"]) == (0, "ok"), rows
    assert "not a sandbox" in rows["sandbox"]["detail"]
    assert server.control_calls == 1


def test_doctor_checks_the_proxy_that_is_used(run: Run, server: RecordingServer, monkeypatch: Any) -> None:
    monkeypatch.setenv("http_proxy", f"http://user:canary@{server.url.removeprefix('http://')}")
    server.responses = [http_response(200, json.dumps({"version": __version__}).encode())]
    result = run("doctor", "--host", "http://elsewhere.invalid", "-o", "jsonl")
    rows = {row["check"]: row for row in result.rows("jsonl")}
    assert rows["proxy"]["detail"] == server.url
    assert "canary" not in result.text + result.err
    assert rows["dns"]["detail"].startswith("127.0.0.1")
    assert (rows["tcp"]["state"], rows["http"]["state"]) == ("ok", "ok")
    assert (result.code, rows["sandbox"]["state"]) == (0, "ok"), rows
    assert server.requests[-1].startswith(b"GET http://elsewhere.invalid/_sandbox HTTP/1.1")
    assert server.requests[0].startswith(b"GET http://elsewhere.invalid/entitlements?size=1 HTTP/1.1")


@pytest.mark.parametrize(
    ("host", "response", "next_step"),
    [
        ("https://elsewhere.invalid", http_response(407), "Check the host and the network."),
        ("http://elsewhere.invalid", http_response(200, b"<html>"), "Check that the host is the API and"),
    ],
)
def test_doctor_does_not_ask_for_a_run_of_itself(
    host: str, response: bytes, next_step: str, run: Run, server: RecordingServer, monkeypatch: Any
) -> None:
    monkeypatch.setenv("all_proxy", server.url)
    server.responses = [response]
    rows = {row["check"]: row for row in run("doctor", "--host", host, "-o", "jsonl").rows("jsonl")}
    assert rows["http"]["state"] == "failed"
    assert rows["http"]["next_step"].startswith(next_step)
    assert "doctor" not in rows["http"]["next_step"]


@pytest.mark.parametrize("password", ["/canary", "#canary", "?canary", "12/canary"])
def test_doctor_shows_no_password_that_is_not_escaped(
    run: Run, home: Path, monkeypatch: Any, password: str
) -> None:
    monkeypatch.setenv("https_proxy", f"http://user:{password}@proxy:3128")
    result = run("doctor", "--offline")
    assert "http://user" in result.text
    assert "canary" not in result.text + result.err


def test_doctor_finds_an_address_with_a_zone(run: Run, home: Path) -> None:
    result = run("doctor", "--host", "http://[fe80::1%251]:9", "--timeout", "0.2", "-o", "jsonl")
    rows = {row["check"]: row for row in result.rows("jsonl")}
    assert rows["dns"]["detail"].startswith("fe80::1%1: fe80::1"), rows


@pytest.mark.skipif(os.name == "nt", reason="Windows splits the command itself")
@pytest.mark.parametrize("helper", ["echo 'x", 'echo "x', "echo x\\"])
def test_a_helper_with_an_open_quotation_is_rejected_with_its_source(
    run: Run, home: Path, helper: str
) -> None:
    for words in ([], ["--no-verify"], ["--dry-run"]):
        given = run("login", "--helper", helper, *words, "--errors", "text")
        assert given.code == 2
        assert "--helper must be a command with balanced quotes: No " in given.err
    path = profiles_file(home, f"[profiles.dev]\nhelper = {json.dumps(helper)}\n")
    stored = run("items", "list", "--profile", "dev", "--errors", "text")
    assert stored.code == 1
    assert f"{path} can't be used: helper in [profiles.dev] must be a command" in stored.err
    assert f"Correct {path}." in stored.err


@pytest.mark.skipif(os.name == "nt", reason="Windows allows symbolic links to administrators only")
@pytest.mark.parametrize("exists", [True, False])
def test_login_writes_through_symbolic_links(run: Run, home: Path, tmp_path: Path, exists: bool) -> None:
    path, kept = home / "config.toml", tmp_path / "dotfiles" / "config.toml"
    kept.parent.mkdir()
    if exists:
        kept.write_text("# mine\n[profiles.live]\nhost = 'https://live.example'\n")
    path.symlink_to(os.path.relpath(kept, path.parent))
    os.environ["KNETIK_CLOUD_CONFIG"] = str(path)
    result = run("login", "--no-verify", "--store", "file", "--secret-file", "-", input="secret\n")
    assert result.code == 0, result.err
    assert path.is_symlink()
    assert "[profiles.default]" in kept.read_text()
    assert ("# mine" in kept.read_text()) == exists
    assert os.listdir(kept.parent) == ["config.toml"]
    assert (home / "secrets" / "default").read_text() == "secret\n"
