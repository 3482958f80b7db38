"""Writes requests of the journal as code: a pytest test, Python, curl, or lines of the `knetik` command."""

from __future__ import annotations

import json
import pprint
import shlex
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from knetik_cloud.sandbox import curl
from knetik_cloud.sandbox.console.replay import DEMO, EMPTY, MAX_ROWS, Plan
from knetik_cloud.sandbox.console.steps import Step, is_cut
from knetik_cloud.sandbox.journal import Exchange
from knetik_cloud.sandbox.masking import MASK, count_masked
from knetik_cloud.sandbox.settings import Settings

WIDTH: Final = 100
ASSERTED: Final = (
    "id",
    "name",
    "item_id",
    "item_name",
    "status",
    "expires",
    "sku",
    "current_fulfillment_status",
)
"""Fields of a response that a test asserts."""

MAX_IDS: Final = 20
"""Ids of a list that a test asserts."""

DEFAULTS: Final = Settings()


def as_python(steps: Sequence[Step], base: str) -> str:
    """Write calls of the SDK against a sandbox that runs."""
    callers = _callers(steps)
    lines = [f'"""{_title(steps)}, as calls of the SDK."""', "", "import os", "", "import knetik_cloud", ""]
    if any(callers):
        lines += _comment(
            "Set KNETIK_CLOUD_USERNAME and KNETIK_CLOUD_PASSWORD, or KNETIK_CLOUD_CLIENT_SECRET."
        )
    lines += [
        f'host = os.environ.get("KNETIK_CLOUD_HOST", {json.dumps(base)})',
        "with knetik_cloud.ApiClient(knetik_cloud.Configuration(host=host)) as client:",
        "    api = knetik_cloud.UsersInventoryApi(client)",
    ]
    for step in steps:
        lines += [f"    # {_about(step)}"]
        if step.problem is not None:
            continue
        call = _call("api", step, 8)
        failed = step.exchange.status is None or step.exchange.status >= 400
        if failed:
            lines += ["    try:", f"        {call}", "    except knetik_cloud.ApiException as error:"]
            lines += ["        print(error.status, error.reason)"]
        else:
            lines += [f"    print({_call('api', step, 10)})"]
    return "\n".join([*lines, ""])


def as_pytest(made: Plan, settings: Settings) -> str:
    """Write a test that starts a sandbox with the plan's data, and repeats the requests at their times."""
    steps = made.steps
    lines = [f'"""{_title(steps)}, as a test."""', ""]
    lines += ["import pytest", ""]
    lines += ["import knetik_cloud", "from knetik_cloud.sandbox import Sandbox", ""]
    seed = made.start.seed
    is_large = seed is not None and sum(map(len, seed.values())) > MAX_ROWS
    if seed is not None and is_large:
        lines += _comment("Download it from the console: Data, Export.")
        lines += ['SEED = "sandbox.yaml"', ""]
    elif seed is not None:
        lines += [f"SEED = {pprint.pformat(seed, width=WIDTH, sort_dicts=False)}", ""]
    options = _options(settings)
    if made.start.kind != DEMO:
        options = ["empty=True", *options]
    lines += ["", "@pytest.fixture", "def sandbox():", f"    with Sandbox({', '.join(options)}) as sandbox:"]
    if made.start.kind not in (DEMO, EMPTY):
        lines += ["        sandbox.seed(SEED)"]
    lines += ["        yield sandbox", "", ""]
    callers = _callers([*made.earlier, *steps])
    if any(callers):
        lines += _CREDENTIALS.splitlines()
    lines += [f"def test_{_name(steps)}(sandbox):"]
    lines += list(_clients(callers))
    depth = "        "
    if made.earlier:
        lines += [f"{depth}# Earlier requests that this test depends on"]
    for step in made.earlier:
        lines += [depth + line for line in _test_step(step, made, is_asserted=False)]
    for step in steps:
        lines += [depth + line for line in _test_step(step, made, is_asserted=True)]
    return "\n".join([*lines, ""])


_CREDENTIALS = '''def client_of(sandbox, **owner):
    """Return a client with the credentials of a user or a client of the sandbox's data."""
    data = sandbox.export()
    table = "users" if "id" in owner else "clients"
    row = next(row for row in data[table] if owner.items() <= row.items())
    client = row if table == "clients" else data["clients"][0]
    credentials = {name: client.get(name) for name in ("client_id", "client_secret")}
    if table == "users":
        credentials |= {name: row[name] for name in ("username", "password")}
    configuration = knetik_cloud.Configuration(host=sandbox.url, retries=0, **credentials)
    return knetik_cloud.ApiClient(configuration)


'''


