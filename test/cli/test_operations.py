"""Every operation of the contract as a command: found, described, and with the same rows in every format."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import click
import pytest

from knetik_cloud.cli import bodies, calls, tree
from knetik_cloud.cli.descriptions import body_example
from knetik_cloud.cli.options import Duration
from knetik_cloud.cli.output import FORMATS, instant
from knetik_cloud.cli.rows import cell
from knetik_cloud.contract import Contract
from knetik_cloud.core.operation import Operation
from knetik_cloud.sandbox import Sandbox

from .conftest import Run, read_object

OPERATIONS = sorted(calls.by_id().values(), key=lambda operation: operation.id)
KINDS = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)


def words_of(operation: Operation[Any]) -> list[str]:
    """Return the words of a command with the contract's examples, and the body as one argument."""
    declared = Contract.load().operations[operation.id]
    words = (operation.cli or "").split()
    words += [str(parameter.example) for parameter in declared.parameters if parameter.place == "path"]
    words += ["--cascade", "detach"] if operation.id == "delete_entitlement_template" else []
    body = calls.body_of(operation)
    if body is not None:
        content = body_example(operation)
        words.append(str(content) if body.type in bodies.SCALARS else json.dumps(content))
    return words


def test_every_operation_of_the_contract_has_a_command() -> None:
    assert set(calls.by_id()) == set(Contract.load().operations)
    assert all(len(words.split()) == 2 for words in calls.operations())


@KINDS
def test_the_method_name_is_a_command_too(operation: Operation[Any], run: Run) -> None:
    by_words = run(*(operation.cli or "").split(), "--help")
    by_method = run(operation.id.replace("_", "-"), "--help")
    assert by_words.code == by_method.code == 0
    assert by_words.text.split("\n\n", 1)[1] == by_method.text.split("\n\n", 1)[1]


@KINDS
def test_help_describes_every_parameter(operation: Operation[Any]) -> None:
    leaf = next(each for each in tree.walk() if " ".join(each.words) == operation.cli)
    for parameter in leaf.parameters():
        assert getattr(parameter, "help", None), parameter.name
    help = leaf.command.get_help(leaf.context)
    assert operation.summary in help
    for parameter in Contract.load().operations[operation.id].parameters:
        values = parameter.schema.get("enum") or parameter.schema.get("x-known-values") or ()
        assert all(str(value) in help for value in values)


@KINDS
def test_no_two_parameters_share_a_name(operation: Operation[Any]) -> None:
    leaf = next(each for each in tree.walk() if " ".join(each.words) == operation.cli)
    names = [name for option in leaf.options() for name in (*option.opts, *option.secondary_opts)]
    assert len(names) == len(set(names))
    assert len({parameter.name for parameter in leaf.parameters()}) == len(leaf.parameters())


def unstable(row: Any) -> Any:
    """Return a row without what differs from call to call."""
    changing = (
        "access_token",
        "refresh_token",
        "created_date",
        "updated_date",
        "log_date",
        "request_id",
        "id",
    )
    if isinstance(row, dict):
        return {name: unstable(value) for name, value in row.items() if name not in changing}
    return [unstable(each) for each in row] if isinstance(row, list) else row


