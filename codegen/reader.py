"""Reads a contract into the objects of `codegen.contract`, which have Python's names and types.

A part of the contract that the SDK can't express is an error that names the place in the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from yaml import YAMLError

from codegen import extensions, names
from codegen.contract import Contract, Field, Operation, Parameter, Schema, SecurityScheme
from codegen.docstrings import sentence
from codegen.types import Type
from knetik_cloud import contract as document
from knetik_cloud.contract import Body, Node
from knetik_cloud.data.types import INTEGERS
from knetik_cloud.documents import load_document

_SCHEMA_KEYS = (
    "additionalProperties allOf default deprecated description discriminator enum example exclusiveMaximum "
    "exclusiveMinimum externalDocs format items maxItems maxLength maxProperties maximum minItems minLength "
    "minProperties minimum multipleOf nullable pattern properties readOnly required title type uniqueItems"
)
_PARAMETER_KEYS = "name in description required deprecated schema example explode"
_OPERATION_KEYS = (
    "tags summary description externalDocs operationId parameters requestBody responses deprecated security"
)
_LIMITS = {
    "maxLength": "at most {} characters",
    "minLength": "at least {} characters",
    "maximum": "at most {}",
    "minimum": "at least {}",
    "maxItems": "at most {} elements",
    "minItems": "at least {} elements",
    "pattern": "matches `{}`",
}
_DEPRECATED = "Deprecated: the service may remove it."
_STRINGS = {"date": "date", "date-time": "datetime"}


def read_contract(path: Path) -> Contract:
    """Read a contract from its file.

    Raises:
        ContractError: If the contract is malformed, or the generator can't express a part of it.
    """
    try:
        content = load_document(path)
    except (ValueError, YAMLError) as error:
        raise document.ContractError(f"{path} can't be read: {error}") from None
    extensions.check_shapes(Node(content, "#", content))
    read = document.Contract(content)
    info = read.root.required_child("info")
    contract = Contract(
        title=info.text("title"),
        version=info.text("version"),
        server=next((server.text("url") for server in read.root.elements("servers")), ""),
        operations=tuple(_operations(read)),
        schemas=_schemas(read.components),
        tags={tag.text("name"): tag.text("description") for tag in read.root.elements("tags")},
        security_schemes=tuple(_security_schemes(read.components)),
    )
    nodes = {names.snake_case(operation.id): operation.node for operation in read.operations.values()}
    extensions.check_references(contract, nodes)
    return contract


def _schemas(components: Node) -> dict[str, Schema]:
    models = {name: node for name, node in components.entries("schemas") if _is_model(node)}
    bases = {name: base for name, node in models.items() if (base := document.base_of(node))}
    schemas = {}
    lineages = {}
    modules: dict[str, str] = {}
    for name, node in models.items():
        if not names.is_name(name) or name.startswith("_") or name in names.CLASS_NAMES:
            raise node.error(f"{name!r} can't be the name of a class")
        _reserve(modules, names.snake_case(name), node, "module")
        lineage = [name]
        while lineage[-1] in bases:
            lineage.append(bases[lineage[-1]])
            if lineage[-1] not in models:
                raise node.error(f"its base {lineage[-1]!r} is not an object schema")
            if lineage[-1] in lineage[:-1]:
                raise node.error("inherits from itself")
        lineages[name] = lineage
        values = [
            value
            for root in map(document.discriminator_of, (models[ancestor] for ancestor in lineage))
            if root is not None
            for value, target in root.mapping.items()
            if target == name
        ]
        for part in document.parts_of(node):
            _reject_unknown(part, _SCHEMA_KEYS)
        schemas[name] = Schema(
            name=name,
            description=_description(node),
            fields=tuple(_fields(node, [models[ancestor] for ancestor in lineage])),
            example=node.get("example"),
            base=bases.get(name),
            discriminator=document.discriminator_of(node),
            discriminator_value=values[0] if values else None,
        )
    for name, node in models.items():
        found = document.discriminator_of(node)
        if found is not None:
            fields = {field.wire for ancestor in lineages[name] for field in schemas[ancestor].fields}
            if found.property not in fields:
                raise node.error(f"its discriminator {found.property!r} is not one of its properties")
            for target in found.mapping.values():
                if name not in lineages.get(target, ()):
                    raise node.error(f"its discriminator leads to {target!r}, which does not inherit from it")
    return dict(sorted(schemas.items()))


def _is_model(node: Node) -> bool:
    return "properties" in node.value or "allOf" in node.value


def _description(node: Node) -> str:
    return _text(*document.parts_of(node))


def _text(*nodes: Node) -> str:
    """Return the first description of some nodes, and whether one of them is deprecated."""
    text = next(filter(None, (node.text("description") for node in nodes)), "")
    is_deprecated = any(node.get("deprecated") for node in nodes)
    return f"{sentence(text)} {_DEPRECATED}".strip() if is_deprecated else text


def _fields(node: Node, lineage: list[Node]) -> Iterator[Field]:
    _check_attributes(lineage)
    parts = list(document.parts_of(node))
    required = {name for part in parts for name in part.get("required", ())}
    declared = {wire: found for part in parts for wire, found in part.entries("properties")}
    if required - declared.keys():
        raise node.error(f"requires {sorted(required - declared.keys())}, which it does not declare itself")
    for wire, found in declared.items():
        yield Field(
            **_value(names.attribute_name(wire), wire, found),
            required=wire in required,
            read_only=bool(found.resolved().get("readOnly")),
            instant=_instant(wire, found, declared),
        )


def _check_attributes(lineage: list[Node]) -> None:
    """Check that the properties of a schema, and of those it inherits from, have attributes of their own."""
    parts = (part for schema in reversed(lineage) for part in document.parts_of(schema))
    declared = {wire: found for part in parts for wire, found in part.entries("properties")}
    seen = dict.fromkeys(names.MODEL_INTERNALS, "every model")
    for wire, found in declared.items():
        _reserve(seen, names.attribute_name(wire), found, "attribute")
    for wire, found in declared.items():
        if instant := _instant(wire, found, declared):
            _reserve(seen, instant, found, "attribute")


def _instant(wire: str, node: Node, declared: Mapping[str, Node]) -> str | None:
    """Return the name of the datetime for a field of epoch seconds, from `x-instant` or by rule."""
    schema = node.resolved()
    if not schema.get("x-epoch-seconds"):
        return None
    name = schema.text("x-instant") or names.instant_name(names.attribute_name(wire))
    if names.attribute_name(name) != name:
        raise node.error(f"x-instant {name!r} can't be the name of an attribute")
    if name in {names.attribute_name(other) for other in declared}:
        raise node.error(f"its datetime would be called {name!r}, as a property is: name it with x-instant")
    return name


def _value(name: str, wire: str, node: Node, described: Node | None = None) -> dict[str, Any]:
    """Read what parameters and fields share. Texts of `described` precede those of `node`."""
    schema = node.resolved()
    described = described or node
    example = described.get("example", node.get("example", schema.get("example")))
    extensions = (described, node, schema)
    type_ = read_type(node)
    is_epoch = any(extended.get("x-epoch-seconds") for extended in extensions)
    if is_epoch and type_.name not in INTEGERS:
        raise node.error("x-epoch-seconds is for integers")
    return {
        "name": name,
        "wire": wire,
        "type": type_,
        "description": _text(*extensions),
        "example": example,
        "default": schema.get("default"),
        "enum": tuple(schema.get("enum", ())),
        "known_values": next(
            (tuple(n.get("x-known-values")) for n in extensions if n.get("x-known-values")), ()
        ),
        "limits": tuple(text.format(schema.get(key)) for key, text in _LIMITS.items() if schema.find(key)),
        "epoch": is_epoch,
        "secret": schema.get("format") == "password",
    }


def read_type(node: Node) -> Type:
    """Read a schema as a type: a model by its name, or the composition of a scalar, list or dict."""
    node = document.unwrapped(node)
    schema = node.resolved()
    _reject_unknown(schema, _SCHEMA_KEYS)
    if _is_model(schema):
        name = _model_name(node)
        if name is None:
            raise schema.error("is an object without a name; declare it under components/schemas")
        return Type(name, is_model=True)
    python = schema.get("x-python-type")
    kind, form = schema.get("type"), schema.get("format")
    match kind:
        case None:
            return Type("object", python=python)
        case "integer":
            return Type("int32" if form == "int32" else "int64", python=python)
        case "number":
            return Type("float", python=python)
        case "boolean":
            return Type("bool", python=python)
        case "string":
            if form in ("binary", "byte"):
                raise schema.error(f"format {form!r} can't be expressed by the generator")
            return Type(_STRINGS.get(str(form), "str"), python=python)
        case "array":
            return Type("list", inner=read_type(schema.required_child("items")))
        case "object":
            values = schema.find("additionalProperties")
            if values is None or isinstance(values.value, bool) or not values.value:
                return Type("dict", inner=Type("object"))
            return Type("dict", inner=read_type(values))
        case _:
            raise schema.error(f"type {kind!r} can't be expressed by the generator")


def _model_name(node: Node) -> str | None:
    """Return the name of the schema that a reference ends at, or None without a reference."""
    name = None
    while isinstance(node.value, dict) and "$ref" in node.value:
        name, node = node.reference(), node.target(str(node.value["$ref"]))
    return name


def _operations(read: document.Contract) -> Iterator[Operation]:
    seen: dict[str, str] = {}
    tags: dict[str, str] = {}
    for each in read.operations.values():
        operation = _operation(each)
        for method in _methods(operation):
            _reserve(seen, method, each.node, "method")
        name = names.class_name(operation.tag)
        if not names.is_name(name) or name in read.schemas:
            raise each.node.error(f"its tag can't be the class {name!r}")
        if tags.setdefault(name, operation.tag) != operation.tag:
            raise each.node.error(f"its class {name!r} is also that of the tag {tags[name]!r}")
        yield operation


def _methods(operation: Operation) -> list[str]:
    """List the methods of an operation."""
    waiters = [f"wait_until_{waiter.name}" for waiter in operation.waiters]
    pagers = [operation.pager] if operation.pages else []
    return [operation.name, f"{operation.name}_with_http_info", *pagers, *waiters]


def _taken_arguments(operation: document.Operation) -> dict[str, str]:
    """Return the arguments that the methods of an operation have anyway, with their holders."""
    taken = dict.fromkeys(names.OPTIONS, "every method")
    if operation.pages:
        taken |= dict.fromkeys(names.PAGER_ARGUMENTS, "the method that reads all pages")
    if operation.waiters:
        taken |= dict.fromkeys(names.WAITER_ARGUMENTS, "the method that waits")
    return taken


def _operation(read: document.Operation) -> Operation:
    node = read.node
    _reject_unknown(node, _OPERATION_KEYS)
    tags = node.get("tags", [])
    if len(tags) != 1:
        raise node.error(f"has {len(tags)} tags; exactly one specifies the class of the operation")
    name = names.snake_case(read.id)
    if name in names.API_MEMBERS or not names.is_name(name) or name.startswith("_"):
        raise node.error(f"operationId {name!r} can't be the name of a method")
    taken: list[document.Parameter | Body] = [*read.parameters, *([read.body] if read.body else [])]
    parameters = tuple(_body(each) if isinstance(each, Body) else _parameter(each) for each in taken)
    seen = _taken_arguments(read)
    paging = (read.pages.page, read.pages.size) if read.pages else ()
    for parameter, each in zip(parameters, taken, strict=True):
        if parameter.wire in paging:
            seen.pop(parameter.name, None)
        _reserve(seen, parameter.name, each.node, "argument")
    added = node.get("x-added")
    notes = (_DEPRECATED if node.get("deprecated") else "", f"Added in version {added}." if added else "")
    return Operation(
        name=name,
        tag=str(tags[0]),
        method=read.method,
        path=read.path,
        summary=read.summary,
        description="\n\n".join(filter(None, (read.description, *notes))),
        added=added,
        parameters=parameters,
        returns=read_type(read.result) if read.result else None,
        returns_description=read.result_description,
        failures=read.failures,
        retry=read.retry,
        permissions=tuple(permission for permission in read.permissions if permission != "ANY"),
        security=read.security,
        content_type=read.content_type,
        pages=read.pages,
        empty_result=read.empty_result,
        cli=read.cli,
        marker=names.parameter_name(read.marker) if read.marker else None,
        read_back=tuple(
            each._replace(
                list=names.snake_case(each.list),
                arguments=_arguments(each.arguments),
                match=_references(each.match),
                null_if=_references(each.null_if),
            )
            for each in read.read_back
        ),
        waiters=tuple(
            each._replace(
                list=names.snake_case(each.list) if each.list else None, arguments=_arguments(each.arguments)
            )
            for each in read.waiters
        ),
    )


def _parameter(read: document.Parameter) -> Parameter:
    if read.place == "form":
        value = _value(names.parameter_name(read.name), read.name, read.node)
        return Parameter(**value, required=read.required, place="form", in_example=read.in_example)
    node = read.node
    _reject_unknown(node, _PARAMETER_KEYS)
    if read.place == "header" and not names.is_header(read.name):
        raise node.error(f"{read.name!r} can't be sent as a header of a parameter")
    value = _value(names.parameter_name(read.name), read.name, node.required_child("schema"), described=node)
    parameter = Parameter(**value, required=read.required, place=read.place)
    if parameter.type.model or parameter.type.name in ("dict", "object"):
        raise node.error("an object as a parameter can't be expressed by the generator")
    if parameter.type.name == "list" and read.place == "query" and node.get("explode") is not False:
        raise node.error("a list is sent as one string with commas: add `explode: false`")
    return parameter


def _body(read: Body) -> Parameter:
    value = _value(read.name, read.name, read.media.required_child("schema"), described=read.node)
    value["example"] = value["example"] if read.example is None else read.example
    return Parameter(**value, required=read.required, place="body")


def _arguments(values: Mapping[str, Any]) -> dict[str, Any]:
    """Convert the names of parameters, and of the arguments that values refer to, to Python's."""
    return {names.parameter_name(name): value for name, value in _references(values).items()}


