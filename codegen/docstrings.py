"""Writes the docstrings of the generated classes in words taken from the contract."""

from __future__ import annotations

import textwrap
from collections.abc import Container, Iterable

from codegen.contract import Contract, Field, Operation, Parameter, Schema, Value
from codegen.errors import exception_name
from knetik_cloud.contract import Failure
from knetik_cloud.extensions import Retry, Waiter

WIDTH = 110
"""The longest line of generated Python."""

RETRY: dict[Retry, str] = {
    "safe": "Safe to retry. A failed attempt changes nothing, so the client retries it.",
    "idempotent": (
        "Idempotent. A second attempt leads to the same state, so the client retries a failed attempt."
    ),
    "once": (
        "Not idempotent. The client retries only if the service can't have acted. Otherwise, check the "
        "error's `may_have_applied`."
    ),
}
"""The meaning of each retry class for the caller, on the reference pages."""

RETRY_CLASS: dict[Retry, str] = {
    "safe": "Safe to retry",
    "idempotent": "Idempotent",
    "once": "Not idempotent: if it fails, check `may_have_applied`",
}
"""The name of each retry class in docstrings."""


def sentence(text: str) -> str:
    """Return a text with a period at its end, unless it ends in punctuation."""
    text = text.strip()
    return text if not text or text[-1] in ".!?:" else f"{text}."


def alternatives(permissions: Iterable[str], mark: str = "") -> str:
    """Format alternative permissions, such as `INVENTORY_ADMIN or owner`, or `none` if there are none."""
    return " or ".join(f"{mark}{permission}{mark}" for permission in permissions) or "none"


def known_values(value: Value) -> str:
    """Format the known values of an open set, or return "" if the set is not open."""
    if not value.known_values:
        return ""
    return f"Known values (others may be added): {', '.join(f'`{known}`' for known in value.known_values)}."


def module_docstring(opening: str, mark: str) -> str:
    """Return the docstring of a generated module: one sentence, then its origin."""
    return _Docstring(0).paragraph(sentence(opening)).paragraph(mark).text()


def class_docstring(
    name: str, tag: str, description: str, common: Iterable[Failure], asynchronous: bool
) -> str:
    """Return the docstring of an API class, with what holds for all of its methods."""
    loop = "an `async for`" if asynchronous else "a loop"
    text = _Docstring(4).paragraph(sentence(description) or f"The operations of {tag}.")
    text.paragraph(
        f"`{name}(api_client)` calls through that client. Without one, it creates a client from a default "
        "`Configuration`, which is closed with this object."
    )
    text.paragraph(
        "Each method also takes the options of `CallOptions`, and has a variant `..._with_http_info`. The "
        "client retries a failed attempt only if that is safe."
    )
    text.paragraph(
        f"An `iter_...` method takes the same arguments as its list, except the page, and returns a `Pager`. "
        f"The pager sends nothing until {loop} reads it, page by page. It never returns an item twice, and "
        "warns with a `RowsMovedWarning` if it may have missed one."
    )
    text.section("Raises", [*map(_raised, common), _ANY_FAILURE])
    return text.text()


def operation_docstring(operation: Operation, common: Container[Failure]) -> str:
    """Return the docstring of a method, with the errors that its class does not list."""
    text = _Docstring(8).paragraph(sentence(operation.summary))
    for paragraph in paragraphs(operation.description):
        text.paragraph(sentence(paragraph))
    if operation.signature:
        text.section("Args", map(_argument, operation.signature))
    if operation.returns:
        text.section("Returns", [_returned(operation)])
    particular = [failure for failure in operation.failures if failure not in common]
    if particular:
        text.section("Raises", map(_raised, particular))
    text.paragraph(f"Permission: {alternatives(operation.permissions)}. {RETRY_CLASS[operation.retry]}.")
    return text.text()


def pager_docstring(operation: Operation, asynchronous: bool) -> str:
    """Return the docstring of the method that reads all pages of a list."""
    text = _Docstring(8).paragraph(f"Iterate over all items of `{operation.name}`, page by page.")
    workers = "tasks" if asynchronous else "threads"
    text.section(
        "Args",
        [
            *map(_argument, operation.filters),
            "limit: Maximum number of items. None means all.",
            "page_size: Items per page. None means 250, or `limit` if it is smaller.",
            f"prefetch: Maximum number of pages that {workers} fetch ahead, 0 to 64.",
            "deadline: Seconds for reading the whole list. None means no limit.",
            "start_page: First page to read, or the `position` of an earlier pager of this list.",
        ],
    )
    return text.text()