@KINDS
def test_every_format_holds_the_same_rows(
    operation: Operation[Any], sandbox: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KNETIK_CLOUD_CLIENT_SECRET", "client_secret_example")
    columns, epochs, _ = calls.columns_of(operation)
    rows: dict[str, list[Any]] = {}
    for format in FORMATS:
        sandbox.reset()
        result = run(*words_of(operation), "-o", format)
        if format == "id" and columns and "id" not in columns:
            assert result.code == 2
            continue
        assert result.code == 0, result.err
        is_object = format == "table" and operation.pages is None
        rows[format] = [read_object(result.out)] if is_object and result.out else result.rows(format)
    expected = rows["json"]
    if operation.returns is None:
        assert all(not each for each in rows.values())
        return
    assert expected
    writes = operation.method != "GET"
    for format in ("jsonl", "yaml"):
        assert (unstable(rows[format]) if writes else rows[format]) == (
            unstable(expected) if writes else expected
        )
    if "id" in rows:
        assert rows["id"] == [str(row["id"]) for row in expected]
    for format in ("csv", "table", "parquet"):
        shown = [
            {name: value for name, value in row.items() if value not in (None, "")} for row in rows[format]
        ]
        wanted = [
            {
                name: in_format(format, value, name in epochs)
                for name, value in row.items()
                if value is not None
            }
            for row in expected
        ]
        assert (unstable(shown) if writes else shown) == (unstable(wanted) if writes else wanted), format


def in_format(format: str, value: Any, is_epoch: bool) -> Any:
    if format == "table":
        return instant(value) if is_epoch else cell(value)
    if format == "csv":
        return cell(value)
    return value if isinstance(value, (int, float, str, bool)) else cell(value)


LISTS = [operation for operation in OPERATIONS if operation.pages]


@pytest.mark.parametrize("operation", LISTS, ids=lambda operation: operation.id)
@pytest.mark.parametrize(
    "selection", ["[?id]", "[].id", "[0]", "length(@)", "[].{a: id, b: status}", "nothing"]
)
def test_a_selection_is_the_same_in_every_format(
    operation: Operation[Any], selection: str, sandbox: Sandbox, run: Run
) -> None:
    found = {}
    for format in ("json", "jsonl", "yaml", "csv", "parquet"):
        result = run(*words_of(operation), "-o", format, "--select", selection)
        assert result.code == 0, result.err
        found[format] = result.rows(format)
    expected = [row for row in found["json"] if row is not None]
    assert found["jsonl"] == expected
    assert [row for row in found["yaml"] if row is not None] == expected
    objects = [row if isinstance(row, dict) else {"value": row} for row in expected]
    assert [{k: v for k, v in row.items() if v != ""} for row in found["csv"]] == [
        {k: cell(v) for k, v in row.items() if v is not None} for row in objects
    ]
    assert len(found["parquet"]) == len(expected)


@pytest.mark.parametrize("format", ["json", "jsonl", "yaml", "csv", "table", "parquet"])
def test_fields_are_chosen_in_every_format_in_their_order(format: str, sandbox: Sandbox, run: Run) -> None:
    result = run("inventory", "list", "56", "--inactive", "-o", format, "--fields", "status,user.username,id")
    rows = result.rows(format)
    assert [list(row) for row in rows] == [["status", "user.username", "id"]] * 2
    assert [str(row["id"]) for row in rows] == ["1", "56"]
    assert {row["user.username"] for row in rows} == {"user_id_example"}


@pytest.mark.parametrize("has_libyaml", [True, False])
@pytest.mark.parametrize(("selection", "expected"), [("length(@)", "6\n"), ("'Größe'", "Größe\n")])
def test_a_selected_value_is_one_line_of_yaml(
    selection: str,
    expected: str,
    has_libyaml: bool,
    sandbox: Sandbox,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not has_libyaml:
        monkeypatch.delattr("yaml.CSafeDumper", raising=False)
    assert run("items", "list", "--select", selection, "-o", "yaml").text == expected


def test_a_mistake_in_a_selection_is_explained_in_one_line(run: Run) -> None:
    result = run("items", "list", "--select", "[].a b", "--errors", "json")
    assert "JMESPath" in result.error["message"]
    assert "\n" not in result.error["message"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("items list --select [?id==`0`] --fields id,name -o csv", "id,name\n"),
        ("inventory get 56 1 --select behavior_data -o table", ""),
    ],
)
def test_a_selection_of_nothing_is_a_result(words: str, expected: str, sandbox: Sandbox, run: Run) -> None:
    result = run(*words.split())
    assert (result.code, result.text) == (0, expected)


def test_a_table_in_a_pipe_has_columns_without_values(sandbox: Sandbox, run: Run) -> None:
    header, *_ = run("inventory", "list", "56", "-o", "table").text.splitlines()
    assert header.split()[:4] == ["id", "behavior_data", "created_date", "expires"]
    assert "invoice_id" in header


def test_a_selected_null_has_no_chosen_fields(sandbox: Sandbox, run: Run) -> None:
    result = run("items", "list", "--select", "missing", "-o", "json", "--fields", "id")
    assert (result.code, result.text) == (0, "null\n")


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1.9, "1970-01-01T00:00:01Z"),
        (-0.5, "1969-12-31T23:59:59Z"),
        (math.nan, "NaN"),
        (1e300, "1e+300"),
        (True, "true"),
        (None, ""),
        ("soon", "soon"),
    ],
)
def test_what_is_no_time_is_shown_as_it_is(seconds: Any, expected: str) -> None:
    assert instant(seconds) == expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("30", 30.0),
        ("1.5s", 1.5),
        (" 5m ", 300.0),
        ("2h", 7200.0),
        ("1d", 86_400.0),
        ("1w", 604_800.0),
        ("inf", math.inf),
    ],
)
def test_durations_have_units(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "s", "5x", "5 m s", "1e999", "nan", "-inf"])
def test_other_texts_are_no_durations(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a duration: write 30"):
        Duration().convert(text, None, None)


def test_blanks_and_a_trailing_comma_in_fields_are_ignored(sandbox: Sandbox, run: Run) -> None:
    assert run("items", "get", "1", "-o", "csv", "--fields", " id, name,").text == "id,name\n1,Season Pass\n"


def test_a_file_with_a_body_is_utf_8(sandbox: Sandbox, run: Run, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text('{"type_hint": "entitlement", "name": "Größe"}', "utf-8-sig")
    created = run("items", "create", f"@{body}", "-o", "id")
    assert created.code == 0, created.err
    body.write_text("inactive\n", "utf-8-sig")
    status = run("inventory", "set-status", "56", "56", f"@{body}", "--dry-run")
    assert json.loads(status.text)["body"] == "inactive"
    body.write_text('"Größe"', "latin-1")
    result = run("items", "create", f"@{body}", "--errors", "json")
    assert (result.code, result.error["message"]) == (2, f"can't read {body}: it isn't UTF-8 text")


def test_a_table_shows_a_chosen_time_as_an_instant(sandbox: Sandbox, run: Run) -> None:
    result = run("inventory", "list", "56", "-o", "table", "--fields", "expires,id")
    assert "2100-01-01T00:00:00Z  56" in result.text


@pytest.mark.parametrize(
    ("words", "path"),
    [("inventory get 56 56", "behavior_data.any.thing"), ("items get 56", "additional_properties.any.value")],
)
def test_fields_of_free_objects_may_have_any_name(words: str, path: str, sandbox: Sandbox, run: Run) -> None:
    assert run(*words.split(), "-o", "json", "--fields", path).rows("json") == [{path: None}]


@pytest.mark.parametrize("format", [each for each in FORMATS if each != "id"])
@pytest.mark.parametrize(
    ("selection", "fields", "expected"),
    [
        ("[].status", "value", [{"value": "active"}, {"value": "active"}]),
        (
            "[].[item_name, status]",
            "1,0",
            [{"1": "active", "0": "Songbook"}, {"1": "active", "0": "Potion of Speed"}],
        ),
    ],
)
def test_columns_of_selected_values_can_be_chosen(
    selection: str, fields: str, expected: list[dict[str, str]], format: str, sandbox: Sandbox, run: Run
) -> None:
    result = run("inventory", "list", "56", "--select", selection, "--fields", fields, "-o", format)
    assert result.rows(format) == expected


def test_bodies_come_as_fields_files_and_stdin(sandbox: Sandbox, run: Run, tmp_path: Path) -> None:
    by_fields = run(
        "items", "create", "--name", "Lamp", "--tags", "a", "--tags", "b", "--sort", "7", "--dry-run"
    )
    assert json.loads(by_fields.text)["body"] == {
        "type_hint": "entitlement",
        "name": "Lamp",
        "tags": ["a", "b"],
        "sort": 7,
    }
    file = tmp_path / "lamp.json"
    file.write_text('{"type_hint": "entitlement", "name": "Lamp", "extra": 1}')
    for words, input in (
        (("items", "create", f"@{file}"), None),
        (("items", "create", "-"), file.read_text()),
        (("items", "create", file.read_text()), None),
    ):
        result = run(*words, "--name", "Torch", "--dry-run", input=input)
        assert json.loads(result.text)["body"] == {"type_hint": "entitlement", "name": "Torch", "extra": 1}
    status = run("inventory", "set-status", "56", "56", "-", "--dry-run", input="\ufeffinactive\n")
    assert json.loads(status.text)["body"] == "inactive"
    behaviors = tmp_path / "behaviors.json"
    behaviors.write_text('[{"type_hint": "consumable", "max_use": 1}]')
    result = run("items", "create", "--name", "Torch", "--behaviors", f"@{behaviors}", "-o", "json")
    assert json.loads(result.text)["behaviors"] == [{"type_hint": "consumable", "max_use": 1}]


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if calls.body_of(each)], ids=lambda each: each.id
)
def test_the_skeleton_of_a_body_can_be_sent_as_it_is(
    operation: Operation[Any], sandbox: Sandbox, run: Run, tmp_path: Path
) -> None:
    *words, _ = words_of(operation)
    skeleton = run(*words, "--skeleton").text
    file = tmp_path / "body.json"
    file.write_text(skeleton)
    for body in (skeleton, f"@{file}", "-"):
        sent = run(*words, body, "--dry-run", input=skeleton)
        assert sent.code == 0, sent.err
        assert json.loads(sent.text)["body"] == json.loads(skeleton)


