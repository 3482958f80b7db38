"""The contract as the stand-in needs it: operations as rows, and schemas to check requests against."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any

METHODS = ("get", "put", "post", "delete", "patch", "options", "head", "trace")
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the path, the query or a form; `schema` is its schema with references resolved."""

    name: str
    place: str
    required: bool
    schema: Mapping[str, Any]
    example: Any = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: how it is reached, what it takes, what it answers and who may call it.

    `permissions` are alternatives, of which a caller needs one; none means that anybody may call.
    `body` is the schema of the JSON body, None if there is none.
    """

    id: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    body: Mapping[str, Any] | None
    body_name: str
    body_required: bool
    success: int
    permissions: tuple[str, ...]
    issues_tokens: bool

    @property
    def takes_form(self) -> bool:
        """True for an operation whose parameters come as a form."""
        return any(parameter.place == "form" for parameter in self.parameters)


def unknown_operation_error(name: str, known: Collection[str], every: str) -> ValueError:
    """Make the error for a name that no operation has: it tells the near ones or, without any, all.

    `every` says how to mean all of them.
    """
    matches = get_close_matches(name, known)
    advice = (
        f"did you mean {' or '.join(matches)}?" if matches else f"use {', '.join(sorted(known))}, or {every}"
    )
    return ValueError(f"there is no operation {name!r}; {advice}")


class Contract:
    """An OpenAPI 3.0 document, read."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.schemas: Mapping[str, Mapping[str, Any]] = document["components"]["schemas"]
        self.operations: Mapping[str, Operation] = {
            operation.id: operation for operation in self._operations()
        }

    @classmethod
    @cache
    def load(cls) -> Contract:
        """Read the contract that ships with the package; once, as it never changes."""
        import yaml

        # libyaml's loader reads it ten times as fast as the one in Python; few installations lack it.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        text = resources.files("knetik_cloud").joinpath("openapi.yaml").read_bytes()
        return cls(yaml.load(text, Loader=loader))  # noqa: S506 - both are safe loaders

    def resolve(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """Follow a local reference (`#/a/b/c`), and the one behind it, to what it stands for."""
        while "$ref" in node:
            target: Any = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    def _operations(self) -> Iterator[Operation]:
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    yield self._operation(path, method, item[method], item.get("parameters", ()))

    def _operation(self, path: str, method: str, node: Mapping[str, Any], shared: Any) -> Operation:
        content = self.resolve(node.get("requestBody", {})).get("content", {})
        parameters = [self._parameter(self.resolve(each)) for each in (*shared, *node.get("parameters", ()))]
        if FORM in content:
            parameters += self._form_parameters(self.resolve(content[FORM]["schema"]))
        return Operation(
            id=node["operationId"],
            method=method.upper(),
            path=path,
            parameters=tuple(parameters),
            body=content[JSON]["schema"] if JSON in content else None,
            body_name=node.get("x-codegen-request-body-name", "body"),
            body_required=bool(self.resolve(node.get("requestBody", {})).get("required", False)),
            success=min(int(status) for status in node["responses"] if str(status).startswith("2")),
            permissions=tuple(node.get("x-permissions", ())),
            issues_tokens=FORM in content,
        )

    def _parameter(self, node: Mapping[str, Any]) -> Parameter:
        schema = self.resolve(node["schema"])
        return Parameter(node["name"], node["in"], bool(node.get("required")), schema, node.get("example"))

    def _form_parameters(self, schema: Mapping[str, Any]) -> Iterator[Parameter]:
        for name, node in schema["properties"].items():
            yield Parameter(name, "form", name in schema.get("required", ()), self.resolve(node))
