"""The reader of the contract, an OpenAPI 3.0 document, for the code generator and the sandbox."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple, cast, get_args

from knetik_cloud.documents import load_document
from knetik_cloud.extensions import Pages as Pages
from knetik_cloud.extensions import Place, Retry
from knetik_cloud.extensions import ReadBack as ReadBack
from knetik_cloud.extensions import Waiter as Waiter

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
PATH_KEYS = ("summary", "description", "parameters")


class ContractError(ValueError):
    """An error in the contract, or a part of it that is not supported. The message names the place."""


class Failure(NamedTuple):
    """A documented error response: its status (`404`, `5XX`, `default`) and its meaning."""

    status: str
    description: str


class Parameter(NamedTuple):
    """A parameter in the path, the query, a header or a form.

    `schema` is resolved. `in_example` is False if the example of the form leaves the parameter out.
    """

    name: str
    place: Place
    required: bool
    schema: Mapping[str, Any]
    node: Node
    example: Any = None
    in_example: bool = True


class Body(NamedTuple):
    """The JSON body of an operation, with the name of its argument."""

    name: str
    required: bool
    schema: Mapping[str, Any]
    example: Any
    node: Node
    media: Node


class Operation(NamedTuple):
    """One operation: its request, its responses, and the extensions that describe it.

    `success` is the lowest status of a success. `result` is the schema of a response with a body, or None.
    `permissions` are alternatives; if there are none, no permission is needed.
    """

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    body: Body | None
    content_type: str | None
    success: int
    result: Node | None
    result_description: str
    failures: tuple[Failure, ...]
    retry: Retry
    permissions: tuple[str, ...]
    security: tuple[str, ...]
    pages: Pages | None
    empty_result: bool
    cli: str | None
    marker: str | None
    read_back: tuple[ReadBack, ...]
    waiters: tuple[Waiter, ...]
    node: Node

    @property
    def example(self) -> Any:
        """The example of a successful response, or None if it has no body."""
        response = self.node.required_child("responses").required_child(str(self.success)).resolved()
        return next((media.get("example") for _, media in response.entries("content")), None)

    @property
    def takes_form(self) -> bool:
        """True if the parameters are sent as a form."""
        return self.content_type == FORM

    @property
    def issues_tokens(self) -> bool:
        """True for the token operation, which is called without a token."""
        return not self.security


class Discriminator(NamedTuple):
    """The property of a base schema that selects a subschema, and the subschema of each of its values."""

    property: str
    mapping: Mapping[str, str]


class Node(NamedTuple):
    """A value in the document `root`, with its place `pointer`, such as `#/paths/~1items/get`."""

    value: Any
    pointer: str
    root: Any

    def error(self, message: str) -> ContractError:
        """Build the error for this place."""
        return ContractError(f"{self.pointer}: {message}")

    def find(self, key: str) -> Node | None:
        """Return the child under a key, or None if there is none."""
        self.require(dict, "a mapping")
        return self._child(key, self.value[key]) if key in self.value else None

    def required_child(self, key: str) -> Node:
        """Return the child under a key.

        Raises:
            ContractError: If the key is missing.
        """
        child = self.find(key)
        if child is None:
            raise self.error(f"{key!r} is missing")
        return child

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, or `default` if it is missing."""
        child = self.find(key)
        return default if child is None else child.value

    def text(self, key: str) -> str:
        """Return a text without surrounding white space, or "" if it is missing."""
        return str(self.get(key, "")).strip()

    def entries(self, key: str) -> Iterator[tuple[str, Node]]:
        """Iterate over the mapping under a key. A missing one is empty."""
        child = self.find(key)
        if child is not None:
            child.require(dict, "a mapping")
            for name in child.value:
                yield str(name), child.required_child(name)

    def elements(self, key: str) -> Iterator[Node]:
        """Iterate over the list under a key. A missing one is empty."""
        child = self.find(key)
        if child is not None:
            yield from child.listed()

    def listed(self) -> Iterator[Node]:
        """Iterate over the elements of this list."""
        self.require(list, "a list")
        for number, value in enumerate(self.value):
            yield self._child(str(number), value)

    def resolved(self) -> Node:
        """Return the target of a `$ref`, followed to its end. A node without one is returned unchanged.

        Raises:
            ContractError: If the references lead nowhere, or in a circle.
        """
        node, passed = self, {self.pointer}
        while isinstance(node.value, dict) and "$ref" in node.value:
            node = node.target(str(node.value["$ref"]))
            if node.pointer in passed:
                raise self.error("its references lead in a circle")
            passed.add(node.pointer)
        return node

    def reference(self) -> str | None:
        """Return the name of the component that a `$ref` points to, or None if this node has none."""
        reference = self.get("$ref")
        return None if reference is None else _last_part(str(reference))

    def target(self, reference: str) -> Node:
        """Return the node that a local reference points to.

        Raises:
            ContractError: If the reference points nowhere, or outside the document.
        """
        if not reference.startswith("#/"):
            raise self.error(f"{reference!r} points outside the contract")
        node = Node(self.root, "#", self.root)
        for part in reference[2:].split("/"):
            found = node.find(part.replace("~1", "/").replace("~0", "~"))
            if found is None:
                raise self.error(f"{reference!r} points nowhere")
            node = found
        return node

    def require(self, kind: type, described: str) -> None:
        """Check the type of this value.

        Raises:
            ContractError: If it is another one.
        """
        if not isinstance(self.value, kind):
            raise self.error(f"should be {described}")

    def _child(self, key: str, value: Any) -> Node:
        return Node(value, f"{self.pointer}/{str(key).replace('~', '~0').replace('/', '~1')}", self.root)


