"""The causes of errors, without tracebacks and secrets."""

from __future__ import annotations

from collections.abc import Sequence

from knetik_cloud.secret import Secret, masked


def without_tracebacks(error: BaseException) -> BaseException:
    """Remove the tracebacks of an error and its causes, since their frames may contain the token."""
    for link in chain_of(error):
        link.__traceback__ = None
    return error


def chain_of(error: BaseException) -> list[BaseException]:
    """List an error, all its causes and contexts, and the errors of groups."""
    found = [error]
    for link in found:
        linked = [link.__cause__, link.__context__]
        if isinstance(link, BaseExceptionGroup):
            linked += link.exceptions
        found += [each for each in linked if each is not None and not any(each is known for known in found)]
    return found


def sanitize_cause(cause: BaseException | None, secrets: Sequence[Secret]) -> BaseException | None:
    """Return `cause` without tracebacks, or a `RuntimeError` with its masked text if it contains a secret."""
    if cause is None:
        return None
    for link in chain_of(without_tracebacks(cause)):
        text = f"{link!r} {link} {link.args!r}"
        if masked(text, secrets) != text:
            return RuntimeError(f"{type(cause).__name__}: {masked(str(cause), secrets)}")
    return cause