def _references(values: Mapping[str, Any]) -> dict[str, Any]:
    """Convert the names of the arguments that values refer to (`$userId.name`) to Python's."""

    def converted(value: Any) -> Any:
        if not isinstance(value, str) or not value.startswith("$"):
            return value
        name, dot, rest = value[1:].partition(".")
        return f"${names.parameter_name(name)}{dot}{rest}"

    return {name: converted(value) for name, value in values.items()}


def _security_schemes(components: Node) -> Iterator[SecurityScheme]:
    for name, node in components.entries("securitySchemes"):
        for flow, flow_node in node.entries("flows"):
            yield SecurityScheme(
                name=name,
                flow=flow,
                token_url=flow_node.text("tokenUrl"),
                scopes=flow_node.get("scopes", {}),
                description=node.text("description"),
            )


def _reserve(seen: dict[str, str], name: str, node: Node, what: str) -> None:
    """Record the name of a node in Python.

    Raises:
        ContractError: If another node has it, or Python code can't define it.
    """
    if not names.is_name(name):
        raise node.error(f"its {what} {name!r} is not a name in Python")
    if seen.setdefault(name, node.pointer) != node.pointer:
        raise node.error(f"its {what} {name!r} is also that of {seen[name]}")


def _reject_unknown(node: Node, known: str) -> None:
    """Check the keys of a node. Extensions (`x-...`) are always accepted.

    Args:
        node: The node.
        known: The known keys, separated by spaces.

    Raises:
        ContractError: If another key is there.
    """
    for key in node.value:
        if key not in known.split() and not str(key).startswith("x-"):
            raise node.error(f"{key!r} can't be expressed by the generator")
