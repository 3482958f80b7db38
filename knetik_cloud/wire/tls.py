"""The TLS context that a configuration describes: the same one for every transport."""

from __future__ import annotations

import ssl
import warnings
from functools import partial
from typing import Any

from urllib3.exceptions import InsecureRequestWarning
from urllib3.util.ssl_ import create_urllib3_context

from knetik_cloud.exceptions import ApiValueError
from knetik_cloud.wire.settings import ConnectionSettings, TransportSettings


def tls_context(settings: ConnectionSettings | TransportSettings) -> ssl.SSLContext:
    """Build the TLS context for a client's settings, or return the caller's own.

    Raises:
        ApiValueError: If a certificate file can't be loaded.
    """
    if settings.ssl_context is not None:
        return settings.ssl_context
    context = create_urllib3_context()
    context.set_alpn_protocols(["http/1.1"])
    if settings.verify_ssl:
        import certifi

        _load(context.load_verify_locations, "ssl_ca_cert", settings.ssl_ca_cert or certifi.where())
    else:
        warnings.warn(
            "verify_ssl is False: certificates aren't checked, and anyone on the network path can read the "
            "token",
            InsecureRequestWarning,
            stacklevel=2,
        )
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if settings.cert_file is not None:
        reject = partial(_reject_pass_phrase, settings.key_file or settings.cert_file)
        _load(context.load_cert_chain, "cert_file", settings.cert_file, settings.key_file, reject)
    return context


def _reject_pass_phrase(path: str) -> str:
    """Answer OpenSSL's request for a pass phrase, which would otherwise appear on the terminal.

    Raises:
        ApiValueError: If the key is encrypted, which is why OpenSSL asks.
    """
    raise ApiValueError(
        f"the key in {path!r} is encrypted: decrypt it (openssl pkey -in ... -out ...), or load it with its "
        "pass phrase into an ssl.SSLContext, and pass that as ssl_context"
    )


def _load(load: Any, name: str, path: str, *further: Any) -> None:
    try:
        load(path, *further)
    except (OSError, ssl.SSLError) as cause:
        reason = f"{name} {path!r} can't be loaded: {cause}"
    else:
        return
    raise ApiValueError(reason)
