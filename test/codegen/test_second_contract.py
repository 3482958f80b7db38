"""A contract of another service is generated, imported and called: nothing is made for the first one only."""

from __future__ import annotations

import asyncio
import importlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from codegen.__main__ import main
from knetik_cloud import aio
from knetik_cloud.api_client import ApiClient
from knetik_cloud.configuration import Configuration
from knetik_cloud.exceptions import ApiValueError, ConflictException

LIBRARY = Path(__file__).with_name("library.yaml")
README = "".join(
    f"<!-- generated: {part} -->\n<!-- end generated -->\n"
    for part in ("endpoints", "models", "authorization")
)


class Server(ThreadingHTTPServer):
    """Responds to every request with `status` and `response`, and records the requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.response: Any = None
        self.requests: list[tuple[str, str, dict[str, str], str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def response(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.server.requests.append((self.command, self.path, dict(self.headers), body))
        content = b"" if self.server.response is None else json.dumps(self.server.response).encode()
        self.send_response(self.server.status)
        if self.server.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = response

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Generate the library's package, and let it be imported."""
    root = tmp_path_factory.mktemp("library")
    (root / "README.md").write_text(README)
    arguments = ["--contract", str(LIBRARY), "--output", str(root), "--package", "library"]
    assert main(arguments) == 0
    assert main([*arguments, "--check"]) == 0
    sys.path.insert(0, str(root))
    yield root
    sys.path.remove(str(root))
    for name in [name for name in sys.modules if name.partition(".")[0] == "library"]:
        del sys.modules[name]


@pytest.fixture
def models(library: Path) -> ModuleType:
    return importlib.import_module("library.models")


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def shelf(library: Path, server: Server) -> Iterator[Any]:
    with ApiClient(Configuration(host=server.url)) as client:
        yield importlib.import_module("library.apis").ShelfApi(client)


def test_a_page_is_requested_with_dates_and_lists_and_read_as_subclasses(
    shelf: Any, server: Server, models: ModuleType
) -> None:
    server.response = {
        "found": [
            {
                "kind": "book",
                "title": "The Sea",
                "printed": "2005-06-02",
                "bought_at": "2017-08-01T09:30:00Z",
            },
            {"kind": "record", "title": "Sounds", "class": "A"},
            {"kind": "map", "title": "The Baltic", "scale": 10},
        ],
        "count": 3,
    }
    page = shelf.list_media(page_number="2", bought_since=date(2017, 8, 1), subjects=["maps", "sea"])
    method, target, _, _ = server.requests[0]
    assert (method, target) == ("GET", "/media?page-number=2&bought-since=2017-08-01&subjects=maps%2Csea")
    book, record, unknown = page.found
    assert [type(row) for row in page.found] == [models.Book, models.SoundRecord, models.Medium]
    assert book.printed == date(2005, 6, 2)
    assert book.bought_at == datetime(2017, 8, 1, 9, 30, tzinfo=UTC)
    assert record._class == "A"
    assert json.loads(unknown.to_json())["scale"] == 10


def test_a_list_is_read_over_all_its_pages_also_with_asyncio(
    library: Path, shelf: Any, server: Server
) -> None:
    server.response = {"found": [{"id": 1, "title": "The Sea"}, {"id": 2, "title": "Sounds"}], "count": 2}
    pager = shelf.iter_media(bought_since=date(2017, 8, 1), page_size=5)
    assert [medium.title for medium in pager] == ["The Sea", "Sounds"]
    assert pager.total == 2

    async def main() -> list[str]:
        async with aio.ApiClient(Configuration(host=server.url)) as client:
            awaited = importlib.import_module("library.aio.apis").ShelfApi(client)
            return [
                medium.title
                async for medium in awaited.iter_media(bought_since=date(2017, 8, 1), page_size=5)
            ]

    assert asyncio.run(main()) == ["The Sea", "Sounds"]
    targets = [target for _, target, _, _ in server.requests]
    assert targets == ["/media?page-number=1&per_page=5&bought-since=2017-08-01"] * 2


def test_a_subclass_is_sent_with_its_discriminator_and_a_header(
    shelf: Any, server: Server, models: ModuleType
) -> None:
    server.status, server.response = 201, {"kind": "book", "title": "The Sea", "pages": 200}
    book = models.Book(title="The Sea", pages=200, printed=date(2005, 6, 2))
    response = shelf.add_medium_with_http_info(book, x_branch="north")
    _, _, headers, body = server.requests[0]
    assert headers["X-Branch"] == "north"
    assert json.loads(body) == {"kind": "book", "title": "The Sea", "pages": 200, "printed": "2005-06-02"}
    assert response.status == 201
    assert type(response.data) is models.Book