@pytest.mark.parametrize("never", ["null", " null\n"])
def test_a_null_as_the_body_of_one_value_is_sent_as_no_body(never: str, sandbox: Sandbox, run: Run) -> None:
    for body in (never, "-"):
        assert run("inventory", "set-expires", "56", "56", "1893456000").code == 0
        assert run("inventory", "set-expires", "56", "56", body, input=never).code == 0
        assert json.loads(run("inventory", "get", "56", "56", "-o", "json").text)["expires"] is None


@pytest.mark.parametrize("text", ["inactive", "7", "null", "true", '{"value": 1}', '"a', "[" * 9999])
def test_a_text_as_a_body_needs_no_quotes(text: str, run: Run) -> None:
    sent = run("inventory", "set-status", "56", "56", text, "--dry-run")
    assert json.loads(sent.text)["body"] == text


def test_what_a_command_reads_can_be_changed_and_sent_back(sandbox: Sandbox, run: Run) -> None:
    item = run("items", "get", "56", "-o", "json").text
    assert run("items", "update", "56", "-", "--category", "drinks", input=item).code == 0
    changed = json.loads(run("items", "get", "56", "-o", "json").text)
    assert {**changed, "updated_date": 0} == {**json.loads(item), "category": "drinks", "updated_date": 0}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["items", "create", "@/no/such.json"], "can't read /no/such.json"),
        (["items", "create", "{"], "the body isn't JSON"),
        (["items", "create", '{"name": "a", "name": "b"}'], "the body can't be sent: 'name' occurs twice"),
        (["items", "create", "[]", "--name", "x"], "must be a JSON object"),
        (["items", "create", "--behaviors", "x"], "--behaviors isn't JSON"),
        (
            ["entitlements", "grant", "56"],
            "the body is missing: pass it as JSON, @FILE or -, or set --entitlement-id",
        ),
        (["inventory", "add", "56", "--sku", "x"], "the body is missing required fields: set --note"),
        (["items", "create", "{}"], "the body is missing required fields: set --name, --type-hint"),
        (["items", "get"], "Missing argument 'ENTITLEMENT_ID'"),
        (["items", "gte", "1"], "did you mean 'get'?"),
        (["item"], "did you mean 'items'?"),
        (["items", "list", "--fields", "id,nmae"], "--fields has no field 'nmae'"),
        (
            ["inventory", "list", "56", "--fields", "user.nmae"],
            "'user.nmae'; the fields are user.avatar_url, ",
        ),
        (["inventory", "list", "56", "--fields", "user.id.x"], "--fields has no field 'user.id.x'. For"),
        (["items", "list", "--fields", "tags.0"], "--fields has no field 'tags.0'. For"),
        (["items", "list", "--select", "[?"], "isn't a JMESPath expression"),
        (["items", "list", "--select", f"[{'9' * 5000}]"], "isn't a JMESPath expression"),
        (["items", "list", "--select", f"{'!' * 100_000}@"], "isn't a JMESPath expression"),
        (["items", "list", "-o", "xml"], "'xml' is not one of"),
        (["token", "get", "-o", "id"], "rows with an id"),
        (["items", "list", "-o", "id", "--fields", "name"], "--fields leaves it out"),
        (["items", "list", "-o", "id", "--select", "[].name", "--fields", "name"], "--fields leaves it out"),
        (["items", "list", "--size", "0"], "size"),
        (["items", "list", "--retries", "-1"], "-1 is not in the range x>=0"),
        (["items", "get", "99999999999"], "32"),
    ],
)
def test_mistakes_are_explained_with_the_usage_exit_code(
    words: list[str], message: str, sandbox: Sandbox, run: Run
) -> None:
    result = run(*words, "--errors", "text")
    if words[-2:] == ["--size", "0"]:
        assert result.code in (2, 4)
    else:
        assert result.code == 2, result.err
        assert message in result.err
        assert not sandbox.journal()


