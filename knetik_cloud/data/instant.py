"""Instants: points in time that the service counts in epoch seconds, as aware `datetime` attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, overload

from knetik_cloud.data import types
from knetik_cloud.exceptions import ApiResponseError

if TYPE_CHECKING:
    import datetime as dt

    from knetik_cloud.data.model import Model

EPOCH = types.Epoch()


class Instant:
    """An attribute that returns and accepts a field of epoch seconds as an aware `datetime`.

    A read returns UTC, or None if the field is absent or null. An assignment accepts an aware `datetime`, an
    ISO 8601 string with its offset, epoch seconds, or None, and sets the field. Deletion removes the field.
    """

    def __init__(self, field: str) -> None:
        self._field = field

    def __set_name__(self, owner: type[Model], name: str) -> None:
        self._name = name
        self.__doc__ = f"`{self._field}` as an aware datetime in UTC, or None if that is absent or null."

    @overload
    def __get__(self, model: None, owner: type[Model]) -> Self: ...
    @overload
    def __get__(self, model: Model, owner: type[Model]) -> dt.datetime | None: ...
    def __get__(self, model: Model | None, owner: type[Model]) -> Self | dt.datetime | None:
        """Return the instant in UTC.

        Raises:
            ApiResponseError: If the service returned a number outside the years 1 to 9999.
        """
        if model is None:
            return self
        seconds = getattr(model, self._field)
        if seconds is None:
            return None
        if type(seconds) is int and types.EARLIEST <= seconds <= types.LATEST:
            import datetime as dt

            return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
        error = types.invalid_response_error(f"{type(model).__name__}.{self._name}", types.YEARS, seconds)
        raise ApiResponseError(reason=f"{error.reason}{types.milliseconds_hint(seconds)}")

    def __set__(self, model: Model, value: dt.datetime | str | int | None) -> None:
        where = f"{type(model).__name__}.{self._name}"
        setattr(model, self._field, None if value is None else EPOCH.convert(value, where))

    def __delete__(self, model: Model) -> None:
        delattr(model, self._field)


def instant(field: str) -> Instant:
    """Declare the `datetime` attribute of a field of epoch seconds."""
    return Instant(field)


epoch_seconds = EPOCH.convert
"""The function that converts an instant to epoch seconds, or raises an `ApiValueError` that names `where`."""
