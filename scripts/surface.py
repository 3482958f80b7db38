"""Compare the public surface of two versions: Python names, settings, contracts, commands and exit codes.

    python scripts/surface.py [OLD [NEW]]

OLD and NEW are folders with a version of the project. OLD defaults to the last release, which git exports,
and NEW to this one. Breaks that `scripts/declared_breaks.txt` lists, one per line, are accepted. Any other
break fails, and so does a listed one that isn't there.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any

import griffe
import yaml

ROOT = Path(__file__).resolve().parents[1]
LAST_RELEASE = "e036b20"
"""The commit of version 1.0.0."""
DECLARED = Path(__file__).with_name("declared_breaks.txt")
MODULES = (
    "",
    ".aio.apis",
    ".apis",
    ".models",
    ".aio",
    ".aio.rest",
    ".bulk",
    ".cli.exits",
    ".contrib.opentelemetry",
    ".exceptions",
    ".filters",
    ".hooks",
    ".recovery",
    ".rest",
    ".sandbox",
    ".sandbox.pytest_plugin",
    ".sorting",
    ".waiting",
)
"""The modules whose names users import."""
REST = ("ApiException", "RESTClientObject", "RESTResponse")
"""The names of the two `rest` modules that users import."""
OPAQUE = ("rest.RESTClientObject", "pytest_plugin.knetik_")
"""Names of which only the absence is a break: only clients call the methods, and only pytest the fixtures."""
CONTRACTS = ("openapi.yaml", "sandbox/control.yaml")


def main(arguments: list[str]) -> int:
    """Print the breaks, and return 1 if they aren't exactly the declared ones."""
    with tempfile.TemporaryDirectory() as folder:
        old = Path(arguments[0]) if arguments else export(LAST_RELEASE, Path(folder), "knetik_cloud")
        new = Path(arguments[1]) if len(arguments) > 1 else ROOT
        found = breaks(old, new)
    declared = {line for line in DECLARED.read_text().splitlines() if line and not line.startswith("#")}
    for message in found:
        print(f"{'declared' if message in declared else 'UNDECLARED'}: {message}")
    for message in sorted(declared - set(found)):
        print(f"STALE: {message}")
    return 0 if set(found) == declared else 1


def export(revision: str, folder: Path, *paths: str) -> Path:
    """Write the files of a revision into a folder, or those of some paths.

    Raises:
        SystemExit: With 69, if there is no git, or it doesn't have the revision, as in a shallow clone.
    """
    command = ["git", "archive", revision, *paths]
    try:
        archive = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        reason = error if isinstance(error, FileNotFoundError) else error.stderr.decode()
        print(
            f"git can't export {revision}, the commit of the last release: run this in a clone with the "
            f"whole history (git fetch --unshallow)\n{reason}",
            file=sys.stderr,
        )
        raise SystemExit(69) from None
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


def breaks(old: Path, new: Path) -> list[str]:
    """List the breaking changes between two versions, in a stable order."""
    found = [_facts(folder) for folder in (old, new)]
    return sorted(
        {
            *python_breaks(old, new),
            *(
                each
                for name in CONTRACTS
                for each in contract_breaks(_contract(old, name), _contract(new, name))
            ),
            *setting_breaks(*(facts["settings"] for facts in found)),
            *command_breaks(*(facts["commands"] for facts in found)),
        }
    )


def python_breaks(old: Path, new: Path) -> Iterator[str]:
    """Yield the breaking changes of the Python names, signatures and values that users import."""
    trees = [_load(folder) for folder in (old, new)]
    for module in MODULES:
        before, after = (tree.get(f"knetik_cloud{module}") for tree in trees)
        if before is None:
            continue
        if after is None:
            yield f"knetik_cloud{module} was removed"
            continue
        for name, member in before.items():
            path = f"knetik_cloud{module}.{name}"
            if name not in after:
                yield f"{path} was removed"
            elif any(each in path for each in OPAQUE):
                continue
            elif isinstance(member, griffe.Class | griffe.Function | griffe.Attribute):
                for found in griffe.find_breaking_changes(_holder(name, member), _holder(name, after[name])):
                    if found.obj.name == "__del__":
                        continue  # Python calls it, and no program does
                    if found.obj.path.endswith("_with_http_info"):
                        continue  # a decorator's result, whose signature the typing cases check
                    location = found.obj.path.removeprefix(member.path)
                    yield f"{path}{location}: {found.kind.value}{_details(found)}"

            if isinstance(member, griffe.Class) and isinstance(after.get(name), griffe.Class):
                yield from _class_breaks(path, member, after[name], trees[0]["knetik_cloud"].keys())


def _holder(name: str, member: griffe.Object) -> griffe.Module:
    """Return a module with one name, because griffe compares only the members of an object."""
    module = griffe.Module("knetik_cloud")
    module.set_member(name, griffe.Alias(name, member))
    return module


