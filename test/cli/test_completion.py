"""Completion in real shells: the scripts offer what the commands take, and start no Python."""

from __future__ import annotations

import io
import os
import pkgutil
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from knetik_cloud.cli import calls, tree
from knetik_cloud.cli.command import knetik
from knetik_cloud.cli.completion import SCRIPTS, entries
from knetik_cloud.cli.output import FORMATS
from knetik_cloud.cli.profiles import config_path

from .test_terminal import Terminal

BASH = """
source {script}
COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
COMPREPLY=(); _knetik; printf '%s\\n' "${{COMPREPLY[@]}}"
"""
ZSH = """
compdef() {{ }}
_describe() {{ local name=$@[-1]; print -rl -- "${{(@P)name}}" }}
compadd() {{ shift; print -rl -- "$@" }}
_files() {{ print -rl -- *(N) }}
_message() {{ }}
compset() {{ }}
source {script}
words=({words}); CURRENT=$#words
_knetik
"""
FISH = "source {script}; complete -C {line}"


class Shell:
    """Completes command lines in one shell."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.script = folder / f"knetik.{name}"
        self.script.write_text(SCRIPTS[name]())
        self.folder = folder
        self.path = folder / "bin"
        self.path.mkdir()
        for tool in ("bash", "sh", "zsh", "fish", "sed"):
            found = shutil.which(tool)
            if found:
                (self.path / tool).symlink_to(found)

    def complete(self, line: str) -> set[str]:
        """Return the words that are offered at the end of a line. No Python can be found meanwhile."""
        words = (line.replace("=", " = ") if self.name == "bash" else line).split(" ")
        quoted = " ".join(f"'{word}'" for word in words)
        if self.name == "bash":
            code = ["bash", "--norc", "-c", BASH.format(script=self.script, words=quoted)]
        elif self.name == "zsh":
            code = ["zsh", "-f", "-c", ZSH.format(script=self.script, words=quoted)]
        else:
            code = ["fish", "--no-config", "-c", FISH.format(script=self.script, line=f"'{line}'")]
        result = subprocess.run(
            code,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={"PATH": str(self.path), "HOME": str(self.folder), "LANG": "C.UTF-8", **self.settings()},
            timeout=60,
            check=False,
        )
        assert result.stderr == ""
        separator = ":" if self.name == "zsh" else "\t"
        current = words[-1].rpartition("=")[2]
        lines = (each.replace("\\:", "\0") for each in result.stdout.splitlines())
        offered = (each.split(separator)[0].replace("\0", ":").rpartition("=")[2] for each in lines)
        return {each for each in offered if each.startswith(current)}

    def settings(self) -> dict[str, str]:
        """Return the variables that name the configuration file."""
        name = "KNETIK_CLOUD_CONFIG"
        return {name: os.environ[name]} if name in os.environ else {}


@pytest.fixture(params=["bash", "zsh", "fish"])
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Shell:
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return Shell(request.param, tmp_path)


def test_commands_are_offered(shell: Shell) -> None:
    assert shell.complete("knetik ") >= {*calls.groups(), "sandbox", "bulk", "export", "doctor", "explain"}
    assert shell.complete("knetik in") == {"inventory"}
    assert shell.complete("knetik items ") == {"create", "delete", "get", "list", "update"}
    assert shell.complete("knetik sandbox s") == {"seed", "snapshot", "snapshots", "start", "status", "stop"}
    assert shell.complete("knetik export inventory ") >= {"list", "list-all", "log"}


def test_options_and_their_values_are_offered(shell: Shell) -> None:
    assert shell.complete("knetik items list --o") >= {"--order", "--output"}
    assert shell.complete("knetik items list --output ") == set(FORMATS)
    assert shell.complete("knetik items list -o c") == {"csv"}
    assert shell.complete("knetik items list --output=c") == {"csv"}
    assert shell.complete("knetik items list --output=") == set(FORMATS)
    assert shell.complete("knetik inventory list 56 --in") == {"--inactive"}
    assert shell.complete("knetik items get 56 --err") == {"--errors"}
    assert shell.complete("knetik items get 56 --errors j") == {"json"}
    assert shell.complete("knetik sandbox clock ") >= {"show", "set", "advance", "freeze", "resume"}
    assert shell.complete("knetik sandbox fail items-list --st") == {"--status"}
    assert shell.complete("knetik completion ") >= {"bash", "zsh", "fish"}


def test_operations_are_offered_by_the_names_of_their_methods(shell: Shell) -> None:
    for command in ("bulk run", "sandbox fail", "sandbox journal --operation"):
        assert shell.complete(f"knetik {command} ") >= {*calls.by_id()}
    assert shell.complete("knetik bulk run grant") == {"grant_user_entitlement"}


def test_operations_of_a_bulk_run_are_also_offered_by_the_words_of_their_commands(shell: Shell) -> None:
    assert shell.complete("knetik bulk run ent") == {"entitlements"}
    assert shell.complete("knetik bulk run entitlements ") >= {"check", "grant", "use"}
    assert shell.complete("knetik bulk run entitlements g") == {"grant"}
    assert shell.complete("knetik bulk run entitlements grant winners.csv --can") == {"--canary"}
    assert shell.complete("knetik bulk run entitlements grant winners.csv -o c") == {"csv"}


def test_files_are_offered_where_a_file_is_expected(shell: Shell) -> None:
    (shell.folder / "winners.csv").write_text("")
    assert "winners.csv" in shell.complete("knetik bulk run entitlements grant w")
    assert "winners.csv" in shell.complete("knetik items list --token-file w")
    assert "winners.csv" not in shell.complete("knetik items get w")


def typed_in_bash(typed: str, folder: Path, first: str = ":") -> list[str]:
    """Type a line after `knetik` in an interactive bash, and return the commands that were run."""
    if shutil.which("bash") is None or sys.platform == "win32":
        pytest.skip("bash is not installed")
    shell = Shell("bash", folder)
    for name in ("sandbox", "rows"):
        (folder / name).mkdir()
    for name in ("my file.csv", "rows/1.csv", "[1]*.txt", "1 and 2.txt"):
        (folder / name).touch()
    terminal = Terminal("--norc", "--noprofile", "-i", program=["bash"], PS1="$ ", INPUTRC="/dev/null")
    terminal.type(f'{first}; cd {folder}; source {shell.script}; knetik() {{ echo "<$*>"; }}\n')
    terminal.type(f"knetik {typed}\nexit\n")
    terminal.end()
    return [line[1:-1] for line in terminal.plain if line.startswith("<")]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("sandb\t", "sandbox"),
        ("sandbox sta\tr\t", "sandbox start"),
        ("items list --output=cs\t", "items list --output=csv"),
        ("items list --token-file=ro\t1\t", "items list --token-file=rows/1.csv"),
        ("bulk run entitlements grant my\t", "bulk run entitlements grant my file.csv"),
        ("bulk run entitlements grant my\\ f\t", "bulk run entitlements grant my file.csv"),
        ("bulk run entitlements grant 'my f\t", "bulk run entitlements grant my file.csv"),
        ("bulk run entitlements grant ro\t1\t", "bulk run entitlements grant rows/1.csv"),
        ("bulk status ro\t", "bulk status rows/"),
        ("items list --token-file ro\t1\t", "items list --token-file rows/1.csv"),
        ("items list --token-file [\t", "items list --token-file [1]*.txt"),
    ],
)
def test_bash_distinguishes_commands_from_folders_and_keeps_names_with_spaces(
    typed: str, words: str, tmp_path: Path
) -> None:
    assert typed_in_bash(typed, tmp_path) == [words]


def test_bash_without_compopt_completes_files(tmp_path: Path) -> None:
    assert typed_in_bash("bulk status ro\t1\t", tmp_path, "enable -n compopt") == ["bulk status rows/1.csv"]


def test_profiles_are_offered_from_the_configuration_file(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = shell.folder / "config.toml"
    config.write_text('[profiles.dev]\nhelper = "secret-helper"\n[profiles.live]\n')
    monkeypatch.setenv("KNETIK_CLOUD_CONFIG", str(config))
    assert shell.complete("knetik items list --profile ") == {"dev", "live"}


@pytest.mark.parametrize(
    ("system", "folder"),
    [("unix.Unix", ".config"), ("macos.MacOS", "Library/Application Support")],
    ids=["Unix", "macOS"],
)
def test_profiles_are_offered_from_the_place_of_the_system(
    shell: Shell, system: str, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME")
    places = pkgutil.resolve_name(f"platformdirs.{system}")
    monkeypatch.setattr("platformdirs.user_config_path", lambda *a, **k: places(*a, **k).user_config_path)
    shell.script.write_text(SCRIPTS[shell.name]())
    monkeypatch.setenv("HOME", str(shell.folder))
    config_path().parent.mkdir(parents=True)
    config_path().write_text("[profiles.dev]\n")
    assert config_path() == shell.folder / folder / "knetik/config.toml"
    assert shell.complete("knetik items list --profile ") == {"dev"}


def test_every_command_and_option_is_in_every_script() -> None:
    found = {entry.path: entry for entry in entries()}
    for leaf in tree.walk():
        entry = found[" ".join(leaf.words)]
        assert {word.text for word in entry.commands} >= set(leaf.children)
        for option in leaf.options():
            assert {word.text for word in entry.options} >= {*option.opts, *option.secondary_opts}


@pytest.mark.parametrize("words", ["completion bash", "man"])
def test_line_ends_are_those_of_the_shells_on_windows(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="utf-8", newline="\r\n"))
        with pytest.raises(SystemExit) as ended:
            knetik.main(words.split())
        written = out.getvalue()
    assert ended.value.code == 0
    assert b"\n" in written
    assert b"\r" not in written
