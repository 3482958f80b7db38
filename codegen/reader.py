"""Reads an OpenAPI 3.0.3 document into the plain objects of `codegen.contract`.

What the SDK can't express (`oneOf`, cookies, a second success type, ...) is refused with an error that names
the place in the document, instead of being left out in silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast, get_args

import yaml

from codegen import names
from codegen.contract import (
    Contract,
    Discriminator,
    Failure,
    Field,
    Operation,
    Pages,
    Parameter,
    Place,
    ReadBack,
    Retry,
    Schema,
    SecurityScheme,
    Waiter,
)
from codegen.node import Node
from codegen.types import Type

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
_METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
_PARAMETER_PLACES = ("path", "query", "header")

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
_STRINGS = {"date": "date", "date-time": "datetime"}


class _Loader(yaml.SafeLoader):
    """A YAML loader for OpenAPI: a date stays the text that JSON would carry."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_document(path: Path) -> Any:
    """Load a contract as it stands: mappings, lists and scalars."""
    with path.open(encoding="utf-8") as stream:
        return yaml.load(stream, _Loader)  # noqa: S506 - a safe loader


def read_contract(path: Path) -> Contract:
    """Read a contract; ContractError names the place of whatever the generator can't express."""
    document = load_document(path)
    root = Node(document, "#", document)
    components = root.find("components") or Node({}, "#/components", document)
    info = root.at("info")
    operations = tuple(_operations(root))
    return Contract(
        title=info.text("title"),
        version=info.text("version"),
        server=next((server.text("url") for server in root.elements("servers")), ""),
        operations=operations,
        schemas=_schemas(components),
        tags={tag.text("name"): tag.text("description") for tag in root.elements("tags")},
        security_schemes=tuple(_security_schemes(components)),
    )


def _schemas(components: Node) -> dict[str, Schema]:
    models = {name: node for name, node in components.entries("schemas") if _is_model(node)}
    bases = {name: base for name, node in models.items() if (base := _base(node))}
    schemas = {}
    for name, node in models.items():
        lineage = [name]
        while lineage[-1] in bases:
            lineage.append(bases[lineage[-1]])
            if lineage[-1] not in models:
                raise node.error(f"its base {lineage[-1]!r} is not an object schema")
        values = [
            value
            for root in map(_discriminator, (models[ancestor] for ancestor in lineage))
            if root is not None
            for value, target in root.mapping.items()
            if target == name
        ]
        schemas[name] = Schema(
            name=name,
            description=_object_text(node, "description"),
            fields=tuple(_fields(node)),
            example=node.get("example"),
            base=bases.get(name),
            discriminator=_discriminator(node),
            discriminator_value=values[0] if values else None,
        )
    return dict(sorted(schemas.items()))


def _is_model(node: Node) -> bool:
    return "properties" in node.value or "allOf" in node.value


def _base(node: Node) -> str | None:
    references = [part.reference() for part in node.elements("allOf") if part.reference()]
    if len(references) > 1:
        raise node.error("inherits from more than one schema")
    return references[0] if references else None


def _parts(node: Node) -> Iterator[Node]:
    """Walk over the places where an object schema declares its own properties."""
    node.refuse_unknown(_SCHEMA_KEYS)
    yield node
    for part in node.elements("allOf"):
        if part.reference() is None:
            part.refuse_unknown(_SCHEMA_KEYS)
            yield part


def _object_text(node: Node, key: str) -> str:
    return next((text for part in _parts(node) if (text := part.text(key))), "")


def _fields(node: Node) -> Iterator[Field]:
    required = {name for part in _parts(node) for name in part.get("required", ())}
    declared = {wire: found for part in _parts(node) for wire, found in part.entries("properties")}
    if required - declared.keys():
        raise node.error(f"requires {sorted(required - declared.keys())}, which it does not declare itself")
    for wire, found in declared.items():
        yield Field(
            **_value(names.attribute_name(wire), wire, found),
            required=wire in required,
            read_only=bool(found.resolved().get("readOnly")),
            instant=_instant(wire, found, declared),
        )


def _instant(wire: str, node: Node, declared: dict[str, Node]) -> str | None:
    """Name the datetime beside a field of epoch seconds; `x-instant` says what the rule doesn't."""
    schema = node.resolved()
    if not schema.get("x-epoch-seconds"):
        return None
    name = schema.text("x-instant") or names.instant_name(names.attribute_name(wire))
    if name in {names.attribute_name(other) for other in declared}:
        raise node.error(f"its datetime would be called {name!r}, as a property is: name it with x-instant")
    return name


def _discriminator(node: Node) -> Discriminator | None:
    found = node.find("discriminator")
    if found is None:
        return None
    mapping = {value: str(target.value).rsplit("/", 1)[-1] for value, target in found.entries("mapping")}
    if not mapping:
        raise found.error("lacks its mapping: which value means which schema")
    return Discriminator(wire=found.text("propertyName"), mapping=mapping)


