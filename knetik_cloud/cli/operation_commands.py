"""The commands of the operations, made from the operation definitions when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from knetik_cloud.cli import bodies, calls, outcomes
from knetik_cloud.cli.bodies import dashed
from knetik_cloud.cli.groups import Group
from knetik_cloud.cli.options import Argument, Command, Duration, claim_stdin, run_of, yes_option

if TYPE_CHECKING:
    from knetik_cloud.cli.run import Run
    from knetik_cloud.core.operation import Operation, Parameter
    from knetik_cloud.data.model import Field

SECTIONS = ("Output options", "Connection options", "Request options")


class OperationGroup(Group):
    """The commands of the operations that share a first word, such as `items`."""

    def __init__(self, name: str) -> None:
        super().__init__(name, help=f"Commands: {', '.join(calls.groups()[name])}.")

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(calls.groups()[self.name or ""])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        operation = calls.groups()[self.name or ""].get(cmd_name)
        return None if operation is None else OperationCommand(cmd_name, operation)


class OperationCommand(Command):
    """The command of one operation."""

    def __init__(self, name: str, operation: Operation[Any], *, hidden: bool = False) -> None:
        super().__init__(
            name, callback=self._run, sections=SECTIONS, hidden=hidden, short_help=operation.summary
        )
        self.operation = operation
        self._built: list[click.Parameter] | None = None
        self._is_described = False

    def own_params(self, context: click.Context | None = None) -> list[click.Parameter]:
        if self._built is None:
            self._built = list(self._build())
        return self._built

    def get_help(self, ctx: click.Context) -> str:
        self.describe()
        return super().get_help(ctx)

    def describe(self) -> None:
        """Fill in the descriptions of the command and its parameters, which only its help needs."""
        if not self._is_described:
            from knetik_cloud.cli.descriptions import describe

            self._is_described = True
            describe(self)

    def _build(self) -> Iterator[click.Parameter]:
        operation = self.operation
        body = calls.body_of(operation)
        for parameter in operation.parameters:
            if parameter.required and parameter.place != "body" and not parameter.secret:
                # A required field of a form has a default in the contract, which the method fills in.
                is_required = parameter.place != "form"
                yield Argument([parameter.name], required=is_required, type=_type(parameter.type))
        if body is not None:
            yield Argument([bodies.argument_name(body)], required=False)
        for parameter in operation.parameters:
            if parameter.place != "body" and (parameter.secret or not parameter.required):
                yield _option(parameter)
        for name, field in bodies.fields_of(operation).items():
            yield _field_option(name, field)
        if body is not None:
            yield click.Option(
                ["--skeleton"], is_flag=True, help="Write an example of the body, and send nothing."
            )
        if operation.pages is not None:
            yield click.Option(["--all"], is_flag=True, help="Read all pages.")
            yield click.Option(
                ["--limit"],
                type=click.IntRange(min=0),
                help="Maximum number of rows, from several pages.",
            )
        if outcomes.takes_key(operation):
            yield click.Option(["--once"], metavar="KEY", help=_once_help(operation))
        if outcomes.wait_of(operation) is not None:
            yield click.Option(
                ["--wait"],
                type=Duration(),
                help="Wait up to this long for the entry to become active, then write it.",
            )
        if operation.method == "DELETE":
            yield yes_option()

    def _run(self, /, **values: Any) -> None:
        from knetik_cloud.cli.execution import Execution, How

        run = run_of(click.get_current_context())
        if values.pop("skeleton", False):
            from knetik_cloud.cli.descriptions import body_example
            from knetik_cloud.cli.rows import dumps

            click.echo(dumps(body_example(self.operation), 2))
            return
        how = How(**{name: values.pop(name, None) for name in How._fields})
        arguments = self._arguments(run, {k: v for k, v in values.items() if v not in (None, ())})
        execution = Execution(run, self.operation, arguments, how)
        names, _, kinds = execution.columns
        run.act(execution.plan, execution.perform, names, kinds)

    def _arguments(self, run: Run, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of the method."""
        operation = self.operation
        arguments = {}
        for parameter in operation.parameters:
            if parameter.place != "body" and parameter.name in given:
                value = given[parameter.name]
                arguments[parameter.name] = _secret(run, parameter, value) if parameter.secret else value
        if not operation.authenticated:
            arguments = {**_own_credentials(run, operation, arguments), **arguments}
        body = calls.body_of(operation)
        if body is None:
            return arguments
        fields = bodies.fields_of(operation)
        chosen = {name: given[name] for name in fields if name in given}
        content = bodies.read(operation, body, given.get(bodies.argument_name(body)), chosen)
        if content is None and body.required:
            options = ", ".join(f"--{dashed(name)}" for name in fields)
            instead = f", or set {options}" if options else ""
            raise click.UsageError(f"the body is missing: pass it as JSON, @FILE or -{instead}")
        if isinstance(content, dict):
            missing = [
                f"--{dashed(name)}"
                for name, field in fields.items()
                if field.required and content.get(field.wire, content.get(name)) is None
            ]
            if missing:
                raise click.UsageError(f"the body is missing required fields: set {', '.join(missing)}")
        return arguments if content is None else {**arguments, body.name: content}