def waiter_docstring(operation: Operation, waiter: Waiter, item: Parameter, fields: Iterable[Field]) -> str:
    """Return the docstring of the method that waits until an item has reached a state."""
    states = alternatives(waiter.success, "`")
    text = _Docstring(8).paragraph(f"Wait until the `{waiter.field}` is {states}.")
    text.paragraph(
        "It polls immediately, and then at intervals that grow from 0.2 s to 5 s, or as the service asks "
        "with `Retry-After`. It starts no thread."
    )
    known = []
    if waiter.list:
        text.paragraph(
            f"Pass a sequence as `{item.name}` to wait for all of its items. For up to 1,000, each poll is "
            f"one list request. Without `{item.name}`, it waits for any item with the given values."
        )
        known = [f"{field.name}: {sentence(field.description)} None matches any." for field in fields]
        if waiter.since:
            known.append("since: The earliest instant of creation. None matches any.")
    text.section(
        "Args",
        [
            *(_argument(parameter) for parameter in operation.signature),
            *known,
            "deadline: Seconds for all calls and waits. `math.inf` sets no limit.",
            (
                "sleep: A function to call with the seconds, instead of sleeping. In a test, it can move the "
                "sandbox's clock: `lambda seconds: sandbox.advance(seconds=seconds)`."
            ),
            "**options: Options for each of the calls. See `CallOptions`.",
        ],
    )
    text.section("Returns", [f"The item, or the items in the order of `{item.name}`."])
    failures = [
        (
            "DeadlineExceeded: If the deadline passes first, or that of a `knetik_cloud.deadline` block. Its "
            "`wait_token` continues elsewhere, with `knetik_cloud.waiting.resume`."
        ),
        "ApiException: If the service rejects a call.",
    ]
    if waiter.failure:
        failures.insert(0, f"WaitFailed: If the `{waiter.field}` is {alternatives(waiter.failure, '`')}.")
    text.section("Raises", failures)
    return text.text()


def instant_docstring(field: Field) -> str:
    """Return the docstring of the datetime for a field of epoch seconds."""
    return _Docstring(4).paragraph(f"`{field.name}` as an aware `datetime` in UTC; see `Instant`.").text()


def model_docstring(contract: Contract, schema: Schema) -> str:
    """Return the docstring of a model class, with its place in its family."""
    text = _Docstring(4)
    for paragraph in paragraphs(schema.description):
        text.paragraph(sentence(paragraph))
    discriminator = contract.discriminator_of(schema)
    if discriminator is not None:
        attribute = contract.attribute(schema, discriminator)
        if schema.discriminator_value:
            text.paragraph(f"The constructor sets `{attribute}` to `{schema.discriminator_value}`.")
        else:
            text.paragraph(
                f"`{attribute}` selects the subclass. An object with an unknown value is read as "
                f"{schema.name}, with all its data."
            )
    return text.text()


def field_docstring(field: Field) -> str:
    """Return the docstring below an attribute."""
    return _Docstring(4).paragraph(f"{sentence(field.description)} {known_values(field)}".strip()).text()


def paragraphs(text: str) -> list[str]:
    """Split a text of the contract into paragraphs, each on one line."""
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n") if paragraph.strip()]


_ANY_FAILURE = "ApiException: If the call fails for any other reason. The exceptions above are subclasses."


def _raised(failure: Failure) -> str:
    return f"{exception_name(failure.status)}: {sentence(failure.description)}"


def _argument(parameter: Parameter) -> str:
    parts = [f"{parameter.name}: {sentence(parameter.description)}"]
    if parameter.enum:
        parts.append(f"One of {', '.join(f'`{value}`' for value in parameter.enum)}.")
    parts.append(known_values(parameter))
    if parameter.default is not None and not parameter.required:
        parts.append(f"The service defaults to {parameter.default!r}.")
    return " ".join(filter(None, parts))


def _returned(operation: Operation) -> str:
    empty = " None if the response is empty." if operation.empty_result else ""
    return sentence(operation.returns_description) + empty


class _Docstring:
    """The paragraphs of a docstring, wrapped for code that is indented by `indent` columns."""

    def __init__(self, indent: int) -> None:
        self._margin = " " * indent
        # The opening quotes are on the first line, and the closing ones may be on the same line.
        self._width = WIDTH - indent - len('""""""')
        self._parts: list[str] = []

    def paragraph(self, text: str) -> _Docstring:
        self._parts.append(self._wrap(text))
        return self

    def section(self, title: str, entries: Iterable[str]) -> _Docstring:
        wrapped = (self._wrap(entry, first="    ", rest="        ") for entry in entries)
        self._parts.append("\n".join([f"{title}:", *wrapped]))
        return self

    def text(self) -> str:
        """Return the text between the quotes."""
        text = "\n\n".join(self._parts).replace("\\", "\\\\").replace('"""', '\\"""')
        if "\n" in text:
            text += "\n"
        return text.replace("\n", f"\n{self._margin}").replace(f"\n{self._margin}\n", "\n\n")

    def _wrap(self, text: str, first: str = "", rest: str = "") -> str:
        return textwrap.fill(
            text,
            self._width,
            initial_indent=first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
