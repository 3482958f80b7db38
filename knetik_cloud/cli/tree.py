"""All commands with their parameters, for completion scripts, the manual page and the reference pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import click

from knetik_cloud.cli import calls
from knetik_cloud.cli.options import Command


class Leaf(NamedTuple):
    """One command: its words after `knetik`, the click command, and a context to ask it in."""

    words: tuple[str, ...]
    command: click.Command
    context: click.Context

    @property
    def name(self) -> str:
        """The words of the command line, such as `knetik items get`."""
        return " ".join(("knetik", *self.words))

    @property
    def children(self) -> dict[str, str]:
        """The subcommands with their short help."""
        if not isinstance(self.command, click.Group):
            return {}
        found = {}
        for name in self.command.list_commands(self.context):
            command = self.command.get_command(self.context, name)
            if command is not None and not command.hidden:
                found[name] = command.get_short_help_str(200)
        return found

    def parameters(self) -> list[click.Parameter]:
        """Return the parameters, described."""
        describe = getattr(self.command, "describe", None)
        if describe is not None:
            describe()
        return list(self.command.get_params(self.context))

    def options(self) -> list[click.Option]:
        """Return the options."""
        return [each for each in self.parameters() if isinstance(each, click.Option) and not each.hidden]

    def arguments(self) -> list[click.Argument]:
        """Return the positional arguments."""
        return [each for each in self.parameters() if isinstance(each, click.Argument)]

    def own_options(self) -> list[click.Option]:
        """Return the options that are the command's own, without those that commands share."""
        shared = {name for name, _ in shared_options(self.command)}
        return [each for each in self.options() if not shared & set(each.opts)]


def shared_options(command: click.Command) -> list[tuple[str, click.Option]]:
    """Return the shared options of a command by each of their names."""
    if not isinstance(command, Command):
        return []
    options = [each for _, section in command.shared for each in section if isinstance(each, click.Option)]
    return [(name, each) for each in options for name in each.opts]


def walk() -> Iterator[Leaf]:
    """Iterate over all commands, groups before their subcommands."""
    from knetik_cloud.cli.command import knetik

    context = click.Context(knetik, info_name="knetik")
    yield from _walk((), knetik, context)


def _walk(words: tuple[str, ...], command: click.Command, context: click.Context) -> Iterator[Leaf]:
    yield Leaf(words, command, context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from _walk((*words, name), child, click.Context(child, parent=context, info_name=name))


def values_of(parameter: click.Parameter) -> tuple[str, ...]:
    """Return the values that a parameter is known to take, or none."""
    if isinstance(parameter.type, click.Choice):
        return tuple(map(str, parameter.type.choices))
    if parameter.name == "operation":  # its command has several words, which are no single value
        return tuple(calls.by_id())
    return ()


def takes_file(parameter: click.Parameter) -> bool:
    """Return whether a parameter takes the path of a file."""
    metavar = parameter.metavar or ""
    return isinstance(parameter.type, (click.Path, click.File)) or "FILE" in metavar