def _once_help(operation: Operation[Any]) -> str:
    """Return the help of --once, which promises more for an operation that has a place for the key."""
    if operation.marker is not None:
        return (
            "Apply the write at most once under this key, even if you run the command again, and write its "
            "outcome. Two runs at the same time may both apply it. If the response is lost, the command "
            "finds the outcome in the service's log."
        )
    return (
        "Apply the write at most once, and write its outcome. If the response is lost, the command reads "
        "the outcome back. The service stores no key here, so another run with the same key sends it again."
    )


def _type(expression: str) -> Any:
    """Return click's type for a type expression, or None for texts."""
    return {"int32": click.INT, "int64": click.INT, "int": click.INT, "float": click.FLOAT}.get(expression)


def _option(parameter: Parameter) -> click.Option:
    """Return the option for a parameter; a secret comes from a file or stdin, never from the command line."""
    name = dashed(parameter.name)
    if parameter.secret:
        kind = click.Path(path_type=Path, allow_dash=True)
        return click.Option([f"--{name}-file", parameter.name], type=kind, metavar="FILE|-")
    if parameter.type == "bool":
        return click.Option([f"--{name}/--no-{name}", parameter.name], default=None)
    element = parameter.type.removeprefix("list[").removesuffix("]")
    is_list = element != parameter.type
    return click.Option([f"--{name}", parameter.name], type=_type(element), multiple=is_list)


def _field_option(name: str, field: Field) -> click.Option:
    """Return the option for a field of the body."""
    option = dashed(name)
    if field.expression == "bool":
        return click.Option([f"--{option}/--no-{option}", name], default=None)
    if field.enum is not None:
        return click.Option([f"--{option}", name], type=click.Choice(field.enum))
    if field.expression == "list[str]":
        return click.Option([f"--{option}", name], multiple=True)
    if bodies.takes_json(field):
        return click.Option([f"--{option}", name], metavar="JSON|@FILE")
    return click.Option([f"--{option}", name], type=_type(field.expression))


def _secret(run: Run, parameter: Parameter, path: Path) -> Any:
    """Return the secret in a file, or a mask if nothing is going to be sent."""
    from knetik_cloud.cli.profiles import read_secret
    from knetik_cloud.secret import MASK, Secret

    what = f"the {parameter.name}"
    if str(path) == "-":
        claim_stdin(what)
    return Secret(MASK if run.dry_run or run.show_as else read_secret(path, what))


def _own_credentials(run: Run, operation: Operation[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the credential of this run as the arguments of the operation that exchanges it for a token."""
    names = {parameter.name for parameter in operation.parameters}
    found = next((each for each in run.credentials() if each.kind in names), None)
    if found is None or any(
        parameter.secret for parameter in operation.parameters if parameter.name in given
    ):
        return {}
    settings = found.settings(is_masked=run.dry_run or run.show_as is not None)
    if found.kind == "password":
        settings["grant_type"] = "password"
    return {name: value for name, value in settings.items() if name in names and value is not None}