@pytest.mark.parametrize("option", ["--timeout", "--deadline"])
def test_a_limit_of_time_can_be_turned_off_as_the_error_of_a_wrong_one_says(
    option: str, sandbox: Sandbox, run: Run
) -> None:
    assert "inf for no limit" in run("items", "get", "56", option, "0").error["message"]
    assert run("items", "get", "56", option, "inf").code == 0


@pytest.mark.parametrize("how", [[], ["--dry-run"]])
@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["items", "create", "-", "--token-file", "-"], "the token and the body"),
        (["items", "create", "@-", "--behaviors", "-"], "the body and --behaviors"),
        (
            ["token", "get", "--client-secret-file", "-", "--password-file", "-"],
            "client_secret and the password",
        ),
        (
            ["bulk", "run", "items delete", "-", "--journal", "x", "--token-file", "-"],
            "the token and the rows",
        ),
        (["login", "--secret-file", "-", "--token-file", "-"], "the token and the secret"),
    ],
)
def test_stdin_is_read_for_one_thing_also_in_a_preview(
    words: list[str], named: str, how: list[str], sandbox: Sandbox, run: Run
) -> None:
    result = run(*words, *how, input="{}\n")
    assert (result.code, result.out) == (2, b"")
    assert f"{named} can't both be read from stdin" in result.err
    assert not sandbox.journal()


