"""The request of a command, as --dry-run, --curl and --python show it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from knetik_cloud.core.request import JSON, build
from knetik_cloud.data import codec
from knetik_cloud.secret import MASK

if TYPE_CHECKING:
    from knetik_cloud.cli.run import Run
    from knetik_cloud.core.operation import Operation

TOKEN = "KNETIK_CLOUD_ACCESS_TOKEN"  # noqa: S105 - the name of a variable
FORM_VARIABLE = "KNETIK_CLOUD_{}"


def request_row(
    run: Run, operation: Operation[Any], arguments: Mapping[str, Any], call: str
) -> dict[str, Any]:
    """Return a request as a row, with the curl command and the Python program that send the same one.

    Args:
        run: The run, whose settings decide the host. No secret is read.
        operation: The operation.
        arguments: Its arguments, as they are sent.
        call: The call in Python, with `api` as the object of its method.

    Raises:
        ApiValueError: If an argument is missing or can't be sent.
    """
    configuration = run.configuration(with_credential=False)
    arguments = {**_defaults(operation), **arguments}
    request = build(operation, arguments, configuration.base_path, {})
    is_authenticated = operation.authenticated and bool(run.credentials())
    url = configuration.origin + request.target
    headers = {name: str(value) for name, value in request.headers.items()}
    row: dict[str, Any] = {
        "operation": operation.id,
        "method": operation.method,
        "url": url,
        "headers": headers,
    }
    if is_authenticated:
        headers["Authorization"] = f"Bearer {MASK}"
    content = request.content()
    if content is not None:
        is_json = headers.get("Content-Type") == JSON
        row["body"] = codec.decode(content) if is_json else request.shown_body
    row["retry"] = operation.retry
    row["curl"] = _curl(operation, url, headers, content, arguments)
    row["python"] = _python(run, operation, call)
    return row


def _defaults(operation: Operation[Any]) -> dict[str, Any]:
    """Return the defaults of the method's arguments, which it sends."""
    import inspect

    from knetik_cloud.cli.calls import api_class

    declared = inspect.signature(getattr(api_class(operation), operation.id)).parameters
    names = {parameter.name for parameter in operation.parameters}
    return {n: p.default for n, p in declared.items() if n in names and p.default not in (None, p.empty)}


def _curl(
    operation: Operation[Any],
    url: str,
    headers: Mapping[str, str],
    content: bytes | None,
    arguments: Mapping[str, Any],
) -> str:
    """Return the curl command. It takes secrets from environment variables."""
    parts = ["curl", "-X", operation.method, shlex.quote(url)]
    for name, value in headers.items():
        if name == "Authorization":
            parts += ["-H", f'"Authorization: Bearer ${TOKEN}"']
        else:
            parts += ["-H", shlex.quote(f"{name}: {value}")]
    form = [parameter for parameter in operation.parameters if parameter.place == "form"]
    for parameter in form:
        given = arguments.get(parameter.name)
        if given is None:
            continue
        if parameter.secret:
            variable = FORM_VARIABLE.format(parameter.name.upper())
            parts += ["--data-urlencode", f'"{parameter.wire}=${variable}"']
        else:
            parts += ["--data-urlencode", shlex.quote(f"{parameter.wire}={given}")]
    if content is not None and not form:
        parts += ["--data-raw", shlex.quote(content.decode())]
    return " ".join(parts)


def _python(run: Run, operation: Operation[Any], call: str) -> str:
    """Return the Python program. It takes secrets from environment variables, as the SDK does."""
    from knetik_cloud.cli.calls import api_class

    host, source = run.base_url
    setting = "" if source == "KNETIK_CLOUD_HOST" else f"host={host!r}"
    if call.startswith("api.iter_"):
        act = f"for item in {call}:\n        print(item)"
    elif operation.returns is not None or call.startswith("knetik_cloud.once("):
        act = f"print({call})"
    else:
        act = call
    imports = "import os\n\nimport knetik_cloud" if "os.environ" in call else "import knetik_cloud"
    return (
        f"{imports}\n\n"
        f"configuration = knetik_cloud.Configuration({setting})\n"
        "with knetik_cloud.ApiClient(configuration) as client:\n"
        f"    api = knetik_cloud.{api_class(operation).__name__}(client)\n"
        f"    {act}"
    )
