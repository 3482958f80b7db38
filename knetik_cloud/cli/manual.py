"""The manual page of the command, and its reference pages in Markdown, made from the commands themselves."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from functools import cache

import click

from knetik_cloud.cli import tree
from knetik_cloud.cli.exits import MEANINGS
from knetik_cloud.cli.options import SECTIONS, Argument, Command, run_of
from knetik_cloud.version import __version__

ENVIRONMENT = (
    ("KNETIK_CLOUD_HOST", "Base URL of the service."),
    ("KNETIK_CLOUD_ACCESS_TOKEN", "Access token."),
    ("KNETIK_CLOUD_CLIENT_ID", "Client id of the application."),
    ("KNETIK_CLOUD_CLIENT_SECRET", "Secret of the application, for the client credentials grant."),
    ("KNETIK_CLOUD_USERNAME", "Username, for the password grant."),
    ("KNETIK_CLOUD_PASSWORD", "Password, for the password grant."),
    ("KNETIK_CLOUD_PROFILE", "Profile to use, unless --profile names one."),
    ("KNETIK_CLOUD_CONFIG", "Configuration file, in place of the default one."),
    ("KNETIK_SANDBOX_DATABASE", "Database of `knetik sandbox`, which may be a URL with a password."),
    ("NO_COLOR", "Write no colors."),
    ("CLICOLOR", "0 writes no colors."),
    ("CLICOLOR_FORCE", "Write colors to a pipe, too."),
)
"""The environment variables that the command reads."""


class Option:
    """An option as the pages show it.

    Args:
        option: The option of click.
    """

    def __init__(self, option: click.Option, context: click.Context) -> None:
        record = option.get_help_record(context) or ("", "")
        self.names = " / ".join(", ".join(each) for each in (option.opts, option.secondary_opts) if each)
        self.value = "" if option.is_flag or option.count else option.make_metavar(context)
        self.usage = f"{self.names} {self.value}".strip()
        self.help = " ".join(record[1].split())


@cache
def leaves() -> list[tree.Leaf]:
    """Return all commands."""
    return list(tree.walk())


def usage(leaf: tree.Leaf) -> str:
    """Return the usage of a command in one line."""
    pieces = " ".join(leaf.command.collect_usage_pieces(leaf.context))
    return f"{leaf.name} {pieces}"


def paragraphs(leaf: tree.Leaf) -> list[str]:
    r"""Return the paragraphs of a command's description. Those that begin with \b keep their lines."""
    describe = getattr(leaf.command, "describe", None)
    if describe is not None:
        describe()
    text = inspect.cleandoc(leaf.command.help or "")
    return [part.strip("\n") for part in re.split(r"\n\s*\n", text) if part.strip()]


# Markdown


def pages() -> dict[str, str]:
    """Return the reference pages by their names, without a suffix."""
    found = {"index": _index()}
    for leaf in leaves():
        if len(leaf.words) == 1:
            found[leaf.words[0]] = _page(leaf)
    return found


def _index() -> str:
    lines = ["# Commands", "", *_prose(leaves()[0]), "## All commands", ""]
    lines += ["Command | Description", "--- | ---"]
    for leaf in leaves()[1:]:
        if not leaf.children:
            link = f"{leaf.words[0]}.md" + (f"#{_anchor(leaf.name)}" if len(leaf.words) > 1 else "")
            lines.append(f"[`{leaf.name}`]({link}) | {_cell(leaf.command.get_short_help_str(200))}")
    context = leaves()[0].context
    for title, make in SECTIONS:
        options = [each for each in make() if isinstance(each, click.Option)]
        lines += ["", f"## {title}", "", *_options(Option(each, context) for each in options)]
    lines += ["", "## Exit codes", "", "Code | Meaning | What to do", "--- | --- | ---"]
    for code, each in MEANINGS.items():
        lines.append(f"{int(code)} | {_cell(each.meaning)} | {_cell(each.next_step)}")
    lines += ["", "## Environment variables", "", "Variable | Meaning", "--- | ---"]
    lines += [f"`{name}` | {_cell(meaning)}" for name, meaning in ENVIRONMENT]
    names = [leaf.words[0] for leaf in leaves() if len(leaf.words) == 1]
    lines += ["", "<!-- {toctree}", ":hidden:", ":caption: Commands", "", *names, "-->"]
    return "\n".join(lines) + "\n"


def _page(leaf: tree.Leaf) -> str:
    """Return the page of a command with all that is below it."""
    lines = [f"# {leaf.name}", ""]
    below = [each for each in leaves() if each.words[:1] == leaf.words and each.words != leaf.words]
    lines += _prose(leaf)
    if not below or tree.Leaf.own_options(leaf):
        lines += _parameters(leaf)
    for each in below:
        lines += ["", f"## {each.name}", "", *_prose(each), *_parameters(each)]
    lines += ["", "The options that commands share are on the page [Commands](index.md)."]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def _prose(leaf: tree.Leaf) -> list[str]:
    lines = []
    for part in paragraphs(leaf):
        if part.startswith("\b"):
            lines += ["```text", inspect.cleandoc(part.removeprefix("\b\n")), "```", ""]
        else:
            lines += [_angles(" ".join(part.split())), ""]
    return lines


