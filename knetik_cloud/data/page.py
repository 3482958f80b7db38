"""`Page`: the base of models that hold one page of a list. Its rows can be read as a table."""

from __future__ import annotations

from typing import Any, ClassVar

from knetik_cloud import upward
from knetik_cloud.data.model import Model


class Page(Model):
    """One page of a list of items.

    A page can be read as an Arrow stream, so pandas, Polars, DuckDB and pyarrow accept it as a table. The
    columns follow from the contract, so every page of a list has the same ones. This needs the extra `arrow`.
    """

    _items: ClassVar[str] = "content"

    def __init_subclass__(cls, *, items: str | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        if items is not None:
            cls._items = items

    def to_arrow(self) -> Any:
        """Return the items of this page as a `pyarrow.Table`.

        Raises:
            ImportError: If the extra `arrow` is not installed.
            ApiResponseError: If the response holds something other than a list of objects.
        """
        return upward.load("arrow").page_table(self)

    def to_pandas(self) -> Any:
        """Return the items of this page as a `pandas.DataFrame` with Arrow's types.

        Raises:
            ImportError: If pandas or the extra `arrow` is not installed.
            ApiResponseError: If the response holds something other than a list of objects.
        """
        return upward.load("arrow").to_pandas(self.to_arrow())

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def _repr_html_(self) -> str:
        return upward.load("cards").page_card(self)  # type: ignore[no-any-return]
