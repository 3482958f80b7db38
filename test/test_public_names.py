"""The public names are exactly the documented ones, and each has a docstring."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import knetik_cloud

ROOT = Path(__file__).parent.parent

HAND_WRITTEN = {
    "AccessToken",
    "AccessTokenApi",
    "ApiClient",
    "ApiConnectionException",
    "ApiException",
    "ApiResponse",
    "ApiResponseError",
    "ApiTimeoutException",
    "ApiValueError",
    "AsyncTokenProvider",
    "BadRequestException",
    "Configuration",
    "ConflictException",
    "DeadlineExceeded",
    "ForbiddenException",
    "Health",
    "Hook",
    "NotFoundException",
    "Outcome",
    "Pager",
    "RowsMovedWarning",
    "Secret",
    "ServiceException",
    "TokenProvider",
    "TooManyRequestsException",
    "UnauthorizedException",
    "UnprocessableEntityException",
    "UsersInventoryApi",
    "WaitFailed",
    "__version__",
    "deadline",
    "once",
}


def test_names_are_the_hand_written_ones_and_the_documented_models() -> None:
    pages = {path.stem for path in (ROOT / "docs").glob("[A-Z]*.md")} - {
        "UsersInventoryApi",
        "AccessTokenApi",
    }
    assert set(knetik_cloud.__all__) == HAND_WRITTEN | pages
    assert len(knetik_cloud.__all__) == len(set(knetik_cloud.__all__))


def test_every_public_name_is_there_and_documented() -> None:
    for name in set(knetik_cloud.__all__) - {"__version__"}:
        value = getattr(knetik_cloud, name)
        assert inspect.getdoc(value), name
        for member, method in inspect.getmembers(value, inspect.isfunction):
            assert member.startswith("_") or inspect.getdoc(method), f"{name}.{member}"


def test_star_import_provides_the_public_names() -> None:
    namespace: dict[str, object] = {}
    exec("from knetik_cloud import *", namespace)
    assert set(namespace) - {"__builtins__"} == set(knetik_cloud.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="UserInventoryApi"):
        knetik_cloud.UserInventoryApi  # noqa: B018


def modules() -> list[str]:
    files = (ROOT / "knetik_cloud").rglob("*.py")
    paths = sorted(path for path in files if not path.name.startswith("hook-"))  # which PyInstaller runs
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


@pytest.mark.parametrize("name", modules())
def test_module_opens_with_a_sentence_on_what_it_is_for(name: str) -> None:
    module: ModuleType = importlib.import_module(name)
    assert (module.__doc__ or "").strip().partition("\n")[0].rstrip().endswith((".", ":", ","))


def test_importing_everything_by_name_warns_of_nothing() -> None:
    code = "import knetik_cloud; [getattr(knetik_cloud, name) for name in knetik_cloud.__all__]"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=ROOT)