def _class_breaks(path: str, old: griffe.Class, new: griffe.Class, public: Set[str]) -> Iterator[str]:
    """Yield the public bases that a class lost, and the values of an enum that changed, unlike griffe."""
    bases = [{each.name for each in version.mro()} for version in (old, new)]
    yield from (f"{path} no longer extends {base}" for base in sorted(bases[0] - bases[1]) if base in public)
    if "IntEnum" in map(str, old.bases):
        for name, member in old.attributes.items():
            now = new.attributes.get(name)
            if now is not None and str(now.value) != str(member.value):
                yield f"{path}.{name}: value changed ({member.value} -> {now.value})"


def _details(found: griffe.Breakage) -> str:
    values = [str(getattr(value, "name", value)) for value in (found.old_value, found.new_value)]
    return f" ({values[0]} -> {values[1]})"


def _load(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the public names of each module of a version, with the objects that they refer to."""
    package = griffe.load(folder.resolve() / "knetik_cloud", resolve_aliases=True, allow_inspection=False)
    modules: dict[str, dict[str, Any]] = {}
    for module in MODULES:
        found: Any = package
        for part in module.split(".")[1:]:
            found = found.members.get(part) if found is not None else None
        if found is not None:
            modules[f"knetik_cloud{module}"] = dict(_public(found))
    return modules


def _public(module: Any) -> Iterator[tuple[str, Any]]:
    """Yield what users import from a module. Packages import it from elsewhere, other modules define it."""
    defined = [
        name for name, member in module.members.items() if module.is_init_module or not member.is_alias
    ]
    listed = REST if module.name == "rest" else module.exports
    for name in defined if module.is_init_module or listed is None else listed:
        if name.startswith("_") or name.isupper():
            continue
        member = module.members[name]
        try:
            target = member.final_target if member.is_alias else member
        except griffe.AliasResolutionError:
            continue
        if not target.is_module and target.package.name == "knetik_cloud":
            yield name, target


def contract_breaks(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Yield the breaking changes of the contract: operations, parameters, fields, commands, retry classes."""
    before, after = _operations(old), _operations(new)
    for name, operation in before.items():
        if name not in after:
            yield f"contract: operation {name} was removed"
            continue
        yield from _field_breaks(f"the result of {name}", operation["result"], after[name]["result"])
        for key, value in operation["facts"].items():
            if after[name]["facts"].get(key) != value:
                yield f"contract: {key} of {name} changed ({value} -> {after[name]['facts'].get(key)})"
        for parameter, facts in operation["parameters"].items():
            now = after[name]["parameters"].get(parameter)
            if now is None:
                yield f"contract: parameter {parameter} of {name} was removed"
                continue
            if now["type"] != facts["type"]:
                change = f"{facts['type']} -> {now['type']}"
                yield f"contract: parameter {parameter} of {name} changed its type ({change})"
            for value in _lost_values(facts["schema"], now["schema"]):
                yield f"contract: parameter {parameter} of {name} no longer takes {value}"
        required = {p for p, facts in after[name]["parameters"].items() if facts["required"]}
        for parameter in sorted(required - {p for p, f in operation["parameters"].items() if f["required"]}):
            yield f"contract: parameter {parameter} of {name} became required"
    yield from _schema_breaks(old["components"]["schemas"], new["components"]["schemas"])


def _schema_breaks(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in old.items():
        if name not in new:
            yield f"contract: schema {name} was removed"
            continue
        yield from _field_breaks(name, schema, new[name])
        for field in sorted(_required(new[name]) - _required(schema)):
            yield f"contract: field {field} of {name} became required"


def _field_breaks(where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    before, after = _fields(old), _fields(new)
    for field, node in before.items():
        if field not in after:
            yield f"contract: field {field} of {where} was removed"
            continue
        if _type(node) != _type(after[field]):
            yield f"contract: field {field} of {where} changed ({_type(node)} -> {_type(after[field])})"
        for value in _lost_values(node, after[field]):
            yield f"contract: field {field} of {where} no longer has the value {value}"


def _lost_values(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """List the values of a closed set that a new version of it lacks."""
    return sorted(set(old.get("enum", ())) - set(new["enum"])) if "enum" in new else []


def _operations(contract: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    operations = {}
    for path, item in contract["paths"].items():
        for method, node in item.items():
            if not isinstance(node, dict) or "operationId" not in node:
                continue
            result = _content(contract, next(v for k, v in node["responses"].items() if k[0] == "2"))
            facts = {
                "path": f"{method.upper()} {path}",
                "retry class": node.get("x-retry"),
                "result": _type(result),
            }
            if "x-cli" in node:
                facts["command"] = node["x-cli"]
            listed = [
                _resolved(contract, each)
                for each in (*item.get("parameters", ()), *node.get("parameters", ()))
            ]
            if "requestBody" in node:
                body = _resolved(contract, node["requestBody"])
                listed.append({"name": "body", **body, "schema": _content(contract, body)})
            operations[node["operationId"]] = {
                "facts": facts,
                "result": result,
                "parameters": {
                    each["name"]: {
                        "schema": _resolved(contract, each["schema"]),
                        "type": _type(each["schema"]),
                        "required": bool(each.get("required")),
                    }
                    for each in listed
                },
            }
    return operations


def _content(contract: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of a body or a response, which is empty if it has none."""
    content: Mapping[str, Any] = _resolved(contract, node).get("content", {})
    return next((each["schema"] for each in content.values()), {})


def _resolved(contract: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in node:
        target: Any = contract
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def _parts(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [schema, *(part for part in schema.get("allOf", ()) if "$ref" not in part)]


def _fields(schema: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {name: node for part in _parts(schema) for name, node in part.get("properties", {}).items()}


def _required(schema: Mapping[str, Any]) -> set[str]:
    return {name for part in _parts(schema) for name in part.get("required", ())}


def _type(node: Mapping[str, Any]) -> str:
    """Describe the type of a schema in a word: `$ref` with or without a wrapping, or type and format."""
    if "$ref" in node:
        return str(node["$ref"]).rsplit("/", 1)[-1]
    wrapped = [part for part in (*node.get("allOf", ()), *node.get("oneOf", ())) if "$ref" in part]
    if wrapped:
        return _type(wrapped[0])
    inner = f"[{_type(node['items'])}]" if "items" in node else ""
    return f"{node.get('type', 'any')}{inner}{':' + node['format'] if 'format' in node else ''}"


FACTS = """
import inspect, json, os, click
from knetik_cloud import Configuration
from knetik_cloud.cli.command import knetik

def configure(**variables):
    os.environ.clear()
    os.environ.update({f"KNETIK_CLOUD_{name.upper()}": value for name, value in variables.items()})
    configuration = Configuration()
    return {name: repr(getattr(configuration, name)) for name in inspect.signature(Configuration).parameters}

defaults = configure()
settings = {
    name: {"default": default, "variable": configure(**{name: "https://example.com"})[name] != default}
    for name, default in defaults.items()
    if name != "user_agent"  # which has the version
}
print(json.dumps({"settings": settings, "commands": knetik.to_info_dict(click.Context(knetik))}, default=str))
"""


def _facts(folder: Path) -> Mapping[str, Any]:
    """Return the settings of a version, and its tree of commands as click describes it."""
    result = subprocess.run(
        [sys.executable, "-c", FACTS], cwd=folder, check=True, capture_output=True, text=True
    )
    facts: Mapping[str, Any] = json.loads(result.stdout)
    return facts


def setting_breaks(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Yield the settings whose default changed, or that an environment variable no longer sets."""
    for name in old.keys() & new.keys():  # griffe finds those that were removed
        before, after = old[name], new[name]
        if before["default"] != after["default"]:
            yield f"setting: default of {name} changed ({before['default']} -> {after['default']})"
        if before["variable"] and not after["variable"]:
            yield f"setting: {name} has no environment variable"


def command_breaks(old: Mapping[str, Any], new: Mapping[str, Any], path: str = "knetik") -> Iterator[str]:
    """Yield the breaking changes of a command: subcommands, options, and what it requires."""
    before, after = _parameters(old), _parameters(new)
    for name, each in before.items():
        if name not in after:
            yield f"command: {path} {name} was removed"
            continue
        now = after[name]
        for fact in ("default", "is_flag", "multiple", "nargs"):
            if each.get(fact) != now.get(fact):
                yield f"command: {fact} of {path} {name} changed ({each.get(fact)} -> {now.get(fact)})"
        choices = now["type"].get("choices")
        for lost in () if choices is None else {*each["type"].get("choices", ("any text",))} - {*choices}:
            yield f"command: {path} {name} no longer takes {lost}"
    for name, now in after.items():
        if now["required"] and not before.get(name, {}).get("required"):
            yield f"command: {path} requires {name}"
    for name, command in old.get("commands", {}).items():
        if name in new.get("commands", {}):
            yield from command_breaks(command, new["commands"][name], f"{path} {name}")
        else:
            yield f"command: {path} {name} was removed"


def _parameters(command: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return each option, and each argument by its position."""
    found: dict[str, Mapping[str, Any]] = {}
    arguments = [each for each in command["params"] if each["param_type_name"] == "argument"]
    for position, each in enumerate(arguments, 1):
        found[f"argument {position}"] = each
    for each in command["params"]:
        if each["param_type_name"] == "option":
            found.update(dict.fromkeys((*each["opts"], *each["secondary_opts"]), each))
    return found


def _contract(folder: Path, name: str) -> Mapping[str, Any]:
    """Return a contract of a version, which is empty if the version doesn't have it."""
    path = folder / "knetik_cloud" / name
    document: Mapping[str, Any] = {"paths": {}, "components": {"schemas": {}}}
    if path.exists():
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
