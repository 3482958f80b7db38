"""The journal: the last requests and responses, with secrets masked and a curl line for each.

Recording an exchange is cheap, because its bytes are stored unchanged. They are masked and formatted when
the journal is read, and leave this module in no other form.
"""

from __future__ import annotations

import json
import secrets
import threading
import warnings
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from knetik_cloud.sandbox import curl
from knetik_cloud.sandbox.masking import masked_body, masked_form, masked_header, text_of

MAX_BODY_CHARACTERS = 16 * 1024
"""The number of bytes of a body that the journal keeps."""

MAX_JOURNAL_BYTES = 16 * 2**20
"""The approximate size of all exchanges that the journal keeps, headers included."""

FIELD_BYTES = 150
"""The memory that a header field takes in addition to its characters."""

EXCHANGE_BYTES = 1000
"""The memory that an exchange takes in addition to its fields and bodies."""


@dataclass(slots=True)
class Facts:
    """Facts about a request that only the service knows, for the journal.

    `user_id` is the user named by the path, with `me` and user names resolved. `checks` are the checks of
    the item rules behind a denial, as `Check.to_dict` returns them. `caller` is whose token the request
    carried: `user:ID`, `client:ID`, or None without a valid one.
    """

    user_id: int | None = None
    checks: list[dict[str, Any]] | None = None
    caller: str | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its response. `operation` is None for a path that no operation has.

    `time` is the sandbox's time in epoch seconds, and `milliseconds` the duration of the call. `answer` is
    the body of the response, and `status` is None if none was sent. Secrets are masked in all fields, and
    bodies are cut after 16,384 bytes.
    `applied_fault` describes the fault if `fault` is true. `user_id` is the user named by the path. `checks`
    are the checks of the item rules, if they denied the request. `caller` is the owner of its token:
    `user:ID`, `client:ID`, or None without a valid token.
    """

    number: int
    time: float
    operation: str | None
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: str | None
    status: int | None
    answer: str | None
    milliseconds: float
    fault: bool
    curl: str
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    applied_fault: Mapping[str, Any] | None = None
    user_id: int | None = None
    checks: Sequence[Mapping[str, Any]] | None = None
    caller: str | None = None

    @property
    def json(self) -> Any:
        """The request's body, parsed as JSON, or None if it is empty.

        Raises:
            ValueError: If the body was cut.
        """
        return json.loads(self.body) if self.body else None

    def to_dict(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)

    def resource(self) -> dict[str, Any]:
        """Return it as a JSON object. Deprecated: use `to_dict`. Version 2.0.0 removes this name."""
        message = "Exchange.resource() is deprecated: use to_dict(). Version 2.0.0 removes it"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return self.to_dict()


@dataclass(slots=True)
class Recorded:
    """One request and its response as they went over the wire, secrets included.

    `scheme` and `server` are the server's own. `status` is None if no response was sent. Bodies may be cut.
    """

    time: float
    operation: str | None
    scheme: str
    server: tuple[str, int | None] | None
    method: str
    path: bytes
    query: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    status: int | None
    answer_headers: Sequence[tuple[bytes, bytes]]
    answer: bytes
    seconds: float
    fault: Mapping[str, Any] | None = None
    facts: Facts | None = None
    number: int = 0

    def __post_init__(self) -> None:
        self.body = self.body[:MAX_BODY_CHARACTERS]
        self.answer = self.answer[:MAX_BODY_CHARACTERS]

    @property
    def size(self) -> int:
        """The approximate memory that it takes, in bytes."""
        fields = (*self.headers, *self.answer_headers)
        texts = len(self.path) + len(self.query) + len(self.body) + len(self.answer)
        return EXCHANGE_BYTES + texts + sum(len(name) + len(value) + FIELD_BYTES for name, value in fields)

    def __repr__(self) -> str:
        return f"<Recorded {self.method} {self.operation}>"

    def exchange(self, whole: bool = True) -> Exchange:
        """Return it in a readable form, with secrets masked.

        Args:
            whole: False leaves out the headers, the bodies and the curl line, which take most of the time.
        """
        headers = _readable(self.headers) if whole else {}
        path, query = self.path.decode("latin-1"), masked_form(self.query.decode("latin-1"))
        body = masked_body(self.body) if whole else None
        return Exchange(
            number=self.number,
            time=self.time,
            operation=self.operation,
            method=self.method,
            path=path,
            query=query,
            headers=headers,
            body=body,
            status=self.status,
            answer=masked_body(self.answer) if whole else None,
            milliseconds=round(self.seconds * 1000, 3),
            fault=self.fault is not None,
            curl=self._curl(path, query, headers, body) if whole else "",
            answer_headers=_readable(self.answer_headers) if whole else {},
            applied_fault=self.fault,
            user_id=self.facts.user_id if self.facts else None,
            checks=self.facts.checks if self.facts else None,
            caller=self.facts.caller if self.facts else None,
        )

    def _curl(self, path: str, query: str, headers: Mapping[str, str], body: str | None) -> str:
        base = f"{self.scheme}://{headers.get('host') or _authority(self.server)}"
        target = f"{path}?{query}" if query else path
        # A body that isn't UTF-8 is sent as it was, unless a secret in it is masked.
        is_text = body is None or body.encode() == self.body or body != text_of(self.body)
        content = body if is_text else self.body
        return curl.command(self.method, base, target, curl.header_words(headers, body), content)


class Journal:
    """The last exchanges, oldest first: up to `size` of them, with up to MAX_JOURNAL_BYTES in total.

    `run` identifies a numbering of the exchanges: it changes when numbers start at 1 again.
    """

    def __init__(self, size: int) -> None:
        self.run = secrets.token_hex(4)
        self._recorded: deque[Recorded] = deque()
        self._size = size
        self._bytes = 0
        self._count = 0
        self._lock = threading.Lock()

    def record(self, recorded: Recorded) -> None:
        """Add an exchange and assign the next number to it."""
        with self._lock:
            self._count += 1
            recorded.number = self._count
            self._recorded.append(recorded)
            self._bytes += recorded.size
            while len(self._recorded) > self._size or self._bytes > MAX_JOURNAL_BYTES:
                self._bytes -= self._recorded.popleft().size

    def exchanges(self, operation: str | None = None) -> list[Exchange]:
        """List the stored exchanges, oldest first, optionally of one operation."""
        return [each.exchange() for each in self._kept() if operation in (None, each.operation)]

    def last_number(self) -> int:
        """Return the number of the newest exchange, or 0 without any."""
        return self._count

    def newest(
        self,
        limit: int,
        *,
        before: int | None = None,
        after: int = 0,
        matches: Callable[[Exchange], bool] | None = None,
        whole: bool = True,
    ) -> list[Exchange]:
        """List up to `limit` exchanges, newest first.

        Args:
            limit: Maximum number of exchanges to return.
            before: Only exchanges with a smaller number. None means no limit.
            after: Only exchanges with a larger number.
            matches: Only exchanges for which it returns True.
            whole: False allows exchanges without headers, bodies and curl line, which are faster to list.
        """
        found: list[Exchange] = []
        for recorded in reversed(self._kept()):
            if len(found) == limit or recorded.number <= after:
                break
            if before is None or recorded.number < before:
                exchange = recorded.exchange(whole)
                if matches is None or matches(exchange):
                    found.append(exchange)
        return found

    def exchange(self, number: int) -> Exchange | None:
        """Return the exchange with a number, or None if the journal does not hold it."""
        found = self.newest(1, before=number + 1, after=number - 1)
        return found[0] if found else None

    def clear(self) -> None:
        """Discard all exchanges. Numbers start at 1 again."""
        with self._lock:
            self.run = secrets.token_hex(4)
            self._recorded.clear()
            self._bytes = self._count = 0

    def _kept(self) -> list[Recorded]:
        with self._lock:
            return list(self._recorded)


def _readable(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Decode header fields, and mask the secrets in them."""
    decoded = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
    return {name: masked_header(name, value) for name, value in decoded}


def _authority(server: tuple[str, int | None] | None) -> str:
    """Return the host and port of the server, for requests without a `Host`."""
    host, port = server or ("localhost", None)
    host = f"[{host}]" if ":" in host else host
    return host if port is None else f"{host}:{port}"