@pytest.mark.parametrize("select", ["abs(key)", "[key][::0]", "ceil(`1e999`)", f"key{'|@' * 30_000}"])
def test_a_selection_that_fails_after_a_write_is_not_a_usage_error(
    sandbox: Sandbox, run: Run, select: str
) -> None:
    result = run("entitlements", "grant", "3", "--entitlement-id", "56", "--once", "k", "--select", select)
    assert result.code == 1  # 2 means that nothing was sent
    assert "can't be applied to this result" in result.error["message"]
    assert len(sandbox.journal("grant_user_entitlement")) == 1


def test_ids_are_those_of_the_chosen_fields(sandbox: Sandbox, run: Run) -> None:
    assert run("items", "list", "--size", "2", "-o", "id", "--fields", "name,id").text == "1\n2\n"
    none = run("items", "list", "-o", "id", "--select", "[].{name: name}")
    assert (none.code, none.out, none.err) == (0, b"", "no row has an id\n")


def test_an_id_on_any_page_is_an_id(run: Run, server: Any) -> None:
    from test.conftest import http_response

    pages = [{"content": [row], "total_elements": 2, "total_pages": 2} for row in ({"id": 1}, {"name": "x"})]
    server.responses = [http_response(200, json.dumps(page).encode()) for page in pages]
    result = run("items", "list", "--all", "--size", "1", "--host", server.url, "-o", "id")
    assert (result.text, result.err) == ("1\n", "")


def test_lists_read_one_page_all_pages_or_a_number_of_rows(sandbox: Sandbox, run: Run) -> None:
    result = run("items", "list", "--size", "2", "-o", "id")
    assert result.text.split() == ["1", "2"]
    assert result.err == "2 of 6 rows (--all reads all pages)\n"
    assert run("items", "list", "--size", "2", "--page", "3", "-o", "id").text.split() == ["5", "56"]
    assert run("items", "list", "--size", "2", "--all", "-o", "id").text.split() == [
        "1",
        "2",
        "3",
        "4",
        "5",
        "56",
    ]
    assert run("items", "list", "--size", "2", "--page", "2", "--all", "-o", "id").text.split() == [
        "3",
        "4",
        "5",
        "56",
    ]
    assert run("items", "list", "--size", "2", "--limit", "3", "-o", "id").text.split() == ["1", "2", "3"]
    assert (
        run("items", "list", "--size", "2", "--order", "id:DESC", "--limit", "1", "-o", "id").text == "56\n"
    )
    assert run("items", "list", "--size", "2", "-q", "-o", "id").err == ""