class Contract:
    """A contract: its operations by id, and its schemas by name.

    Args:
        document: The OpenAPI document.

    Raises:
        ContractError: If the document is malformed.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.root = Node(document, "#", document)
        self.components = self.root.find("components") or Node({}, "#/components", document)
        self.schemas: Mapping[str, Mapping[str, Any]] = self.components.get("schemas", {})
        self._read_only: dict[str, set[str]] = {}
        self.operations: dict[str, Operation] = {}
        for operation in _operations(self.root):
            known = self.operations.setdefault(operation.id, operation)
            if known is not operation:
                raise operation.node.error(
                    f"operationId {operation.id!r} is also that of {known.node.pointer}"
                )

    @classmethod
    @cache
    def load(cls) -> Contract:
        """Return the contract of this package, which is read once."""
        from importlib import resources

        return cls(load_document(resources.files("knetik_cloud").joinpath("openapi.yaml")))

    def resolve(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the target of a `$ref`, followed to its end. A schema without one is returned unchanged."""
        resolved: Mapping[str, Any] = Node(schema, "#", self.document).resolved().value
        return resolved

    def lineage(self, name: str) -> list[str]:
        """List a schema and the schemas that it inherits from, up to the root of its family."""
        lineage = [name]
        while (parent := base_of(self.schema(lineage[-1]))) is not None:
            lineage.append(parent)
        return lineage

    def schema(self, name: str) -> Node:
        """Return a schema by its name."""
        return self.components.required_child("schemas").required_child(name)

    def merged(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return an object schema with everything that it inherits in it. Others are only resolved."""
        schema = self.resolve(schema)
        if "allOf" not in schema:
            return schema
        properties: dict[str, Any] = {}
        required: list[str] = []
        for part in (*map(self.merged, schema["allOf"]), schema):
            properties.update(part.get("properties", {}))
            required += part.get("required", ())
        return {"type": "object", "properties": properties, "required": required}

    def fields(self, name: str) -> Mapping[str, Mapping[str, Any]]:
        """Return the fields of a schema, with those that it inherits, by name."""
        fields: Mapping[str, Mapping[str, Any]] = self.merged(self.schemas[name]).get("properties", {})
        return fields

    def read_only_fields(self, name: str) -> set[str]:
        """Return the fields of a schema that only the service sets, with those that it inherits."""
        found = self._read_only.get(name)
        if found is None:
            fields = self.fields(name).items()
            found = {field for field, schema in fields if self.resolve(schema).get("readOnly")}
            self._read_only[name] = found
        return found

    def discriminator(self, name: str) -> Discriminator | None:
        """Return the discriminator of the family of a schema, limited to the schema and those below it.

        None if the schema has no family.
        """
        found = discriminator_of(self.schema(self.lineage(name)[-1]))
        if found is None:
            return None
        below = {value: leaf for value, leaf in found.mapping.items() if name in self.lineage(leaf)}
        return found._replace(mapping=below)


def base_of(schema: Node) -> str | None:
    """Return the name of the schema that a schema inherits from, or None.

    Raises:
        ContractError: If there is more than one.
    """
    references = [part.reference() for part in schema.elements("allOf") if part.reference()]
    if len(references) > 1:
        raise schema.error("inherits from more than one schema")
    return references[0] if references else None


def parts_of(schema: Node) -> Iterator[Node]:
    """Iterate over the places where an object schema declares its own properties."""
    yield schema
    for part in schema.elements("allOf"):
        if part.reference() is None:
            yield part


def discriminator_of(schema: Node) -> Discriminator | None:
    """Return the discriminator that a schema declares, or None."""
    found = schema.find("discriminator")
    if found is None:
        return None
    mapping = {value: _last_part(str(target.value)) for value, target in found.entries("mapping")}
    if not mapping:
        raise found.error("its mapping of values to schemas is missing")
    return Discriminator(found.text("propertyName"), mapping)


def unwrapped(schema: Node) -> Node:
    """Return the reference in a wrapper that adds a description or a null, or another `schema` unchanged.

    In OpenAPI 3.0, `oneOf` of a reference and null makes it nullable, and `allOf` of a single reference
    describes it again.
    """
    if schema.reference() is None:
        choices = [choice for choice in schema.elements("oneOf") if choice.get("enum") != [None]]
        choices += [] if "properties" in schema.value else schema.elements("allOf")
        if len(choices) == 1:
            return choices[0]
    return schema


def _last_part(reference: str) -> str:
    return reference.rsplit("/", 1)[-1]


def _operations(root: Node) -> Iterator[Operation]:
    for path, path_item in root.entries("paths"):
        path_item.require(dict, "a mapping")
        for key in path_item.value:
            if key not in (*METHODS, *PATH_KEYS) and not str(key).startswith("x-"):
                raise path_item.error(f"{key!r} is not supported")
        for method in METHODS:
            node = path_item.find(method)
            if node is not None:
                yield _operation(root, path, path_item, method, node)


def _operation(root: Node, path: str, path_item: Node, method: str, node: Node) -> Operation:
    retry = node.get("x-retry")
    if retry not in get_args(Retry):
        raise node.error(f"x-retry is {retry!r}; it has to be one of {', '.join(get_args(Retry))}")
    content_type, body, form = _body(node)
    parameters = (*_parameters(path_item, node), *form)
    in_path = sorted(set(re.findall(r"{([^}]*)}", path)))
    declared = sorted(parameter.name for parameter in parameters if parameter.place == "path")
    if in_path != declared:
        raise node.error(f"its path has the parameters {in_path}, but {declared} are declared")
    arguments = {parameter.name for parameter in parameters} | ({body.name} if body else set())
    responses = {status: response.resolved() for status, response in node.entries("responses")}
    success, result, result_description = _success(node, responses)
    return Operation(
        id=str(node.required_child("operationId").value),
        method=method.upper(),
        path=path,
        summary=node.text("summary"),
        description=node.text("description"),
        parameters=parameters,
        body=body,
        content_type=content_type,
        success=success,
        result=result,
        result_description=result_description,
        failures=tuple(
            Failure(status, response.text("description"))
            for status, response in responses.items()
            if not status.startswith("2")
        ),
        retry=cast("Retry", retry),
        permissions=tuple(node.get("x-permissions", ())),
        security=_security(root, node),
        pages=_pages(node, arguments),
        empty_result=bool(node.get("x-empty-result")),
        cli=node.get("x-cli"),
        marker=_marker(node, arguments),
        read_back=tuple(_read_back(root, node, arguments)),
        waiters=tuple(_waiters(root, node, arguments)),
        node=node,
    )


def _parameters(path_item: Node, operation: Node) -> Iterable[Parameter]:
    """Read the parameters of an operation, which replace those of its path by name and place."""
    found: dict[tuple[str, str], Parameter] = {}
    for holder in (path_item, operation):
        own: dict[tuple[str, str], Parameter] = {}
        for listed in holder.elements("parameters"):
            parameter = _parameter(listed)
            if own.setdefault((parameter.name, parameter.place), parameter) is not parameter:
                raise listed.error(f"{parameter.name!r} in {parameter.place!r} is listed twice")
        found |= own
    return found.values()


def _parameter(listed: Node) -> Parameter:
    node = listed.resolved()
    place = node.text("in")
    if place not in ("path", "query", "header"):
        raise node.error(f"a parameter in {place!r} is not supported")
    schema = node.required_child("schema").resolved().value
    required, example = bool(node.get("required")), node.get("example")
    if place == "path" and not required:
        raise node.error("a parameter in the path has to be required")
    return Parameter(node.text("name"), cast("Place", place), required, schema, node, example)


def _body(operation: Node) -> tuple[str | None, Body | None, list[Parameter]]:
    """Read a request body: its content type, its JSON body, or the parameters of its form."""
    listed = operation.find("requestBody")
    if listed is None:
        return None, None, []
    node = listed.resolved()
    content = list(node.entries("content"))
    if len(content) != 1 or content[0][0] not in (JSON, FORM):
        raise node.error(f"has to have one content, {JSON} or {FORM}")
    content_type, media = content[0]
    schema = media.required_child("schema")
    if content_type == FORM:
        return content_type, None, list(_form(schema.resolved(), media.get("example")))
    name = operation.text("x-codegen-request-body-name")
    if not name:
        raise operation.error("x-codegen-request-body-name, the name of the body's parameter, is missing")
    body = Body(name, bool(node.get("required")), schema.value, media.get("example"), node, media)
    return content_type, body, []


def _form(schema: Node, example: Mapping[str, Any] | None) -> Iterator[Parameter]:
    required = schema.get("required", ())
    for name, field in schema.entries("properties"):
        in_example = example is None or name in example or name in required
        resolved = field.resolved().value
        yield Parameter(name, "form", name in required, resolved, field, resolved.get("example"), in_example)


def _success(operation: Node, responses: Mapping[str, Node]) -> tuple[int, Node | None, str]:
    """Read the lowest success status, and the schema and the description of the success with a body."""
    successes = {status: response for status, response in responses.items() if status.startswith("2")}
    if not successes:
        raise operation.error("declares no success response")
    for status in successes:
        if not status.isdecimal():
            raise operation.error(f"the success status {status!r} is not a number")
    lowest = min(map(int, successes))
    full = [response for response in successes.values() if response.get("content")]
    if len(full) > 1:
        raise operation.error("declares more than one success response with a body")
    if not full:
        return lowest, None, next(iter(successes.values())).text("description")
    media = full[0].required_child("content").find(JSON)
    if media is None:
        raise full[0].error(f"has to be {JSON}")
    return lowest, media.required_child("schema"), full[0].text("description")


def _security(root: Node, operation: Node) -> tuple[str, ...]:
    holder = operation if operation.find("security") is not None else root
    return tuple(dict.fromkeys(name for choice in holder.elements("security") for name in choice.value))


def _pages(operation: Node, arguments: set[str]) -> Pages | None:
    found = operation.find("x-pagination")
    if found is None:
        return None
    pages = Pages(**found.value)
    for name in (pages.page, pages.size, pages.order):
        if name is not None and name not in arguments:
            raise found.error(f"{name!r} is not a parameter of the operation")
    return pages


def _marker(operation: Node, arguments: set[str]) -> str | None:
    marker: str | None = operation.get("x-marker")
    if marker is not None and marker not in arguments:
        raise operation.error(f"its x-marker {marker!r} is not a parameter of the operation")
    return marker


def _read_back(root: Node, operation: Node, arguments: set[str]) -> Iterator[ReadBack]:
    for number, node in enumerate(operation.elements("x-read-back")):
        passed, match, null_if = (node.get(name, {}) for name in ("arguments", "match", "null_if"))
        known = arguments | {"since"} | ({"marker"} if operation.get("x-marker") else set())
        _check_list(root, node, passed)
        references = [*passed.values(), *match.values(), *null_if.values()]
        _check_references(node, references, known | ({"item"} if number else set()))
        yield ReadBack(node.text("list"), passed, match, node.get("since"), null_if, node.get("doubtful", {}))


def _waiters(root: Node, operation: Node, arguments: set[str]) -> Iterator[Waiter]:
    for name, node in operation.entries("x-waiter"):
        passed = node.get("arguments", {})
        if node.get("list"):
            _check_list(root, node, passed)
            _check_references(node, [*passed.values()], arguments | {"since"})
        yield Waiter(
            name,
            node.text("field"),
            tuple(node.get("success", ())),
            tuple(node.get("failure", ())),
            node.get("list"),
            passed,
            tuple(node.get("find", ())),
            node.get("since"),
        )


def _check_list(root: Node, node: Node, arguments: Mapping[str, Any]) -> None:
    """Check that an extension names a list operation and some of its parameters.

    Raises:
        ContractError: If it names anything else.
    """
    for _, path_item in root.entries("paths"):
        found = path_item.find("get")
        if found is None or found.text("operationId") != node.text("list"):
            continue
        declared = {listed.resolved().text("name") for listed in found.elements("parameters")}
        if found.find("x-pagination") is None:
            raise node.error(f"{node.text('list')!r} has no x-pagination")
        if unknown := arguments.keys() - declared:
            raise node.error(f"{node.text('list')!r} has no parameter {sorted(unknown)[0]!r}")
        return
    raise node.error(f"no operation is called {node.text('list')!r}")


def _check_references(node: Node, values: list[Any], known: set[str]) -> None:
    """Check that each `$name` refers to an argument of the operation, the marker or an item.

    Raises:
        ContractError: If one refers to nothing.
    """
    for value in values:
        if isinstance(value, str) and value.startswith("$") and value[1:].split(".")[0] not in known:
            raise node.error(f"{value!r} refers to nothing; known are {', '.join(sorted(known))}")
