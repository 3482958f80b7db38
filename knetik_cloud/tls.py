"""The TLS context that a configuration asks for: the same one for every transport."""

from __future__ import annotations

import ssl
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

from urllib3.exceptions import InsecureRequestWarning
from urllib3.util.ssl_ import create_urllib3_context

from knetik_cloud.exceptions import ApiValueError

if TYPE_CHECKING:
    from knetik_cloud.configuration import Configuration


def tls_context(configuration: Configuration) -> ssl.SSLContext:
    """Make the TLS context that a configuration asks for.

    Raises:
        ApiValueError: a certificate file that can't be loaded.
    """
    if configuration.ssl_context is not None:
        return configuration.ssl_context
    context = create_urllib3_context()
    if configuration.verify_ssl:
        import certifi

        _load(context.load_verify_locations, "ssl_ca_cert", configuration.ssl_ca_cert or certifi.where())
    else:
        warnings.warn(
            "verify_ssl is False: certificates aren't checked, and anybody on the way can read the token",
            InsecureRequestWarning,
            stacklevel=2,
        )
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if configuration.cert_file is not None:
        key_file = configuration.key_file
        refuse = partial(_refuse_pass_phrase, key_file or configuration.cert_file)
        _load(context.load_cert_chain, "cert_file", configuration.cert_file, key_file, refuse)
    return context


def _refuse_pass_phrase(path: str) -> str:
    """Stand in for OpenSSL's own question, on a terminal that may have nobody in front of it.

    Raises:
        ApiValueError: always.
    """
    raise ApiValueError(
        f"the key in {path!r} is encrypted: decrypt it (openssl pkey -in ... -out ...), or load it with its "
        "pass phrase into an ssl.SSLContext, and give that as ssl_context"
    )


def _load(load: Any, name: str, path: str, *further: Any) -> None:
    try:
        load(path, *further)
    except (OSError, ssl.SSLError) as cause:
        reason = f"{name} {path!r} can't be loaded: {cause}"
    else:
        return
    raise ApiValueError(reason)
