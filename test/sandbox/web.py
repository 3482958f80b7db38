"""A small HTTP client for the sandbox's tests, which sends exactly the given requests."""

from __future__ import annotations

import http.client
import json as json_module
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit


@dataclass(frozen=True)
class Reply:
    """A response: its status, header fields in lower case, and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json_module.loads(self.body)

    @property
    def problem(self) -> dict[str, Any]:
        """The one problem of a Result."""
        (only,) = self.json["result"]
        return dict(only)

    @property
    def fields(self) -> list[str | None]:
        """The fields that a Result names."""
        return [each["field"] for each in self.json["result"]]


class Web:
    """Calls one server over one connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)

    def call(
        self,
        method: str,
        path: str,
        json: Any = ...,
        *,
        query: dict[str, Any] | None = None,
        form: dict[str, str] | None = None,
        body: bytes | None = None,
        token: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        sent = dict(headers or {})
        if json is not ...:
            body = json_module.dumps(json).encode()
            sent.setdefault("Content-Type", "application/json")
        if form is not None:
            body = urlencode(form).encode()
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        target = f"{path}?{urlencode(query)}" if query else path
        self._connection.request(method, target, body, sent)
        response = self._connection.getresponse()
        fields = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, fields, response.read())

    def get(self, path: str, **options: Any) -> Reply:
        return self.call("GET", path, **options)

    def post(self, path: str, json: Any = ..., **options: Any) -> Reply:
        return self.call("POST", path, json, **options)

    def put(self, path: str, json: Any = ..., **options: Any) -> Reply:
        return self.call("PUT", path, json, **options)

    def delete(self, path: str, **options: Any) -> Reply:
        return self.call("DELETE", path, **options)

    def token(self, **form: str) -> str:
        """Get an access token; the demo data's client by default."""
        fields = form or {"grant_type": "client_credentials", "client_secret": "client_secret_example"}
        reply = self.post("/oauth/token", form={"client_id": "knetik", **fields})
        assert reply.status == 200, reply.body
        return str(reply.json["access_token"])

    def create_item(self, *behaviors: dict[str, Any], **fields: Any) -> int:
        """Create an item with these behaviors, and return its ID."""
        item = {"type_hint": "entitlement", "name": "Thing", "behaviors": list(behaviors), **fields}
        reply = self.post("/entitlements", item)
        assert reply.status == 201, reply.body
        return int(reply.json["id"])

    def grant(self, user_id: int, item_id: int) -> Reply:
        return self.post(f"/users/{user_id}/entitlements", {"entitlement_id": item_id})

    def use(self, user_id: int | str, item_id: int, **options: Any) -> Reply:
        return self.post(f"/users/{user_id}/entitlements/{item_id}/use", **options)

    def check(self, user_id: int | str, item_id: int, **options: Any) -> Reply:
        return self.get(f"/users/{user_id}/entitlements/{item_id}/check", **options)

    def entries(self, user_id: int, item_id: int) -> list[dict[str, Any]]:
        """List a user's entries of an item, inactive ones included."""
        query = {"inactive": "true", "filter_item_id": item_id, "size": 1000}
        return list(self.get(f"/users/{user_id}/inventory", query=query).json["content"])

    def close(self) -> None:
        self._connection.close()
