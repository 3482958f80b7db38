"""`knetik completion`: scripts with which shells complete the command without starting it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from knetik_cloud.cli import calls, tree
from knetik_cloud.cli.options import Argument, Command, run_of
from knetik_cloud.cli.profiles import default_config_path

if TYPE_CHECKING:
    from knetik_cloud.core.operation import Operation


class Word(NamedTuple):
    """A word that completion offers, and what it means."""

    text: str
    help: str


class Entry(NamedTuple):
    """The completion of the words after a command.

    Attributes:
        path: The words, with a space between them.
        commands: The subcommands, or the values of the arguments.
        options: The options.
        values: The values of the options that have known ones; None for files, "profiles" for profiles.
        takes_files: Whether an argument is the path of a file.
    """

    path: str
    commands: list[Word]
    options: list[Word]
    values: Mapping[str, tuple[str, ...] | str | None]
    takes_files: bool


def entries() -> Iterator[Entry]:
    """Iterate over what completion offers, command by command."""
    for leaf in tree.walk():
        groups: Mapping[str, Mapping[str, Operation[Any]]] = {}
        commands = [Word(name, text) for name, text in leaf.children.items()]
        takes_files = False
        for argument in leaf.arguments():
            commands += [Word(value, "") for value in tree.values_of(argument)]
            takes_files = takes_files or tree.takes_file(argument)
            if argument.name == "operation" and argument.nargs == -1:  # also the words of its command
                groups = calls.groups()
        commands += [Word(name, "") for name in groups]
        options, values = [], dict[str, tuple[str, ...] | str | None]()
        for option in leaf.options():
            for name in (*option.opts, *option.secondary_opts):
                options.append(Word(name, _first_sentence(option.help or "")))
                if not option.is_flag and not option.count:
                    values[name] = _values(option)
        entry = Entry(" ".join(leaf.words), commands, options, values, takes_files)
        yield entry
        for group, operations in groups.items():
            words = [Word(name, operation.summary) for name, operation in operations.items()]
            yield entry._replace(path=f"{entry.path} {group}", commands=words)


def _values(option: click.Option) -> tuple[str, ...] | str | None:
    if "--profile" in option.opts:
        return "profiles"
    known = tree.values_of(option)
    return None if not known and tree.takes_file(option) else known


def _profiles() -> str:
    """Return a shell command that lists the names of the profiles, wherever the home is."""
    folder = default_config_path().parent.parent
    if folder.is_relative_to(Path.home()):
        folder = "$HOME" / folder.relative_to(Path.home())
    path = f"${{KNETIK_CLOUD_CONFIG:-${{XDG_CONFIG_HOME:-{folder.as_posix()}}}/knetik/config.toml}}"
    return f"sed -n 's/^ *\\[profiles\\.\\([A-Za-z0-9._-]*\\)\\].*/\\1/p' \"{path}\" 2>/dev/null"


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).split(". ")[0].rstrip(".")


def bash() -> str:
    """Return the script for bash."""
    return _script(
        """\
# Completion of `knetik` for bash, which starts no other program than sed. Install it with
#   knetik completion bash > ~/.local/share/bash-completion/completions/knetik
_knetik_files() {
    local file
    compopt -o filenames 2> /dev/null
    while IFS= read -r file; do
        COMPREPLY+=("$file")
    done < <(compgen -f -- "$current")
}
_knetik() {
    local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"
    local path="" word next files=""
    local words="" options=""
    # bash splits --option=value into three words.
    [[ $previous == "=" ]] && previous="${COMP_WORDS[COMP_CWORD-2]}"
    [[ $current == "=" ]] && current=""
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        [[ $word == -* ]] && continue
        next="${path:+$path }$word"
        case "$next" in
            @PATHS@) path="$next" ;;
        esac
    done
    case "$path:$previous" in
@VALUES@
    esac
    case "$path" in
@ENTRIES@
    esac
    if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$current"))
    else
        COMPREPLY=($(compgen -W "$words" -- "$current"))
        [[ -n $files ]] && _knetik_files
    fi
}
# bash 3 has no compopt, and takes all words for names of files.
complete $(type compopt > /dev/null 2>&1 || echo -o filenames) -o bashdefault -F _knetik knetik
""",
        value=_bash_value,
        entry=lambda entry: [
            f"        {shlex.quote(entry.path)})",
            f"            words={shlex.quote(' '.join(word.text for word in entry.commands))}",
            f"            options={shlex.quote(' '.join(word.text for word in entry.options))}",
            *(["            files=1"] if entry.takes_files else []),
            "            ;;",
        ],
    )


def _bash_value(pattern: str, values: tuple[str, ...] | str | None) -> list[str]:
    if values is None:
        act = "_knetik_files"
    elif values == "profiles":
        act = f'COMPREPLY=($(compgen -W "$({_profiles()})" -- "$current"))'
    else:
        act = (
            f'COMPREPLY=($(compgen -W {shlex.quote(" ".join(values))} -- "$current"))'
            if values
            else "COMPREPLY=()"
        )
    return [f"        {pattern}) {act}; return ;;"]


def zsh() -> str:
    """Return the script for zsh."""

    def described(words: Iterable[Word]) -> str:
        texts = (f"{_colon(word.text)}:{word.help}" if word.help else _colon(word.text) for word in words)
        return " ".join(shlex.quote(text) for text in texts)

    return _script(
        """\
