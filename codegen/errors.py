"""Names the exception class that stands for a documented error status."""

from __future__ import annotations

from knetik_cloud.exceptions import ApiException, ServiceException, exception_class


def exception_name(status: str) -> str:
    """Return the name of the class for a status of the contract: `404`, `5XX` or `default`."""
    if status.isdigit():
        return exception_class(int(status)).__name__
    return (ServiceException if status.upper() == "5XX" else ApiException).__name__