def _parameters(leaf: tree.Leaf) -> list[str]:
    lines = ["```text", usage(leaf), "```", ""]
    arguments = [each for each in leaf.arguments() if getattr(each, "help", None)]
    if arguments:
        lines += ["Argument | Description", "--- | ---"]
        for each in arguments:
            lines.append(f"{_code(each.make_metavar(leaf.context))} | {_cell(getattr(each, 'help', ''))}")
        lines.append("")
    lines += _options(Option(each, leaf.context) for each in leaf.own_options() if "--help" not in each.opts)
    shown = [line for line in (leaf.command.epilog or "").splitlines() if line.startswith("  ")]
    if shown:
        lines += ["", "```sh", *(line.strip() for line in shown), "```"]
    return lines


def _options(options: Iterable[Option]) -> list[str]:
    rows = [f"{_code(each.usage)} | {_cell(each.help)}" for each in options]
    return ["Option | Description", "--- | ---", *rows] if rows else []


def _code(text: str) -> str:
    """Return a text as code in a cell of a table."""
    escaped = text.replace("|", "\\|")
    return f"`{escaped}`"


def _cell(text: str) -> str:
    return _angles(" ".join(text.split())).replace("|", "\\|")


def _angles(text: str) -> str:
    return text.replace("<", "&lt;")


def _anchor(heading: str) -> str:
    return heading.replace(" ", "-")


# The manual page


def roff() -> str:
    """Return the manual page in the language of `man`."""
    lines = [f'.TH KNETIK 1 "" "knetik_cloud {__version__}" "Knetik"']
    lines += [".SH NAME", "knetik \\- work with the Knetik inventory and entitlement API"]
    lines += [".SH SYNOPSIS", ".B knetik", ".I COMMAND", "[OPTIONS] [ARGS]", ".SH DESCRIPTION"]
    lines += _roff_prose(leaves()[0])
    lines.append(".SH COMMANDS")
    for leaf in leaves()[1:]:
        if not leaf.children or leaf.own_options():
            lines += [f".SS {_roff(usage(leaf))}", *_roff_prose(leaf), *_roff_parameters(leaf)]
    context = leaves()[0].context
    for title, make in SECTIONS:
        lines.append(f".SH {title.upper()}")
        for each in make():
            if isinstance(each, click.Option):
                lines += _roff_option(Option(each, context))
    lines.append(".SH EXIT STATUS")
    for code, meaning in MEANINGS.items():
        lines += [".TP", f".B {int(code)}", _roff(f"{meaning.meaning} {meaning.next_step}")]
    lines.append(".SH ENVIRONMENT")
    for name, text in ENVIRONMENT:
        lines += [".TP", f".B {name}", _roff(text)]
    lines += [".SH FILES", ".TP", ".I ~/.config/knetik/config.toml"]
    lines.append(_roff("The profiles, on Linux. `knetik whoami` shows the path on other systems."))
    return "\n".join(lines) + "\n"


def _roff_prose(leaf: tree.Leaf) -> list[str]:
    lines = []
    for part in paragraphs(leaf):
        if part.startswith("\b"):
            kept = inspect.cleandoc(part.removeprefix("\b\n")).splitlines()
            lines += [".PP", ".nf", *map(_roff, kept), ".fi"]
        else:
            lines += [".PP", _roff(" ".join(part.split()))]
    return lines


def _roff_parameters(leaf: tree.Leaf) -> Iterator[str]:
    for argument in leaf.arguments():
        yield from (".TP", f".I {_roff(argument.make_metavar(leaf.context))}")
        yield _roff(argument.help or "" if isinstance(argument, Argument) else "")
    for option in leaf.own_options():
        if "--help" not in option.opts:
            yield from _roff_option(Option(option, leaf.context))
    for line in (leaf.command.epilog or "").splitlines():
        if line.startswith("  "):
            yield from (".PP", ".nf", _roff(line), ".fi")


def _roff_option(option: Option) -> list[str]:
    value = f" \\fI{_roff(option.value)}\\fR" if option.value else ""
    return [".TP", f"\\fB{_roff(option.names)}\\fR{value}", _roff(option.help)]


def _roff(text: str) -> str:
    """Escape a text for roff: backslashes, dashes, and what begins a request."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "")
    return f"\\&{escaped}" if escaped[:1] in (".", "'") else escaped


@click.command(cls=Command)
def man() -> None:
    """Write the manual page, which `knetik man | man -l -` shows."""
    run = run_of(click.get_current_context())
    run.act(lambda: [{"write": "the manual page"}], lambda live: click.echo(roff().encode(), nl=False))
