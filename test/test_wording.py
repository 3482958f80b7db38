"""The wording rules of the project: how docstrings open, and which words and names are retired."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("knetik_cloud", "codegen", "benchmarks", "scripts", "test", "examples")
QUOTED = ("test/test_wording.py", "test/reference_snippets")
"""Files that quote retired words, or were not written here."""

OPENINGS = ("Give", "Tell", "Say", "Spell", "Name", "Take", "What", "Whatever", "Whoever")
"""First words that hide the action or the noun: `Return`, `Format`, `The ...` are meant."""

OLD_NAMES = re.findall(
    r"\w+",
    """
    Unframed _Timed _Outer _Lane _Verdict _Progress Ask Authenticate Meaning _Reading _Seen _InTurn
    _Ahead Refusal what_is_wanted no_client not_picklable unlisted renew_locks _or_none
    start_over take_back read_what_comes let_go _let_go retire _is_spent _bare
    is_distrusted _close_strays is_waited_for _judge _timely unhurried presentable of_stream cut_off
    unanswered no_http pausing provided forget_refresh_token no_token waited_too_long EARLY_SHARE
    refuse unreadable lacking settles _over _over_all leave_out tell_kinds Described no_parameter
    _take_answer _told_attempts SHOWN_BODY SHOWN_ERRORS carry_out _faulty _broken _defect UNSAID
    PATIENCE FROM_ANYWHERE body_required repeatable twin_docstring said told
    """,
)
"""Private names of earlier versions, each of which has the name of its field now."""

OLD_PREFIXES = ("MOST_", "LONGEST_", "LARGEST_", "SHORTEST_")
"""Prefixes of constants, which are `MAX_` and `MIN_` now, with the unit at the end."""

PUBLIC_NAMES = ("answer", "answer_headers")
"""Attributes of the journal's exchanges in 1.0.0, which stay."""

RETIRED_WORDS = re.compile(
    r"""\b(
        stand-ins? | answer(s|ed|ing)? | anew | afresh | lest | besides? | behaviour | misspelt | for\ ever
        | whom | whoever | whatever | nobody | somebody | refuses | kinds?\ of | good\ for | under\ way
        | earlier\ tr(y|ies) | in\ mid\ flight | carr(y|ied|ies)\ out | let(s|ting)?\ go\ of
        | is\ (laid|spelled)\ out | spells? | says?\ (otherwise|so|whether|which|what|how)
        | tells?\ (whether|what|which|how|apart) | (gives?|gave)\ (a|an|the|no|it|them|what)
        | repeat(s|ed)?\ (it|them|the\ (call|request|write))
        | everybody | go(es)?\ on | went\ on | shall | what\ bec(ame|omes)
    )\b(?!')""",
    re.VERBOSE | re.IGNORECASE,
)
"""Words and phrases that have a standard term: response, attempt, again, return, report, retry, subclass."""


def modules() -> list[Path]:
    found = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in found if not path.relative_to(ROOT).as_posix().startswith(QUOTED))


def docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield getattr(node, "lineno", 1), text


def prose(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the lines of all docstrings, including those of attributes and constants, without code."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield from enumerate(without_code(text).splitlines(), node.lineno)


def pages() -> list[Path]:
    """List the pages in the repository's root and in docs."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])


def without_code(text: str) -> str:
    """Blank out code and the targets of links without changing the number of lines."""
    text = re.sub(
        r"^```.*?^```", lambda code: "\n" * code[0].count("\n"), text, flags=re.MULTILINE | re.DOTALL
    )
    return re.sub(r"`[^`\n]*`|\]\([^)]*\)", "", text)


def names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.arg(arg=name):
                yield node.lineno, name


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_docstrings_open_with_a_verb_or_a_noun(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    wrong = [f"line {line}: {text.splitlines()[0]}" for line, text in docstrings(tree) if opens_badly(text)]
    assert wrong == []


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_name_of_earlier_versions_or_with_a_retired_word_remains(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    wrong = [f"line {line}: {name}" for line, name in names(tree) if is_old(name)]
    assert wrong == []


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_docstrings_use_no_retired_word(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    wrong = [f"line {number}: {line.strip()}" for number, line in prose(tree) if RETIRED_WORDS.search(line)]
    assert wrong == []


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_use_no_retired_word(path: Path) -> None:
    lines = without_code(path.read_text(encoding="utf-8")).splitlines()
    wrong = [f"line {number}: {line}" for number, line in enumerate(lines, 1) if RETIRED_WORDS.search(line)]
    assert wrong == []


def opens_badly(docstring: str) -> bool:
    return re.match(rf"({'|'.join(OPENINGS)})\b", docstring) is not None


def is_old(name: str) -> bool:
    if name in PUBLIC_NAMES:
        return False
    has_retired_word = RETIRED_WORDS.search(name.replace("_", " ")) is not None
    return has_retired_word or name in OLD_NAMES or name.startswith(OLD_PREFIXES)


@pytest.mark.parametrize("opening", ["Give the name.", "Say whether.", "What a call came to."])
def test_rule_finds_an_opening(opening: str) -> None:
    assert opens_badly(opening)
    assert not opens_badly("Given names are returned. Namely all.")


def test_rule_finds_a_name() -> None:
    code = "class _Lane:\n    MOST_CALLS = 5\n    def take_back(told): told.slow_answer = told.answer = 2\n"
    found = {name for _, name in names(ast.parse(code)) if is_old(name)}
    assert found == {"_Lane", "MOST_CALLS", "take_back", "told", "slow_answer"}


@pytest.mark.parametrize(
    "sentence",
    [
        "A stand-in server.",
        "The answer is empty.",
        "It gives the token.",
        "Look before you repeat it.",
        "`debug` says whether it is on.",
        "All of them are kinds of `ApiException`.",
        "Closing lets go of it.",
    ],
)
def test_rule_finds_a_retired_word(sentence: str) -> None:
    assert RETIRED_WORDS.search(without_code(sentence))
    assert not RETIRED_WORDS.search("The response gives its holder access. Repeated headers are joined.")


def test_rule_ignores_code() -> None:
    assert without_code("Read `exchange.answer`.\n```\nnobody\n```\n[it](nobody.md)") == "Read .\n\n\n\n[it"
