"""Writes the docstrings of the generated classes in words taken from the contract."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from codegen.contract import Contract, Field, Operation, Parameter, Schema, Value
from codegen.errors import exception_name
from knetik_cloud.extensions import Retry

WIDTH = 110
"""The longest line of generated Python."""

RETRY: dict[Retry, str] = {
    "safe": "Safe to repeat: a try that fails on the way changes nothing, so the client makes another.",
    "idempotent": (
        "Idempotent: doing it twice leaves the same state, so the client repeats a try that fails on the way."
    ),
    "once": (
        "Sent once: the client repeats it only where the service can't have acted; otherwise the error's "
        "`may_have_applied` says whether it may have."
    ),
}
"""What each retry class means for the caller."""


def sentence(text: str) -> str:
    """End a text with a full stop, unless it ends in punctuation already."""
    text = text.strip()
    return text if not text or text[-1] in ".!?:" else f"{text}."


def alternatives(permissions: Iterable[str], mark: str = "") -> str:
    """List permissions of which one is enough: `INVENTORY_ADMIN or owner`; `none` when the list is empty."""
    return " or ".join(f"{mark}{permission}{mark}" for permission in permissions) or "none"


def known_values(value: Value) -> str:
    """List the values that are known of an open set; empty when the set is not open."""
    if not value.known_values:
        return ""
    return f"Known values, others may come: {', '.join(f'`{known}`' for known in value.known_values)}."


def module_docstring(opening: str, mark: str) -> str:
    """Open a generated module: one sentence, then where it comes from."""
    return _Docstring(0).paragraph(sentence(opening)).paragraph(mark).text()


def class_docstring(name: str, tag: str, description: str) -> str:
    """Write an API class's docstring."""
    text = _Docstring(4).paragraph(sentence(description) or f"The operations of {tag}.")
    text.paragraph(
        f"`{name}(api_client)` calls through that client; without one it makes its own from a default "
        "`Configuration`, which is closed with it."
    )
    return text.text()


def operation_docstring(operation: Operation) -> str:
    """Write a method's docstring: what it does, takes, returns and raises, what a repeat means."""
    text = _Docstring(8).paragraph(sentence(operation.summary))
    for paragraph in paragraphs(operation.description):
        text.paragraph(sentence(paragraph))
    text.section("Args", [*map(_argument, operation.signature), _OPTIONS])
    if operation.returns:
        text.section("Returns", [_returned(operation)])
    failures = [
        f"{exception_name(failure.status)}: {sentence(failure.description)}" for failure in operation.failures
    ]
    text.section("Raises", [*failures, _ANY_FAILURE])
    text.paragraph(f"Permission: {alternatives(operation.permissions)}. {RETRY[operation.retry]}")
    return text.text()


def http_info_docstring(operation: Operation) -> str:
    """Write the docstring of a method's `..._with_http_info` twin."""
    text = f"Do `{operation.name}`; return its result together with the HTTP status and headers."
    return _Docstring(8).paragraph(text).text()


def pager_docstring(operation: Operation, asynchronous: bool) -> str:
    """Write the docstring of the method that reads all pages of a list."""
    loop, workers = ("an `async for`", "tasks") if asynchronous else ("a loop", "threads")
    text = _Docstring(8).paragraph(f"Give what `{operation.name}` lists, over all its pages.")
    text.paragraph(
        f"Nothing is sent yet: {loop} over the `Pager` fetches page after page, and over its `pages()` gives "
        "the pages themselves. No item is given twice; a `RowsMovedWarning` says when one may be missing."
    )
    text.section(
        "Args",
        [
            *map(_argument, operation.filters),
            "limit: How many items are given at most; None gives all.",
            "page_size: Items per page. None takes 250, or `limit` if it is smaller.",
            f"prefetch: How many pages {workers} fetch ahead at most, 0 to 64.",
            "deadline: Seconds for the whole reading; None sets no limit but that of each call.",
            "start_page: The page to begin with, or the `position` of an earlier pager of this list.",
            "**options: What holds for each of the calls; see `CallOptions`.",
        ],
    )
    text.section("Raises", ["ApiValueError: A number is out of range."])
    text.paragraph(f"The loop raises what `{operation.name}` raises, and DeadlineExceeded.")
    return text.text()


def instant_docstring(field: Field) -> str:
    """Write the docstring of the datetime beside a field of epoch seconds."""
    return _Docstring(4).paragraph(f"`{field.name}` as an aware `datetime` in UTC; see `Instant`.").text()


def model_docstring(contract: Contract, schema: Schema) -> str:
    """Write a model class's docstring: what it is, and its place in its family."""
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
                f"`{attribute}` tells the subclasses apart; an object with a value that none of them has is "
                f"read as {schema.name}, with all its data."
            )
    return text.text()


def field_docstring(field: Field) -> str:
    """Write the docstring below an attribute; what its row says is not said again."""
    return _Docstring(4).paragraph(f"{sentence(field.description)} {known_values(field)}".strip()).text()


def paragraphs(text: str) -> list[str]:
    """Split a text of the contract into its paragraphs, each on one line."""
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n") if paragraph.strip()]


_OPTIONS = "**options: What holds for this call only; see `CallOptions`."
_ANY_FAILURE = "ApiException: Whatever else goes wrong; the errors above are kinds of it."


def _argument(parameter: Parameter) -> str:
    said = [f"{parameter.name}: {sentence(parameter.description)}"]
    if parameter.enum:
        said.append(f"One of {', '.join(f'`{value}`' for value in parameter.enum)}.")
    said.append(known_values(parameter))
    if parameter.default is not None and not parameter.required:
        said.append(f"Left out, the service takes {parameter.default!r}.")
    return " ".join(filter(None, said))


def _returned(operation: Operation) -> str:
    empty = " An empty answer is None." if operation.empty_result else ""
    return sentence(operation.returns_description) + empty


class _Docstring:
    """Collects the paragraphs of a docstring and wraps them for code that is indented by `indent` columns."""

    def __init__(self, indent: int) -> None:
        self._margin = " " * indent
        # The quotes that open a docstring stand on its first line, those that close it on its only one.
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
        """Give what stands between the quotes."""
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