def _clients(callers: Sequence[str | None]) -> Iterator[str]:
    """Yield the lines that make an API for each caller."""
    clients = []
    for caller in callers:
        made = "knetik_cloud.ApiClient(knetik_cloud.Configuration(host=sandbox.url, retries=0))"
        if caller is not None:
            kind, _, key = caller.partition(":")
            made = f"client_of(sandbox, {f'id={key}' if kind == 'user' else f'client_id={key!r}'})"
        clients.append(f"{made} as {_variable('client', caller)}")
    if len(clients) == 1:
        yield f"    with {clients[0]}:"
    else:
        yield "    with ("
        yield from (f"        {each}," for each in clients)
        yield "    ):"
    for caller in callers:
        client = _variable("client", caller)
        yield f"        {_variable('api', caller)} = knetik_cloud.UsersInventoryApi({client})"


def _test_step(step: Step, made: Plan, is_asserted: bool) -> Iterator[str]:
    """Yield the lines of a test for one request."""
    exchange = step.exchange
    yield f"# {_about(step)}"
    if step.problem is not None:
        return
    yield f"sandbox.freeze({exchange.time!r})"
    if exchange.applied_fault is not None:
        yield _fault(exchange)
    call = _call(_variable("api", exchange.caller), step, 12)
    if _fails(step, made):
        status, body = made.responses[exchange.number]
        yield f"with pytest.raises(knetik_cloud.ApiException){' as caught' if is_asserted else ''}:"
        yield f"    {call}"
        if is_asserted and status is not None and not (exchange.applied_fault or {}).get("truncate"):
            yield f"assert caught.value.status == {status}"
            behavior = _behavior(body)
            if behavior is not None:
                yield f'assert caught.value.errors[0].details["behavior"] == "{behavior}"'
        return
    asserted = list(_assertions(made.responses[exchange.number][1])) if is_asserted else []
    yield f"result = {call}" if asserted else call
    yield from asserted


def _fails(step: Step, made: Plan) -> bool:
    """Return whether the SDK raises an error for a step."""
    fault = step.exchange.applied_fault or {}
    status = made.responses[step.exchange.number][0]
    # Half of an empty body is all of it.
    is_truncated = bool(fault.get("truncate") and step.exchange.answer)
    return status is None or status >= 400 or is_truncated or bool(fault.get("reset"))


def _behavior(body: Any) -> str | None:
    """Return the behavior that a denial names, or None."""
    try:
        behavior = body["result"][0]["details"]["behavior"]
    except (KeyError, IndexError, TypeError):
        return None
    return behavior if isinstance(behavior, str) else None


def _assertions(body: Any) -> Iterator[str]:
    """Yield assertions about the result of a call."""
    if not isinstance(body, dict):
        return
    content = body.get("content")
    if isinstance(content, list) and "total_elements" in body:
        yield f"assert result.total_elements == {body['total_elements']}"
        ids = [row.get("id") for row in content if isinstance(row, dict)]
        if 0 < len(ids) <= MAX_IDS:
            yield f"assert [each.id for each in result.content] == {ids!r}"
        return
    for name in ASSERTED:
        if isinstance(body.get(name), str | int):
            yield f"assert result.{name} == {body[name]!r}"


def _fault(exchange: Exchange) -> str:
    """Write the call that arms the fault that a request met."""
    fault = dict(exchange.applied_fault or {})
    options = [
        f"{name}={fault[name]!r}"
        for name in ("status", "delay", "reset", "truncate", "applied")
        if fault[name]
    ]
    if fault["headers"]:
        options.append(f"headers={fault['headers']!r}")
    return f"sandbox.fail({exchange.operation!r}, {', '.join(options)})"


def as_curl(steps: Sequence[Step], base: str) -> str:
    """Write each request as a curl command."""
    lines = []
    if any(_callers(steps)):
        lines += _comment("Set KNETIK_CLOUD_TOKEN to an access token.")
    for step in steps:
        exchange = step.exchange
        target = f"{exchange.path}?{exchange.query}" if exchange.query else exchange.path
        sent = {name: value for name, value in exchange.headers.items() if _is_sent(name)}
        fields = curl.header_words(sent, exchange.body)
        if "authorization" in map(str.lower, exchange.headers):
            fields += ["-H", '"Authorization: Bearer $KNETIK_CLOUD_TOKEN"']
        lines += [f"# {_about(step, is_left_out=False)}", *_body_note(exchange)]
        lines += [curl.command(exchange.method, base, target, fields, exchange.body, ["-sS"])]
    return "\n".join([*lines, ""])


def _is_sent(name: str) -> bool:
    """Return whether a curl line sends a header field as it was recorded."""
    return name.lower() != "authorization" and not name.lower().startswith(("x-console-", "sec-"))


