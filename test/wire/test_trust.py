"""Which certificate authorities a client trusts, and what a file that can't be loaded is reported as."""

from __future__ import annotations

import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any

import certifi
import pytest

from knetik_cloud import ApiValueError, Configuration
from knetik_cloud.wire.routes import ConnectionSettings
from knetik_cloud.wire.tls import tls_context, trust
from test.faults.server import CERTIFICATES

FILE, FOLDER = str(CERTIFICATES / "authority.pem"), str(CERTIFICATES)


def settings_of(**settings: Any) -> ConnectionSettings:
    """Return the settings of connections with these settings of a configuration."""
    return ConnectionSettings.of(Configuration(**settings))


@pytest.mark.parametrize(
    ("settings", "environ", "expected"),
    [
        ({}, {}, f"certifi's bundle ({certifi.where()!r})"),
        ({}, {"SSL_CERT_FILE": "", "REQUESTS_CA_BUNDLE": ""}, f"certifi's bundle ({certifi.where()!r})"),
        ({}, {"REQUESTS_CA_BUNDLE": FILE}, f"REQUESTS_CA_BUNDLE ({FILE!r})"),
        ({}, {"REQUESTS_CA_BUNDLE": FOLDER}, f"REQUESTS_CA_BUNDLE ({FOLDER!r})"),
        ({}, {"REQUESTS_CA_BUNDLE": "a", "SSL_CERT_DIR": "b"}, "SSL_CERT_DIR ('b')"),
        ({}, {"SSL_CERT_FILE": "a", "SSL_CERT_DIR": "b"}, "SSL_CERT_FILE ('a' and 'b')"),
        ({"ssl_ca_cert": "c"}, {"SSL_CERT_FILE": "a"}, "ssl_ca_cert ('c')"),
        ({"ssl_context": ssl.create_default_context()}, {"SSL_CERT_FILE": "a"}, "ssl_context"),
    ],
)
def test_first_named_authorities_are_trusted(
    settings: dict[str, object], environ: dict[str, str], expected: str
) -> None:
    assert str(trust(settings_of(**settings), environ)) == expected


def test_context_of_the_caller_is_used_unchanged() -> None:
    context = ssl.create_default_context()
    assert tls_context(settings_of(ssl_context=context)) is context


def test_only_http_1_1_is_negotiated() -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(CERTIFICATES / "good.pem")
    server.set_alpn_protocols(["h2", "http/1.1"])
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = tls_context(settings_of(ssl_ca_cert=FILE)).wrap_bio(
        to_client, to_server, server_hostname="localhost"
    )
    far = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (near, far, near, far):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    assert near.selected_alpn_protocol() == far.selected_alpn_protocol() == "http/1.1"


def test_warning_of_unverified_tls_names_what_is_at_risk() -> None:
    with pytest.warns(match="^verify_ssl is False: .* can read the token$") as caught:
        context = tls_context(settings_of(verify_ssl=False))
    assert context.verify_mode is ssl.CERT_NONE
    assert Path(caught[0].filename).name == "test_trust.py"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ssl_ca_cert": ""}, "ssl_ca_cert '' can't be loaded: "),
        ({"ssl_ca_cert": "missing.pem"}, "ssl_ca_cert 'missing.pem' can't be loaded: "),
        ({"cert_file": "missing.pem"}, "cert_file 'missing.pem' can't be loaded: "),
        ({"ssl_ca_cert": "a\0b"}, "ssl_ca_cert 'a\\x00b' can't be loaded: "),
        ({"cert_file": "\ud83d"}, "cert_file '\\ud83d' can't be loaded: "),
    ],
)
def test_file_that_cant_be_loaded_is_named(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ApiValueError) as raised:
        tls_context(settings_of(**settings))
    assert message in str(raised.value)


def test_folder_that_cant_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(context: object, file: str | None, folder: str | None) -> None:
        raise OSError("unreadable")

    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", "folder")
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", load)
    with pytest.raises(ApiValueError, match="SSL_CERT_DIR 'folder' can't be loaded: unreadable"):
        tls_context(settings_of())


@pytest.mark.parametrize("cert_file", ["encrypted.pem", "client.pem"])
def test_encrypted_key_is_reported_without_a_prompt(cert_file: str) -> None:
    key = str(CERTIFICATES / "encrypted.pem")
    key_file = None if cert_file == "encrypted.pem" else key
    with pytest.raises(ApiValueError) as raised:
        tls_context(settings_of(cert_file=str(CERTIFICATES / cert_file), key_file=key_file))
    assert f"the key in {key!r} is encrypted" in str(raised.value)
