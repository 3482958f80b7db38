"""The causes of errors, made fit to be shown: without tracebacks and without secrets."""

from __future__ import annotations

from collections.abc import Sequence

from knetik_cloud.secret import Secret, masked


def without_tracebacks(error: BaseException) -> BaseException:
    """Take the tracebacks off an error and its causes: frames of an HTTP library hold the token."""
    for link in chain_of(error):
        link.__traceback__ = None
    return error


def chain_of(error: BaseException) -> list[BaseException]:
    """List an error and all its causes and contexts."""
    found = [error]
    for link in found:
        found += [
            linked
            for linked in (link.__cause__, link.__context__)
            if linked is not None and not any(linked is known for known in found)
        ]
    return found


def sanitize_cause(cause: BaseException | None, secrets: Sequence[Secret]) -> BaseException | None:
    """Give a cause without tracebacks; one that shows a secret is replaced by its text, masked."""
    if cause is None:
        return None
    for link in chain_of(without_tracebacks(cause)):
        said = f"{link!r} {link} {link.args!r}"
        if masked(said, secrets) != said:
            return RuntimeError(f"{type(cause).__name__}: {masked(str(cause), secrets)}")
    return cause
