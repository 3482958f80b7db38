"""The asyncio client sends the very bytes that the synchronous one sends."""

from __future__ import annotations

import asyncio

import pytest

from knetik_cloud import Configuration, aio

from ..conftest import RecordingServer
from ..test_golden_requests import GOLDEN


@pytest.mark.parametrize("operation", GOLDEN)
def test_request_is_exactly_these_bytes(operation: str, server: RecordingServer) -> None:
    call, response, expected = GOLDEN[operation]
    server.responses = [response]

    async def main() -> None:
        async with aio.ApiClient(Configuration(server.url, user_agent="test", retries=0)) as client:
            await call(aio.UsersInventoryApi(client))  # type: ignore[arg-type]

    asyncio.run(main())
    assert server.requests == [expected.format(host=server.url.removeprefix("http://")).encode()]
