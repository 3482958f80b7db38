"""The TLS context that a configuration describes: the same one for every transport."""

from __future__ import annotations

import os
import ssl
import warnings
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from urllib3.exceptions import InsecureRequestWarning
from urllib3.util.ssl_ import create_urllib3_context

from knetik_cloud.exceptions import ApiValueError
from knetik_cloud.wire.routes import ConnectionSettings


class Trust(NamedTuple):
    """The certificate authorities that a client trusts, and the setting or variable that names them."""

    name: str
    file: str | None = None
    folder: str | None = None

    def __str__(self) -> str:
        paths = " and ".join(repr(path) for path in (self.file, self.folder) if path is not None)
        return f"{self.name} ({paths})" if paths else self.name


def trust(settings: ConnectionSettings, environ: Mapping[str, str] = os.environ) -> Trust:
    """Find the certificate authorities to trust.

    The first of these counts: `ssl_context` and `ssl_ca_cert` of the configuration, `SSL_CERT_FILE` and
    `SSL_CERT_DIR` of the environment (together, as OpenSSL reads them), `REQUESTS_CA_BUNDLE`, and certifi's.
    """
    if settings.ssl_context is not None:
        return Trust("ssl_context")
    if settings.ssl_ca_cert is not None:
        return Trust("ssl_ca_cert", settings.ssl_ca_cert)
    file, folder = environ.get("SSL_CERT_FILE") or None, environ.get("SSL_CERT_DIR") or None
    if file is not None or folder is not None:
        return Trust("SSL_CERT_DIR" if file is None else "SSL_CERT_FILE", file, folder)
    bundle = environ.get("REQUESTS_CA_BUNDLE")
    if bundle:
        return Trust("REQUESTS_CA_BUNDLE", *((None, bundle) if os.path.isdir(bundle) else (bundle, None)))
    import certifi

    return Trust("certifi's bundle", certifi.where())


def tls_context(settings: ConnectionSettings) -> ssl.SSLContext:
    """Build the TLS context for a client's settings, or return the caller's own.

    Raises:
        ApiValueError: If a certificate file can't be loaded.
    """
    if settings.ssl_context is not None:
        return settings.ssl_context
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if settings.verify_ssl else ssl.CERT_NONE)
    context.set_alpn_protocols(["http/1.1"])
    if settings.verify_ssl:
        _load(context.load_verify_locations, *trust(settings))
    else:
        warnings.warn(
            "verify_ssl is False: certificates aren't checked, and anyone on the network path can read the "
            "token",
            InsecureRequestWarning,
            stacklevel=2,
        )
    if settings.cert_file is not None:
        reject = partial(_reject_pass_phrase, settings.key_file or settings.cert_file)
        _load(context.load_cert_chain, "cert_file", settings.cert_file, settings.key_file, reject)
    return context


def _reject_pass_phrase(path: str) -> str:
    """Reject OpenSSL's request for a pass phrase, which would otherwise prompt on the terminal.

    Raises:
        ApiValueError: If the key is encrypted, which is why OpenSSL asks.
    """
    raise ApiValueError(
        f"the key in {path!r} is encrypted: decrypt it (openssl pkey -in ... -out ...), or load it with its "
        "pass phrase into an ssl.SSLContext, and pass that as ssl_context"
    )


def _load(load: Any, name: str, path: str | None, *further: Any) -> None:
    try:
        load(path, *further)
    except ApiValueError:
        raise
    except (OSError, ValueError) as cause:  # such as that of `ssl`, or of a NUL in the path
        shown = further[0] if path is None else path
        raise ApiValueError(f"{name} {shown!r} can't be loaded: {cause}") from None