#compdef knetik
# Completion of `knetik` for zsh, which starts no other program than sed. Install it with
#   knetik completion zsh > "${fpath[1]}/_knetik"
_knetik() {
    local current="${words[CURRENT]}" previous="${words[CURRENT-1]}"
    local path_="" word next files=""
    local -a offered options
    if [[ $current == --*=* ]]; then
        previous="${current%%=*}"
        compset -P "*="
    fi
    for word in "${(@)words[2,CURRENT-1]}"; do
        [[ $word == -* ]] && continue
        next="${path_:+$path_ }$word"
        case "$next" in
            @PATHS@) path_="$next" ;;
        esac
    done
    case "$path_:$previous" in
@VALUES@
    esac
    case "$path_" in
@ENTRIES@
    esac
    if [[ $current == -* ]]; then
        _describe -o option options
    else
        [[ -n $files ]] && _files
        (( $#offered )) && _describe command offered
    fi
}
if [[ $funcstack[1] == _knetik ]]; then
    _knetik "$@"
else
    compdef _knetik knetik
fi
""",
        value=_zsh_value,
        entry=lambda entry: [
            f"        {shlex.quote(entry.path)})",
            f"            offered=({described(entry.commands)})",
            f"            options=({described(entry.options)})",
            *(["            files=1"] if entry.takes_files else []),
            "            ;;",
        ],
    )


def _zsh_value(pattern: str, values: tuple[str, ...] | str | None) -> list[str]:
    if values is None:
        act = "_files"
    elif values == "profiles":
        act = f'compadd -- ${{(f)"$({_profiles()})"}}'
    else:
        act = f"compadd -- {shlex.join(values)}" if values else "_message value"
    return [f"        {pattern}) {act}; return ;;"]


def _colon(text: str) -> str:
    return text.replace(":", "\\:")


def fish() -> str:
    """Return the script for fish."""
    found = list(entries())
    paths = " ".join(shlex.quote(entry.path) for entry in found if entry.path)
    lines = [
        "# Completion of `knetik` for fish, which starts no other program than sed. Install it with",
        "#   knetik completion fish > ~/.config/fish/completions/knetik.fish",
        "function __knetik_at",
        "    set -l path",
        "    for word in (commandline -opc)[2..-1]",
        "        string match -q -- '-*' $word; and continue",
        '        set -l next (string trim -- "$path $word")',
        f"        contains -- $next {paths}; and set path $next",
        "    end",
        '    test "$path" = "$argv[1]"',
        "end",
        "complete -c knetik -f",
    ]
    for entry in found:
        at = f"-n {_fish(f'__knetik_at {_fish(entry.path)}')}"
        lines += [
            f"complete -c knetik {at} -a {_fish(word.text)}{_fish_help(word.help)}" for word in entry.commands
        ]
        if entry.takes_files:
            lines.append(f"complete -c knetik {at} -F")
        for word in entry.options:
            name = f"-l {word.text[2:]}" if word.text.startswith("--") else f"-s {word.text[1:]}"
            lines.append(
                f"complete -c knetik {at} {name}{_fish_value(entry, word.text)}{_fish_help(word.help)}"
            )
    return "\n".join(lines) + "\n"


def _fish_value(entry: Entry, option: str) -> str:
    if option not in entry.values:
        return ""
    values = entry.values[option]
    if values is None:
        return " -r -F"
    if values == "profiles":
        # fish knows no ${name:-default}: sh lists the names
        return f" -x -a {_fish(f'(sh -c {_fish(_profiles())})')}"
    return f" -x -a {_fish(' '.join(values))}" if values else " -x"


def _fish_help(text: str) -> str:
    return f" -d {_fish(text)}" if text else ""


def _fish(text: str) -> str:
    """Quote a text for fish."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _script(
    template: str,
    value: Callable[[str, tuple[str, ...] | str | None], list[str]],
    entry: Callable[[Entry], list[str]],
) -> str:
    """Fill in a script for a shell of Bourne's family."""
    found = list(entries())
    by_values: dict[tuple[str, ...] | str | None, dict[str, list[str]]] = {}
    for each in found:
        for name, values in each.values.items():
            by_values.setdefault(values, {}).setdefault(name, []).append(each.path)
    value_lines = [
        line
        for values, names in by_values.items()
        for name, paths in names.items()
        for line in value("|".join(f"{shlex.quote(path)}:{name}" for path in paths), values)
    ]
    paths = "|".join(shlex.quote(each.path) for each in found if each.path)
    filled = template.replace("@PATHS@", paths).replace("@VALUES@", "\n".join(value_lines))
    return filled.replace("@ENTRIES@", "\n".join(line for each in found for line in entry(each)))


SCRIPTS: Mapping[str, Callable[[], str]] = {"bash": bash, "zsh": zsh, "fish": fish}


@click.command(cls=Command)
@click.argument("shell", cls=Argument, type=click.Choice(list(SCRIPTS)), help="The shell.")
def completion(shell: str) -> None:
    """Generate a shell completion script, which doesn't start Python.

    \b
    bash: knetik completion bash > ~/.local/share/bash-completion/completions/knetik
    zsh:  knetik completion zsh > "${fpath[1]}/_knetik"
    fish: knetik completion fish > ~/.config/fish/completions/knetik.fish
    """  # noqa: D301  # the escape is for click: it keeps these lines
    run = run_of(click.get_current_context())
    run.act(
        lambda: [{"write": f"the completion script of {shell}"}],
        lambda live: click.echo(SCRIPTS[shell]().encode(), nl=False),  # with the line ends that shells read
    )