def test_a_property_may_have_the_name_of_a_function_that_the_module_needs(models: ModuleType) -> None:
    card = models.Card(instant="noon", issued_date=5)
    assert (card.instant, card.issued_at) == ("noon", datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC))


def test_dates_in_a_list_are_annotated_as_the_strings_that_they_are_read_as(models: ModuleType) -> None:
    card = models.Card(visits=[date(2017, 8, 1), "2017-08-02"])
    assert card.visits == ["2017-08-01", "2017-08-02"]
    assert models.Card.__annotations__["visits"] == "list[str] | None"


def test_a_required_body_has_to_be_given(shelf: Any, server: Server) -> None:
    with pytest.raises(TypeError):
        shelf.add_medium()
    with pytest.raises(ApiValueError):
        shelf.add_medium(None)
    assert server.requests == []


def test_a_declared_error_is_raised_as_its_class(shelf: Any, server: Server, models: ModuleType) -> None:
    server.status = 409
    with pytest.raises(ConflictException):
        shelf.add_medium(models.SoundRecord(title="Sounds"))


def test_a_bare_instant_is_sent_as_a_json_string(shelf: Any, server: Server) -> None:
    server.status = 204
    assert shelf.lend_medium("S 1", until=datetime(2017, 9, 1, 12, tzinfo=UTC)) is None
    method, target, _, body = server.requests[0]
    assert (method, target) == ("PUT", "/media/S%201/lent-until")
    assert datetime.fromisoformat(json.loads(body)) == datetime(2017, 9, 1, 12, tzinfo=UTC)


def test_a_form_has_its_defaults(library: Path, server: Server) -> None:
    server.response = {"number": "C-1", "limits": {"book": 5}}
    with ApiClient(Configuration(host=server.url)) as client:
        card = importlib.import_module("library.apis").DeskApi(client).get_card(pin="1234")
    _, _, headers, body = server.requests[0]
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert body == "kind=guest&pin=1234"
    assert (card.number, card.limits) == ("C-1", {"book": 5})


def test_paging_and_permissions_reach_the_operation_definitions(library: Path) -> None:
    rows = importlib.import_module("library.operations")
    assert rows.LIST_MEDIA.pages == ("page-number", "per_page", "found", "count", "page_count", None)
    assert (rows.ADD_MEDIUM.retry, rows.LEND_MEDIUM.retry, rows.LIST_MEDIA.retry) == (
        "once",
        "idempotent",
        "safe",
    )
    assert (rows.GET_CARD.authenticated, rows.ADD_MEDIUM.authenticated) == (False, True)
    assert (
        "Permission: librarian or owner."
        in importlib.import_module("library.apis").ShelfApi.add_medium.__doc__
    )


def test_the_code_imports_everything_that_it_refers_to(library: Path) -> None:
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F", str(library)]
    assert (
        subprocess.run(command, capture_output=True, text=True, check=False).stdout == "All checks passed!\n"
    )


def test_the_pages_and_the_tables_are_written(library: Path) -> None:
    page = (library / "docs" / "ShelfApi.md").read_text()
    assert "> MediumPage list_media(page_number=page_number, per_page=per_page," in page
    comment = "# datetime.date | Leaves out what was bought before this day (optional)"
    assert f"\n{comment}\nbought_since = datetime.date(2017, 8, 1)\n" in page
    assert 'medium = library.Book(title="The Sea", pages=200, printed=datetime.date(2005, 6, 2))' in page
    exceptions = "reference/exceptions.md"
    conflict = f"[`ConflictException`]({exceptions}#conflictexception)"
    assert f"409 | {conflict} | It stands there already." in page
    closed = f"[`ServiceException`]({exceptions}#serviceexception)"
    assert f"5XX | {closed} | The library is closed." in page
    readme = (library / "README.md").read_text()
    assert "[**add_medium**](docs/ShelfApi.md#add_medium) | **POST** /media |" in readme
    assert "[SoundRecord](docs/SoundRecord.md) | A record." in readme
    assert "### library_card" in readme


def test_an_example_of_a_form_sends_the_form_of_the_contract(library: Path) -> None:
    page = (library / "docs" / "DeskApi.md").read_text()
    assert "> Card get_card(kind, pin=pin)" in page
    assert "    api_response = api_instance.get_card(kind)\n" in page


def test_the_snippets_of_the_pages_are_valid_python(library: Path) -> None:
    for page in sorted((library / "docs").glob("*.md")):
        for snippet in page.read_text().split("```python\n")[1:]:
            compile(snippet.partition("```")[0], str(page), "exec")