def test_an_empty_list_is_a_valid_document_in_every_format(sandbox: Sandbox, run: Run) -> None:
    words = ("inventory", "list", "56", "--filter-item-id", "999")
    expected = {"json": b"[]\n", "jsonl": b"", "yaml": b"[]\n", "id": b"", "table": b""}
    for format, out in expected.items():
        assert run(*words, "-o", format).out == out
    assert run(*words, "-o", "csv").text.startswith("id,behavior_data,")
    assert run(*words, "-o", "parquet").rows("parquet") == []


def test_unknown_fields_and_awkward_texts_survive_in_every_format(run: Run, server: Any) -> None:
    from test.conftest import http_response

    row = {
        "id": 1,
        "created_date": "\x1b]0;x\x07\n",
        "name": 'é \u001b[31mred\u202e \ud800 "q"\nnew',
        "note": "a\rb",
        "extra": {"a": [1, None, True]},
    }
    page = {"content": [row], "total_elements": 1, "total_pages": 1}
    server.responses = [http_response(200, json.dumps(page).encode())]
    for format in ("json", "jsonl"):
        result = run("items", "list", "--host", server.url, "-o", format)
        assert result.rows(format) == [row]
        assert "\x1b" not in result.text
    table = run("items", "list", "--host", server.url, "-o", "table").text
    assert "\x1b" not in table
    assert "\u202e" not in table
    assert table.count("\n") == 2
    parquet = run("items", "list", "--host", server.url, "-o", "parquet", "--fields", "id,name")
    assert parquet.code == 0, parquet.err
    assert parquet.rows("parquet")[0]["name"] == 'é \u001b[31mred\u202e \\ud800 "q"\nnew'
    names = run("items", "list", "--host", server.url, "--select", "[].name", "-o", "id")
    assert (names.code, "\\ud800" in names.text) == (0, True)
    csv_row = run("items", "list", "--host", server.url, "-o", "csv").rows("csv")[0]
    assert csv_row["extra"] == '{"a": [1, null, true]}'
    assert csv_row["note"] == "a\rb"


def test_a_table_has_a_line_for_each_row_even_if_texts_hold_line_breaks(run: Run, server: Any) -> None:
    from test.conftest import http_response

    rows: list[dict[str, Any]] = [{"id": 1, "a\tb\nc": "\tx", "name": "y"}, {"id": 2, "name": "x\t\ty"}]
    page = {"content": rows, "total_elements": 2, "total_pages": 1}
    server.responses = [http_response(200, json.dumps(page).encode())]
    table = run("items", "list", "--host", server.url, "-o", "table")
    assert [{name: text for name, text in row.items() if text} for row in table.rows("table")] == [
        {"id": "1", "a\\tb\\nc": "\\tx", "name": "y"},
        {"id": "2", "name": "x\\t\\ty"},
    ]
    server.responses = [http_response(200, json.dumps(rows[0]).encode())]
    row = run("items", "get", "1", "--host", server.url, "-o", "table")
    assert read_object(row.out) == {"id": "1", "a\\tb\\nc": "\\tx", "name": "y"}


@pytest.mark.parametrize("chosen", [[], ["--fields", "id,expires,status,user.id"]])
def test_the_contract_decides_the_types_of_parquet_columns(run: Run, server: Any, chosen: list[str]) -> None:
    from test.conftest import http_response

    entries = [
        {"id": 1, "expires": None, "status": None, "user": None},
        {"id": 2, "expires": 9, "status": "active", "user": {"id": 7}},
    ]
    pages = [{"content": [each], "total_elements": 2, "total_pages": 2} for each in entries]
    server.responses = [http_response(200, json.dumps(page).encode()) for page in pages]
    words = ("inventory", "list-all", "--all", "--size", "1", "--host", server.url, "-o", "parquet")
    result = run(*words, *chosen)
    assert result.code == 0, result.err
    rows = result.rows("parquet")
    assert [(row["id"], row["expires"], row["status"]) for row in rows] == [(1, None, None), (2, 9, "active")]
    if chosen:
        assert [row["user.id"] for row in rows] == [None, 7]
