"""Compare the public surface of two versions: Python names, the contract, commands, options and exit codes.

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
from collections.abc import Iterator, Mapping
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
    ".exceptions",
    ".filters",
    ".hooks",
    ".recovery",
    ".rest",
    ".sandbox",
    ".sorting",
    ".waiting",
)
"""The modules whose names users import."""
REST = ("ApiException", "RESTClientObject", "RESTResponse")
"""The names of the two `rest` modules that users import."""
OPAQUE = ("RESTClientObject",)
"""Names that can be imported, but whose methods are for the clients alone."""


def main(arguments: list[str]) -> int:
    """Print the breaks, and return 1 if they aren't exactly the declared ones."""
    with tempfile.TemporaryDirectory() as folder:
        old = Path(arguments[0]) if arguments else export(LAST_RELEASE, Path(folder))
        new = Path(arguments[1]) if len(arguments) > 1 else ROOT
        found = breaks(old, new)
    declared = {line for line in DECLARED.read_text().splitlines() if line and not line.startswith("#")}
    for message in found:
        print(f"{'declared' if message in declared else 'UNDECLARED'}: {message}")
    for message in sorted(declared - set(found)):
        print(f"STALE: {message}")
    return 0 if set(found) == declared else 1


def export(revision: str, folder: Path) -> Path:
    """Write the files of a revision into a folder.

    Raises:
        CalledProcessError: If git doesn't have the revision, as in a shallow clone.
    """
    archive = subprocess.run(
        ["git", "archive", revision, "knetik_cloud"], cwd=ROOT, check=True, capture_output=True
    )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


def breaks(old: Path, new: Path) -> list[str]:
    """List the breaking changes between two versions, in a stable order."""
    return sorted(
        {
            *python_breaks(old, new),
            *contract_breaks(_contract(old), _contract(new)),
            *command_breaks(_commands(old), _commands(new)),
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
            elif name in OPAQUE:
                continue
            elif isinstance(member, griffe.Class | griffe.Function | griffe.Attribute):
                for found in griffe.find_breaking_changes(member, after[name]):
                    if found.obj.name == "__del__":
                        continue  # Python calls it, and no program does
                    if found.obj.path.endswith("_with_http_info"):
                        continue  # a decorator's result, whose signature the typing cases check
                    location = found.obj.path.removeprefix(member.path)
                    yield f"{path}{location}: {found.kind.value}{_details(found)}"

            if isinstance(member, griffe.Class) and "IntEnum" in map(str, member.bases):
                yield from _value_breaks(path, member, after.get(name))


def _value_breaks(path: str, old: griffe.Class, new: Any) -> Iterator[str]:
    """Yield the members of an enum whose values changed, which griffe doesn't compare."""
    for name, member in old.attributes.items():
        now = new.attributes.get(name) if new is not None else None
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
    for name, member in module.members.items():
        if (
            name.startswith("_")
            or name == "annotations"
            or (name.isupper())
            or (module.name == "rest" and name not in REST)
            or (name.islower() and member.is_alias)
        ):
            continue
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
        for key, value in operation["facts"].items():
            if after[name]["facts"].get(key) != value:
                yield f"contract: {key} of {name} changed ({value} -> {after[name]['facts'].get(key)})"
        for parameter, facts in operation["parameters"].items():
            now = after[name]["parameters"].get(parameter)
            if now is None:
                yield f"contract: parameter {parameter} of {name} was removed"
            elif now["type"] != facts["type"]:
                change = f"{facts['type']} -> {now['type']}"
                yield f"contract: parameter {parameter} of {name} changed its type ({change})"
        required = {p for p, facts in after[name]["parameters"].items() if facts["required"]}
        for parameter in sorted(required - {p for p, f in operation["parameters"].items() if f["required"]}):
            yield f"contract: parameter {parameter} of {name} became required"
    yield from _schema_breaks(old["components"]["schemas"], new["components"]["schemas"])


def _schema_breaks(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in old.items():
        if name not in new:
            yield f"contract: schema {name} was removed"
            continue
        before, after = _fields(schema), _fields(new[name])
        for field, facts in before.items():
            if field not in after:
                yield f"contract: field {field} of {name} was removed"
            elif after[field] != facts:
                yield f"contract: field {field} of {name} changed ({facts} -> {after[field]})"
        for field in sorted(_required(new[name]) - _required(schema)):
            yield f"contract: field {field} of {name} became required"


def _operations(contract: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    operations = {}
    for path, item in contract["paths"].items():
        for method, node in item.items():
            if not isinstance(node, dict) or "operationId" not in node:
                continue
            facts = {"path": f"{method.upper()} {path}", "retry class": node["x-retry"]}
            if "x-cli" in node:
                facts["command"] = node["x-cli"]
            listed = [
                _resolved(contract, each)
                for each in (*item.get("parameters", ()), *node.get("parameters", ()))
            ]
            operations[node["operationId"]] = {
                "facts": facts,
                "parameters": {
                    each["name"]: {
                        "type": _type(_resolved(contract, each["schema"])),
                        "required": bool(each.get("required")),
                    }
                    for each in listed
                },
            }
    return operations


def _resolved(contract: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in node:
        target: Any = contract
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def _parts(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [schema, *(part for part in schema.get("allOf", ()) if "$ref" not in part)]


def _fields(schema: Mapping[str, Any]) -> dict[str, str]:
    return {name: _type(node) for part in _parts(schema) for name, node in part.get("properties", {}).items()}


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


COMMANDS = """
import json, click
from knetik_cloud.cli.command import knetik
print(json.dumps(knetik.to_info_dict(click.Context(knetik)), default=str))
"""


def _commands(folder: Path) -> Mapping[str, Any]:
    """Return the tree of commands of a version, as click describes it."""
    result = subprocess.run(
        [sys.executable, "-c", COMMANDS], cwd=folder, check=True, capture_output=True, text=True
    )
    tree: Mapping[str, Any] = json.loads(result.stdout)
    return tree


def command_breaks(old: Mapping[str, Any], new: Mapping[str, Any], path: str = "knetik") -> Iterator[str]:
    """Yield the breaking changes of a command: subcommands, options, and what it requires."""
    before, after = _parameters(old), _parameters(new)
    for name in before:
        if name not in after:
            yield f"command: {path} {name} was removed"
    for name, is_required in after.items():
        if is_required and not before.get(name):
            yield f"command: {path} requires {name}"
    for name, command in old.get("commands", {}).items():
        if name in new.get("commands", {}):
            yield from command_breaks(command, new["commands"][name], f"{path} {name}")
        else:
            yield f"command: {path} {name} was removed"


def _parameters(command: Mapping[str, Any]) -> dict[str, bool]:
    """Return each option, and each argument by its position, and whether it is required."""
    found: dict[str, bool] = {}
    arguments = [each for each in command["params"] if each["param_type_name"] == "argument"]
    for position, each in enumerate(arguments, 1):
        found[f"argument {position}"] = each["required"]
    for each in command["params"]:
        if each["param_type_name"] == "option":
            for name in (*each["opts"], *each["secondary_opts"]):
                found[name] = each["required"]
    return found


def _contract(folder: Path) -> Mapping[str, Any]:
    text = (folder / "knetik_cloud" / "openapi.yaml").read_text(encoding="utf-8")
    document: Mapping[str, Any] = yaml.safe_load(text)
    return document


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
