"""Raw responses: streamed in chunks, within the limits, and without a read timeout for a slow caller."""

from __future__ import annotations

import asyncio

import pytest

from knetik_cloud import ApiTimeoutException, ApiValueError, Configuration, DeadlineExceeded, aio

from .service import ReceivedRequest, Service, http, until

BODY = b"[" + b"1," * 500_000 + b"1]"


async def large(request: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
    writer.write(http(BODY))


async def stalled(request: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
    writer.write(http(BODY)[:300_000])
    await asyncio.sleep(60)


def client_of(service: Service, **settings: float) -> aio.ApiClient:
    return aio.ApiClient(Configuration(service.url, **settings))  # type: ignore[arg-type]


async def open_stream(client: aio.ApiClient) -> aio.rest.RESTResponse:
    return await client.raw(aio.UsersInventoryApi(client).get_user_inventory, 56, 56)


def assert_no_data(response: aio.rest.RESTResponse) -> None:
    with pytest.raises(ApiValueError, match="a streamed response has no data: read it with"):
        _ = response.data


def test_a_stream_yields_the_body_in_chunks_and_releases_its_connection_at_the_end() -> None:
    async def main() -> None:
        async with Service(large) as service, aio.ApiClient(Configuration(service.url)) as client:
            for _ in range(2):
                response = await open_stream(client)
                assert_no_data(response)
                first = await response.read(1000)
                chunks = [chunk async for chunk in response.stream(4096)]
                assert_no_data(response)
                assert first + b"".join(chunks) == BODY
                assert max(map(len, chunks)) <= 4096
            assert service.connections == 1

    asyncio.run(main())


def test_a_slow_reader_causes_no_read_timeout_and_a_slow_service_does() -> None:
    async def main() -> None:
        async with (
            Service(large) as service,
            aio.ApiClient(Configuration(service.url, timeout=1)) as client,
        ):
            response = await open_stream(client)
            await asyncio.sleep(1.2)
            assert await response.read() == BODY
            service.responder = stalled
            response = await open_stream(client)
            with pytest.raises(ApiTimeoutException, match="did not respond in time"):
                await response.read()
            await until(lambda: service.open <= 1)

    asyncio.run(main())


def test_the_deadline_of_the_call_holds_for_its_stream() -> None:
    async def main() -> None:
        async with (
            Service(stalled) as service,
            aio.ApiClient(Configuration(service.url, deadline=1)) as client,
        ):
            response = await open_stream(client)
            with pytest.raises(DeadlineExceeded):
                await response.read()
            response = await open_stream(client)
            await response.close()
            with pytest.raises(ApiValueError, match="closed"):
                await response.read()

    asyncio.run(main())


def test_a_pause_of_the_caller_in_a_body_larger_than_all_buffers_causes_no_timeout() -> None:
    whole = b'"' + b"x" * 8_000_000 + b'"'

    async def huge(request: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(http(whole))
        await writer.drain()

    async def main() -> None:
        async with Service(huge) as service, client_of(service, timeout=1) as client:
            response = await open_stream(client)
            got = b""
            for _ in range(2):
                got += await response.read(1000)
                await asyncio.sleep(1.2)
            assert got + await response.read() == whole
            response = await client.raw(aio.UsersInventoryApi(client).get_user_inventory, 56, 56, _deadline=1)
            await response.read(1000)
            await asyncio.sleep(1.2)
            with pytest.raises(DeadlineExceeded):
                await response.read()

    asyncio.run(main())