def _value(name: str, wire: str, node: Node, described: Node | None = None) -> dict[str, Any]:
    """Read what parameters and fields have in common; `described` is where texts may stand besides."""
    schema = node.resolved()
    described = described or node
    example = described.get("example", node.get("example", schema.get("example")))
    extensions = (described, node, schema)
    return {
        "name": name,
        "wire": wire,
        "type": read_type(node),
        "description": described.text("description")
        or node.text("description")
        or schema.text("description"),
        "example": example,
        "default": schema.get("default"),
        "enum": tuple(schema.get("enum", ())),
        "known_values": next(
            (tuple(n.get("x-known-values")) for n in extensions if n.get("x-known-values")), ()
        ),
        "limits": tuple(text.format(schema.get(key)) for key, text in _LIMITS.items() if schema.find(key)),
        "epoch": any(bool(extended.get("x-epoch-seconds")) for extended in extensions),
        "secret": schema.get("format") == "password",
    }


def read_type(node: Node) -> Type:
    """Read a schema as a type: a model by its name, anything else by what it is made of."""
    node = _unwrapped(node)
    schema = node.resolved()
    schema.refuse_unknown(_SCHEMA_KEYS)
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
            return Type("list", inner=read_type(schema.at("items")))
        case "object":
            values = schema.find("additionalProperties")
            if values is None or isinstance(values.value, bool) or not values.value:
                return Type("dict", inner=Type("object"))
            return Type("dict", inner=read_type(values))
        case _:
            raise schema.error(f"type {kind!r} can't be expressed by the generator")


def _unwrapped(node: Node) -> Node:
    """Take the wrapping off a reference: how 3.0 says "this or null", and how it describes one anew.

    The one is a `oneOf` of the schema and of a null, the other an `allOf` of nothing but the reference.
    """
    if node.reference() is None:
        choices = [choice for choice in node.elements("oneOf") if choice.get("enum") != [None]]
        choices += [] if "properties" in node.value else node.elements("allOf")
        if len(choices) == 1:
            return choices[0]
    return node


def _model_name(node: Node) -> str | None:
    """Name the schema that a reference ends at."""
    name = None
    while isinstance(node.value, dict) and "$ref" in node.value:
        name, node = node.reference(), node._target(str(node.value["$ref"]))
    return name


def _operations(root: Node) -> Iterator[Operation]:
    seen: dict[str, str] = {}
    for path, path_item in root.entries("paths"):
        for method in _METHODS:
            node = path_item.find(method)
            if node is None:
                continue
            operation = _operation(root, path, path_item, method, node)
            if operation.name in names.API_MEMBERS or not operation.name.isidentifier():
                raise node.error(f"operationId {operation.name!r} can't be the name of a method")
            if operation.name in seen:
                raise node.error(f"operationId {operation.name!r} is also that of {seen[operation.name]}")
            seen[operation.name] = node.pointer
            yield operation


def _operation(root: Node, path: str, path_item: Node, method: str, node: Node) -> Operation:
    node.refuse_unknown(_OPERATION_KEYS)
    tags = node.get("tags", [])
    if len(tags) != 1:
        raise node.error(f"has {len(tags)} tags; exactly one says which class it belongs to")
    retry = node.get("x-retry")
    if retry not in get_args(Retry):
        raise node.error(f"x-retry is {retry!r}; it has to be one of {', '.join(get_args(Retry))}")
    content_type, body = _body(node)
    listed = [*path_item.elements("parameters"), *node.elements("parameters")]
    parameters = [*map(_parameter, listed), *body]
    returns, returns_description = _success(node)
    return Operation(
        name=names.snake_case(str(node.at("operationId").value)),
        tag=str(tags[0]),
        method=method.upper(),
        path=path,
        summary=node.text("summary"),
        description=node.text("description"),
        parameters=tuple(parameters),
        returns=returns,
        returns_description=returns_description,
        failures=tuple(
            Failure(status=status, description=answer.resolved().text("description"))
            for status, answer in node.entries("responses")
            if not status.startswith("2")
        ),
        retry=cast("Retry", retry),
        permissions=tuple(name for name in node.get("x-permissions", ()) if name != "ANY"),
        security=_security(root, node),
        content_type=content_type,
        pages=_pages(node, parameters),
        empty_result=bool(node.get("x-empty-result")),
        cli=node.get("x-cli"),
        marker=_marker(node, parameters),
        read_back=tuple(_read_back(root, node, parameters)),
        waiters=tuple(_waiters(root, node, parameters)),
    )


def _parameter(listed: Node) -> Parameter:
    node = listed.resolved()
    node.refuse_unknown(_PARAMETER_KEYS)
    place = node.text("in")
    if place not in _PARAMETER_PLACES:
        raise node.error(f"a parameter in {place!r} can't be expressed by the generator")
    wire = node.text("name")
    parameter = Parameter(
        **_value(names.parameter_name(wire), wire, node.at("schema"), described=node),
        required=bool(node.get("required")),
        place=cast("Place", place),
    )
    if parameter.type.model or parameter.type.name in ("dict", "object"):
        raise node.error("an object as a parameter can't be expressed by the generator")
    if parameter.type.name == "list" and place == "query" and node.get("explode") is not False:
        raise node.error("a list is sent as one text with commas: say `explode: false`")
    return parameter