def _body_note(exchange: Exchange) -> list[str]:
    """Return a comment for a body that the journal doesn't hold as it was sent."""
    if is_cut(exchange):
        return _comment("The journal keeps only the beginning of its body.")
    if "\ufffd" in (exchange.body or ""):
        return _comment(
            "Its body is not UTF-8 text, so this line sends another one. `Exchange.curl` sends its bytes."
        )
    return []


def as_knetik(steps: Sequence[Step], base: str) -> str:
    """Write each request as a line of the `knetik` command."""
    lines = [f"export KNETIK_CLOUD_HOST={shlex.quote(base)}"]
    if any(_callers(steps)):
        lines += _comment("Log in with `knetik login`, or set KNETIK_CLOUD_ACCESS_TOKEN.")
    for step in steps:
        lines += [f"# {_about(step)}"]
        if step.problem is None and step.operation is not None:
            lines += [_knetik(step)]
    return "\n".join([*lines, ""])


def _knetik(step: Step) -> str:
    operation = step.operation
    assert operation is not None
    words = ["knetik", *(operation.cli or operation.id.replace("_", "-")).split()]
    positional = [str(value) for value in step.path]
    redirection = ""
    if step.has_body:
        body = step.body if isinstance(step.body, str) else json.dumps(step.body, ensure_ascii=False)
        if body == "-" or body.startswith("@"):
            # As an argument, it would be the name of a file.
            if body != body.strip():
                return "# It is left out: the command would strip its body."
            redirection = f" <<< {curl.quoted(body)}"
            body = "-"
        positional.append(body)
    for name, value in step.query.items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        else:
            words.append(f"--{option}={value}")
    if any(value.startswith("-") for value in positional):
        words.append("--")
    return " ".join(curl.quoted(word) for word in [*words, *positional]) + redirection


def _call(api: str, step: Step, indentation: int) -> str:
    """Write the call of a step as one expression, its lines indented."""
    operation = step.operation
    assert operation is not None
    arguments = [repr(value) for value in step.path]
    if step.has_body and operation.body is not None:
        arguments.append(f"{operation.body.name}={_literal(step.body, indentation)}")
    arguments += [f"{name}={value!r}" for name, value in step.query.items()]
    return f"{api}.{operation.id}({', '.join(arguments)})"


def _literal(value: Any, indentation: int) -> str:
    """Write a JSON value as Python, over several lines if it is long."""
    text = pprint.pformat(value, width=WIDTH - indentation, sort_dicts=False)
    if "\n" not in text:
        return text
    return text.replace("\n", "\n" + " " * indentation)


def _options(settings: Settings) -> list[str]:
    """Write the settings that change what requests respond, as keywords of `Sandbox`."""
    names = ("require_auth", "token_lifetime", "fulfillment_delay")
    return [
        f"{name}={getattr(settings, name)!r}"
        for name in names
        if getattr(settings, name) != getattr(DEFAULTS, name)
    ]


def _callers(steps: Sequence[Step]) -> list[str | None]:
    """List the callers of the requests without repeats, or None if there are none."""
    found = list(dict.fromkeys(step.exchange.caller for step in steps if step.problem is None))
    return found or [None]


def _variable(name: str, caller: str | None) -> str:
    if caller is None:
        return name
    suffix = "".join(each if each.isascii() and each.isalnum() else "_" for each in caller)
    return f"{name}_{suffix}"


def _title(steps: Sequence[Step]) -> str:
    numbers = [step.exchange.number for step in steps]
    if len(numbers) == 1:
        return f"Request {numbers[0]} of a sandbox's journal"
    return f"Requests {', '.join(map(str, numbers[:-1]))} and {numbers[-1]} of a sandbox's journal"


def _name(steps: Sequence[Step]) -> str:
    last = steps[-1].exchange
    outcome = "loses_the_connection" if last.status is None else f"responds_{last.status}"
    return f"{last.operation or 'unknown_path'}_{outcome}"


def _about(step: Step, is_left_out: bool = True) -> str:
    exchange = step.exchange
    at = datetime.fromtimestamp(min(exchange.time, MAX_SHOWN), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    outcome = "lost its connection" if exchange.status is None else f"responded {exchange.status}"
    about = f"Request {exchange.number} {outcome} at {at}."
    if step.problem and is_left_out:
        return f"{about} It is left out: {step.problem}."
    parts = (exchange.query, exchange.body or "")
    if MASK in exchange.headers.values() or any(map(count_masked, parts)):
        return f"{about} Its secrets are masked: replace {MASK}."
    return about


MAX_SHOWN: Final = 253_402_300_799


def _comment(text: str) -> list[str]:
    return [f"# {text}"]
