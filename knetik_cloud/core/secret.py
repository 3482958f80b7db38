"""A text that no log line, repr, traceback or pickle shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, overload

import six

MASK = "***"


class Secret:
    """Hold a token or a password; only `reveal()` gives it out.

    `repr`, `str` and `format` show `***`; pickling is refused, since a pickle would carry the text.
    """

    __slots__ = ("_reveal",)

    def __init__(self, text: str | bytes) -> None:
        value = six.ensure_str(text)
        # A closure, not an attribute: tools that print an object's attributes find no text to print.
        self._reveal: Callable[[], str] = lambda: value

    @overload
    @classmethod
    def wrap(cls, text: None) -> None: ...
    @overload
    @classmethod
    def wrap(cls, text: str | bytes | Secret) -> Secret: ...
    @classmethod
    def wrap(cls, text: str | bytes | Secret | None) -> Secret | None:
        """Make a Secret of a text; a Secret and None are returned as they are."""
        return text if text is None or isinstance(text, Secret) else cls(text)

    def reveal(self) -> str:
        """Give out the text. Keep it out of local variables of frames that may raise."""
        return self._reveal()

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self.reveal()

    def __hash__(self) -> int:
        return hash(self.reveal())

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret can't be pickled: the pickle would carry the text; pass credentials anew")