def _body(operation: Node) -> tuple[str | None, list[Parameter]]:
    """Read the request body: one parameter for JSON, one for each property of a form."""
    listed = operation.find("requestBody")
    if listed is None:
        return None, []
    body = listed.resolved()
    content = list(body.entries("content"))
    if len(content) != 1 or content[0][0] not in (JSON, FORM):
        raise body.error(f"has to have one content, {JSON} or {FORM}")
    content_type, media = content[0]
    if content_type == FORM:
        return content_type, list(_form(media))
    name = operation.text("x-codegen-request-body-name")
    if not name:
        raise operation.error("lacks x-codegen-request-body-name, the name of the body's parameter")
    value = _value(name, name, media.at("schema"), described=body)
    value["example"] = media.get("example", value["example"])
    return content_type, [Parameter(**value, required=bool(body.get("required")), place="body")]


def _form(media: Node) -> Iterator[Parameter]:
    schema = media.at("schema").resolved()
    required = schema.get("required", ())
    whole = media.get("example")
    for wire, node in schema.entries("properties"):
        yield Parameter(
            **_value(names.parameter_name(wire), wire, node),
            required=wire in required,
            place="form",
            is_shown=whole is None or wire in whole or wire in required,
        )


def _success(operation: Node) -> tuple[Type | None, str]:
    """Read the type and the description of the success answer; of several, of the one with a body."""
    answers = [
        answer.resolved() for status, answer in operation.entries("responses") if status.startswith("2")
    ]
    if not answers:
        raise operation.error("declares no success answer")
    full = [answer for answer in answers if answer.get("content")]
    if len(full) > 1:
        raise operation.error("declares more than one success answer with a body")
    if not full:
        return None, answers[0].text("description")
    media = full[0].at("content").find(JSON)
    if media is None:
        raise full[0].error(f"has to be {JSON}")
    return read_type(media.at("schema")), full[0].text("description")


def _security(root: Node, operation: Node) -> tuple[str, ...]:
    holder = operation if operation.find("security") is not None else root
    return tuple(dict.fromkeys(name for choice in holder.elements("security") for name in choice.value))


def _pages(operation: Node, parameters: list[Parameter]) -> Pages | None:
    found = operation.find("x-pagination")
    if found is None:
        return None
    pages = Pages(**found.value)
    for name in (pages.page, pages.size, pages.order):
        if name is not None and name not in {parameter.wire for parameter in parameters}:
            raise found.error(f"{name!r} is not a parameter of the operation")
    return pages


def _marker(operation: Node, parameters: list[Parameter]) -> str | None:
    marker: str | None = operation.get("x-marker")
    if marker is not None and marker not in {parameter.name for parameter in parameters}:
        raise operation.error(f"its x-marker {marker!r} is not a parameter of the operation")
    return marker


def _read_back(root: Node, operation: Node, parameters: list[Parameter]) -> Iterator[ReadBack]:
    for number, node in enumerate(operation.elements("x-read-back")):
        arguments, match = node.get("arguments", {}), node.get("match", {})
        known = {"marker"} if operation.get("x-marker") else set()
        _check_list(root, node, arguments)
        _check_references(
            node, [*arguments.values(), *match.values()], parameters, known, has_item=number > 0
        )
        yield ReadBack(list=node.text("list"), arguments=arguments, match=match, since=node.get("since"))


def _waiters(root: Node, operation: Node, parameters: list[Parameter]) -> Iterator[Waiter]:
    for name, node in operation.entries("x-waiter"):
        arguments = node.get("arguments", {})
        if node.get("list"):
            _check_list(root, node, arguments)
            _check_references(node, [*arguments.values()], parameters, set())
        yield Waiter(
            name=name,
            field=node.text("field"),
            success=tuple(node.get("success", ())),
            failure=tuple(node.get("failure", ())),
            list=node.get("list"),
            arguments=arguments,
        )


def _check_list(root: Node, node: Node, arguments: dict[str, Any]) -> None:
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


def _check_references(
    node: Node, values: list[Any], parameters: list[Parameter], known: set[str], has_item: bool = False
) -> None:
    """Check that each `$name` refers to a parameter of the operation, the marker or an item.

    Raises:
        ContractError: If one refers to nothing.
    """
    known = known | {parameter.name for parameter in parameters} | ({"item"} if has_item else set())
    for value in values:
        if isinstance(value, str) and value.startswith("$") and value[1:].split(".")[0] not in known:
            raise node.error(f"{value!r} refers to nothing; known are {', '.join(sorted(known))}")


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
