"""Instants: the whole epoch seconds that the service speaks, and the aware datetimes that people think in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, overload

from knetik_cloud.data import types
from knetik_cloud.exceptions import ApiResponseError, ApiValueError

if TYPE_CHECKING:
    import datetime as dt

    from knetik_cloud.data.model import Model

EARLIEST, LATEST = -62_135_596_800, 253_402_300_799
YEARS = "epoch seconds of the years 1 to 9999"
EXPECTED = "whole epoch seconds, an aware datetime or an ISO 8601 text with its offset"


class Seconds(types.Integer):
    """Epoch seconds that a `datetime` can hold; a number beyond is most likely one of milliseconds."""

    def __init__(self) -> None:
        super().__init__(64)

    def convert(self, value: Any, where: str) -> int:
        seconds = super().convert(value, where)
        if not EARLIEST <= seconds <= LATEST:
            raise ApiValueError(f"{types.invalid_value_error(where, YEARS, seconds).reason}{_hint(seconds)}")
        return seconds


class Epoch(Seconds):
    """An instant: an int (or its decimal text) of epoch seconds, an aware `datetime`, or an ISO 8601 text.

    A naive one is refused, since its instant depends on where it is read. Fractions of a second are cut off.
    """

    def __init__(self) -> None:
        super().__init__()
        self.expected = EXPECTED

    def convert(self, value: Any, where: str) -> int:
        if isinstance(value, str):
            value = _read(value, where)
        return super().convert(value if isinstance(value, int) else _seconds(value, where), where)


class Instant:
    """An attribute beside a field of epoch seconds, which gives and takes it as an aware `datetime`.

    Reading gives UTC, and None where the field is absent or null. Assigning takes an aware `datetime`, an
    ISO 8601 text with its offset, epoch seconds, or None, and writes the field; so does deleting.
    """

    def __init__(self, field: str) -> None:
        self._field = field

    def __set_name__(self, owner: type[Model], name: str) -> None:
        self._name = f"{owner.__name__}.{name}"
        self.__doc__ = f"`{self._field}` as an aware datetime in UTC; None where that is absent or null."

    @overload
    def __get__(self, model: None, owner: type[Model]) -> Self: ...
    @overload
    def __get__(self, model: Model, owner: type[Model]) -> dt.datetime | None: ...
    def __get__(self, model: Model | None, owner: type[Model]) -> Self | dt.datetime | None:
        """Give the instant in UTC.

        Raises:
            ApiResponseError: the service gave something that is no instant of the years 1 to 9999.
        """
        if model is None:
            return self
        seconds = getattr(model, self._field)
        return None if seconds is None else _moment(seconds, self._name)

    def __set__(self, model: Model, value: dt.datetime | str | int | None) -> None:
        setattr(model, self._field, None if value is None else EPOCH.convert(value, self._name))

    def __delete__(self, model: Model) -> None:
        delattr(model, self._field)


def instant(field: str) -> Instant:
    """Declare the `datetime` attribute of a model's field of epoch seconds."""
    return Instant(field)


def epoch_seconds(value: dt.datetime | str | int, where: str) -> int:
    """Give the epoch seconds of an instant, however it is said.

    Raises:
        ApiValueError: it is naive, no instant, or out of range; the message names `where`.
    """
    return EPOCH.convert(value, where)


def _read(text: str, where: str) -> Any:
    """Read a text: digits are epoch seconds, anything else is ISO 8601."""
    digits = text[1:] if text[:1] == "-" else text
    if digits.isascii() and digits.isdigit() and len(digits) < 20:
        return int(text)
    moment = types.DateTime.parse(text)
    if moment is None:
        raise types.invalid_value_error(where, EXPECTED, text)
    return moment


def _seconds(value: Any, where: str) -> int:
    import datetime as dt

    if not isinstance(value, dt.datetime):
        raise types.invalid_value_error(where, EXPECTED, value)
    if value.utcoffset() is None:
        raise types.invalid_value_error(
            where, f"{EXPECTED}; without an offset it may be any of 27 instants", value
        )
    return (value - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(seconds=1)


def _moment(seconds: Any, where: str) -> dt.datetime:
    import datetime as dt

    try:
        if type(seconds) is int:
            return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
    except OverflowError:
        pass
    raise ApiResponseError(
        reason=f"{types.invalid_response_error(where, YEARS, seconds).reason}{_hint(seconds)}"
    )


def _hint(seconds: Any) -> str:
    """Say what a number beyond all years may be."""
    if type(seconds) is int and EARLIEST <= seconds // 1000 <= LATEST:
        return ": these look like milliseconds, so divide them by 1000"
    return ""


EPOCH = Epoch()
SECONDS = Seconds()
