"""Renders the contract through the templates: every generated file, by its path."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import jinja2

from codegen import docstrings, markdown, names, rows
from codegen.contract import Contract, Operation
from codegen.errors import exception_name
from codegen.examples import command_line, example_of
from codegen.formatting import format_files
from codegen.output import MARK
from knetik_cloud.contract import Failure

TEMPLATES = Path(__file__).parent / "templates"


def render(contract: Contract, package: str) -> dict[str, str]:
    """Render every module and page; the paths are relative to the folder that holds the package."""
    templates = _environment(contract, package)

    def fill(template: str, **context: Any) -> str:
        return templates.get_template(template).render(**context)

    tags = sorted({operation.tag for operation in contract.operations})
    classes = {names.class_name(tag): names.snake_case(names.class_name(tag)) for tag in tags}
    files = {
        f"{package}/operations.py": fill("operations.py.jinja", used=_returned_models(contract)),
        f"{package}/apis/__init__.py": fill(
            "lazy_package.py.jinja",
            opening="The API classes, one for each tag of the contract, loaded on first use.",
            subpackage="apis",
            modules=classes,
        ),
        f"{package}/aio/apis/__init__.py": fill(
            "lazy_package.py.jinja",
            opening="The asyncio API classes, one for each tag of the contract, loaded on first use.",
            subpackage="aio.apis",
            modules=classes,
        ),
        f"{package}/models/__init__.py": fill(
            "lazy_package.py.jinja",
            opening="The models, one for each schema of the contract, loaded on first use.",
            subpackage="models",
            modules={schema.name: schema.module for schema in contract.schemas.values()},
        ),
    }
    for tag in tags:
        operations = contract.operations_of(tag)
        name = names.class_name(tag)
        for subpackage, asynchronous in (("apis", False), ("aio/apis", True)):
            files[f"{package}/{subpackage}/{names.snake_case(name)}.py"] = fill(
                "api.py.jinja",
                class_name=name,
                tag=tag,
                description=contract.tags.get(tag, ""),
                operations=operations,
                asynchronous=asynchronous,
                pager_package="aio" if asynchronous else "knetik_cloud",
                used=_names_in_class(contract, operations, "aio" if asynchronous else "knetik_cloud"),
                common=_common_failures(operations),
            )
        files[f"docs/{name}.md"] = fill("api.md.jinja", class_name=name, tag=tag, operations=operations)
    files["docs/reference.md"] = fill("reference.md.jinja", sections=readme_sections(contract, package))
    sent = contract.request_models()
    for schema in contract.schemas.values():
        used = rows.names_in(field.type.code for field in schema.fields)
        files[f"{package}/models/{schema.module}.py"] = fill("model.py.jinja", schema=schema, used=used)
        files[f"docs/{schema.name}.md"] = fill(
            "model.md.jinja",
            schema=schema,
            constructed=schema.name in sent,
            used_by=markdown.used_by(contract, schema),
        )
    return format_files(files)


def readme_sections(contract: Contract, package: str) -> dict[str, str]:
    """Render what README.md holds between its markers, by their names."""
    templates = _environment(contract, package)
    return {
        name: templates.get_template(f"readme_{name}.md.jinja").render()
        for name in ("endpoints", "models", "authorization")
    }


def _environment(contract: Contract, package: str) -> jinja2.Environment:
    """Set the templates up with what all of them may refer to."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters.update(
        cell=markdown.cell,
        exception=exception_name,
        first_sentence=markdown.first_sentence,
        json=markdown.json_text,
        page_link=markdown.page_link,
        paragraphs=docstrings.paragraphs,
        quoted=repr,
        sentence=docstrings.sentence,
    )
    environment.globals.update(
        alternatives=docstrings.alternatives,
        contract=contract,
        docstrings=docstrings,
        mark=MARK,
        markdown=markdown,
        names=names,
        package=package,
        rows=rows,
        retry_meanings=docstrings.RETRY,
    )
    environment.filters["example"] = partial(example_of, contract, package)
    environment.filters["command_line"] = partial(command_line, contract)
    return environment


def _returned_models(contract: Contract) -> list[str]:
    """Return the names of the models that operations return, for the annotations of their definitions."""
    return sorted({o.returns.model for o in contract.operations if o.returns and o.returns.model})


def _names_in_class(contract: Contract, operations: list[Operation], package: str) -> set[str]:
    """Return the names that the annotations of an API class refer to."""
    annotations: list[str] = []
    for operation in operations:
        annotations += [rows.argument_annotation(parameter) for parameter in operation.parameters]
        annotations.append(rows.result_annotation(operation))
        if operation.pages:
            annotations.append(rows.pager_annotation(contract, operation, package))
    used = rows.names_in(annotations)
    waiters = [waiter for operation in operations for waiter in operation.waiters]
    if waiters:
        used |= {"Callable", "Sequence", "overload"}
    if any(waiter.since for waiter in waiters):
        used.add("dt")
    return used


def _common_failures(operations: list[Operation]) -> list[Failure]:
    """Return the documented errors that all operations of a class share."""
    return [
        failure
        for failure in operations[0].failures
        if all(failure in operation.failures for operation in operations)
    ]
